"""Athena's query executions, really executed: sqlglot parses, Glue resolves, DuckDB runs, S3 receives."""
