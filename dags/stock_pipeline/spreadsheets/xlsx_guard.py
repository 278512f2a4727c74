"""Judge a workbook's sheet before a reader gets it: its extent, whether it is all there, whether it is plain.

calamine trusts its input. A single stray cell in the last corner of a sheet makes it allocate the whole
rectangle and takes the process down, with nothing to catch; damaged parts are read as far as they go; and
what it makes of unusual cells is not always what a person sees. So it gets plain sheets only.
"""

from __future__ import annotations

import re
import zipfile
from array import array
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from stock_pipeline.errors import UnreadableWorkbook
from stock_pipeline.spreadsheets.careful import MOST_ROWS, read_styles
from stock_pipeline.spreadsheets.package import Workbook, WorkbookLimits
from stock_pipeline.spreadsheets.xlsx_parts import parse, refuse_entities, whole_tags

LETTERS = 26
"""Columns with a name of one letter."""
SHORT_TEXT_BYTES = 200
"""A shared text up to this long may be in any number of cells. In real feeds none has more."""
COMMON_ROWS, COMMON_COLUMNS = 9_999, 10
"""Rows up to here and columns A to J are so common that they are not looked at one by one."""

# Each of these takes time in proportion to the text, whatever it is: what may be repeated never holds the `<`
# that a match begins with, and is never tried again in another length.
UNCOMMON_ROW = re.compile(rb'<row(?! r="[0-9]{1,4}")(?=[\s/>])(?: r="([0-9]{1,9})")?')
UNCOMMON_CELL = re.compile(rb'<c(?! r="[A-J][0-9]{1,6}")(?=[\s/>])(?: r="([A-Z]{1,3})[0-9]{1,6}")?')
ROW_NUMBER = re.compile(rb'<row r="([0-9]{1,9})"')
PREFIX = re.compile(rb'xmlns:\w+="[^"]*/spreadsheetml/(?:2006/)?main"')
PREFIXED_TEXT = re.compile(rb"<(?:\w+:)?si\b")
SHARED_TEXT_OF_CELL = re.compile(
    rb"""<(?:\w+:)?c(?=\s[^<>]*?\bt=["']s["'])[^<>]*+>\s*+<(?:\w+:)?v>([0-9]{1,9})<"""
)

# What makes a part unusual; what other readers refuse by themselves is not among it.
UNUSUAL = ["<!", "_x", "&#", "<r>", "<r ", "rPh", ":si"]
BLANKS = " \t\n\r"
UNUSUAL_CELLS = [
    *UNUSUAL,
    "<v ",
    't="b"',
    't="d"',
    *(f"<v>{blank}" for blank in BLANKS),
    *(f"{blank}</v>" for blank in BLANKS),
    # A style or a kind written otherwise than as s="1" would not be seen below.
    *(f"{name}{sign}" for name in "st" for sign in ("='", *(f"{blank}=" for blank in BLANKS))),
    *(f"{name}={blank}" for name in "st" for blank in BLANKS),
]
"""The same for a sheet."""
BLANK_BEFORE_END = re.compile(rb"<v>[^<]*[ \t\n\r]\Z")
"""A piece of a sheet may end just before `</v>`."""
ERRORS = (b"#N/A", b"#REF!", b"#VALUE!", b"#NAME?", b"#DIV/0!", b"#NUM!", b"#NULL!")
FIRST_COLUMN = re.compile(rb'<c r="A[0-9]+"[^<>]*>')
COMMA_IN_VALUE = re.compile(rb"<v>[^<,]*,")
ODD_NUMBER = re.compile(rb"<v>-?[0-9]{16}|<v>[-0-9.]+[eE]\+|<v>[-+]?[nNiI]")


@dataclass(frozen=True, slots=True)
class Checked:
    """A sheet that may be read.

    Attributes:
        part: of the archive, which holds it.
        plain: whether every reader makes the same of it.
    """

    part: zipfile.ZipInfo
    plain: bool


def check_sheet(
    book: Workbook, limits: WorkbookLimits, columns: Collection[int] = (), sheet: str | None = None
) -> Checked:
    """Refuse a sheet that cannot be read safely and in full.

    Args:
        book: the workbook.
        limits: how large it may be.
        columns: those whose cells matter, by their numbers from 1; without any, plainness
            is not looked for.
        sheet: which sheet is looked at; the first one if it is None.

    Raises:
        UnreadableWorkbook: it is damaged or too large, or there is no such sheet.
    """
    part = book.sheet(sheet)
    plain = book.is_usual(part)
    odd = [style_attribute(style) for style in read_styles(book).odd]
    plain = _check_extent(book, part, limits, columns, odd) and plain
    return Checked(part, _check_texts(book, part, limits) and plain)


