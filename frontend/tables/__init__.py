"""The page *Tables*."""
