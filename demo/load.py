"""Puts feeds and lists into the bucket, as staff would."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from stock_pipeline import locations
from stock_pipeline.tables import PRODUCT, STORE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def feed_days(feeds: Path) -> Iterator[tuple[date, Path]]:
    """The days of a folder of feeds: its subfolders named YYYY-MM-DD, in order."""
    for folder in sorted(entry for entry in feeds.iterdir() if entry.is_dir()):
        try:
            yield date.fromisoformat(folder.name), folder
        except ValueError:
            continue


def upload_feeds(s3: S3Client, bucket: str, day: date, folder: Path) -> int:
    """Upload a day's workbooks; returns how many."""
    paths = [path for path in sorted(folder.iterdir()) if path.is_file()]
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
