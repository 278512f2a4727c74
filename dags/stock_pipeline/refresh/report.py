"""What happens to a refresh of `store` or `product`: accepted, held or rejected, and everything behind it."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from stock_pipeline.file_names import shown_name
from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake
from stock_pipeline.messages import Event, Message, listed, to_look_at
from stock_pipeline.releases import Release, stated_reason
from stock_pipeline.verdicts import Verdict

EVENTS = {
    Verdict.ACCEPTED: Event.TABLE_REFRESHED,
    Verdict.HELD: Event.REFRESH_HELD,
    Verdict.REJECTED: Event.REFRESH_REJECTED,
}

HOLDS = {
    "lost_share": "{value:.1%} of what {subject} has would go, more than {limit:.0%}",
    "lost_share_by_supplier": "{value:.1%} of supplier {subject}'s rows would go, more than {limit:.0%}",
    "supplier_lost": "supplier {subject} would lose all it has, {value:,.0f} rows",
    "parts_changed_share": "{value:.1%} of supplier {subject}'s labels would have other parts, more "
    "than {limit:.0%} (look whether the part numbers are still beside their labels)",
    "to_zero_share": "{value:.1%} of supplier {subject}'s labels would go to zero by its last list, "
    "more than {limit:.0%}",
    "from_zero_share": "{value:.1%} of supplier {subject}'s labels would come back from zero by its last "
    "list, more than {limit:.0%}",
    "relabelled_share": "{value:.1%} of the file's listings which {subject} has would change their custom "
    "label, more than {limit:.0%} (look whether the labels are still beside their item ids)",
    "moved_share": "{value:.1%} of the file's listings which {subject} has would change supplier, more than "
    "{limit:.0%} (look at the column prefix)",
    "other_stores_share": "{value:.1%} of the file's listings are in another store already, more than "
    "{limit:.0%} (look whether it is that store's file)",
    "rejected_share": "{value:.1%} of the file's rows have a blank or unusable field, more than {limit:.0%}",
}
"""The checks by which a refresh is held if the figure is above its limit, and the sentence for people."""


class RefreshCheck(BaseModel):
    """One figure a refresh was judged by; `text` is a sentence for people, where there is one."""

    name: str
    subject: str
    value: float
    limit: float | None = None
    passed: bool
    text: str = ""

    @classmethod
    def hold(cls, name: str, subject: str, value: float, limit: float) -> RefreshCheck:
        """A check by which the refresh is held if the value is above its limit."""
        text = HOLDS[name].format(subject=subject, value=value, limit=limit)
        return cls(name=name, subject=subject, value=value, limit=limit, passed=value <= limit, text=text)

    @classmethod
    def of_audit(cls, row: dict[str, str]) -> RefreshCheck:
        """From a row of the audit statement: `check_name`, `subject`, `figure`, `bound`, `passed`."""
        name, subject, value = row["check_name"], row["subject"], float(row["figure"])
        if name in HOLDS:
            return cls.hold(name, subject, value, float(row["bound"]))
        limit = float(row["bound"]) if row["bound"] else None
        return cls(name=name, subject=subject, value=value, limit=limit, passed=row["passed"] == "true")


class RefreshFile(BaseModel):
    """The upload that was read, and others for the same which were not."""

    key: str
    size: int
    last_modified: datetime
    sheet: str | None = None
    not_read: list[str] = []

    @property
    def name(self) -> str:
        """What people call it."""
        name = shown_name(self.key.rpartition("/")[2])
        return f"{name}, sheet {self.sheet}" if self.sheet else name


class RefreshReport(BaseModel):
    """The report on one refresh, as it is stored in the bucket.

    Attributes:
        table: `store` or `product`.
        subject: the store, or `product`.
        verdict: None if a task failed before there was one.
        reason: a sentence for people: what happened, and what to do about it.
        replace_store: whether what the file does not list goes; of a mapping it always does.
        counts: of the file `rows`, `accepted`, `rejected`, `repeated`; of the table what the audit counted.
        suppliers: accepted rows of the file, by supplier.
        unknown_suppliers: those of them which the suppliers file does not have. They are in the table all the
            same, and have no stock until someone adds them.
        checks: the figures the verdict rests on.
        samples: up to 20 `rejected` rows, of which all are in the CSV at the key `rejected_rows`; of a
            mapping up to 20 labels of each supplier with other parts, under `parts_changed`.
        release: who released it, if it would have been held.
        published: whether the table was changed.
        removed: partitions that went, because the new table has nothing in them.
    """

    run_date: date
    run_id: str
    table: str
    subject: str
    verdict: Verdict | None = None
    reason: str = "its task failed without a verdict: see the log; nothing of it was changed"
    file: RefreshFile | None = None
    replace_store: bool
    dry_run: bool = False
    counts: dict[str, int] = {}
    suppliers: dict[str, int] = {}
    unknown_suppliers: list[str] = []
    checks: list[RefreshCheck] = []
    samples: dict[str, list[dict[str, Any]]] = {}
    rejected_rows: str | None = None
    quarantined: str | None = None
    release: Release | None = None
    published: bool = False
    removed: list[str] = []

    @property
    def concern(self) -> str | None:
        """Why it needs attention, if it does."""
        if self.verdict is Verdict.ACCEPTED:
            return None
        return f"{self.subject}: {self.reason}"

    @property
    def done(self) -> bool:
        """Whether nothing that was staged for it is needed any more."""
        return self.published or self.verdict in {Verdict.HELD, Verdict.REJECTED}

    def conclude(self) -> None:
        """Take back the verdict of what was to be published and was not: the task must have failed."""
        if self.verdict is Verdict.ACCEPTED and not self.published and not self.dry_run:
            self.verdict = None
            self.reason = "it was accepted, but publishing it failed: see the log; run the day again"

    def judge(self, audit: list[dict[str, str]], release: Release | None) -> None:
        """Come to a verdict from the audit's rows; `release` is of someone who looked at it before."""
        found = [RefreshCheck.of_audit(row) for row in audit]
        self.counts |= {
            check.name: int(check.value) for check in found if check.limit is None and not check.text
        }
        self.checks += found
        faults = listed([check.text for check in self.checks if check.text and not check.passed], "; ")
        self.release = release if faults else None
        if faults and not release:
            self.verdict = Verdict.HELD
            self.reason = (
                f"held, nothing is changed: {faults}. If that is right, run the day again with 'release' and "
                "the reason; if not, upload a better file"
            )
            return
        self.verdict = Verdict.ACCEPTED
        self.reason = ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in self.counts.items())
        if self.unknown_suppliers:
            self.reason += f"; not in the suppliers file: {listed(self.unknown_suppliers)}"
        if faults:
            self.reason += f"; released by {self.release.by if self.release else ''} although {faults}"

    def message(self, location: str) -> Message:
        """What the topic receives of it. Of a dry run that it changed nothing, as if it had been held."""
        tried = self.dry_run and self.verdict is Verdict.ACCEPTED
        return Message(
            event=Event.REFRESH_HELD if tried else EVENTS[self.verdict or Verdict.REJECTED],
            run_date=self.run_date,
            subject=self.subject,
            status="dry_run" if tried else self.verdict or "failed",
            counts=self.counts,
            report=location,
            text=f"{self.subject}: {'dry run, nothing is changed: ' if tried else ''}{self.reason}",
        )


