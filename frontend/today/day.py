"""What a day looks like: every supplier's state and the table's, worked out of what is in S3 and Airflow.

It asks for nothing: the same objects and runs give the same picture, so that a page opened late,
a lost message or a repeated one makes no difference.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from frontend.core.airflow import Run
from frontend.today.published import PublishedStore, days_of, published_in_words
from stock_pipeline.daily_summary.summary import RunSummary
from stock_pipeline.feeds.report import FeedReport

WAIT_TASK = "feed.wait_for_file"
FEED_TASK = "feed.process_feed"
ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})

TABLE_STEPS = {
    "register_snapshots": "registering the snapshots",
    "plan_table": "planning the table",
    "create_staging_table": "building the table",
    "audit": "checking the table",
    "plan_carry_over": "checking the table",
    "carry_over": "keeping the published rows of suppliers that failed the check",
    "audit_again": "checking the table again",
    "publish_ebay": "publishing the table",
    "register_ebay": "publishing the table",
    "write_upload_files": "writing the files for eBay",
    "summarise": "summing up",
}
"""What a run does for the table, by task, in words."""


class State(StrEnum):
    """Where a supplier's feed of a day is. The verdicts are the pipeline's own words."""

    ABSENT = "no file yet"
    UPLOADED = "uploaded"
    WAITING = "waiting"
    PROCESSING = "processing"
    ACCEPTED = "accepted"
    HELD = "held"
    REJECTED = "rejected"
    MISSING = "missing"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Stored:
    """A document in the bucket, and when it was written."""

    report: FeedReport
    written: datetime


@dataclass(frozen=True, slots=True)
class StoredSummary:
    """The summary of a whole day's run, and when it was written."""

    summary: RunSummary
    written: datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """The file of a supplier that counts on the day."""

    name: str
    uploaded: datetime


@dataclass(frozen=True, slots=True)
class SupplierDay:
    """One supplier's line.

    Attributes:
        since: when that was so, as far as it is known.
        text: a sentence for people.
        report: on the feed that was judged last, if one was.
    """

    supplier: str
    state: State
    since: datetime | None
    text: str
    report: FeedReport | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """The picture of a day.

    Attributes:
        run: the run that is at work for the day, else the last one for it, if Airflow knows any.
        table: a sentence on what the day's runs did for the ebay table.
        published: a sentence on what of it is published now, by whichever run or rollback.
        summary: of the last run for the whole day or of a newer one for some suppliers.
        strangers: names of uploads that belong to no supplier.
        problems: what could not be asked, as sentences; the rest of the picture is right all the same.
    """

    day: date
    suppliers: tuple[SupplierDay, ...]
    run: Run | None
    table: str
    published: str
    summary: StoredSummary | None
    strangers: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def count(self, state: State) -> int:
        """How many suppliers are in a state."""
        return sum(line.state is state for line in self.suppliers)

    def held(self) -> list[SupplierDay]:
        """The suppliers whose feeds are held."""
        return [line for line in self.suppliers if line.state is State.HELD]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a day.

    Attributes:
        uploads: the file of each supplier that counts.
        reports: each supplier's report.
        summary: the newest summary of the day.
        runs: the day's runs of `daily_stock`, newest first; the active one with its tasks.
        published: the stores of the ebay table as they are now.
    """

    uploads: Mapping[str, Upload]
    reports: Mapping[str, Stored]
    summary: StoredSummary | None
    runs: Sequence[Run]
    published: Mapping[str, PublishedStore] = field(default_factory=dict)
    strangers: Sequence[str] = ()
    problems: Sequence[str] = ()


def picture(day: date, suppliers: Collection[str], facts: Facts) -> Day:
    """Work out a day's picture.

    Args:
        day: the day.
        suppliers: all supplier codes, in the order of the suppliers file.
        facts: what is known of it.
    """
    active = next((run for run in facts.runs if run.active), None)
    run = active or next(iter(facts.runs), None)
    lines = tuple(_line(code, facts, active, suppliers) for code in suppliers)
    return Day(
        day=day,
        suppliers=lines,
        run=run,
        table=_table(day, facts, active),
        published=published_in_words(facts.published),
        summary=facts.summary,
        strangers=tuple(facts.strangers),
        problems=tuple(facts.problems),
    )


def planned(run: Run, suppliers: Collection[str]) -> list[str]:
    """The suppliers a run is for, in the order of its mapped tasks."""
    return list(dict.fromkeys(run.conf.get("suppliers") or suppliers))


def _line(code: str, facts: Facts, active: Run | None, suppliers: Collection[str]) -> SupplierDay:
    stored, upload = facts.reports.get(code), facts.uploads.get(code)
    report = stored.report if stored else None
    if active and code in (chosen := planned(active, suppliers)):
        index = chosen.index(code)
        # A report of this very run is the end of it, even if Airflow has not noted that yet.
        judged = stored and active.started and stored.written >= active.started
        state = active.tasks.get((FEED_TASK, index))
        if state in {"failed", "upstream_failed"}:
            text = "its task failed: see the log in the run; the last snapshot stays in force"
            return SupplierDay(code, State.FAILED, None, text, report)
        if not judged and state not in ENDED:
            if state == "running" or active.tasks.get((WAIT_TASK, index)) in ENDED:
                return SupplierDay(code, State.PROCESSING, None, "its file is being judged", report)
            text = "its file is next" if upload else "the run waits for its file"
            return SupplierDay(code, State.WAITING, None, text, report)
    if stored and not (upload and upload.uploaded > stored.written):
        return SupplierDay(code, State(stored.report.verdict), stored.written, stored.report.reason, report)
    if upload:
        text = f"{upload.name} is there, and no run has judged it yet"
        return SupplierDay(code, State.UPLOADED, upload.uploaded, text, report)
    return SupplierDay(code, State.ABSENT, None, "nothing has been uploaded")


def _table(day: date, facts: Facts, active: Run | None) -> str:
    if active:
        running = [task for (task, _), state in active.tasks.items() if state == "running"]
        step = next((words for task, words in TABLE_STEPS.items() if task in running), None)
        return f"A run is {step}." if step else "A run is at work on the feeds."
    if facts.summary is None:
        return "No run has made the table for this day yet."
    summary = facts.summary.summary
    if summary.published:
        listings = sum(summary.changed.values())
        if all(store.day != day for store in facts.published.values()):
            return (
                f"A run published the table of this day, with {listings:,} listings for eBay, but it is no "
                "longer the one in force."
            )
        return f"The table is published; {listings:,} listings are in the files for eBay."
    if summary.dry_run:
        return "The last run was a dry run: nothing was published."
    # What the run found in place may have been replaced since.
    found = f": {summary.table_now}" if days_of(facts.published) == summary.table_dates else ""
    return f"The table was NOT published{found}."
