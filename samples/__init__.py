"""Sample feeds and tables, in the layouts suppliers send."""