class RefreshSummary(BaseModel):
    """One run of `weekly_store` or `monthly_product`, as it is stored in the bucket.

    Attributes:
        refreshes: a report for each store, or the one for `product`.
        not_read: uploads of which nothing was read, by name, with the reason.
        missing: stores that were asked for by name and have no file.
        failed_tasks: names of the tasks that failed.
        looked_for: where files were looked for, for people.
        concerns: sentences on what needs attention; empty if all is well.
    """

    dag_id: str
    run_date: date
    run_id: str
    dry_run: bool = False
    refreshes: list[RefreshReport]
    not_read: dict[str, str] = {}
    missing: list[str] = []
    failed_tasks: list[str] = []
    looked_for: str
    concerns: list[str] = []

    def model_post_init(self, _context: Any) -> None:
        """Work out what needs a person."""
        if not self.concerns:
            self.concerns = [concern for one in self.refreshes if (concern := one.concern)]
            self.concerns += [f"{name}: no file in {self.looked_for}" for name in self.missing]
            self.concerns += [f"task {name} failed: see its log" for name in self.failed_tasks]
            # Last, because a message names only the first concerns and anybody can upload a thousand files.
            self.concerns += [f"{name}: {reason}" for name, reason in self.not_read.items()]

    def message(self, location: str | None) -> Message:
        """What the topic receives at the end of the run."""
        names = [one.verdict.value if one.verdict else "failed" for one in self.refreshes]
        counts = {name: names.count(name) for name in sorted(set(names))}
        told = ", ".join(f"{count} {name}" for name, count in counts.items())
        text = f"{self.dag_id} of {self.run_date}: {told}" + (" (dry run)" if self.dry_run else "")
        if not names:
            text = f"{self.dag_id} of {self.run_date}: no file in {self.looked_for}, so nothing to do"
        text += to_look_at(self.concerns)
        return Message(
            event=Event.RUN_FINISHED,
            run_date=self.run_date,
            subject=self.dag_id,
            status="failed" if self.concerns else "success",
            counts=counts,
            report=location,
            text=text,
        )


def release_of(
    wanted: bool,
    reason: str | None,
    by: str | None,
    run_id: str,
) -> Release | None:
    """Return the release that a run was given; None if it was given none.

    Raises:
        NeedsPersonError: there is no reason.
    """
    if not wanted:
        return None
    return Release(by=by or "someone who started a run by hand", reason=stated_reason(reason), run_id=run_id)


def write_report(lake: Lake, dag_id: str, report: RefreshReport) -> str:
    """Write a report; returns its location. A dry run's has its own name."""
    name = f"{report.subject}_dry_run" if report.dry_run else report.subject
    key = locations.refresh_report_key(dag_id, report.run_date, name)
    lake.put(key, report.model_dump_json(indent=2).encode())
    return lake.url(key)


def write_summary(lake: Lake, summary: RefreshSummary, *, whole: bool) -> str:
    """Write a run's summary; returns its location. Only a run for everything replaces the day's summary."""
    name = "summary" if whole else "summary_" + re.sub("[^A-Za-z0-9]+", "-", summary.run_id)
    key = locations.refresh_report_key(summary.dag_id, summary.run_date, name)
    lake.put(key, summary.model_dump_json(indent=2).encode())
    return lake.url(key)
