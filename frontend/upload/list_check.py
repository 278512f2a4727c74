"""Looks at a store's or the mapping's file with the reader of its DAG, before it is sent. Nothing is written.

What would change in the store table is not asked here: that takes reading millions of listings, which is
Athena's work, and the run does it before it publishes anything.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import polars as pl
from pydantic import BaseModel

from frontend.core.aws import OUTAGE, lake, outage_in_words
from frontend.upload.feed_check import Outlook, unchecked
from stock_pipeline.errors import RejectedFile
from stock_pipeline.file_names import name_fault
from stock_pipeline.lake.tables import PRODUCT, STORES
from stock_pipeline.refresh.judgement import (
    StoreSheets,
    check_listings,
    count_mapping,
    rows_by_supplier,
    store_groups,
    stores_of_sheets,
)
from stock_pipeline.refresh.list_reader import ListReader
from stock_pipeline.refresh.product import judge_mapping
from stock_pipeline.refresh.store import store_of_name
from stock_pipeline.spreadsheets.lists import ENDINGS
from stock_pipeline.spreadsheets.streaming import LISTING_LIMITS
from stock_pipeline.suppliers import load_suppliers

Kind = Literal["store", "product"]


class ListRequest(BaseModel):
    """A file to look at: where its content is and what it is called."""

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
    """Read a file and judge it as the run would."""
    subject = store_of_name(request.name) if request.kind == "store" else PRODUCT.name
    found = ListCheck(subject=subject or "?", outlook=Outlook.FINE, text="")
    notes: list[str] = []
    try:
        if request.kind == "store":
            _look_at_store(reader, request.path, found, notes)
        else:
            _look_at_mapping(reader, request.path, found, notes)
    except RejectedFile as error:
        found.outlook, found.text = Outlook.UNUSABLE, str(error)
        return found
    except OUTAGE as error:
        found.outlook, found.text = Outlook.UNKNOWN, unchecked(outage_in_words(error))
        return found
    if strangers := [code for code in found.suppliers if code not in load_suppliers().suppliers]:
        notes.append(f"the suppliers file has no {', '.join(strangers)}: their listings get no stock")
    found.text = "; ".join(["{accepted:,} of {rows:,} rows can be used".format(**found.counts), *notes])
    return found


def _look_at_store(reader: ListReader, path: Path, found: ListCheck, notes: list[str]) -> None:
    """Judge the file of a store, or each sheet of a group's workbook that is a store's."""
    sheets: dict[str, str | None] = {found.subject: None}
    if found.subject in store_groups():
        named = _stores_in(reader, path, found.subject)
        sheets, found.subject = {**named.stores}, ", ".join(named.stores)
        notes += [f"sheet {sheet} is not read: {reason}" for sheet, reason in named.not_read.items()]
        found.outlook = Outlook.PARTLY if named.not_read else Outlook.FINE
    limits = load_suppliers().store_limits
    counts: Counter[str] = Counter()
    suppliers: Counter[str] = Counter()
    for store, sheet in sheets.items():
        try:
            with TemporaryDirectory(prefix="list_check_") as folder:
                listings = reader.read_listings(path, Path(folder), sheet)
            check_listings(listings, store, limits)
        except RejectedFile as error:
            if len(sheets) == 1:
                raise
            notes.append(f"{store} would be rejected: {error}")
            found.outlook = Outlook.PARTLY
            continue
        counts.update(listings.counts)
        suppliers.update(listings.suppliers)
        notes += _first_rejected(listings.rejected)
    if not counts:
        raise RejectedFile("; ".join(notes))
    found.counts, found.suppliers = dict(counts), dict(sorted(suppliers.items()))


def _first_rejected(rejected: pl.DataFrame) -> list[str]:
    if rejected.is_empty():
        return []
    first = rejected.row(0, named=True)
    return [f"the first that cannot is row {first['row']:,}: {first['reason']}"]


def _stores_in(reader: ListReader, path: Path, group: str) -> StoreSheets:
    """The sheets of a group's workbook that are stores."""
    if path.suffix.lower() != ".xlsx":
        raise RejectedFile(f"{group} stands for several stores: name the file by one of them")
    names = [sheet.name for sheet in reader.sheet_names(path, LISTING_LIMITS) if sheet.visible]
    return stores_of_sheets(group, names)


def _look_at_mapping(reader: ListReader, path: Path, found: ListCheck, notes: list[str]) -> None:
    """Judge the mapping against the one in force."""
    sent = reader.read_mapping_file(path)
    found.counts, found.suppliers = count_mapping(sent), rows_by_supplier(sent.mapping)
    judged = judge_mapping(lake(), sent, load_suppliers())
    in_force = judged.in_force
    failed = [check.text for check in judged.checks if not check.passed]
    if failed:
        found.outlook = Outlook.HELD
    notes += [*failed, *_first_rejected(sent.rejected)]
    if in_force is not None:
        names = PRODUCT.schema.names()
        found.counts["new"] = sent.mapping.join(in_force, on=names, how="anti").height
        found.counts["gone"] = in_force.join(sent.mapping, on=names, how="anti").height
