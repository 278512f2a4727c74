"""The upload files for eBay: which there are, what they say, and who marked them as uploaded."""

from __future__ import annotations

import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO

import polars as pl

from stock_pipeline.ebay.upload_ledger import UploadSet, upload_set
from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.publishing import published_date
from stock_pipeline.lake.tables import EBAY

READERS = 16
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ROLLBACK = "rollback_"
"""How the folders of a rollback's files begin."""


@dataclass(frozen=True, slots=True)
class File:
    """An object in a folder of upload files."""

    key: str
    size: int
    written: datetime
    tag: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.key.rpartition("/")[2]

    def is_of(self, store: str) -> bool:
        """Whether it is the store's CSV, or a part of it."""
        return re.fullmatch(rf"{re.escape(store)}(_[0-9]+)?\.csv", self.name) is not None


@dataclass(frozen=True, slots=True)
class Folder:
    """A day's upload files, or those of a rollback.

    Attributes:
        name: of the folder.
        files: what is in it, by name.
        noted: what the files say, by store; None while they are being written, or if that failed.
        marked: the stores whose files are marked as uploaded.
        written: when the last of it was written.
    """

    name: str
    files: list[File]
    noted: UploadSet | None
    marked: frozenset[str]
    written: datetime

    @property
    def title(self) -> str:
        """The folder for people: `date=2026-11-23` is 2026-11-23."""
        days = DAY.findall(self.name)
        if self.name.startswith(ROLLBACK) and len(days) > 1:
            return f"Back to {days[0]} from {days[1]}"
        return self.name.replace("date=", "")

    @property
    def zip(self) -> File | None:
        """The zip of all files."""
        return next((file for file in self.files if file.name.endswith(".zip")), None)

    @property
    def rows(self) -> int:
        """How many listings the files tell of."""
        return sum(store.rows for store in self.noted.stores.values()) if self.noted else 0

    @property
    def unmarked(self) -> list[str]:
        """The stores whose files no one has marked."""
        return sorted(set(self.noted.stores) - self.marked) if self.noted else []

    @property
    def kind(self) -> str:
        """What the files tell of, in words."""
        return "every listing" if self.noted and self.noted.full else "changes"

    @property
    def uploaded(self) -> str:
        """How many stores' files are marked, in words."""
        if self.noted is None:
            return "being written"
        if not self.marked:
            return "no"
        return f"{len(self.marked)} of {len(self.noted.stores)} stores" if self.unmarked else "yes"


def newest_folders(lake: Lake, count: int) -> list[Folder]:
    """The folders of upload files, the one that was written last first; at most `count`.

    That is the order in which people are to upload them: a day that was run again, or a rollback, tells eBay
    something newer than a folder of a later day that was written before it.
    """
    files = _all_files(lake)
    noted = _noted(lake)
    written = {
        name: max([*(file.written for file in found), *([noted[name]] if name in noted else [])])
        for name, found in files.items()
    } | {name: at for name, at in noted.items() if name not in files}
    names = sorted(written, key=lambda name: (written[name], name), reverse=True)[:count]
    marks = _marks(lake)

    def folder(name: str) -> Folder:
        return _folder(lake, name, files.get(name, []), marks, written[name])

    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(folder, names))


def _all_files(lake: Lake) -> dict[str, list[File]]:
    """All upload files by their folders."""
    found: dict[str, list[File]] = defaultdict(list)
    for entry in lake.objects(locations.EBAY_UPLOAD):
        folder, slash, _ = entry["Key"].removeprefix(locations.EBAY_UPLOAD).partition("/")
        if slash:
            file = File(entry["Key"], entry["Size"], entry["LastModified"], entry["ETag"])
            found[folder].append(file)
    return found


def _noted(lake: Lake) -> dict[str, datetime]:
    """The folders whose files are all there, and since when; also those with nothing to tell."""
    prefix = locations.upload_set_key("").removesuffix(".json")
    return {
        entry["Key"].removeprefix(prefix).removesuffix(".json"): entry["LastModified"]
        for entry in lake.objects(prefix)
    }


def _marks(lake: Lake) -> set[tuple[str, int]]:
    """Store and number of every writing that is marked."""
    found = set()
    for entry in lake.objects(locations.upload_marks_prefix()):
        folder, _, name = entry["Key"].rpartition("/")
        found.add((folder.rpartition("=")[2], int(name.removesuffix(".json"))))
    return found


def _folder(
    lake: Lake,
    name: str,
    files: list[File],
    marks: set[tuple[str, int]],
    written: datetime,
) -> Folder:
    noted = upload_set(lake, name)
    stores = noted.stores if noted else {}
    marked = frozenset(store for store, files in stores.items() if (store, files.number) in marks)
    return Folder(name, files, noted, marked, written)


def body_of(lake: Lake, file: File) -> bytes:
    """A file as it was when the folder was looked at.

    Raises:
        ClientError: it was written again since.
    """
    return lake.read(file.key, IfMatch=file.tag)


def table_date(lake: Lake, store: str) -> date | None:
    """The day the store's part of the ebay table is of."""
    return published_date(lake, EBAY, (store,))


def changed_listings(lake: Lake, file: File, store: str | None) -> pl.DataFrame:
    """The listings a file tells of.

    Args:
        lake: the bucket and the catalog.
        file: one CSV.
        store: whose table has the listings' labels; None if it is of another day by now.

    Returns:
        `item_id`, `quantity`, and if a store is given `before` (of the snapshot before), `custom_label`,
        `supplier_store`.
    """
    body = lake.read(file.key)
    told = pl.read_csv(
        BytesIO(body),
        columns=["ItemID", "Quantity"],
        schema_overrides={"ItemID": pl.Int64, "Quantity": pl.Int32},
    ).rename({"ItemID": "item_id", "Quantity": "quantity"})
    if store is None:
        return told
    body = lake.read(EBAY.key(store))
    columns = ["item_id", "quantity", "quantity_delta", "custom_label", "supplier_store"]
    table = pl.read_parquet(BytesIO(body), columns=columns).select(
        "item_id",
        "custom_label",
        "supplier_store",
        before=pl.col("quantity") - pl.col("quantity_delta"),
    )
    return told.join(table, on="item_id", how="left", maintain_order="left").select(
        "item_id", "quantity", "before", "custom_label", "supplier_store"
    )


WAYS = {
    "All": pl.lit(value=True),
    "Gone to 0": (pl.col("quantity") == 0),
    "Back in stock": (pl.col("quantity") > 0) & (pl.col("before") == 0),
}
"""What listings can be narrowed down to."""


def narrowed(listings: pl.DataFrame, search: str, suppliers: list[str], way: str) -> pl.DataFrame:
    """The listings whose item id or label contains a text, of some suppliers (or all), that went some way."""
    if text := search.strip():
        found = pl.col("item_id").cast(pl.String).str.contains(text, literal=True)
        if "custom_label" in listings.columns:
            found |= pl.col("custom_label").str.to_uppercase().str.contains(text.upper(), literal=True)
        listings = listings.filter(found)
    if suppliers:
        listings = listings.filter(pl.col("supplier_store").is_in(suppliers))
    if "before" not in listings.columns and way == "Back in stock":
        return listings.clear()
    return listings.filter(WAYS[way])
