"""Prints what a day's run came to, from what the run itself left in the bucket and the tables."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import date

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from demo.airflow_local import airflow_address
from demo.front_end import front_end_address
from demo.options import AIRFLOW, FRONT_END, LOCAL_AWS, Program
from demo.runs import Outcome
from local_aws.environment import endpoint_url as aws_address
from stock_pipeline.daily_summary.summary import RunSummary
from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake
from stock_pipeline.verdicts import Verdict

COUNTS = ("rows", "matched", "unmatched", "rejected", "changed", "to_zero", "from_zero")
COLOURS = {"accepted": "green", "held": "yellow", "rejected": "red", "missing": "yellow", "failed": "red"}


def console() -> Console:
    """Where the demo is told; wide enough for the tables even where the output is a file."""
    return Console(highlight=False, soft_wrap=True, width=max(110, shutil.get_terminal_size().columns))


def read_summary(lake: Lake, day: date) -> RunSummary | None:
    """The summary which the run of a day wrote; None if it wrote none."""
    body = lake.read_or_none(locations.run_summary_key(day))
    return RunSummary.model_validate_json(body) if body else None


def show_summary(console: Console, summary: RunSummary) -> None:
    """A table of the suppliers, then the ebay table's figures and the upload files."""
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


def missing_feeds(summary: RunSummary) -> list[str]:
    """A sentence on the suppliers that sent nothing, if there are any."""
    codes = [feed.supplier for feed in summary.feeds if feed.verdict is Verdict.MISSING]
    return (
        [f"no file came from {', '.join(codes)}: their last accepted stock stays in force"] if codes else []
    )


def show_attention(console: Console, outcomes: Sequence[Outcome]) -> None:
    """What needs attention, run by run."""
    if not any(one.attention for one in outcomes):
        console.print("\n[bold]Nothing needs attention.[/]")
        return
    console.print("\n[bold]Needs attention[/]")
    for one in outcomes:
        if one.attention:
            console.print(f"  {one.dag_id} for {one.day}: {one.address}")
        for sentence in one.attention:
            console.print(f"  [yellow]-[/] {shown(sentence)}")


def show_places(console: Console, ports: dict[Program, int], newest: Outcome, bucket: str) -> None:
    """Where to look, in this demo with its ports and the newest day it has."""
    aws = ports[LOCAL_AWS]
    moved = [] if aws == LOCAL_AWS.default else [f"{LOCAL_AWS.variable}={aws}"]
    console.print(f"\n[bold]To look at[/] (the newest day is {newest.day})")
    for name, place in {
        "the page": f"{front_end_address(ports[FRONT_END])}/?day={newest.day}  (for operations staff)",
        "its run": newest.address,
        "Airflow": f"{airflow_address(ports[AIRFLOW])}  (no password: only this machine reaches it)",
        "the tables": " ".join(['make sql Q="SELECT * FROM ebay LIMIT 10"', *moved]),
        "the bucket": f"s3://{bucket} at {aws_address(aws)}",
    }.items():
        console.print(f"  {name:<14}{place}")
    console.print("Everything stays up until: make down")


def shown(text: str) -> str:
    """Text that may quote a file or its name, as nothing but text to a terminal."""
    return escape("".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text))
