"""Tries a supplier's changed rules on a workbook, beside the rules in force. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from stock_pipeline.feeds.comparison import Known
from stock_pipeline.feeds.day_files import Uploads
from stock_pipeline.feeds.feed_reader import FeedReader
from stock_pipeline.feeds.judgement import Judgement, OtherSuppliers, judge
from stock_pipeline.lake.lake import Lake
from stock_pipeline.suppliers import Supplier, SuppliersFile
from stock_pipeline.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Trial:
    """A workbook read twice.

    Attributes:
        before: by the rules in force.
        after: by the changed ones.
        labels: labels whose quantity differs: `custom_label`, `before`, `after` (null: not known).
        rows: rows of the sheet that are read differently: `row`, `code_before`, `stock_before`, `before`,
            `code_after`, `stock_after`, `after`, `why` (a reason, where one of the two rejects the row).
    """

    before: Judgement
    after: Judgement
    labels: pl.DataFrame
    rows: pl.DataFrame


def feed_of_day(lake: Lake, *, suppliers: SuppliersFile, code: str, run_date: date) -> str | None:
    """The key of the workbook that counts for a supplier on a day; None if there is none."""
    file = Uploads.of_day(lake, suppliers, run_date).counting(code)
    return file.key if file and file.is_workbook else None


def try_rules(
    path: Path, before: Supplier, after: Supplier, known: Known, known_after: Known, run_date: date
) -> Trial:
    """Read a workbook by the rules in force and by changed ones.

    Args:
        path: the workbook.
        before: the rules in force.
        after: the changed ones.
        known: what the list is read against.
        known_after: the same for the changed rules; another one only if they make an out list of it, or none.
        run_date: the day it is for.
    """
    with FeedReader() as reader:
        # Whose list it is does not depend on the rules, so the other suppliers do not matter.
        old = judge(path, before, known, OtherSuppliers(), run_date, reader)
        new = judge(path, after, known_after, OtherSuppliers(), run_date, reader)
    labels = (
        _labels(old)
        .rename({"quantity": "before"})
        .join(_labels(new).rename({"quantity": "after"}), on="custom_label", how="full", coalesce=True)
        .filter(pl.col("before").ne_missing(pl.col("after")))
        .sort("custom_label")
    )
    return Trial(old, new, labels, _differing_rows(_rows(old), _rows(new)))


NO_ROWS = {
    "row": pl.UInt32,
    "code": pl.String,
    "key": pl.String,
    "raw": pl.String,
    "quantity": pl.Int32,
    "reason": pl.String,
}
NO_LABELS = {"custom_label": pl.String, "quantity": pl.Int32}


def _rows(judgement: Judgement) -> pl.DataFrame:
    return judgement.feed.rows if judgement.feed else pl.DataFrame(schema=NO_ROWS)


def _labels(judgement: Judgement) -> pl.DataFrame:
    """`custom_label`, `quantity`; empty if nothing of the list counts."""
    if judgement.snapshot is None or judgement.verdict is Verdict.REJECTED:
        return pl.DataFrame(schema=NO_LABELS)
    return judgement.snapshot.table.select(list(NO_LABELS))


def _differing_rows(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    def named(rows: pl.DataFrame, side: str) -> pl.DataFrame:
        return rows.select(
            "row",
            pl.col("code").alias(f"code_{side}"),
            pl.col("raw").alias(f"stock_{side}"),
            pl.col("quantity").alias(side),
            pl.col("reason").alias(f"why_{side}"),
        )

    differs = pl.any_horizontal(
        pl.col(one).ne_missing(pl.col(other))
        for one, other in (("before", "after"), ("code_before", "code_after"))
    )
    return (
        named(before, "before")
        .join(named(after, "after"), on="row", how="full", coalesce=True)
        .filter(differs)
        .sort("row")
        .with_columns(why=pl.coalesce("why_after", "why_before"))
        .drop("why_before", "why_after")
    )
