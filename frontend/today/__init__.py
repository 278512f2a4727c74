"""The page *Today*."""
