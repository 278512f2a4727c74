"""What the pipeline must make of a feed, worked out a second time in the plainest Python.

It shares no code with the pipeline, not even the list of suppliers, so that the two can only agree by both
being right. It is slow on purpose: openpyxl, dictionaries and loops.

By hand: `python -m tests.support.oracle FEEDS_DIR`, where FEEDS_DIR holds one folder a date.
"""

import math
import re
import sys
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, NamedTuple

import openpyxl

REJECTED: Final = "rejected"
Outcome = int | Literal["rejected"]
Verdict = Literal["accepted", "rejected"]
Several = Literal["min", "max", "sum"]
Snapshot = dict[str, int]

HEADER_WITHIN_ROWS = 20
MOST_REJECTED = 0.05
LARGEST_INT = 2**31 - 1  # the tables' quantity is a 32-bit int

ERROR_VALUES = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#GETTING_DATA"}
NUMBER_TEXT = re.compile(
    r">?\s*"
    r"([+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|[+-]?\.[0-9]+)"
    r"\s*\+?"
)


NO_WIDTH = "\ufeff\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069"


class NotAFeed(Exception):  # noqa: N818 - it names what the file is, which is all there is to say
    """The file is no workbook, or has no accepted header, or no usable row."""


@dataclass(frozen=True)
class Layout:
    """How one supplier's workbook is laid out. Columns count from 1, as people count them."""

    headers: tuple[tuple[str, ...], ...]
    rule: Literal["quantity", "flag", "listed", "out list"]
    code_column: int = 1
    stock_column: int | None = 2
    cap: int | None = 10
    in_words: tuple[str, ...] = ()
    out_words: tuple[str, ...] = ()


_COMLINE = (("Part No.", "", "Stock"), ("Part No.", "Stock", ""))
_PART_FREE = (("Part", "Free Stk", "Cond Ind"),)

LAYOUTS: dict[str, Layout] = {
    "APE": Layout((("Part no", "Stock"),), "flag", in_words=("yes",), out_words=("no",)),
    "BET": Layout(_PART_FREE, "quantity"),
    "BGA": Layout((("BGA REFERENCE", "Stock"),), "quantity"),
    "COM": Layout(_COMLINE, "quantity", stock_column=3),
    "MOT": Layout(_COMLINE, "quantity", stock_column=3),
    "FAI": Layout((("Part No.", "Avail Stock"),), "quantity"),
    "FEB": Layout((("partNumber", "description", "stockAvailability"),), "quantity", stock_column=3),
    "FIR": Layout((("Part Number", "Available?"),), "flag", in_words=("y",), out_words=("n",)),
    "FPS": Layout(
        (
            (
                "Product Code",
                "Short Description",
                "MFG Code",
                "Free Stock Available Flag",
                "String Field - WEB",
                "x",
            ),
        ),
        "quantity",
        stock_column=4,
    ),
    "JUR": Layout(_PART_FREE, "quantity"),
    "KLA": Layout((("Part Number", "Stock Balance"),), "quantity", cap=None),
    "KYB": Layout((("Part number", "Stock"),), "flag", in_words=("y",), out_words=("n",)),
    "RFX": Layout(
        (("Part No", " Part Description", " RRP", " Stock Qty", " VAT %", " Barcode"),),
        "quantity",
        stock_column=4,
    ),
    "ROL": Layout(
        (("ROLLCO", "Type", "Comment"),),
        "flag",
        stock_column=3,
        in_words=("in stock",),
        out_words=("out of stock", "low stock"),
    ),
    "SMP": Layout(
        (("PartNumber", "Desc", "SUnder", "Supercession", "SurchVal", "RRP"),), "listed", stock_column=None
    ),
    "ELR": Layout((), "quantity", stock_column=4),  # no one has seen its header yet
    "RTG": Layout((("Custom label", "Info"),), "out list", stock_column=None),
}


