"""One supplier's feed of one day, from the uploaded workbook to the snapshot and its report.

Whatever staff or a supplier can get wrong ends in a verdict and a sentence. An exception means something of
ours is broken: a table that is not there, a service that does not answer.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import polars as pl

from stock_pipeline import locations
from stock_pipeline.archive import WorkbookLimits
from stock_pipeline.catalog import snapshot_dates
from stock_pipeline.feed import Feed, RejectedFeed, read_feed
from stock_pipeline.mapping import MissingTableError, read_mapping
from stock_pipeline.report import (
    Check,
    FeedFile,
    FeedReport,
    Verdict,
    count_matches,
    count_rows,
    rows_for_staff,
    sample_rows,
)
from stock_pipeline.snapshot import Snapshot, build_snapshot, movement
from stock_pipeline.spreadsheets import harmless_csv
from stock_pipeline.suppliers import Supplier, SuppliersFile
from stock_pipeline.tables import SUPPLIER_STOCK

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client

log = logging.getLogger(__name__)

LOCK_FILE = "~$"
WORKBOOK_ENDING = ".xlsx"


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file in the folder of a day's feeds."""

    key: str
    size: int
    last_modified: datetime
    folder: str

    @property
    def name(self) -> str:
        """The file's name below the day's folder; with a `/` in it, it lies in a subfolder."""
        return self.key.removeprefix(self.folder)

    @property
    def in_subfolder(self) -> bool:
        """Whether it was put aside: whatever lies deeper is nobody's feed, however new it is."""
        return "/" in self.name

    @property
    def is_workbook(self) -> bool:
        """Whether its name says it is a workbook we read."""
        return self.name.lower().endswith(WORKBOOK_ENDING)


def uploaded_files(s3: S3Client, bucket: str, run_date: date) -> Iterator[UploadedFile]:
    """The files uploaded for a day, those in subfolders too, without Excel's lock files."""
    yield from files_in(s3, bucket, locations.stock_feed_prefix(run_date))


def files_in(s3: S3Client, bucket: str, folder: str) -> Iterator[UploadedFile]:
    """The files in a folder (its prefix ends in `/`), those in subfolders too, without Excel's lock files."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
    for page in pages:
        for entry in page.get("Contents", []):
            file = UploadedFile(entry["Key"], entry["Size"], entry["LastModified"], folder)
            name = file.name.rpartition("/")[2]
            if name and not name.startswith(LOCK_FILE):
                yield file


def process_feed(
    s3: S3Client,
    glue: GlueClient,
    *,
    bucket: str,
    database: str,
    suppliers: SuppliersFile,
    supplier: Supplier,
    run_date: date,
) -> FeedReport:
    """Judge a supplier's feed of a day; if it is accepted, write its snapshot. Always writes the report.

    Judged again the same way however often it runs: it compares with snapshots of earlier days only, and a
    feed that is not accepted leaves whatever snapshot the day already has.

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
    # The rows an earlier run of the day listed are another file's.
    s3.delete_object(Bucket=bucket, Key=locations.stock_feed_rows_key(run_date, supplier.code))
    files = [
        file
        for file in uploaded_files(s3, bucket, run_date)
        if not file.in_subfolder and suppliers.supplier_of_file(file.name) is supplier
    ]
    if files:
        file = max(files, key=lambda file: (file.is_workbook, file.last_modified, file.key))
        report.file = FeedFile(
            key=file.key,
            size=file.size,
            last_modified=file.last_modified,
            not_read=sorted(other.name for other in files if other is not file),
        )
        last = _read_snapshot(s3, bucket, supplier.code, last_date) if last_date else None
        mapping = read_mapping(s3, glue, bucket=bucket, database=database, supplier=supplier)
        _judge(s3, bucket, file, supplier, mapping, last, report)
    # What an earlier run of the day accepted stays in force.
    in_force = run_date if report.verdict is Verdict.ACCEPTED else max(dates, default=None)
    report.age_days = (run_date - in_force).days if in_force else None
    report.stale = (report.age_days or 0) > supplier.thresholds.max_age_days
    _put(
        s3,
        bucket,
        locations.stock_feed_report_key(run_date, supplier.code),
        report.model_dump_json(indent=2).encode(),
    )
    log.info("%s %s: %s", supplier.code, report.verdict.upper(), report.reason)
    return report


