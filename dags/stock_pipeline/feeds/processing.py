"""One supplier's feed of one day, from the uploaded workbook to the snapshot and its report.

Whatever staff or a supplier can get wrong ends in a verdict and a sentence. An exception means something of
ours is broken: a table that is not there, a service that does not answer.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from stock_pipeline.feeds.comparison import Known, content_of, content_since, record_of_codes
from stock_pipeline.feeds.day_files import Uploads, same_content
from stock_pipeline.feeds.evidence import evidence_of
from stock_pipeline.feeds.feed_reader import FeedReader
from stock_pipeline.feeds.judgement import Judgement, OtherSuppliers, judge, refusal
from stock_pipeline.feeds.known import what_is_known
from stock_pipeline.feeds.mapping import product_table
from stock_pipeline.feeds.report import (
    FeedFile,
    FeedReport,
    last_days,
    read_report,
    rows_for_staff,
    sample_rows,
)
from stock_pipeline.feeds.snapshot import Snapshot
from stock_pipeline.feeds.snapshot_files import write_snapshot
from stock_pipeline.lake import locations
from stock_pipeline.lake.catalog import snapshot_dates
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.uploaded import UploadedFile, quarantine
from stock_pipeline.releases import Release
from stock_pipeline.spreadsheets.export import harmless_csv
from stock_pipeline.suppliers import Supplier, SuppliersFile
from stock_pipeline.verdicts import Verdict

log = logging.getLogger(__name__)


def process_feed(
    lake: Lake,
    *,
    suppliers: SuppliersFile,
    supplier: Supplier,
    run_date: date,
    release: Release | None = None,
    accept_first: bool = False,
) -> FeedReport:
    """Judge a supplier's feed of a day; if it is accepted, write its snapshot. Always writes the report.

    Judged again the same way however often it runs: it compares with snapshots of earlier days only, and a
    feed that is not accepted leaves whatever snapshot the day already has.

    Args:
        lake: the bucket and the catalog.
        suppliers: the suppliers file.
        supplier: whose feed it is.
        run_date: the day.
        release: accepts a feed that would be held. A release given before for the same file of that day
            holds still, so that a rerun ends as the run before it did.
        accept_first: whether the supplier's first list may be taken, though nothing is compared with it.

    Raises:
        MissingTableError: the mapping or a registered snapshot is not in the bucket.
    """
    dates = [day for day in snapshot_dates(lake, supplier.code) if day <= run_date]
    last_date = max((day for day in dates if day < run_date), default=None)
    report = FeedReport(
        run_date=run_date,
        supplier=supplier.code,
        verdict=Verdict.MISSING,
        reason=f"no file for {run_date}; upload {supplier.code}_….xlsx to "
        f"{lake.url(locations.stock_feed_prefix(run_date))} and run the day again",
        last_snapshot=last_date,
    )
    earlier = read_report(lake, run_date, supplier.code)
    # The rows an earlier run of the day listed are another file's.
    lake.delete(locations.stock_feed_rows_key(run_date, supplier.code))
    uploads = Uploads.of_day(lake, suppliers, run_date)
    if file := uploads.counting(supplier.code):
        report.file = FeedFile(
            key=file.key,
            size=file.size,
            last_modified=file.last_modified,
            not_read=sorted(other.shown for other in uploads.of_supplier(supplier.code) if other is not file),
        )
        last = Uploads.of_day(lake, suppliers, last_date) if last_date else None
        with FeedReader(once=True) as reader:
            # The reader's process starts while this is fetched.
            known = what_is_known(lake, supplier=supplier, run_date=run_date)
            task = _Task(
                lake,
                suppliers,
                supplier,
                file,
                report.file,
                uploads,
                last,
                known,
                reader,
                earlier,
                accept_first,
            )
            task.fill_in(report, [entry for entry in (release, earlier and earlier.release) if entry])
    # What an earlier run of the day accepted stays in force.
    in_force = run_date if report.verdict is Verdict.ACCEPTED else max(dates, default=None)
    if report.verdict is not Verdict.ACCEPTED and in_force:
        since = read_report(lake, in_force, supplier.code) if in_force < run_date else earlier
        report.content_since = (since and since.content_since) or in_force
    report.age_days = (run_date - report.content_since).days if report.content_since else None
    report.stale = (report.age_days or 0) > supplier.thresholds.max_age_days
    key = locations.stock_feed_report_key(run_date, supplier.code)
    lake.put(key, report.model_dump_json(indent=2).encode())
    log.info("%s %s: %s", supplier.code, report.verdict.upper(), report.reason)
    return report


@dataclass(frozen=True, slots=True)
class _Task:
    """A supplier's file of a day, and what judging it takes; `described` is its part of the report.

    `earlier` is the report of the day's run before this one, if there was one.
    """

    lake: Lake
    suppliers: SuppliersFile
    supplier: Supplier
    file: UploadedFile
    described: FeedFile
    uploads: Uploads
    last_uploads: Uploads | None
    known: Known
    reader: FeedReader
    earlier: FeedReport | None
    accept_first: bool

    def fill_in(self, report: FeedReport, releases: list[Release]) -> None:
        """Judge the file, fill in the report, and write the snapshot or the quarantined copy."""
        judgement = self._judge(report.run_date)
        report.counts = judgement.counts
        report.checks = judgement.checks
        report.looks_like = judgement.looks_like
        if judgement.feed:
            report.header_row = judgement.feed.header_row
            report.other_sheets = list(judgement.feed.other_sheets)
        if judgement.verdict is Verdict.REJECTED:
            report.verdict = Verdict.REJECTED
            report.reason = f"{self.file.shown} is rejected: {judgement.reason}"
            report.quarantined = quarantine(self.lake, self.file, report.run_date, report.reason)
        elif judgement.snapshot:
            self._accept_or_hold(judgement.snapshot, judgement.reason, releases, report)
            if self.known.baseline:
                report.evidence = evidence_of(judgement.snapshot, self.known.baseline)
                if report.verdict is Verdict.HELD:
                    report.evidence.last_days = last_days(self.lake, report.run_date, report.supplier)
        if judgement.feed:
            report.samples = sample_rows(judgement.feed, judgement.snapshot)
            rows = harmless_csv(rows_for_staff(judgement.feed, judgement.snapshot))
            self.lake.put(locations.stock_feed_rows_key(report.run_date, report.supplier), rows)

    def _judge(self, run_date: date) -> Judgement:
        if why := refusal(self.file.name, self.file.size):
            return Judgement.rejecting(why)
        with TemporaryDirectory(prefix="stock_feed_") as folder:
            path = Path(folder) / "feed.xlsx"
            self.lake.download(self.file.key, path)
            with path.open("rb") as body:
                sha256 = hashlib.file_digest(body, "sha256").hexdigest()
            self.described.sha256 = sha256
            days = filter(None, (self.uploads, self.last_uploads))
            others = OtherSuppliers(
                file=self.suppliers,
                mappings=None if self.supplier.lists_out_of_stock else product_table(self.lake),
                same_content=same_content(
                    self.lake, self.supplier.code, days, size=self.file.size, sha256=sha256
                ),
            )
            return judge(
                path,
                self.supplier,
                self._known(sha256),
                others,
                run_date,
                self.reader,
                accept_first=self._first_may_pass(sha256),
            )

    def _known(self, sha256: str) -> Known:
        """Leave out the day's own accepted list if it is of this very file, so that a rerun ends the same."""
        if self._was_accepted(sha256):
            return replace(self.known, past=replace(self.known.past, same_day=None))
        return self.known

    def _first_may_pass(self, sha256: str) -> bool:
        return self.accept_first or self._was_accepted(sha256)

    def _was_accepted(self, sha256: str) -> bool:
        before = self.earlier
        return bool(
            before and before.verdict is Verdict.ACCEPTED and before.file and before.file.sha256 == sha256
        )

    def _accept_or_hold(
        self, snapshot: Snapshot, why: str, releases: list[Release], report: FeedReport
    ) -> None:
        """Hold a feed that has reasons to be held, unless one of the releases is for this very file."""
        sha256 = self.described.sha256
        release = next((entry for entry in releases if entry.sha256 in {None, sha256}), None)
        if why and not release:
            report.verdict = Verdict.HELD
            report.reason = f"{self.file.shown} is held, and does not count until it is released: {why}"
            if releases:
                report.reason += "; the release that was given is for another file"
            return
        report.verdict = Verdict.ACCEPTED
        content = content_of(record_of_codes(snapshot))
        report.content_since = content_since(content, report.run_date, self.known.past.contents or {})
        report.reason = (
            "{rows:,} rows, {matched:,} of {codes:,} codes matched, {labels:,} labels of which {in_stock:,} "
            "in stock, {changed:,} changed".format(**report.counts)
        )
        if why and release:
            report.release = release.model_copy(update={"sha256": sha256})
            report.reason += f"; released by {release.by} ({release.reason}) although {why}"
        report.snapshot = write_snapshot(
            self.lake, report.supplier, report.run_date, snapshot, released=bool(report.release)
        )