@dataclass
class OracleFeed:
    """What one workbook says.

    `outcomes` has every code (trimmed, upper-cased) with the outcome of each of its rows, in their order.
    """

    supplier: str
    rows_read: int = 0
    skipped: int = 0
    rejected: int = 0
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)

    @property
    def rows_with_code(self) -> int:
        return self.rows_read - self.skipped

    @property
    def duplicates(self) -> int:
        """Rows whose code an earlier row has already."""
        return sum(len(rows) - 1 for rows in self.outcomes.values())

    @property
    def conflicts(self) -> int:
        """Codes whose rows do not agree."""
        return sum(len(set(rows)) > 1 for rows in self.outcomes.values())

    def quantities(self) -> dict[str, Outcome]:
        """One outcome a code: the lowest quantity of its rows, REJECTED when it has none."""
        result: dict[str, Outcome] = {}
        for code, rows in self.outcomes.items():
            known = [row for row in rows if row != REJECTED]
            result[code] = min(known) if known else REJECTED
        return result


# --- cells ---------------------------------------------------------------------------------------------


def trim(text: str) -> str:
    """Take off what no one sees at the ends: every kind of space, and marks without a width."""
    previous = None
    while text != previous:
        previous, text = text, text.strip().strip(NO_WIDTH)
    return text


def is_blank(value: Any) -> bool:
    return value is None or trim(str(value)) == ""


def code_text(value: Any) -> str:
    """A code as a person reads it in its cell; empty when there is none."""
    if value is None or value in ERROR_VALUES:
        return ""
    if isinstance(value, bool):
        text = str(value).upper()
    elif isinstance(value, float):
        text = str(int(value)) if value.is_integer() else f"{value:.15g}"  # Excel shows 15 digits
    else:
        text = str(value)
    previous = None
    while text != previous:
        previous, text = text, trim(text).strip("\"'")
    return text


def quantity_of(value: Any, cap: int | None) -> Outcome:
    if isinstance(value, bool):
        return REJECTED
    if isinstance(value, str):
        match = NUMBER_TEXT.fullmatch(trim(value))
        if match is None:
            return REJECTED
        value = float(match.group(1).replace(",", ""))
    if not isinstance(value, int | float) or not math.isfinite(value):
        return REJECTED
    quantity = max(0, math.floor(value))
    if cap is not None:
        quantity = min(quantity, cap)
    return REJECTED if quantity > LARGEST_INT else quantity


def flag_of(value: Any, layout: Layout) -> Outcome:
    word = trim(str(value)).casefold()
    if word in layout.in_words:
        return 10
    if word in layout.out_words:
        return 0
    return REJECTED


def outcome_of(value: Any, layout: Layout) -> Outcome:
    if layout.rule == "listed":
        return 10
    if layout.rule == "out list":
        return 0
    if layout.rule == "flag":
        return flag_of(value, layout)
    return quantity_of(value, layout.cap)


# --- workbooks -----------------------------------------------------------------------------------------


