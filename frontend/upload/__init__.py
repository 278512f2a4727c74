"""The page *Upload*."""
