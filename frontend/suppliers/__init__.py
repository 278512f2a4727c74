"""The page *Suppliers*."""
