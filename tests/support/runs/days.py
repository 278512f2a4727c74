"""Days of feeds with the tables that fit them, and what the oracle says must come of them."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq

from aws_operators.glue_partitions import PartitionInput, ensure_partitions
from demo.load import upload_feeds
from demo.options import find_feeds
from samples.feeds import write_sample_feeds
from samples.tables import write_product_and_store
from stock_pipeline.lake.tables import PRODUCT, STORE
from tests.support import oracle
from tests.support.runs.stack import Stack

FIRST, SECOND = date(2024, 8, 1), date(2024, 8, 8)
SUPPLIERS = ("APE", "BGA", "COM", "ELR", "FEB", "FPS", "KLA", "RTG")
"""ELR sends nothing, and APE's second file is to be rejected."""
STORES = ("AMS", "CPO_FPS", "OR", "RTG_RTG", "SJR")
OUT_LIST = "RTG"
FEW = ("BGA", "FPS", OUT_LIST)
"""Enough for runs about something other than feeds."""


@dataclass
class Days:
    """Folders of feeds and tables, and the oracle's view of them.

    Attributes:
        feeds: has a folder for each day.
        tables: where product and store lie.
        history: the accepted snapshots, by supplier and day.
        verdicts: by day and supplier; there is none for a supplier that sent no file.
    """

    feeds: Path
    tables: Path
    product: list[oracle.ProductRow]
    store: list[oracle.StoreRow]
    history: dict[str, dict[date, oracle.Snapshot]] = field(default_factory=lambda: defaultdict(dict))
    verdicts: dict[tuple[date, str], str] = field(default_factory=dict)

    @classmethod
    def read(cls, feeds: Path, tables: Path) -> Days:
        """Have the oracle judge all feeds, day by day."""
        days = cls(feeds, tables, _product(tables), list(_store(tables)))
        mappings: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for row in days.product:
            mappings[row.supplier].append((row.custom_label, row.part_number))
        own_labels = {row.custom_label for row in days.store if row.supplier == OUT_LIST}
        for day, folder in find_feeds(feeds).days:
            for path in sorted(folder.glob("*.xlsx")):
                days._judge(day, path, mappings, own_labels)
        return days

    def _judge(
        self, day: date, path: Path, mappings: dict[str, list[tuple[str, str]]], own_labels: set[str]
    ) -> None:
        supplier = path.name.split(" ")[0]
        try:
            feed = oracle.read_feed(path, supplier)
            verdict, _ = oracle.verdict_of(feed)
        except oracle.NotAFeed:
            verdict = "rejected"
        self.verdicts[day, supplier] = verdict
        if verdict != "accepted":
            return
        earlier = self.history[supplier]
        if supplier == OUT_LIST:
            snapshot = oracle.out_list_snapshot(feed.outcomes, own_labels)
        else:
            last = earlier[max(earlier)] if earlier else None
            snapshot = oracle.snapshot(feed, mappings[supplier], last)
        self.history[supplier][day] = snapshot

    def verdicts_of(self, day: date) -> dict[str, str]:
        """The verdicts on the feeds of a day, by supplier."""
        return {code: verdict for (of, code), verdict in self.verdicts.items() if of == day}

    def table(self, run_date: date, *only: str, without: Iterable[tuple[str, date]] = ()) -> oracle.EbayTable:
        """The ebay table of a day, of these suppliers' snapshots if some are named.

        Args:
            run_date: the day.
            only: suppliers.
            without: snapshots, by supplier and day, that are taken not to be there.
        """
        missing = set(without)
        history = {
            supplier: {
                day: made for day, made in self.history[supplier].items() if (supplier, day) not in missing
            }
            for supplier in only or self.history
        }
        return oracle.ebay_rows(self.store, self.product, *oracle.newest_two(history, run_date))

    def upload_tables(self, stack: Stack) -> None:
        """Put product and store where the refreshes publish them, without the refreshes."""
        for path in [self.tables / PRODUCT.key(), *(self.tables / STORE.name).rglob("data.parquet")]:
            stack.s3.upload_file(str(path), stack.bucket, str(path.relative_to(self.tables)))
        partitions: list[PartitionInput] = [
            {
                "values": [part.partition("=")[2] for part in folder.parts[1:]],
                "location": f"s3://{stack.bucket}/{folder}/",
            }
            for path in sorted((self.tables / STORE.name).rglob("data.parquet"))
            if (folder := path.parent.relative_to(self.tables))
        ]
        ensure_partitions(stack.glue, stack.database, STORE.name, partitions)

    def upload_feeds(self, stack: Stack, *days: date) -> None:
        for day in days or (FIRST, SECOND):
            upload_feeds(stack.lake, day, self.feeds / day.isoformat())


def write_days(folder: Path) -> Days:
    """Two days of small feeds in real layouts."""
    feeds, tables = folder / "feeds", folder / "tables"
    write_sample_feeds(feeds, [FIRST, SECOND], scale=0.02)
    for path in feeds.glob("*/*.xlsx"):
        if path.name.split(" ")[0] not in SUPPLIERS:
            path.unlink()
    write_product_and_store(feeds, tables, listings_per_label=6, own_labels=40)
    for path in (tables / "store").iterdir():
        if path.name.partition("=")[2] not in STORES:
            shutil.rmtree(path)
    return Days.read(feeds, tables)


def _product(tables: Path) -> list[oracle.ProductRow]:
    rows = pq.ParquetFile(tables / "product/data.parquet").read(list(oracle.ProductRow._fields))
    return list(map(oracle.ProductRow._make, zip(*rows.to_pydict().values(), strict=True)))


def _store(tables: Path) -> Iterator[oracle.StoreRow]:
    for path in sorted((tables / "store").rglob("data.parquet")):
        ebay_store, supplier = (part.partition("=")[2] for part in path.parent.parts[-2:])
        rows = pq.ParquetFile(path).read(["item_id", "custom_label"]).to_pydict()
        for item_id, label in zip(rows["item_id"], rows["custom_label"], strict=True):
            yield oracle.StoreRow(ebay_store, supplier, item_id, label)
