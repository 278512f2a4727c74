"""Sums up a day's run: what happened to every supplier and to the table, and whether anyone has to act."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from pydantic import BaseModel

from stock_pipeline.daily_summary.unmatched import UnmatchedList
from stock_pipeline.feeds.report import FeedReport, read_report
from stock_pipeline.file_names import name_fault
from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.uploaded import quarantine, uploaded_files
from stock_pipeline.messages import Event, Message, to_look_at
from stock_pipeline.releases import Release
from stock_pipeline.run_dates import month_before
from stock_pipeline.suppliers import SuppliersFile
from stock_pipeline.verdicts import Verdict


class FeedOutcome(BaseModel):
    """A supplier's line in the summary; `verdict` is None if its task failed before there was one.

    `stale` and `expired` say that its stock in force is older than the supplier's limit, and than a month.
    """

    supplier: str
    verdict: Verdict | None = None
    reason: str = "its task failed without a verdict; the last snapshot stays in force"
    sha256: str | None = None
    counts: dict[str, int] = {}
    looks_like: str | None = None
    release: Release | None = None
    age_days: int | None = None
    stale: bool = False
    expired: bool = False
    report: str | None = None

    @classmethod
    def of(cls, report: FeedReport, location: str) -> FeedOutcome:
        """The line for a report that is at `location`."""
        own = {"report", "sha256", "expired"}
        sha256 = report.file.sha256 if report.file else None
        fields = report.model_dump(include=set(cls.model_fields) - own)
        age = timedelta(days=report.age_days or 0)
        expired = report.run_date - age < month_before(report.run_date)
        return cls(**fields, report=location, sha256=sha256, expired=expired)

    def concern(self, *, zeroed: bool = False) -> str | None:
        """Why this feed needs attention, if it does. A missing file alone does not: not all send daily.

        Args:
            zeroed: whether its expired stock counts as 0.
        """
        if self.expired:
            now = "counts as 0" if zeroed else "stays in force"
            return (
                f"{self.supplier}: expired, its stock is {self.age_days} days old, more than a month, and "
                f"{now} until there is a good list ({self.reason})"
            )
        if self.verdict in {None, Verdict.HELD, Verdict.REJECTED}:
            return f"{self.supplier}: {self.reason}"
        if self.stale:
            return f"{self.supplier}: STALE, its stock is {self.age_days} days old ({self.reason})"
        return None


class UnrecognisedFile(BaseModel):
    """An upload that belongs to no supplier."""

    name: str
    reason: str
    quarantined: str


class StoreOutcome(BaseModel):
    """A store's line in the summary.

    Attributes:
        store: its name.
        listings: in the new table.
        changed, to_zero, from_zero, gone: of the listings published before, how many have another quantity,
            none now, some again, or are in the table no more. None before anything was published.
    """

    store: str
    listings: int
    changed: int | None = None
    to_zero: int | None = None
    from_zero: int | None = None
    gone: int | None = None


class RunSummary(BaseModel):
    """One run of `daily_stock`, as it is stored in the bucket.

    Attributes:
        feeds: a line for each supplier that this run was for.
        other_feeds: a line for each other supplier of which an earlier run of that day left a report.
        unrecognised: uploads that belong to no supplier.
        retired: suppliers whose stock is still in the table, though the suppliers file has them no more.
        kept_suppliers, kept_stores: why each supplier or store that failed the audit keeps what is published
            of it.
        zeroed: suppliers whose stock has expired and counts as none, as the suppliers file asks.
        failed_tasks: names of the tasks that failed.
        checks: rows of the last audit: `check_name`, `subject`, `figure`, `bound`, `passed`, `stops`,
            `listings`, `affected`, all text.
        published: whether the table was published.
        table_dates: if it was not: how many stores of the table there is were made for each date.
        changed: listings in the upload files, by store; empty if there are none.
        upload_files: keys of the upload files.
        upload_zip: key of the zip of them all.
        lists: labels that no store lists, and labels of listings that no supplier has.
        concerns: sentences on what needs attention; empty if all is well.
    """

    run_date: date
    run_id: str
    dry_run: bool = False
    feeds: list[FeedOutcome]
    other_feeds: list[FeedOutcome] = []
    unrecognised: list[UnrecognisedFile] = []
    retired: list[str] = []
    kept_suppliers: dict[str, str] = {}
    kept_stores: dict[str, str] = {}
    zeroed: list[str] = []
    failed_tasks: list[str] = []
    checks: list[dict[str, str]] = []
    published: bool = False
    table_dates: dict[str, int] = {}
    changed: dict[str, int] = {}
    upload_files: list[str] = []
    upload_zip: str | None = None
    lists: list[UnmatchedList] = []
    concerns: list[str] = []

    def model_post_init(self, _context: Any) -> None:
        """Work out what needs a person."""
        if not self.concerns:
            self.concerns = [
                concern
                for feed in self.feeds
                if (concern := feed.concern(zeroed=feed.supplier in self.zeroed))
            ]
            self.concerns += [
                f"{code} is no longer in the suppliers file, but its last stock is still in the table"
                for code in self.retired
            ]
            self.concerns += [
                f"{name} failed the table's audit and keeps its published {what}: {reason}. Mend the "
                f"cause, or if the change is right, run the day again with {name} under accept_changes"
                for what, kept in (("rows", self.kept_suppliers), ("file", self.kept_stores))
                for name, reason in kept.items()
            ]
            self.concerns += [f"task {name} failed: see its log" for name in self.failed_tasks]
            if not self.published and not self.dry_run:
                self.concerns.append(f"the ebay table was not published: {self.table_now}")
            # Last, because a message names only the first concerns and anybody can upload a thousand files.
            self.concerns += [f"{file.name}: {file.reason}" for file in self.unrecognised]

    @property
    def table_now(self) -> str:
        """What people read instead, if this run did not publish the table."""
        dates = [(day or "no date", count) for day, count in sorted(self.table_dates.items())]
        if not dates:
            return "there is none yet"
        if len(dates) == 1:
            return f"the one made for {dates[0][0]} stays in place"
        told = ", ".join(f"{count} made for {day}" for day, count in dates)
        return (
            f"publishing stopped midway, and its stores are of several days ({told}), each of them whole; "
            "clear publish_ebay with what follows it, or run the day again"
        )

    @property
    def stores(self) -> list[StoreOutcome]:
        """A line for each store of the new table, from the audit."""
        found: dict[str, dict[str, int]] = {}
        for row in self.checks:
            name = row["check_name"]
            if name == "listings_by_store":
                found.setdefault(row["subject"], {})["listings"] = int(row["affected"])
            elif name.startswith("share_") and name.endswith("_by_store"):
                movement = name.removeprefix("share_").removesuffix("_by_store")
                found.setdefault(row["subject"], {})[movement] = int(row["affected"])
        return [
            StoreOutcome.model_validate({"store": store, "listings": 0, **counts})
            for store, counts in sorted(found.items())
        ]

    @property
    def parts_without_label(self) -> int:
        """Codes of the day's feeds that no label is known for; each feed's own CSV has them."""
        return sum(feed.counts.get("unmatched", 0) for feed in self.feeds + self.other_feeds)

    def verdicts(self) -> dict[str, int]:
        """How many feeds ended in each verdict."""
        names = [feed.verdict.value if feed.verdict else "failed" for feed in self.feeds]
        return {name: names.count(name) for name in sorted(set(names))}

    def message(self, location: str | None) -> Message:
        """What the topic receives at the end of the run."""
        told = ", ".join(f"{count} {name}" for name, count in self.verdicts().items())
        done = "published" if self.published else "not published" + (" (dry run)" if self.dry_run else "")
        changed = sum(self.changed.values())
        unmatched = {entry.name: sum(entry.labels.values()) for entry in self.lists}
        text = f"Stock of {self.run_date}: feeds {told}; ebay table {done}, {changed:,} listings for eBay"
        text += to_look_at(self.concerns)
        return Message(
            event=Event.RUN_FINISHED,
            run_date=self.run_date,
            subject="daily_stock",
            status="failed" if self.concerns else "success",
            counts=self.verdicts()
            | {"changed": changed, "parts_without_label": self.parts_without_label}
            | unmatched,
            report=location,
            text=text,
        )


def quarantine_unrecognised(lake: Lake, suppliers: SuppliersFile, run_date: date) -> list[UnrecognisedFile]:
    """Copy the day's uploads that belong to no supplier aside, each with the reason."""
    found = []
    for file in uploaded_files(lake, run_date):
        if file.in_subfolder:
            reason = "it is in a subfolder, so no stock was read from it; upload it to the day's own"
        elif suppliers.supplier_of_file(file.name) is None:
            fault = name_fault(file.name)
            reason = (
                f"no stock was read from it: {fault}"
                if fault
                else "the name begins with no supplier's code, so no stock was read from it; rename it "
                "to <SUPPLIER>_….xlsx and upload it again"
            )
        else:
            reason = None
        if reason:
            found.append(
                UnrecognisedFile(
                    name=file.shown, reason=reason, quarantined=quarantine(lake, file, run_date, reason)
                )
            )
    return found


def other_feeds(
    lake: Lake, suppliers: SuppliersFile, run_date: date, planned: Collection[str]
) -> list[FeedOutcome]:
    """What earlier runs of the day found of the suppliers that this one is not for."""
    found = []
    for code in suppliers.suppliers:
        if code in planned:
            continue
        key = locations.stock_feed_report_key(run_date, code)
        if report := read_report(lake, run_date, code):
            found.append(FeedOutcome.of(report, lake.url(key)))
    return found


def kept_back(lake: Lake, run_date: date, supplier: str, store: str) -> str | None:
    """Why the table's audit of a day kept a supplier's or a store's published rows; None if it did not."""
    body = lake.read_or_none(locations.run_summary_key(run_date))
    if body is None:
        return None
    summary = RunSummary.model_validate_json(body)
    return summary.kept_suppliers.get(supplier) or summary.kept_stores.get(store)
