"""Reads a sheet of a million rows a few thousand at a time.

calamine, which reads the feeds, holds a whole sheet: a list of a million listings takes it 1.3 GB. Here the
sheet's XML is parsed a block of rows at a time, and only the texts that its cells share are all in memory.
"""

from __future__ import annotations

import bisect
import functools
import gc
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree as ET

import polars as pl

from stock_pipeline.errors import UnreadableWorkbook
from stock_pipeline.spreadsheets.first_sheet import with_leading_zeros
from stock_pipeline.spreadsheets.xlsx_guard import LONGEST_FORMAT, Padding, WorkbookLimits, check_archive
from stock_pipeline.spreadsheets.xlsx_parts import first_line

BLOCK_BYTES = 256 << 10
"""Some five hundred rows of twelve columns, whose tree takes a good twenty times as much for a moment."""

LISTING_LIMITS = WorkbookLimits(
    file_bytes=512 << 20, unpacked_bytes=3 << 30, parts=2_000, cells=(1 << 20) * 32
)
"""For lists of a million rows: as many as a sheet can have, by 32 columns."""

DIGITS = "0123456789"
MOST_COLUMNS = 1 << 14

FIRST_DAY = datetime(1899, 12, 30)  # noqa: DTZ001 - what a spreadsheet shows has no time zone
DAY, LEAP_DAY, LAST_DAY = 86_400, 60, 2_958_466
BUILT_IN_DATES = {str(number) for number in (*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59))}
"""Number formats for dates and times that every workbook has."""

LONGEST_ELEMENT = 8 << 20
"""A row of all the columns there can be, or one text, in bytes of XML. Excel's rows have some thousands."""

# No part that may be repeated holds the `<` that a match begins with, so the time they take is linear.
_ROW_END = re.compile(rb"</(?:\w+:)?row\s*>|<(?:\w+:)?row(?:\s[^<>]*)?/>")
_TEXT_END = re.compile(rb"</(?:\w+:)?si\s*>|<(?:\w+:)?si\s*/>")


def sheet_blocks(
    path: Path, columns: int, sheet: str | None = None, limits: WorkbookLimits = LISTING_LIMITS
) -> Iterator[pl.DataFrame]:
    """The cells of a sheet, block by block, as the text a person sees.

    Args:
        path: the workbook.
        columns: how many columns are read.
        sheet: which sheet is read; the first one if it is None.
        limits: how large the workbook may be.

    Yields:
        Frames with `row` (u32, the sheet's row number) and a String column for each sheet column, named by
        its number from 1; blank cells and error values are null. Rows without a cell are left out.

    Raises:
        UnreadableWorkbook: it is not a workbook, is damaged, or is larger than `limits` allow.
    """
    padding, part = check_archive(path, limits, columns, sheet)
    for formats in padding.values():
        for rows_of_format in formats.values():
            rows_of_format.sort()
    try:
        with zipfile.ZipFile(path) as archive:
            texts = _shared_texts(archive)
            dates = _date_styles(archive)
            with archive.open(part) as stream:
                for rows in _elements(stream, _ROW_END, "sheetData"):
                    cells = _cells(rows, columns, texts, dates)
                    yield with_leading_zeros(cells, _padding_of(cells["row"], padding))
    except UnreadableWorkbook:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        ET.ParseError,
        ValueError,  # a position or a number that is none; text that is no UTF-8
        pl.exceptions.OutOfBoundsError,  # a cell refers to a text that is not there
    ) as error:
        raise UnreadableWorkbook(f"the workbook is damaged ({first_line(error)}); send it again") from error


def _padding_of(rows: pl.Series, padding: Padding) -> Padding:
    """The part of a sheet's padding (its rows in order) that a block of rows may need, found by halving."""
    first, last = rows.min(), rows.max()
    return {
        column: {shown: near for shown, of in formats.items() if (near := _between(of, first, last))}
        for column, formats in padding.items()
    }


def _between(numbers: list[int], first: Any, last: Any) -> list[int]:
    return numbers[bisect.bisect_left(numbers, first) : bisect.bisect_right(numbers, last)]


def _elements(stream: IO[bytes], end: re.Pattern[bytes], container: str) -> Iterator[list[ET.Element]]:
    """The children of the part's list, parsed in blocks that end where one of them does."""
    rest = b""
    opening = b""
    while chunk := stream.read(BLOCK_BYTES):
        rest += chunk
        # What is left over is searched again with each chunk.
        if len(rest) > LONGEST_ELEMENT + BLOCK_BYTES:
            raise UnreadableWorkbook(
                f"something in it is longer than {LONGEST_ELEMENT:,} bytes, which no row and no text is"
            )
        if not opening:
            begins = re.search(rb"<(?:\w+:)?(?:" + container.encode() + rb")(?:\s[^<>]*)?(/?)>", rest)
            if begins is None:
                continue
            if begins[1]:
                return
            opening = _opening(rest[: begins.end()])
            rest = rest[begins.end() :]
        cut = max((found.end() for found in end.finditer(rest)), default=0)
        if cut:
            with _no_garbage_collection():
                elements = list(ET.fromstring(opening + rest[:cut] + b"</block>"))  # noqa: S314 - checked
            yield elements
            rest = rest[cut:]


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Looking for cycles, of which there are none, doubles the time it takes to make a tree."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _opening(head: bytes) -> bytes:
    """A tag that declares the same namespace prefixes as the part's own."""
    names = dict(re.findall(rb"""\s(xmlns(?::\w+)?)\s*=\s*["']([^"']*)["']""", head))
    return b"<block%s>" % b"".join(b' %s="%s"' % pair for pair in names.items())


