"""The page *Start and release*."""
