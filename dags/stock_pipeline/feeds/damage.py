"""Recognise codes that a program has changed on the way: a list opened in Excel and saved again.

Excel drops leading zeros, and makes dates and powers of ten of codes that look like them. The codes still
read well, match nothing, and so their labels would silently go to 0.
"""

from __future__ import annotations

import polars as pl

MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
LIKE_A_DATE = (
    rf"(?i)^(?:[0-9]{{1,2}}[-/. ](?:{MONTHS})[a-z]*(?:[-/. ][0-9]{{2,4}})?"
    rf"|(?:{MONTHS})[a-z]*[-/. ][0-9]{{2,4}}"
    r"|[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}(?:[ t][0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?)$"
)
LIKE_A_POWER = r"(?i)^[0-9](?:\.[0-9]+)?e\+[0-9]+$"
BETWEEN_LABELS = r"[\s,;|]+"
"""What is between two labels in one cell; `+` and `/` are part of labels."""

UNSEEN = r"\p{Cf}"
"""Letters without a shape: soft hyphens, joiners, direction marks."""


def damaged_codes(
    unmatched: pl.DataFrame, parts: pl.DataFrame, listed: pl.Series, usual: pl.Series
) -> pl.DataFrame:
    """Find unmatched codes that seem to be known ones, changed by a program.

    Args:
        unmatched: `key` and `code` (String) of rows without a label.
        parts: `key` (String) of the parts the supplier's mapping knows.
        listed: the keys of all codes of the list.
        usual: the keys of the codes the supplier has sent before, however odd they look.

    Returns:
        `key`, `code`, `meant` (String, the known code it may be; null for a date or a power of ten), a row
        for each distinct code.
    """
    fresh = _fresh(unmatched, usual).with_columns(bare=_bare("key"))
    missing = (
        parts.select("key")
        .unique(maintain_order=True)
        .join(listed.alias("key").to_frame(), on="key", how="anti")
        .select(_bare("key").alias("bare"), meant="key")
        .drop_nulls("bare")
        .unique("bare", maintain_order=True)
    )
    odd = pl.col("code").str.contains(LIKE_A_DATE) | pl.col("code").str.contains(LIKE_A_POWER)
    return (
        fresh.join(missing, on="bare", how="left", maintain_order="left")
        .filter(odd | pl.col("meant").is_not_null())
        .select("key", "code", "meant")
    )


def damaged_labels(unmatched: pl.DataFrame, labels: pl.Series, usual: pl.Series) -> pl.DataFrame:
    """Find unknown lines of an out list that name known labels: several in one cell, or with unseen letters.

    Args:
        unmatched: `key` and `code` (String) of lines that are no label.
        labels: the keys of the labels that are known.
        usual: the keys of the lines the list had before.

    Returns:
        `key`, `code`, `meant` (String, the first known label in it), a row for each distinct line.
    """
    known = labels.alias("meant").to_frame().unique()
    return (
        _fresh(unmatched, usual)
        .with_columns(meant=_pieces("key"))
        .explode("meant")
        .join(known.with_columns(known=True), on="meant", how="left", maintain_order="left")
        .group_by("key", maintain_order=True)
        .agg(pl.col("code", "meant").first(), pl.col("known").fill_null(value=False).all())
        .filter("known")
        .drop("known")
    )


def _fresh(unmatched: pl.DataFrame, usual: pl.Series) -> pl.DataFrame:
    """Drop repeated codes and those that were sent before."""
    distinct = unmatched.select("key", "code").unique("key", maintain_order=True)
    return distinct.join(usual.alias("key").to_frame(), on="key", how="anti", maintain_order="left")


def _pieces(column: str) -> pl.Expr:
    spaced = pl.col(column).str.replace_all(UNSEEN, "").str.replace_all(BETWEEN_LABELS, " ")
    return spaced.str.strip_chars(" ").str.split(" ")


def _bare(column: str) -> pl.Expr:
    """Reduce a code to what no program changes: letters and digits, without zeros in front; empty is null."""
    letters = pl.col(column).str.replace(r"\.0+$", "").str.replace_all(r"[^\p{L}\p{N}]", "")
    return letters.str.strip_chars_start("0").replace("", None)
