"""Names and texts spelled safely in DuckDB's SQL."""

from __future__ import annotations

from sqlglot import exp


def identifier(name: str) -> str:
    """Quote a name."""
    return exp.to_identifier(name, quoted=True).sql(dialect="duckdb")


def literal(text: str) -> str:
    """Quote a text."""
    return exp.Literal.string(text).sql(dialect="duckdb")