def check_zip(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        raise NotAFeed("not a workbook: not even a zip")
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged:
        raise NotAFeed(f"not a workbook: {damaged} is damaged")


def first_sheet_rows(stream: BinaryIO) -> Iterator[tuple[Any, ...]]:
    book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
    if not book.worksheets:
        raise NotAFeed("not a workbook: it has no sheet")
    sheet = book.worksheets[0]
    sheet.reset_dimensions()  # it would believe a wrong <dimension>
    yield from sheet.iter_rows(values_only=True)


def sheet_rows(path: Path) -> Iterator[tuple[Any, ...]]:
    """The rows of the first sheet, blank ones among them, so that the first is the sheet's row 1."""
    try:
        check_zip(path)
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield from first_sheet_rows(stream)
    except NotAFeed:
        raise
    except Exception as error:  # openpyxl has no exception of its kind: anything at all comes out of it
        raise NotAFeed(f"not a workbook: {error!r}") from error


def cell(row: Sequence[Any], column: int | None) -> Any:
    """The value in a column counted from 1; None beyond the row's end."""
    if column is None or column > len(row):
        return None
    return row[column - 1]


def is_header(row: Sequence[Any], layout: Layout) -> bool:
    for header in layout.headers:
        wanted = [trim(name).casefold() for name in header]
        while wanted[-1] == "":
            wanted.pop()
        found = [
            "" if is_blank(cell(row, number)) else trim(str(cell(row, number))).casefold()
            for number in range(1, len(wanted) + 1)
        ]
        if found == wanted:
            return True
    return False


def read_feed(path: Path, supplier: str) -> OracleFeed:
    """Read a supplier's workbook.

    Rows read are those below the header with a code, and those without one that have something in the code
    or the stock column; the latter are skipped.
    """
    layout = LAYOUTS[supplier]
    feed = OracleFeed(supplier)
    header_seen = False
    for number, row in enumerate(sheet_rows(path), start=1):
        if not header_seen:
            if number > HEADER_WITHIN_ROWS:
                break
            header_seen = is_header(row, layout)
            continue

        code_cell = cell(row, layout.code_column)
        stock_cell = cell(row, layout.stock_column)
        if is_blank(code_cell) and is_blank(stock_cell):
            continue
        feed.rows_read += 1
        if code_cell in ERROR_VALUES:
            feed.rejected += 1
            feed.outcomes.setdefault("(ERROR)", []).append(REJECTED)
            continue
        code = code_text(code_cell).upper()
        if not code:
            feed.skipped += 1
            continue
        outcome = outcome_of(stock_cell, layout)
        if outcome == REJECTED:
            feed.rejected += 1
        feed.outcomes.setdefault(code, []).append(outcome)

    if not header_seen:
        raise NotAFeed("no accepted header")
    if feed.rows_with_code == feed.rejected:
        raise NotAFeed("no usable row")
    return feed


def verdict_of(feed: OracleFeed) -> tuple[Verdict, str]:
    if feed.rejected > MOST_REJECTED * feed.rows_with_code:
        return "rejected", f"{feed.rejected} of {feed.rows_with_code} rows rejected"
    return "accepted", ""


def verdict(path: Path, supplier: str) -> tuple[Verdict, str]:
    """Whether the file is sound by itself, and the reason if not. (Held is about other days' files.)"""
    try:
        return verdict_of(read_feed(path, supplier))
    except NotAFeed as error:
        return "rejected", str(error)


# --- snapshots -----------------------------------------------------------------------------------------


def normal(text: str) -> str:
    """A label, part number or supplier as it is compared."""
    return text.strip().upper()


def combine(quantities: list[int], several: Several) -> int:
    if several == "max":
        return max(quantities)
    if several == "sum":
        return sum(quantities)
    return min(quantities)


def snapshot(
    feed: OracleFeed,
    mapping: Iterable[tuple[str, str]],
    last: Mapping[str, int] | None,
    absent: Literal["zero", "keep"] = "zero",
    several: Several = "min",
) -> Snapshot:
    """Every label of the mapping, pairs of custom_label and part_number, with its quantity.

    A part that the feed does not list counts as 0 (or, if absent ones keep theirs, as not known). A label
    with something not known has its last quantity, or what is known of it if that is lower.
    """
    parts_of: dict[str, set[str]] = {}
    for label, part in mapping:
        parts_of.setdefault(normal(label), set()).add(normal(part))

    result: Snapshot = {}
    for label, parts in parts_of.items():
        known: list[int] = []  # one quantity a part
        all_known = True
        for part in parts:
            if part in feed.outcomes:
                rows = feed.outcomes[part]
                quantities = [row for row in rows if row != REJECTED]
                if quantities:
                    known.append(min(quantities))
                if len(quantities) < len(rows):
                    all_known = False
            elif absent == "zero":
                known.append(0)
            else:
                all_known = False
        last_quantity = (last or {}).get(label, 0)
        if all_known:
            result[label] = combine(known, several)
        elif known:
            result[label] = min(combine(known, several), last_quantity)
        else:
            result[label] = last_quantity
    return result


def out_list_snapshot(codes: Iterable[str], store_labels: Iterable[str]) -> Snapshot:
    """RTG's: the store's labels that the file lists are 0, all the others are 20."""
    out = {normal(code) for code in codes}
    return {label: 0 if label in out else 20 for label in map(normal, store_labels)}


def newest_two(
    history: Mapping[str, Mapping[date, Snapshot]], run_date: date
) -> tuple[dict[str, Snapshot], dict[str, Snapshot]]:
    """Each supplier's current and previous snapshots; a supplier without one is not in the dictionary."""
    current: dict[str, Snapshot] = {}
    previous: dict[str, Snapshot] = {}
    for supplier, by_date in history.items():
        dates = sorted(day for day in by_date if day <= run_date)
        if dates:
            current[supplier] = by_date[dates[-1]]
        if len(dates) > 1:
            previous[supplier] = by_date[dates[-2]]
    return current, previous


# --- the ebay table and its upload files ---------------------------------------------------------------


class StoreRow(NamedTuple):
    """A listing: the columns of the store table which matter here."""

    ebay_store: str
    supplier: str
    item_id: int
    custom_label: str


class ProductRow(NamedTuple):
    """A row of the product table, in its order of columns."""

    custom_label: str
    part_number: str
    supplier: str


class EbayRow(NamedTuple):
    """A row of the ebay table without its key."""

    quantity: int
    quantity_delta: int
    custom_label: str
    supplier_store: str


EbayTable = dict[tuple[str, int], EbayRow]


def ebay_rows(
    store_rows: Iterable[StoreRow],
    product_rows: Iterable[ProductRow],
    snapshots_current: Mapping[str, Mapping[str, int]],
    snapshots_previous: Mapping[str, Mapping[str, int]],
) -> EbayTable:
    """The ebay table, by (ebay_store, item_id). The snapshots are by supplier, then by label."""
    known = {(normal(row.supplier), normal(row.custom_label)) for row in product_rows}
    result: EbayTable = {}
    for row in store_rows:
        supplier, label = normal(row.supplier), normal(row.custom_label)
        if supplier not in snapshots_current:
            continue
        if supplier != "RTG" and (supplier, label) not in known:
            continue
        key = (row.ebay_store, row.item_id)
        if key in result:
            raise ValueError(f"{key} is in the store table twice")
        quantity = snapshots_current[supplier].get(label, 0)
        before = snapshots_previous.get(supplier, {}).get(label, 0)
        result[key] = EbayRow(quantity, quantity - before, row.custom_label, row.supplier)
    return result


def upload_lines(table: EbayTable, full: bool = False) -> dict[str, list[str]]:
    """The lines of each store's upload file, by item. A store with nothing to tell eBay is left out."""
    files: dict[str, list[str]] = {}
    for (ebay_store, item_id), row in sorted(table.items()):
        if full or row.quantity_delta != 0:
            lines = files.setdefault(ebay_store, ["Action,ItemID,SiteID,Currency,Quantity"])
            lines.append(f"Revise,{item_id},UK,GBP,{row.quantity}")
    return files


def main(feeds: Path) -> None:
    for folder in sorted(path for path in feeds.iterdir() if path.is_dir()):
        for path in sorted(folder.glob("[!~]*.xlsx")):
            supplier = re.split(r"[ _]", path.name)[0].upper()
            try:
                feed = read_feed(path, supplier)
            except NotAFeed as error:
                line = f"rejected  {error}"
            else:
                line = (
                    f"{verdict_of(feed)[0]:9}{feed.rows_read:7} rows {feed.skipped:4} skipped"
                    f"{feed.rejected:6} rejected {feed.duplicates:5} duplicates {feed.conflicts:4} conflicts"
                )
            sys.stdout.write(f"{folder.name} {supplier:4} {line}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
