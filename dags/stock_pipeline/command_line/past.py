"""What `judge` compares a feed with, from files: a mapping, earlier workbooks, store lists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from typer import BadParameter

from stock_pipeline.errors import RejectedFile
from stock_pipeline.feeds.comparison import (
    Baseline,
    Known,
    Past,
    content_of,
    drift_day,
    record_of_codes,
)
from stock_pipeline.feeds.feed_reader import FeedReader
from stock_pipeline.feeds.mapping import labels_as_parts, parts_of
from stock_pipeline.feeds.snapshot import build_snapshot
from stock_pipeline.lake.tables import PRODUCT
from stock_pipeline.refresh.list_reader import ListReader
from stock_pipeline.suppliers import Supplier

DAY = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")


@dataclass(frozen=True, slots=True)
class Dated:
    """A workbook and the day it is for."""

    path: Path
    day: date


def day_of(path: Path) -> date | None:
    """Find the day in a file's name, or in that of the nearest folder that has one; None if none has."""
    for name in reversed(path.absolute().parts):
        for year, month, day in reversed(DAY.findall(name)):
            try:
                return date(int(year), int(month), int(day))
            except ValueError:
                continue
    return None


def dated(path: Path, day: date | None, older: Sequence[Path], today: date) -> tuple[date, list[Dated]]:
    """Give a workbook and those before it their days.

    Args:
        path: the workbook.
        day: its day, if the caller says so.
        older: earlier workbooks, oldest first.
        today: its day if neither the caller nor a name tells one.

    Returns:
        The workbook's day, and the earlier ones with theirs. One whose day nothing tells, or contradicts the
        order, is put a day before the next one.

    Raises:
        BadParameter: the caller's day is not after those of the earlier workbooks.
    """
    found = [day_of(one) for one in older]
    newest = max((one for one in found if one), default=None)
    if day is None:
        day = day_of(path) or today
        # The same day's workbook may be tried beside the real one: then it is tried as the next day's.
        if newest and day <= newest:
            day = newest + timedelta(days=1)
    elif newest and day <= newest:
        raise BadParameter(f"--against has a workbook of {newest}, and --day {day} is not after it")
    before, placed = day, []
    for one, its_day in reversed(list(zip(older, found, strict=True))):
        before = its_day if its_day and its_day < before else before - timedelta(days=1)
        placed.append(Dated(one, before))
    return day, placed[::-1]


def read_mapping(path: Path) -> pl.LazyFrame:
    """Read a mapping from a CSV, workbook or Parquet file: `custom_label`, `part_number`, `supplier`.

    Raises:
        BadParameter: it cannot be used.
    """
    names = PRODUCT.schema.names()
    if path.suffix.lower() == ".parquet":
        try:
            table = pl.scan_parquet(path)
            if missing := [name for name in names if name not in table.collect_schema().names()]:
                raise BadParameter(f"{path} has no column {', '.join(missing)}")
            return table.select(names).cast(pl.String)
        except pl.exceptions.PolarsError as error:
            raise BadParameter(f"{path} is not a Parquet file that can be read: {error}") from error
    with ListReader() as reader:
        try:
            return reader.read_mapping_file(path).mapping.lazy()
        except RejectedFile as error:
            raise BadParameter(f"{path} cannot be used as a mapping: {error}") from error


def labels_of_stores(paths: Sequence[Path], supplier: str) -> pl.DataFrame:
    """Collect the labels of a supplier from store lists (CSV, workbook or Parquet): `custom_label`.

    Raises:
        BadParameter: one cannot be used.
    """
    found = [pl.DataFrame(schema={"custom_label": pl.String})]
    with ListReader() as reader:
        for path in paths:
            try:
                found.append(_labels(path, supplier, reader))
            except (RejectedFile, pl.exceptions.PolarsError) as error:
                raise BadParameter(f"{path} cannot be used as a store list: {error}") from error
    return pl.concat(found).unique().sort("custom_label")


def _labels(path: Path, supplier: str, reader: ListReader) -> pl.DataFrame:
    if path.suffix.lower() == ".parquet":
        table = pl.scan_parquet(path)
        if "supplier" in table.collect_schema().names():
            table = table.filter(pl.col("supplier") == supplier)
        return table.select(pl.col("custom_label").cast(pl.String)).collect()
    with TemporaryDirectory(prefix="store_list_") as folder:
        listings = reader.read_listings(path, Path(folder))
        rows = pl.concat(pl.read_parquet(part) for part in listings.upload)
    return rows.filter(pl.col("accepted") & (pl.col("supplier") == supplier)).select("custom_label")


def what_is_known(
    supplier: Supplier,
    mapping: pl.LazyFrame,
    stores: Sequence[Path],
    older: Sequence[Dated],
    run_date: date,
    reader: FeedReader,
) -> Known:
    """Build what a feed is compared with, taking each earlier workbook as accepted.

    Raises:
        BadParameter: an earlier workbook cannot be read, or nothing tells the labels of an out list.
    """
    if supplier.lists_out_of_stock:
        labels = labels_of_stores(stores, supplier.code) if stores else _own_labels(mapping, supplier.code)
        if labels.is_empty():
            raise BadParameter(
                f"{supplier.code} lists what is out of stock, so its labels come from the stores: "
                "give their lists with --store"
            )
        parts = labels_as_parts(labels)
    else:
        parts = parts_of(mapping, supplier.code)
    accepted: list[Baseline] = []
    contents: dict[date, str] = {}
    for earlier in older:
        try:
            feed = reader.read_feed(earlier.path, supplier)
        except RejectedFile as error:
            raise BadParameter(f"--against {earlier.path} cannot be read: {error}") from error
        last = accepted[-1].table if accepted else None
        snapshot = build_snapshot(feed, parts, last, supplier, earlier.day)
        codes = record_of_codes(snapshot)
        contents[earlier.day] = content_of(codes)
        accepted.append(Baseline(earlier.day, snapshot.table.select("custom_label", "quantity"), codes))
    by_day = {entry.day: entry for entry in accepted}
    drift = drift_day(list(by_day), run_date, None)
    past = Past(
        drift=by_day[drift] if drift else None,
        before=accepted[-2] if len(accepted) > 1 else None,
        contents=contents,
    )
    return Known(parts, accepted[-1] if accepted else None, past)


def _own_labels(mapping: pl.LazyFrame, supplier: str) -> pl.DataFrame:
    return mapping.filter(pl.col("supplier") == supplier).select("custom_label").unique().collect()
