"""Puts feeds and lists into the bucket, as staff would."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from stock_pipeline.lake import locations
from stock_pipeline.lake.tables import PRODUCT, STORE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def upload_feeds(s3: S3Client, bucket: str, day: date, folder: Path) -> int:
    """Upload a day's files, but for what file managers hide there; returns how many."""
    paths = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name[0] != "."]
    for path in paths:
        s3.upload_file(str(path), bucket, locations.stock_feed_prefix(day) + path.name)
    return len(paths)


def upload_refresh_files(s3: S3Client, bucket: str, day: date, folder: Path) -> int:
    """Upload the lists that `write_refresh_files` wrote as those of a day; returns how many."""
    prefixes = {PRODUCT.name: locations.PRODUCT_FEEDS, STORE.name: locations.STORE_FEEDS}
    paths = sorted(folder.glob("*/*"))
    for path in paths:
        key = prefixes[path.parent.name] + locations.day_prefix(day) + path.name
        s3.upload_file(str(path), bucket, key)
    return len(paths)
