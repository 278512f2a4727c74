"""The page *Report*."""