def _check_extent(
    book: Workbook, part: zipfile.ZipInfo, limits: WorkbookLimits, columns: Collection[int], odd: list[bytes]
) -> bool:
    """Refuse a sheet whose used rectangle would not fit into memory, or which is not all there.

    Positions are searched in the raw XML, at a fraction of what looking at each element costs. A sheet that
    does not write them in the ordinary way, or seems too large or ill-formed by this quick look, is parsed.

    Returns:
        Whether the sheet is plain.
    """
    last_row, last_column = COMMON_ROWS, COMMON_COLUMNS
    ordinary = True
    unclosed = unclosed_rows = lists = 0
    ends = b""
    numbers = array("I")
    plainness = _Plainness(columns, odd, calculates=book.calculates_on_opening)
    for index, chunk in enumerate(whole_tags(book.archive, part)):
        if index == 0:
            refuse_entities(chunk)
            ordinary = PREFIX.search(chunk) is None
        unclosed += _unclosed(chunk)
        unclosed_rows += chunk.count(b"<row") - chunk.count(b"</row>")
        numbers.extend(map(int, ROW_NUMBER.findall(chunk)))
        if len(numbers) > MOST_ROWS:
            raise UnreadableWorkbook(f"the sheet has more than {MOST_ROWS:,} rows, which no sheet can have")
        rows = UNCOMMON_ROW.findall(chunk)
        letters = set(UNCOMMON_CELL.findall(chunk))
        if b"" in letters or b"" in rows:
            ordinary = False
        else:
            last_row = max(last_row, max(map(int, rows), default=0))
            last_column = max(last_column, max(map(_column_number, letters), default=0))
        lists += chunk.count(b"sheetData")
        ends = chunk[-200:] if len(chunk) >= 200 else ends + chunk
        plainness.look_at(chunk, first=index == 0)
    if not re.search(rb"</(\w+:)?worksheet\s*>\s*$", ends):
        raise UnreadableWorkbook("the workbook is damaged: its first sheet is cut off; send it again")
    if not ordinary or unclosed or unclosed_rows or last_row * last_column > limits.cells:
        last_row, last_column = _parsed_extent(book, part)
    if lists > 2:
        raise UnreadableWorkbook("the workbook is damaged: its first sheet ends midway; send it again")
    if last_row * last_column > limits.cells:
        raise UnreadableWorkbook(
            f"the sheet's cells reach to row {last_row:,} and column {last_column:,}, far beyond any list: "
            "delete the stray cell or the empty formatted rows and columns there, and send it again"
        )
    ascending = all(one < next_one for one, next_one in pairwise(numbers))
    return ordinary and not unclosed and not unclosed_rows and ascending and plainness.is_plain()


class _Plainness:
    """Whether all readers make the same of a sheet, as far as its raw bytes show.

    Args:
        columns: those that matter, by their numbers from 1.
        odd: the style attributes under which a number is not shown as it is stored.
        calculates: whether formulas are calculated on opening, so that a stored 0 may be no result.
    """

    def __init__(self, columns: Collection[int], odd: list[bytes], *, calculates: bool) -> None:
        letters = bytes(ord("A") + column - 1 for column in columns if column <= LETTERS) or b"A"
        self._cells = re.compile(rb'<c r="[' + letters + rb'][0-9]+"[^<>/]*>')
        self._places = r'<(?:row|c) r="(?:[' + letters.decode() + r'])?[0-9]+"'
        self._row = 0
        self._odd = odd
        # A cell without a style has the first one.
        self._plain = bool(columns) and max(columns) <= LETTERS and style_attribute(0) not in odd
        self._seen: list[pl.Series] = []
        self._calculates = calculates

    def look_at(self, chunk: bytes, *, first: bool) -> None:
        """Look at a piece of the sheet that ends between two tags."""
        if not self._plain:
            return
        body = chunk.removeprefix(b"\xef\xbb\xbf")
        if first and body.startswith(b"<?xml"):
            body = body.partition(b"?>")[2]
        text = pl.Series([body.decode("utf-8", "replace")])
        self._plain = (
            not text.str.contains_any(UNUSUAL_CELLS)[0]
            and BLANK_BEFORE_END.search(body[-200:]) is None
            and (b"," not in body or COMMA_IN_VALUE.search(body) is None)
            and ODD_NUMBER.search(body) is None
            and not (self._calculates and b"<f" in body)
            and self._errors_are_usual(body)
            and not self._has_odd_cells(body)
            and self._cells_are_in_their_rows(text)
        )

    def is_plain(self) -> bool:
        """Whether nothing unusual was seen, and no cell twice."""
        if not self._plain:
            return False
        references = pl.concat(self._seen) if self._seen else pl.Series(dtype=pl.String)
        return references.n_unique() == references.len()

    def _cells_are_in_their_rows(self, text: pl.Series) -> bool:
        """Note the places of cells, and say whether each is in the row that its place names."""
        found = text.str.extract_all(self._places).explode().drop_nulls()
        places = found.to_frame("place").select(
            "place",
            is_row=pl.col("place").str.starts_with("<row"),
            number=pl.col("place").str.extract('([0-9]+)"$').cast(pl.UInt32, strict=False),
        )
        row = pl.when("is_row").then("number").forward_fill().fill_null(self._row)
        placed = bool(places.select((pl.col("number") == row).all()).item())
        rows = places.filter("is_row")["number"]
        self._row = rows[-1] if rows.len() else self._row
        # B3 and B03 are one place.
        cells = places.filter(~pl.col("is_row"))
        self._seen.append(
            cells.select(pl.col("place").str.slice(6, 1) + pl.col("number").cast(pl.String)).to_series()
        )
        return placed or not places.height

    def _errors_are_usual(self, body: bytes) -> bool:
        """Whether error values are such as all readers know, and none of them is in the first column."""
        errors = body.count(b't="e"')
        if not errors:
            return True
        if errors != sum(body.count(b"<v>%s</v>" % error) for error in ERRORS):
            return False
        return not any(b't="e"' in cell for cell in FIRST_COLUMN.findall(body))

    def _has_odd_cells(self, body: bytes) -> bool:
        """Whether a number in a column that matters is shown otherwise than it is stored."""
        odd = [style for style in self._odd if style in body]
        return bool(odd) and any(
            any(style in cell for style in odd) and (b't="' not in cell or b't="n"' in cell)
            for cell in self._cells.findall(body)
        )


