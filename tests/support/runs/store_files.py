"""Files of stores and of the mapping as people upload them, and what a plain computation makes of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO, StringIO
from typing import Any

import openpyxl
import polars as pl

from stock_pipeline.lake import locations
from stock_pipeline.lake.tables import STORE
from tests.support.runs.stack import Stack

HEADER = (
    "item_id", "brand", "custom_label", "current_quantity", "title", "current_price", "prefix", "uk_rtg",
    "fps_wds_dir", "payment_profile_name", "shipping_profile_name", "return_profile_name",
)  # fmt: skip


def row(item_id: Any, label: Any, prefix: Any = "UKD-BGA", **other: Any) -> dict[str, Any]:
    """A row of a store's file."""
    return {
        "item_id": item_id,
        "brand": "Bosch",
        "custom_label": label,
        "current_quantity": 3,
        "title": f"Brake disc {label}".strip(),
        "current_price": 12.99,
        "prefix": prefix,
        "uk_rtg": "UK",
        "fps_wds_dir": "FPS",
        "payment_profile_name": "Payment A",
        "shipping_profile_name": "Post 24 h",
        "return_profile_name": "Return 30 days",
        **other,
    }


def as_csv(rows: Iterable[Mapping[str, Any]], header: Sequence[str] = HEADER) -> bytes:
    sink = StringIO()
    writer = csv.writer(sink)
    writer.writerow(header)
    writer.writerows(["" if cell is None else cell for cell in one.values()] for one in rows)
    return sink.getvalue().encode()


def as_workbook(sheets: Mapping[str, Iterable[Mapping[str, Any]]], header: Sequence[str] = HEADER) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        sheet.append(list(header))
        for one in rows:
            sheet.append(list(one.values()))
    sink = BytesIO()
    book.save(sink)
    return sink.getvalue()


def listing(one: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The supplier and the columns that a sound row comes to."""
    own = one["uk_rtg"] == "RTG" or not one["prefix"]
    kept = {name: one[name] for name in STORE.columns}
    kept["custom_label"] = str(one["custom_label"]).strip().upper()
    return "RTG" if own else str(one["prefix"]).rpartition("-")[2], kept


@dataclass
class Listings:
    """The store table as a dictionary: columns and supplier by store and item."""

    rows: dict[tuple[str, int], tuple[str, dict[str, Any]]] = field(default_factory=dict)

    def merged(self, store: str, uploaded: Iterable[Mapping[str, Any]], *, full: bool = False) -> Listings:
        """The table after a sound file of a store."""
        kept = {key: value for key, value in self.rows.items() if not (full and key[0] == store)}
        return Listings(kept | {(store, int(one["item_id"])): listing(one) for one in uploaded})


def read_store(stack: Stack, only: tuple[str, str] | None = None) -> Listings:
    """The table as its objects are, by the catalog, or one partition of it."""
    found = {}
    for store, supplier in [only] if only else stack.partitions(STORE.name):
        body = stack.body(STORE.key(store, supplier))
        for one in pl.read_parquet(BytesIO(body), hive_partitioning=False).to_dicts():
            assert (store, one["item_id"]) not in found
            found[store, one["item_id"]] = supplier, one
    return Listings(found)


def upload(stack: Stack, day: date, name: str, body: bytes) -> str:
    key = f"{locations.STORE_FEEDS}{locations.day_prefix(day)}{name}"
    stack.put(key, body)
    return key
