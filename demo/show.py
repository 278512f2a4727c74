"""Prints what a day's run came to, from what the run itself left in the bucket and the tables."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from stock_pipeline import locations
from stock_pipeline.run_summary import RunSummary

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COUNTS = ("rows", "matched", "unmatched", "rejected", "changed", "to_zero", "from_zero")
COLOURS = {"accepted": "green", "held": "yellow", "rejected": "red", "missing": "yellow", "failed": "red"}


def read_summary(s3: S3Client, bucket: str, day: date) -> RunSummary:
    """The summary which the run of a day wrote."""
    body = s3.get_object(Bucket=bucket, Key=locations.run_summary_key(day))["Body"].read()
    return RunSummary.model_validate_json(body)


def show_summary(console: Console, summary: RunSummary) -> None:
    """A table of the suppliers, then the table's figures, the upload files and what needs a person."""
    table = Table(title=f"Stock of {summary.run_date}", title_justify="left")
    for name in ("supplier", "verdict", *(name.replace("_", " ") for name in COUNTS), "age in days"):
        table.add_column(name, justify="left" if name in {"supplier", "verdict"} else "right")
    for feed in summary.feeds:
        verdict = feed.verdict.value if feed.verdict else "failed"
        counts = [f"{feed.counts[name]:,}" if name in feed.counts else "" for name in COUNTS]
        age = "" if feed.age_days is None else str(feed.age_days)
        table.add_row(feed.supplier, f"[{COLOURS[verdict]}]{verdict}[/]", *counts, age)
    console.print(table)
    figures = {row["check_name"]: float(row["figure"]) for row in summary.checks if row["subject"] == "ebay"}
    listings, stores = (figures.get(name, 0) for name in ("listings", "stores"))
    changed = sum(summary.changed.values())
    published = "published" if summary.published else "NOT published"
    console.print(
        f"ebay table {published}: {listings:,.0f} listings in {stores:.0f} stores, {changed:,} to tell eBay"
    )
    if summary.upload_zip:
        console.print(f"{len(summary.upload_files)} upload files and one zip of them: {summary.upload_zip}")
    for concern in summary.concerns:
        console.print(f"[yellow]To look at:[/] {concern}", highlight=False)
