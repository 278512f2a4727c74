"""The summary of a day's run, for people."""
