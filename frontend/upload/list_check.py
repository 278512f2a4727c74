"""Looks at a store's or the mapping's file with the reader of its DAG, before it is sent. Nothing is written.

What would change in the store table is not asked here: that takes reading millions of listings, which is
Athena's work, and the run does it before it publishes anything.
"""

from __future__ import annotations

from collections import Counter
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import polars as pl
from pydantic import BaseModel

from frontend.core.aws import OUTAGE, outage_in_words, s3_client
from frontend.core.settings import settings
from frontend.upload.feed_check import Outlook, unchecked
from stock_pipeline.errors import RejectedFile
from stock_pipeline.file_names import name_fault
from stock_pipeline.lake.tables import PRODUCT, STORES
from stock_pipeline.refresh.list_reader import ListReader
from stock_pipeline.refresh.store import store_groups, store_of_name
from stock_pipeline.spreadsheets.lists import ENDINGS
from stock_pipeline.spreadsheets.streaming import LISTING_LIMITS
from stock_pipeline.suppliers import load_suppliers

Kind = Literal["store", "product"]


class ListRequest(BaseModel):
    """A file to look at: where its content lies and what it is called."""

    path: Path
    name: str
    kind: Kind


class ListCheck(BaseModel):
    """What a file comes to.

    Attributes:
        subject: the stores it is for; the mapping's is `product`.
        counts: `rows`, `accepted`, `rejected`, `repeated`; of a mapping `new` and `gone` too.
        suppliers: accepted rows by supplier.
    """

    subject: str
    outlook: Outlook
    text: str
    counts: dict[str, int] = {}
    suppliers: dict[str, int] = {}


def refusal(name: str, size: int, kind: Kind) -> str | None:
    """Why a file cannot be sent, as far as its name and size tell."""
    if fault := name_fault(name):
        return fault
    if Path(name).suffix.lower() not in ENDINGS:
        return f"not one of {', '.join(ENDINGS)}; save the list as one of them"
    if size > LISTING_LIMITS.file_bytes:
        return f"it has {size >> 20:,} MB; a list may have {LISTING_LIMITS.file_bytes >> 20:,}"
    if kind == "store" and store_of_name(name) is None:
        return "its name begins with no store; rename it to <STORE>_….xlsx or .csv, with one of " + ", ".join(
            (*store_groups(), *STORES)
        )
    return None


def look_at(request: ListRequest, reader: ListReader) -> ListCheck:
    """Read a file and judge its rows as the run would."""
    subject = store_of_name(request.name) if request.kind == "store" else PRODUCT.name
    found = ListCheck(subject=subject or "?", outlook=Outlook.FINE, text="")
    try:
        if request.kind == "store":
            _look_at_store(reader, request.path, found)
        else:
            _look_at_mapping(reader, request.path, found)
    except RejectedFile as error:
        found.outlook, found.text = Outlook.UNUSABLE, str(error)
        return found
    except OUTAGE as error:
        found.outlook, found.text = Outlook.UNKNOWN, unchecked(outage_in_words(error))
        return found
    counts, limit = found.counts, _rejected_limit(request.kind)
    share = counts["rejected"] / counts["rows"]
    words = [f"{counts['accepted']:,} of {counts['rows']:,} rows can be used"]
    if share > limit:
        found.outlook = Outlook.UNUSABLE if request.kind == "store" else Outlook.HELD
        words.append(f"{share:.1%} cannot, more than {limit:.0%}")
    if not counts["accepted"]:
        found.outlook = Outlook.UNUSABLE
    strangers = [code for code in found.suppliers if code not in load_suppliers().suppliers]
    if strangers:
        words.append(f"the suppliers file has no {', '.join(strangers)}: their listings get no stock")
    found.text = "; ".join([*words, *filter(None, [found.text])])
    return found


def _rejected_limit(kind: Kind) -> float:
    suppliers = load_suppliers()
    limits = suppliers.store_limits if kind == "store" else suppliers.product_limits
    return limits.max_rejected_share


def _look_at_store(reader: ListReader, path: Path, found: ListCheck) -> None:
    """Read the file of a store, or each sheet of a group's workbook that is a store's."""
    sheets: list[str | None] = [None]
    if found.subject in store_groups():
        sheets, found.subject = _stores_in(reader, path, found.subject)
    counts: Counter[str] = Counter()
    suppliers: Counter[str] = Counter()
    for sheet in sheets:
        with TemporaryDirectory(prefix="list_check_") as folder:
            listings = reader.read_listings(path, Path(folder), sheet)
        counts.update(listings.counts)
        suppliers.update(listings.suppliers)
        if listings.rejected.height and not found.text:
            first = listings.rejected.row(0, named=True)
            found.text = f"the first that cannot is row {first['row']:,}: {first['reason']}"
    found.counts, found.suppliers = dict(counts), dict(sorted(suppliers.items()))


def _stores_in(reader: ListReader, path: Path, group: str) -> tuple[list[str | None], str]:
    """The sheets of a group's workbook that are stores, and the stores' names."""
    if path.suffix.lower() != ".xlsx":
        raise RejectedFile(f"{group} stands for several stores: name the file by one of them")
    names = [sheet.name for sheet in reader.sheet_names(path, LISTING_LIMITS) if sheet.visible]
    stores = {}
    for name in names:
        folded = name.strip().upper()
        store = folded if folded.startswith(f"{group}_") else f"{group}_{folded}"
        if store in STORES:
            stores[name] = store
    if not stores:
        raise RejectedFile(f"none of its sheets ({', '.join(names)}) is a store of {group}")
    return list(stores), ", ".join(stores.values())


def _look_at_mapping(reader: ListReader, path: Path, found: ListCheck) -> None:
    """Read the mapping and compare it with the one in force, which is small enough for that."""
    sent = reader.read_mapping_file(path)
    found.counts = {
        "rows": sent.rows,
        "accepted": sent.mapping.height,
        "rejected": sent.rejected.height,
        "repeated": sent.rows - sent.mapping.height - sent.rejected.height,
    }
    found.suppliers = dict(sent.mapping.group_by("supplier").len().sort("supplier").rows())
    if sent.rejected.height:
        first = sent.rejected.row(0, named=True)
        found.text = f"the first that cannot is row {first['row']:,}: {first['reason']}"
    s3 = s3_client()
    try:
        body = s3.get_object(Bucket=settings().bucket, Key=PRODUCT.key())["Body"].read()
    except s3.exceptions.NoSuchKey:
        return
    names = PRODUCT.schema.names()
    now = pl.read_parquet(BytesIO(body), columns=names).unique()
    found.counts["new"] = sent.mapping.join(now, on=names, how="anti").height
    found.counts["gone"] = now.join(sent.mapping, on=names, how="anti").height
    lost, limit = 1 - sent.mapping.height / now.height, load_suppliers().product_limits.max_lost_share
    if lost > limit:
        found.outlook = Outlook.HELD
        found.text = f"it is {lost:.1%} shorter than the mapping in force; at most {limit:.0%} is believed"
