"""Tries a supplier's changed rules on a workbook, beside the rules in force. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from stock_pipeline.codes import match_key
from stock_pipeline.errors import RejectedFile
from stock_pipeline.feeds.checks import Baseline, Others, check_feed
from stock_pipeline.feeds.day_files import Uploads
from stock_pipeline.feeds.feed_reader import FeedReader
from stock_pipeline.feeds.mapping import read_mapping
from stock_pipeline.feeds.report import count_matches, count_rows
from stock_pipeline.feeds.snapshot import build_snapshot, movement
from stock_pipeline.feeds.snapshot_files import read_baseline
from stock_pipeline.lake.catalog import snapshot_dates
from stock_pipeline.suppliers import Supplier, SuppliersFile
from stock_pipeline.verdicts import Consequence

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class Known:
    """What a list is read against.

    Attributes:
        parts: `custom_label`, `part_number`, `key` (String each), a row for each part of each label.
        baseline: the supplier's last accepted feed of an earlier day; None if there is none.
    """

    parts: pl.DataFrame
    baseline: Baseline | None

    @property
    def last(self) -> pl.DataFrame | None:
        """`custom_label`, `quantity` of the last snapshot."""
        return self.baseline.table if self.baseline else None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a workbook comes to by some rules.

    Attributes:
        rejected: why nothing of it would count; None if it would be read.
        held: why it would not count until somebody releases it, as sentences.
        counts: as in a feed's report.
        rows: as `Feed.rows`; empty if nothing counts.
        labels: `custom_label`, `quantity`; empty if nothing counts.
    """

    rejected: str | None
    held: list[str]
    counts: dict[str, int]
    rows: pl.DataFrame
    labels: pl.DataFrame


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

    before: Reading
    after: Reading
    labels: pl.DataFrame
    rows: pl.DataFrame


def what_is_known(
    s3: S3Client, glue: GlueClient, *, bucket: str, database: str, supplier: Supplier, run_date: date
) -> Known:
    """What a supplier's list of a day is read against.

    Of an out list the labels are those of its last snapshot: the stores' own take a minute to read.

    Raises:
        MissingTableError: the product table has no data.
    """
    dates = [day for day in snapshot_dates(glue, database, supplier.code) if day < run_date]
    baseline = read_baseline(s3, bucket, supplier.code, dates[-1]) if dates else None
    if supplier.lists_out_of_stock:
        label = pl.col("custom_label")
        labels = baseline.table if baseline else pl.DataFrame(schema={"custom_label": pl.String})
        parts = labels.select(label, part_number=label, key=match_key(label))
    else:
        parts = read_mapping(s3, glue, bucket=bucket, database=database, supplier=supplier)
    return Known(parts, baseline)


def feed_of_day(
    s3: S3Client, *, bucket: str, suppliers: SuppliersFile, code: str, run_date: date
) -> str | None:
    """The key of the workbook that counts for a supplier on a day; None if there is none."""
    uploads = Uploads.of_day(s3, bucket, suppliers, run_date)
    files = [file for file in uploads.of_supplier(code) if file.is_workbook]
    return max(files, key=lambda file: (file.last_modified, file.key)).key if files else None


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
        old = _read(reader, path, before, known, run_date)
        new = _read(reader, path, after, known_after, run_date)
    labels = (
        old.labels.rename({"quantity": "before"})
        .join(new.labels.rename({"quantity": "after"}), on="custom_label", how="full", coalesce=True)
        .filter(pl.col("before").ne_missing(pl.col("after")))
        .sort("custom_label")
    )
    return Trial(old, new, labels, _differing_rows(old.rows, new.rows))


NO_ROWS = {
    "row": pl.UInt32,
    "code": pl.String,
    "key": pl.String,
    "raw": pl.String,
    "quantity": pl.Int32,
    "reason": pl.String,
}
NO_LABELS = {"custom_label": pl.String, "quantity": pl.Int32}


def _read(reader: FeedReader, path: Path, rules: Supplier, known: Known, run_date: date) -> Reading:
    try:
        feed = reader.read_feed(path, rules)
    except RejectedFile as error:
        return Reading(str(error), [], {}, pl.DataFrame(schema=NO_ROWS), pl.DataFrame(schema=NO_LABELS))
    snapshot = build_snapshot(feed, known.parts, known.last, rules, run_date)
    counts = count_rows(feed) | count_matches(snapshot)
    # Whose list it is does not depend on the rules, so the other suppliers' are left out of it.
    checks = check_feed(feed, snapshot, rules, known.baseline, Others({}, []))
    failed = [check for check in checks if not check.passed]
    rejected = [check.text for check in failed if check.consequence is Consequence.REJECTED]
    if rejected:
        return Reading("; ".join(rejected), [], counts, feed.rows, pl.DataFrame(schema=NO_LABELS))
    counts |= movement(snapshot.table, known.last)
    held = [check.text for check in failed]
    return Reading(None, held, counts, feed.rows, snapshot.table.select(list(NO_LABELS)))


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
