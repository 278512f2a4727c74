"""Puts feeds and tables into the bucket, as staff and the refreshes of product and store would."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from aws_operators.glue_partitions import PartitionInput, ensure_partitions
from stock_pipeline import locations
from stock_pipeline.tables import PRODUCT, STORE

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
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


def upload_tables(s3: S3Client, glue: GlueClient, bucket: str, database: str, folder: Path) -> None:
    """Upload product and store files as they lie in `folder`, and register the store's partitions."""
    paths = [folder / PRODUCT.key(), *sorted((folder / STORE.name).rglob("data.parquet"))]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda path: s3.upload_file(str(path), bucket, str(path.relative_to(folder))), paths))
    stores = [path.parent.relative_to(folder) for path in paths[1:]]
    partitions: list[PartitionInput] = [
        {
            "values": [part.partition("=")[2] for part in store.parts[1:]],
            "location": f"s3://{bucket}/{store}/",
        }
        for store in stores
    ]
    ensure_partitions(glue, database, STORE.name, partitions)
