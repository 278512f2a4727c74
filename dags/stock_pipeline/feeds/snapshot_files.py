"""The snapshots as they lie in the bucket, each with a record of the codes it came from."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING

import polars as pl
from botocore.exceptions import ClientError

from stock_pipeline.errors import MissingTableError
from stock_pipeline.feeds.comparison import Baseline, content_of, record_of_codes
from stock_pipeline.feeds.snapshot import Snapshot
from stock_pipeline.lake import locations
from stock_pipeline.lake.objects import parquet, put
from stock_pipeline.lake.tables import SUPPLIER_STOCK

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RELEASED_METADATA = "released"
"""Metadata of a snapshot that was released by a person, which lets its changes through the table's audit."""
CONTENT_METADATA = "content"
"""Metadata of a snapshot: what its list said, as `content_of` digests it."""


def write_snapshot(
    s3: S3Client, bucket: str, supplier: str, run_date: date, snapshot: Snapshot, *, released: bool
) -> str:
    """Write a snapshot, and before it the codes which later feeds are compared with; returns its key."""
    codes = record_of_codes(snapshot)
    put(s3, bucket, locations.stock_feed_codes_key(run_date, supplier), parquet(codes))
    key = SUPPLIER_STOCK.key(supplier, *locations.date_parts(run_date))
    s3.put_object(
        Bucket=bucket,
        Key=key,
        Body=parquet(snapshot.table.match_to_schema(SUPPLIER_STOCK.schema)),
        Metadata={CONTENT_METADATA: content_of(codes)} | ({RELEASED_METADATA: "true"} if released else {}),
    )
    return key


def snapshot_metadata(s3: S3Client, bucket: str, supplier: str, day: date) -> dict[str, str]:
    """What is noted on a registered snapshot.

    Raises:
        MissingTableError: it is not in the bucket.
    """
    key = SUPPLIER_STOCK.key(supplier, *locations.date_parts(day))
    try:
        return s3.head_object(Bucket=bucket, Key=key)["Metadata"]
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
            raise _gone(bucket, key, day) from error
        raise


def read_baseline(s3: S3Client, bucket: str, supplier: str, day: date) -> Baseline:
    """What a supplier's accepted feed of a day came to, for later ones to be compared with.

    Raises:
        MissingTableError: the day's snapshot is not in the bucket.
    """
    try:
        key = locations.stock_feed_codes_key(day, supplier)
        codes = pl.read_parquet(BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))
    except s3.exceptions.NoSuchKey:
        codes = None
    key = SUPPLIER_STOCK.key(supplier, *locations.date_parts(day))
    try:
        found = s3.get_object(Bucket=bucket, Key=key)
    except s3.exceptions.NoSuchKey as error:
        raise _gone(bucket, key, day) from error
    table = pl.read_parquet(BytesIO(found["Body"].read()), columns=["custom_label", "quantity"])
    return Baseline(day, table, codes, released=RELEASED_METADATA in found["Metadata"])


def _gone(bucket: str, key: str, day: date) -> MissingTableError:
    return MissingTableError(
        f"the snapshot of {day} is registered, but s3://{bucket}/{key} is gone: "
        "restore the object's last version, or delete the partition"
    )