def _judge(
    s3: S3Client,
    bucket: str,
    file: UploadedFile,
    supplier: Supplier,
    mapping: pl.DataFrame,
    last: pl.DataFrame | None,
    report: FeedReport,
) -> None:
    """Read the file, fill in the report, and write the snapshot or the quarantined copy."""
    feed: Feed | None = None
    snapshot: Snapshot | None = None
    try:
        feed = _download_and_read(s3, bucket, file, supplier)
        report.header_row = feed.header_row
        report.other_sheets = list(feed.other_sheets)
        report.counts = count_rows(feed)
        snapshot = build_snapshot(feed, mapping, last, supplier, report.run_date)
        report.counts |= count_matches(snapshot)
        _check(feed, snapshot, supplier, report)
    except RejectedFeed as error:
        report.verdict = Verdict.REJECTED
        report.reason = f"{file.name} is rejected: {error}"
        report.quarantined = quarantine(s3, bucket, file, report.run_date, report.reason)
    else:
        report.verdict = Verdict.ACCEPTED
        report.counts |= movement(snapshot.table, last)
        report.snapshot = SUPPLIER_STOCK.key(supplier.code, *locations.date_parts(report.run_date))
        _put(s3, bucket, report.snapshot, snapshot_file(snapshot.table))
        report.reason = (
            "{rows:,} rows, {matched:,} of {codes:,} codes matched, {labels:,} labels of which {in_stock:,} "
            "in stock, {changed:,} changed".format(**report.counts)
        )
    if feed:
        report.samples = sample_rows(feed, snapshot)
        rows = harmless_csv(rows_for_staff(feed, snapshot))
        _put(s3, bucket, locations.stock_feed_rows_key(report.run_date, supplier.code), rows)


def _download_and_read(s3: S3Client, bucket: str, file: UploadedFile, supplier: Supplier) -> Feed:
    limits = WorkbookLimits()
    if not file.is_workbook:
        raise RejectedFeed(
            f"not an {WORKBOOK_ENDING} workbook; save the list as {WORKBOOK_ENDING} and upload that"
        )
    if file.size > limits.file_bytes:
        raise RejectedFeed(f"the file has {file.size:,} bytes; a workbook may have {limits.file_bytes:,}")
    with TemporaryDirectory(prefix="stock_feed_") as folder:
        path = Path(folder) / "feed.xlsx"
        s3.download_file(bucket, file.key, str(path))
        return read_feed(path, supplier, limits)


def _check(feed: Feed, snapshot: Snapshot, supplier: Supplier, report: FeedReport) -> None:
    """Note every check's figure, then reject the feed if one does not pass."""
    limit = supplier.thresholds.max_rejected_share
    share = feed.rejected_share
    match_rate = snapshot.matched / snapshot.codes.height
    report.checks = [
        Check(name="rejected_share", value=share, limit=limit, passed=share <= limit),
        Check(name="match_rate", value=match_rate, limit=None, passed=snapshot.matched > 0),
    ]
    if share > limit:
        first = feed.rejected.row(0, named=True)
        raise RejectedFeed(
            f"{feed.rejected.height:,} of {feed.rows.height:,} rows ({share:.1%}) have no usable stock, "
            f"more than {limit:.0%}; the first, on row {first['row']}, reads {first['raw'] or ''!r}: "
            f"{first['reason']}"
        )
    if not snapshot.matched:
        raise RejectedFeed(
            f"no usable row: none of its {snapshot.codes.height:,} codes is known for {supplier.code} "
            f"({snapshot.table.height:,} labels are); is it another supplier's list?"
        )


def _read_snapshot(s3: S3Client, bucket: str, supplier: str, day: date) -> pl.DataFrame:
    key = SUPPLIER_STOCK.key(supplier, *locations.date_parts(day))
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey as error:
        raise MissingTableError(
            f"the snapshot of {day} is registered, but s3://{bucket}/{key} is gone: "
            "restore the object's last version, or delete the partition"
        ) from error
    return pl.read_parquet(BytesIO(body), columns=["custom_label", "quantity"])


def snapshot_file(table: pl.DataFrame) -> bytes:
    """A snapshot as Parquet in exactly the declared schema; the same rows give the same bytes."""
    body = BytesIO()
    table.match_to_schema(SUPPLIER_STOCK.schema).write_parquet(body, compression="zstd")
    return body.getvalue()


def quarantine(s3: S3Client, bucket: str, file: UploadedFile, run_date: date, reason: str) -> str:
    """Copy a file aside with the reason beside it; returns the copy's key. The upload stays where it is."""
    key = locations.quarantine_key(run_date, file.name)
    s3.copy({"Bucket": bucket, "Key": file.key}, bucket, key)
    _put(s3, bucket, f"{key}.txt", f"{reason}\n".encode())
    return key


def _put(s3: S3Client, bucket: str, key: str, body: bytes) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=body)