def _shared_texts(archive: zipfile.ZipFile) -> pl.Series:
    """The texts that cells refer to by number."""
    name = next(
        (name for name in archive.namelist() if name.lower().lstrip("/") == "xl/sharedstrings.xml"), ""
    )
    if not name:
        return pl.Series(dtype=pl.String)
    with archive.open(name) as stream:
        blocks = [
            pl.Series([_text_of(item) for item in items], dtype=pl.String)
            for items in _elements(stream, _TEXT_END, "sst")
        ]
    return pl.concat(blocks, rechunk=True) if blocks else pl.Series(dtype=pl.String)


def _date_styles(archive: zipfile.ZipFile) -> frozenset[str]:
    """The cell styles under which a number is shown as a date or a time: such a cell holds no number."""
    name = next((name for name in archive.namelist() if name.lower().lstrip("/") == "xl/styles.xml"), "")
    if not name:
        return frozenset()
    root = ET.fromstring(archive.read(name))  # noqa: S314 - checked before
    own = {
        node.get("numFmtId"): re.sub(
            r'"[^"]*"|\\.|\[[^\[\]]*\]', "", node.get("formatCode", "")[:LONGEST_FORMAT]
        ).lower()
        for node in root.iter()
        if node.tag.endswith("}numFmt")
    }
    dates = {number for number, code in own.items() if re.search("[dmyhs]", code)} | BUILT_IN_DATES
    styles = [style for group in root if group.tag.endswith("}cellXfs") for style in group]
    return frozenset(str(at) for at, style in enumerate(styles) if style.get("numFmtId") in dates)


def _text_of(item: ET.Element) -> str:
    """The text of a shared or inline string, without the reading aids of Japanese."""
    runs = [item, *(run for run in item if run.tag.endswith("}r"))]
    return "".join(node.text or "" for run in runs for node in run if node.tag.endswith("}t"))


def _cells(rows: list[ET.Element], columns: int, texts: pl.Series, dates: frozenset[str]) -> pl.DataFrame:
    """The rows as in `sheet_blocks`. Every line here runs twelve million times for a million listings."""
    numbers: list[int] = []
    own: list[str | None] = [None] * (len(rows) * columns)
    shared: list[int | None] = [None] * (len(rows) * columns)
    number = 0
    for at_row, row in enumerate(rows):
        number = int(row.get("r") or number + 1)
        numbers.append(number)
        first = at_row * columns
        column = -1
        for cell in row:
            reference = cell.get("r")
            column = _column(reference.rstrip(DIGITS)) if reference else column + 1
            if column >= columns:
                break
            kind = cell.get("t")
            if kind == "s":
                if len(cell) and (text := cell[-1].text):
                    shared[first + column] = int(text)
            else:
                own[first + column] = _shown(cell, kind, dates)
    index = pl.Series(shared, dtype=pl.UInt32)
    cells = pl.Series(own, dtype=pl.String)
    if index.null_count() < len(index):
        cells = cells.to_frame("own").select(pl.coalesce("own", texts.gather(index))).to_series()
    cells = cells.replace("", None)
    table = {str(column + 1): cells.gather_every(columns, column) for column in range(columns)}
    return pl.DataFrame({"row": pl.Series(numbers, dtype=pl.UInt32), **table})


@functools.lru_cache(maxsize=MOST_COLUMNS)
def _column(letters: str) -> int:
    """A column's number from 0, by its letters."""
    if not re.fullmatch("[A-Za-z]{1,3}", letters):
        raise ValueError(f"no column {letters[:9]!r}")
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _value(cell: ET.Element) -> str | None:
    return next((node.text for node in cell if node.tag.endswith("}v")), None)


def _shown(cell: ET.Element, kind: str | None, dates: frozenset[str]) -> str | None:
    """A cell that has its content itself, as the text a person sees."""
    if kind == "inlineStr":
        return next((_text_of(node) for node in cell if node.tag.endswith("}is")), None)
    value = _value(cell)
    if value is None or kind == "e":
        return None
    if kind == "b":
        return "true" if value == "1" else "false"
    if kind in {None, "n"} and cell.get("s") in dates:
        seconds = round(float(value) * DAY)
        # A spreadsheet shows no day before its first one and none after the year 9999.
        if not 0 <= seconds < LAST_DAY * DAY:
            return None
        # Spreadsheets believe that 1900 was a leap year.
        return str(FIRST_DAY + timedelta(seconds=seconds + DAY * (seconds < LEAP_DAY * DAY)))
    if kind in {None, "n"} and not value.isdigit():
        figure = float(value)
        return str(int(figure)) if figure.is_integer() else repr(figure)
    return value
