"""Sums up a day's run: what became of every supplier and of the table, and whether somebody has to act."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from stock_pipeline import locations
from stock_pipeline.messages import Event, Message
from stock_pipeline.report import FeedReport, Verdict
from stock_pipeline.stock_feed import quarantine, uploaded_files
from stock_pipeline.suppliers import SuppliersFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class FeedOutcome(BaseModel):
    """A supplier's line in the summary; `verdict` is None if its task failed before there was one."""

    supplier: str
    verdict: Verdict | None = None
    reason: str = "its task failed without a verdict; the last snapshot stays in force"
    counts: dict[str, int] = {}
    age_days: int | None = None
    stale: bool = False
    report: str | None = None

    @classmethod
    def of(cls, report: FeedReport, location: str) -> FeedOutcome:
        """The line for a report that lies at `location`."""
        return cls(**report.model_dump(include=set(cls.model_fields) - {"report"}), report=location)

    @property
    def concern(self) -> str | None:
        """Why somebody has to look at it, if so. A missing file alone is no reason: not all send daily."""
        if self.verdict is None or self.verdict is Verdict.REJECTED:
            return f"{self.supplier}: {self.reason}"
        if self.stale:
            return f"{self.supplier}: STALE, its stock is {self.age_days} days old ({self.reason})"
        return None


class UnrecognisedFile(BaseModel):
    """An upload that belongs to no supplier."""

    name: str
    reason: str
    quarantined: str


class RunSummary(BaseModel):
    """One run of `daily_stock`, as it lies in the bucket.

    Attributes:
        feeds: a line for each supplier that this run was for.
        unrecognised: uploads that belong to no supplier.
        retired: suppliers whose stock is still in the table, though the suppliers file has them no more.
        failed_tasks: names of the tasks that failed.
        checks: rows of the audit: `check_name`, `subject`, `figure`, `bound`, `passed`, all text.
        published: whether the table was published.
        changed: listings in the upload files, by store; empty if there are none.
        upload_files: keys of the upload files.
        upload_zip: key of the zip of them all.
        concerns: sentences on what somebody has to look at; empty if all is well.
    """

    run_date: date
    run_id: str
    dry_run: bool = False
    feeds: list[FeedOutcome]
    unrecognised: list[UnrecognisedFile] = []
    retired: list[str] = []
    failed_tasks: list[str] = []
    checks: list[dict[str, str]] = []
    published: bool = False
    changed: dict[str, int] = {}
    upload_files: list[str] = []
    upload_zip: str | None = None
    concerns: list[str] = []

    def model_post_init(self, _context: Any) -> None:
        """Work out what needs a person."""
        if not self.concerns:
            self.concerns = [concern for feed in self.feeds if (concern := feed.concern)]
            self.concerns += [f"{file.name}: {file.reason}" for file in self.unrecognised]
            self.concerns += [
                f"{code} is no longer in the suppliers file, but its last stock is still in the table"
                for code in self.retired
            ]
            self.concerns += [f"task {name} failed: see its log" for name in self.failed_tasks]
            if not self.published and not self.dry_run:
                self.concerns.append("the ebay table was not published: yesterday's stays in place")

    def verdicts(self) -> dict[str, int]:
        """How many feeds ended in each verdict."""
        names = [feed.verdict.value if feed.verdict else "failed" for feed in self.feeds]
        return {name: names.count(name) for name in sorted(set(names))}

    def message(self, location: str | None) -> Message:
        """What the topic is told at the end of the run."""
        told = ", ".join(f"{count} {name}" for name, count in self.verdicts().items())
        done = "published" if self.published else "not published" + (" (dry run)" if self.dry_run else "")
        changed = sum(self.changed.values())
        text = f"Stock of {self.run_date}: feeds {told}; ebay table {done}, {changed:,} listings for eBay"
        if self.concerns:
            text += ". To look at: " + "; ".join(self.concerns)
        return Message(
            event=Event.RUN_FINISHED,
            run_date=self.run_date,
            subject="daily_stock",
            status="failed" if self.concerns else "success",
            counts=self.verdicts() | {"changed": changed},
            report=location,
            text=text,
        )


def quarantine_unrecognised(
    s3: S3Client, bucket: str, suppliers: SuppliersFile, run_date: date
) -> list[UnrecognisedFile]:
    """Copy the day's uploads that belong to no supplier aside, each with the reason."""
    found = []
    for file in uploaded_files(s3, bucket, run_date):
        if file.in_subfolder:
            reason = "it lies in a subfolder, so nobody's stock was read from it; upload it to the day's own"
        elif suppliers.supplier_of_file(file.name) is None:
            reason = (
                "the name begins with no supplier's code, so nobody's stock was read from it; rename it to "
                "<SUPPLIER>_….xlsx and upload it again"
            )
        else:
            reason = None
        if reason:
            found.append(
                UnrecognisedFile(
                    name=file.name, reason=reason, quarantined=quarantine(s3, bucket, file, run_date, reason)
                )
            )
    return found


def write_summary(s3: S3Client, bucket: str, summary: RunSummary, *, whole_day: bool) -> str:
    """Write the summary; returns its location. Only a run for the whole day replaces the day's summary."""
    key = locations.run_summary_key(summary.run_date, None if whole_day else summary.run_id)
    s3.put_object(Bucket=bucket, Key=key, Body=summary.model_dump_json(indent=2).encode())
    return f"s3://{bucket}/{key}"
