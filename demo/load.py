"""Puts feeds and lists into the bucket, as staff would."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.tables import PRODUCT, STORE


def upload_feeds(lake: Lake, day: date, folder: Path) -> int:
    """Upload a day's files, but for what file managers hide there; returns how many."""
    paths = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name[0] != "."]
    for path in paths:
        lake.upload(path, locations.stock_feed_prefix(day) + path.name)
    return len(paths)


def upload_refresh_files(lake: Lake, day: date, folder: Path) -> int:
    """Upload the lists that `write_refresh_files` wrote as those of a day; returns how many."""
    prefixes = {PRODUCT.name: locations.PRODUCT_FEEDS, STORE.name: locations.STORE_FEEDS}
    paths = sorted(folder.glob("*/*"))
    for path in paths:
        key = prefixes[path.parent.name] + locations.day_prefix(day) + path.name
        lake.upload(path, key)
    return len(paths)
