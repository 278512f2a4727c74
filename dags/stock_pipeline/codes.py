"""Part numbers and labels, as they are compared and shown."""

from __future__ import annotations

import polars as pl

from stock_pipeline.text import QUOTES, SPACES


def clean_code(column: pl.Expr) -> pl.Expr:
    """A code as it is compared and shown: without spaces and quotes around it; empty is null."""
    return column.str.strip_chars(SPACES + QUOTES).replace("", None)


def match_key(column: pl.Expr) -> pl.Expr:
    """What codes, part numbers and labels are matched by: cleaned and upper-cased."""
    return clean_code(column).str.to_uppercase()


def label(column: pl.Expr) -> pl.Expr:
    """A custom label as the tables have it: upper-cased, without spaces around it; empty is null.

    For ASCII, which labels are, just what `upper(trim(BOTH ' ' FROM …))` does in the statements: where the
    two differ, a listing finds no stock and is 0.
    """
    return column.str.strip_chars(" ").replace("", None).str.to_uppercase()
