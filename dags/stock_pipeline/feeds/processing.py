"""One supplier's feed of one day, from the uploaded workbook to the snapshot and its report.

Whatever staff or a supplier can get wrong ends in a verdict and a sentence. An exception means something of
ours is broken: a table that is not there, a service that does not answer.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import polars as pl

from stock_pipeline.errors import RejectedFile, UnknownHeader
from stock_pipeline.feeds.checks import Baseline, Others, check_feed, looks_like
from stock_pipeline.feeds.day_files import Uploads
from stock_pipeline.feeds.feed_reader import FeedReader
from stock_pipeline.feeds.mapping import known_elsewhere, read_mapping
from stock_pipeline.feeds.reading import Feed
from stock_pipeline.feeds.report import (
    FeedFile,
    FeedReport,
    count_matches,
    count_rows,
    read_report,
    rows_for_staff,
    sample_rows,
)
from stock_pipeline.feeds.snapshot import Snapshot, build_snapshot, movement
from stock_pipeline.feeds.snapshot_files import read_baseline, write_snapshot
from stock_pipeline.lake import locations
from stock_pipeline.lake.catalog import snapshot_dates
from stock_pipeline.lake.objects import put, sha256_of
from stock_pipeline.lake.uploaded import WORKBOOK_ENDING, UploadedFile, quarantine
from stock_pipeline.spreadsheets.export import harmless_csv
from stock_pipeline.spreadsheets.xlsx_guard import WorkbookLimits
from stock_pipeline.suppliers import Supplier, SuppliersFile
from stock_pipeline.verdicts import Consequence, Release, Verdict

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client

log = logging.getLogger(__name__)


def process_feed(
    s3: S3Client,
    glue: GlueClient,
    *,
    bucket: str,
    database: str,
    suppliers: SuppliersFile,
    supplier: Supplier,
    run_date: date,
    release: Release | None = None,
) -> FeedReport:
    """Judge a supplier's feed of a day; if it is accepted, write its snapshot. Always writes the report.

    Judged again the same way however often it runs: it compares with snapshots of earlier days only, and a
    feed that is not accepted leaves whatever snapshot the day already has.

    Args:
        s3: client.
        glue: client.
        bucket: the bucket.
        database: the Glue database.
        suppliers: the suppliers file.
        supplier: whose feed it is.
        run_date: the day.
        release: accepts a feed that would be held. A release given before for the same file of that day
            holds still, so that a rerun ends as the run before it did.

    Raises:
        MissingTableError: the mapping or a registered snapshot is not in the bucket.
    """
    dates = [day for day in snapshot_dates(glue, database, supplier.code) if day <= run_date]
    last_date = max((day for day in dates if day < run_date), default=None)
    report = FeedReport(
        run_date=run_date,
        supplier=supplier.code,
        verdict=Verdict.MISSING,
        reason=f"no file for {run_date}; upload {supplier.code}_….xlsx to "
        f"s3://{bucket}/{locations.stock_feed_prefix(run_date)} and run the day again",
        last_snapshot=last_date,
    )
    earlier = read_report(s3, bucket, run_date, supplier.code)
    # The rows an earlier run of the day listed are another file's.
    s3.delete_object(Bucket=bucket, Key=locations.stock_feed_rows_key(run_date, supplier.code))
    uploads = Uploads.of_day(s3, bucket, suppliers, run_date)
    if files := uploads.of_supplier(supplier.code):
        file = max(files, key=lambda file: (file.is_workbook, file.last_modified, file.key))
        report.file = FeedFile(
            key=file.key,
            size=file.size,
            last_modified=file.last_modified,
            not_read=sorted(other.shown for other in files if other is not file),
        )
        # The reader's process starts here, to be there when everything else is.
        with FeedReader() as reader:
            judge = _Judge(
                s3,
                bucket,
                file,
                report.file,
                suppliers,
                supplier,
                reader,
                mapping=read_mapping(s3, glue, bucket=bucket, database=database, supplier=supplier),
                baseline=read_baseline(s3, bucket, supplier.code, last_date) if last_date else None,
                uploads=uploads,
                releases=[entry for entry in (release, earlier and earlier.release) if entry],
            )
            judge.judge(report)
    # What an earlier run of the day accepted stays in force.
    in_force = run_date if report.verdict is Verdict.ACCEPTED else max(dates, default=None)
    report.age_days = (run_date - in_force).days if in_force else None
    report.stale = (report.age_days or 0) > supplier.thresholds.max_age_days
    key = locations.stock_feed_report_key(run_date, supplier.code)
    put(s3, bucket, key, report.model_dump_json(indent=2).encode())
    log.info("%s %s: %s", supplier.code, report.verdict.upper(), report.reason)
    return report


@dataclass(frozen=True, slots=True)
class _Judge:
    """A supplier's file of a day and what it is judged with; `described` is its part of the report."""

    s3: S3Client
    bucket: str
    file: UploadedFile
    described: FeedFile
    suppliers: SuppliersFile
    supplier: Supplier
    reader: FeedReader
    mapping: pl.DataFrame
    baseline: Baseline | None
    uploads: Uploads
    releases: list[Release]

    def judge(self, report: FeedReport) -> None:
        """Read the file, fill in the report, and write the snapshot or the quarantined copy."""
        feed: Feed | None = None
        snapshot: Snapshot | None = None
        try:
            feed = self._read()
            report.header_row = feed.header_row
            report.other_sheets = list(feed.other_sheets)
            report.counts = count_rows(feed)
            last = self.baseline.table if self.baseline else None
            snapshot = build_snapshot(feed, self.mapping, last, self.supplier, report.run_date)
            report.counts |= count_matches(snapshot)
            held_because = self._check(feed, snapshot, report)
        except RejectedFile as error:
            report.verdict = Verdict.REJECTED
            report.reason = f"{self.file.shown} is rejected: {error}"
            report.quarantined = quarantine(self.s3, self.bucket, self.file, report.run_date, report.reason)
        else:
            report.counts |= movement(snapshot.table, last)
            self._accept_or_hold(snapshot, held_because, report)
        if feed:
            report.samples = sample_rows(feed, snapshot)
            rows = harmless_csv(rows_for_staff(feed, snapshot))
            put(self.s3, self.bucket, locations.stock_feed_rows_key(report.run_date, report.supplier), rows)

    def _read(self) -> Feed:
        limits = WorkbookLimits()
        if not self.file.is_workbook:
            raise RejectedFile(
                f"not an {WORKBOOK_ENDING} workbook; save the list as {WORKBOOK_ENDING} and upload that"
            )
        if self.file.size > limits.file_bytes:
            raise RejectedFile(
                f"the file has {self.file.size:,} bytes; a workbook may have {limits.file_bytes:,}"
            )
        with TemporaryDirectory(prefix="stock_feed_") as folder:
            path = Path(folder) / "feed.xlsx"
            self.s3.download_file(self.bucket, self.file.key, str(path))
            with path.open("rb") as body:
                self.described.sha256 = hashlib.file_digest(body, "sha256").hexdigest()
            try:
                return self.reader.read_feed(path, self.supplier, limits)
            except UnknownHeader as error:
                if owners := self.suppliers.suppliers_with_header(error.head):
                    raise RejectedFile(
                        f"{error}; that is how lists of {' and '.join(owners)} begin"
                    ) from error
                raise
            finally:
                self.reader.close()

    def _check(self, feed: Feed, snapshot: Snapshot, report: FeedReport) -> list[str]:
        """Note every check's figure; returns why the feed is to be held, as sentences.

        Raises:
            RejectedFile: it does not pass a check without which nothing of it can be used.
        """
        known: dict[str, int] = {}
        # Labels are the seller's own, so no other supplier's part numbers are to be expected in an out list.
        if not self.supplier.lists_out_of_stock:
            keys = snapshot.codes["key"]
            known = known_elsewhere(self.s3, bucket=self.bucket, supplier=self.supplier, keys=keys)
        last_date = self.baseline.day if self.baseline else None
        others = Others(known, self._same_content(report, last_date))
        report.checks = check_feed(feed, snapshot, self.supplier, self.baseline, others)
        report.looks_like = looks_like(report.checks, others)
        likeness = [f"it looks like {report.looks_like}'s list"] if report.looks_like else []
        failed = [check for check in report.checks if not check.passed]
        if rejecting := [check.text for check in failed if check.consequence is Consequence.REJECTED]:
            raise RejectedFile("; ".join(likeness + rejecting))
        return likeness + [check.text for check in failed]

    def _same_content(self, report: FeedReport, last_date: date | None) -> list[str]:
        """Other suppliers' files of that day, or of the last accepted one, that are the same to the byte."""
        uploads = [self.uploads]
        if last_date:
            uploads.append(Uploads.of_day(self.s3, self.bucket, self.suppliers, last_date))
        return [
            f"{file.shown} of {day.run_date}"
            for day in uploads
            for file in day.of_others(report.supplier)
            if file.size == self.file.size
            and sha256_of(self.s3, self.bucket, file.key) == self.described.sha256
        ]

    def _accept_or_hold(self, snapshot: Snapshot, held_because: list[str], report: FeedReport) -> None:
        sha256 = self.described.sha256
        release = next((entry for entry in self.releases if entry.sha256 in {None, sha256}), None)
        why = "; ".join(held_because)
        if held_because and not release:
            report.verdict = Verdict.HELD
            report.reason = f"{self.file.shown} is held, and does not count until somebody releases it: {why}"
            if self.releases:
                report.reason += "; the release that was given is for another file"
            return
        report.verdict = Verdict.ACCEPTED
        report.reason = (
            "{rows:,} rows, {matched:,} of {codes:,} codes matched, {labels:,} labels of which {in_stock:,} "
            "in stock, {changed:,} changed".format(**report.counts)
        )
        if held_because and release:
            report.release = release.model_copy(update={"sha256": sha256})
            report.reason += f"; released by {release.by} ({release.reason}) although {why}"
        report.snapshot = write_snapshot(
            self.s3, self.bucket, report.supplier, report.run_date, snapshot, released=bool(report.release)
        )
