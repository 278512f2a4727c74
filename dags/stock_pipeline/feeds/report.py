"""What happened to a feed: the verdict, every figure behind it, and samples to look at."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from pydantic import BaseModel

from stock_pipeline.feeds.evidence import DayFigures, Evidence
from stock_pipeline.feeds.reading import Feed
from stock_pipeline.feeds.snapshot import NO_LABEL, Snapshot
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.locations import date_parts, stock_feed_report_key
from stock_pipeline.messages import Event, Message
from stock_pipeline.releases import Release
from stock_pipeline.verdicts import SAMPLES, Check, Verdict

EVENTS = {
    Verdict.ACCEPTED: Event.FEED_PROCESSED,
    Verdict.HELD: Event.FEED_HELD,
    Verdict.REJECTED: Event.FEED_REJECTED,
    Verdict.MISSING: Event.FEED_MISSING,
}


DAYS = 30
FIGURES = ("rows", "in_stock", "to_zero", "from_zero")
"""What a held list's report shows of the days before it."""


class FeedFile(BaseModel):
    """The workbook that was read, and other files of that supplier and day which were not."""

    key: str
    size: int
    last_modified: datetime
    sha256: str | None = None
    not_read: list[str] = []


class FeedReport(BaseModel):
    """The report on one supplier's feed of one day, as it is stored in the bucket.

    Attributes:
        reason: a sentence for people: what happened, and what to do about it.
        other_sheets: names of sheets of the workbook that were not read.
        counts: `rows` (with a code), `without_code`, `codes` (distinct), `matched`, `unmatched` (distinct
            codes with and without a label), `rejected` (rows), `duplicates_equal`, `duplicates_differing`
            (codes), and of the snapshot `labels`, `in_stock`, `changed`, `to_zero`, `from_zero`.
        samples: up to 20 rows each of `rejected`, `unmatched` and `duplicates_differing`.
            Of a held feed these say what releasing it would change.
        checks: the figures the verdict rests on.
        looks_like: the supplier whose list this seems to be, if it seems to be another's.
        release: who had the feed accepted although it was held, and why.
        snapshot: key of the snapshot written, if the feed was accepted.
        last_snapshot: date of the supplier's last accepted snapshot of an earlier day.
        content_since: the first day on which the supplier's lists said what the list in force says. The same
            list again does not make stock younger.
        age_days: days since `content_since`; None if no snapshot is in force.
        evidence: what changed against the baseline; None if the list could not be compared.
        stale: whether that is older than the supplier's `max_age_days`.
    """

    run_date: date
    supplier: str
    verdict: Verdict
    reason: str
    file: FeedFile | None = None
    header_row: int | None = None
    other_sheets: list[str] = []
    counts: dict[str, int] = {}
    checks: list[Check] = []
    looks_like: str | None = None
    release: Release | None = None
    samples: dict[str, list[dict[str, Any]]] = {}
    snapshot: str | None = None
    quarantined: str | None = None
    last_snapshot: date | None = None
    content_since: date | None = None
    age_days: int | None = None
    evidence: Evidence | None = None
    stale: bool = False

    def partition(self, bucket: str) -> dict[str, Any] | None:
        """The partition to register if a snapshot was written: its `values` and its `location`."""
        if self.snapshot is None:
            return None
        folder = self.snapshot.rpartition("/")[0]
        return {"values": [self.supplier, *date_parts(self.run_date)], "location": f"s3://{bucket}/{folder}/"}

    def message(self, report_location: str) -> Message:
        """What the topic receives of it."""
        return Message(
            event=EVENTS[self.verdict],
            run_date=self.run_date,
            subject=self.supplier,
            status=self.verdict,
            counts=self.counts,
            report=report_location,
            text=f"{self.supplier}: {self.reason}",
        )


def read_report(lake: Lake, run_date: date, supplier: str) -> FeedReport | None:
    """The report which the last run for that day and supplier left, if there was one."""
    body = lake.read_or_none(stock_feed_report_key(run_date, supplier))
    return FeedReport.model_validate_json(body) if body else None


def last_days(lake: Lake, run_date: date, supplier: str) -> list[DayFigures]:
    """Collect the supplier's last 30 days before this one that have a report, newest first."""
    days = (run_date - timedelta(days=back) for back in range(1, DAYS + 1))
    reports = (read_report(lake, day, supplier) for day in days)
    return [
        DayFigures(
            day=report.run_date, verdict=report.verdict, **{name: report.counts.get(name) for name in FIGURES}
        )
        for report in reports
        if report
    ]


def count_rows(feed: Feed) -> dict[str, int]:
    """Figures of the list alone."""
    return {
        "rows": feed.rows.height,
        "without_code": feed.without_code,
        "rejected": feed.rejected.height,
    }


def count_matches(snapshot: Snapshot) -> dict[str, int]:
    """Figures of the list against the mapping, in distinct codes."""
    twice = snapshot.codes.filter(pl.col("times") > 1)
    return {
        "codes": snapshot.codes.height,
        "matched": snapshot.matched,
        "unmatched": snapshot.codes.height - snapshot.matched,
        "duplicates_equal": twice.filter(pl.col("quantities") <= 1).height,
        "duplicates_differing": twice.filter(pl.col("quantities") > 1).height,
    }


def sample_rows(feed: Feed, snapshot: Snapshot | None) -> dict[str, list[dict[str, Any]]]:
    """The first rows of each kind that staff may want to look at."""
    shown = ["row", "code", "raw"]
    samples = {"rejected": feed.rejected.select(*shown, "reason").head(SAMPLES).to_dicts()}
    if snapshot:
        differing = snapshot.codes.filter(pl.col("quantities") > 1).select("key")
        samples["unmatched"] = snapshot.unmatched.select(shown).head(SAMPLES).to_dicts()
        samples["duplicates_differing"] = (
            feed.rows.join(differing, on="key", how="semi").sort("key", "row").select(shown).head(SAMPLES)
        ).to_dicts()
    return samples


def rows_for_staff(feed: Feed, snapshot: Snapshot | None) -> pl.DataFrame:
    """All rejected and unmatched rows in sheet order: `row`, `code`, `stock`, `reason`."""
    rows = [feed.rejected]
    if snapshot:
        fine = snapshot.unmatched.filter(pl.col("reason").is_null())
        rows.append(fine.with_columns(reason=pl.lit(NO_LABEL)))
    return pl.concat(rows).sort("row").select("row", "code", pl.col("raw").alias("stock"), "reason")
