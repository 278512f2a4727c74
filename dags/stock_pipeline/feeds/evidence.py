"""Collect what a person needs to decide on a held list: what changed most, and the days before."""

from __future__ import annotations

from datetime import date

import polars as pl
from pydantic import BaseModel

from stock_pipeline.feeds.comparison import Baseline, paired, record_of_codes
from stock_pipeline.feeds.snapshot import Snapshot
from stock_pipeline.verdicts import SAMPLES, Verdict

BANDS = ((0, "0"), (1, "1"), (2, "2 to 4"), (5, "5 to 9"), (10, "10 or more"))
"""The bands that quantities are counted in: the least of each, and what it is called."""


class Change(BaseModel):
    """A code whose stock changed: numbers as sent; 1 and 0 for in and out of stock where there are none."""

    code: str
    before: float
    after: float


class Band(BaseModel):
    """How many labels had a quantity in this band in the baseline, and have one now."""

    stock: str
    before: int
    after: int


class DayFigures(BaseModel):
    """An earlier day of the supplier, as its report has it."""

    day: date
    verdict: Verdict
    rows: int | None = None
    in_stock: int | None = None
    to_zero: int | None = None
    from_zero: int | None = None


class Evidence(BaseModel):
    """The figures beside a verdict.

    Attributes:
        compared_with: the day of the baseline.
        changes: the codes that changed most, up to 20.
        bands: labels by their quantity, before and after.
        last_days: the supplier's last 30 days with a report, newest first; only of a held list.
    """

    compared_with: date
    changes: list[Change] = []
    bands: list[Band] = []
    last_days: list[DayFigures] = []


def evidence_of(snapshot: Snapshot, baseline: Baseline) -> Evidence:
    """Put together what the list itself and its baseline show."""
    changes: list[Change] = []
    if baseline.codes is not None:
        changes = _changes(snapshot, baseline.codes)
    before, after = _bands(baseline.table), _bands(snapshot.table)
    bands = [Band(stock=name, before=before[name], after=after[name]) for _, name in BANDS]
    return Evidence(compared_with=baseline.day, changes=changes, bands=bands)


def _changes(snapshot: Snapshot, past: pl.DataFrame) -> list[Change]:
    """Pick the codes that changed most: first those that went to or from zero, then by how many times."""
    both = paired(record_of_codes(snapshot), past).join(snapshot.codes.select("key", "code"), on="key")
    stock = pl.col("number").fill_null(pl.col("in_stock").cast(pl.Float64)).alias("after")
    then = pl.col("number_then").fill_null(pl.col("in_stock_then").cast(pl.Float64)).alias("before")
    flipped = (pl.col("in_stock") != pl.col("in_stock_then")).fill_null(value=False)
    ratio = ((pl.col("after").clip(0) + 1).log() - (pl.col("before").clip(0) + 1).log()).abs()
    most = (
        both.with_columns(stock, then)
        .filter(pl.col("after") != pl.col("before"))
        .sort(flipped, ratio, "code", descending=[True, True, False])
        .head(SAMPLES)
    )
    return [Change(**row) for row in most.select("code", "before", "after").to_dicts()]


def _bands(table: pl.DataFrame) -> dict[str, int]:
    """Count the labels by their quantity."""
    counts = dict.fromkeys((name for _, name in BANDS), 0)
    for quantity, labels in table["quantity"].value_counts().rows():
        counts[next(name for least, name in reversed(BANDS) if (quantity or 0) >= least)] += labels
    return counts