def style_attribute(style: int) -> bytes:
    """The attribute by which a cell has a style."""
    return b's="%d"' % style


def _parsed_extent(book: Workbook, part: zipfile.ZipInfo) -> tuple[int, int]:
    """Last row and column of a sheet that leaves out positions or writes them unusually (1-based)."""
    row = column = last_row = last_column = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, last_row, last_column
        tag = name.rpartition(":")[2]
        if tag == "row":
            row = int(attributes["r"]) if attributes.get("r", "").isdigit() else row + 1
            column = 0
        elif tag == "c":
            match = re.fullmatch(r"([A-Za-z]{1,3})([0-9]{1,12})", attributes.get("r", ""))
            column = _column_number(match[1].upper().encode()) if match else column + 1
            last_row = max(last_row, int(match[2]) if match else row)
            last_column = max(last_column, column)

    parse(book.archive, part, start)
    return last_row, last_column


def _check_texts(book: Workbook, sheet: zipfile.ZipInfo, limits: WorkbookLimits) -> bool:
    """Refuse shared texts that are damaged, or grow too large when the reader copies them into each cell.

    Returns:
        Whether all of them are plain.
    """
    strings = book.shared_texts
    if strings is None:
        return True
    unclosed = 0
    plain = True
    lengths = array("Q", [0])
    for index, chunk in enumerate(whole_tags(book.archive, strings)):
        unclosed += _unclosed(chunk)
        body = chunk.removeprefix(b"\xef\xbb\xbf")
        if index == 0 and body.startswith(b"<?xml"):
            body = body.partition(b"?>")[2]
        plain = plain and not pl.Series([body.decode("utf-8", "replace")]).str.contains_any(UNUSUAL)[0]
        end_of_last, *others = PREFIXED_TEXT.split(chunk) if b":si" in chunk else chunk.split(b"<si")
        lengths[-1] += len(end_of_last)
        lengths.extend(map(len, others))
        if len(lengths) > limits.cells:
            raise UnreadableWorkbook(f"the workbook has more than {limits.cells:,} texts: that is no list")
    if unclosed:
        parse(book.archive, strings)
    if max(lengths) <= SHORT_TEXT_BYTES:
        return plain
    numbers = (
        int(number)
        for chunk in whole_tags(book.archive, sheet)
        for number in SHARED_TEXT_OF_CELL.findall(chunk)
    )
    copied = sum(lengths[number + 1] for number in numbers if number + 1 < len(lengths))
    if copied > limits.unpacked_bytes:
        raise UnreadableWorkbook(
            f"the sheet's cells hold {copied:,} bytes of text, up to {max(lengths):,} in one: that is no list"
        )
    return plain


def _unclosed(chunk: bytes) -> int:
    """Opening tags without a closing one. All chunks of a part together have none, or the part is parsed.

    What is in such a tag is lost to a reader that does not mind, and what is lost is out of stock.
    """
    declarations = chunk.lstrip(b"\xef\xbb\xbf").startswith(b"<?xml")
    return chunk.count(b"<") - 2 * chunk.count(b"</") - chunk.count(b"/>") - declarations


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
