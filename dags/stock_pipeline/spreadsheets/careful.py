"""Read a sheet cell by cell, as the text a person sees, whatever program wrote the workbook.

This is the meaning of a cell. `first_sheet` takes a faster way where a workbook is so plain that it reads the
same. The XML is parsed as a stream; what a workbook may make it keep is limited.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from stock_pipeline.errors import UnreadableWorkbook
from stock_pipeline.spreadsheets import xml_events
from stock_pipeline.spreadsheets.number_formats import (
    BOOLEAN,
    ERROR,
    GENERAL,
    LONGEST_FORMAT,
    NumberFormat,
    number_format,
    shown,
)
from stock_pipeline.spreadsheets.package import Workbook
from stock_pipeline.spreadsheets.shared_texts import LONGEST_TEXT, shared_texts, unescaped
from stock_pipeline.spreadsheets.xlsx_parts import small_xml
from stock_pipeline.spreadsheets.xml_events import MEND, TextRun, XmlEvents

BLOCK_CELLS = 200_000
MOST_ROWS = 1 << 20
MOST_FORMATS = 1_000

NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")


@dataclass(slots=True)
class Styles:
    """The number format of each cell style; cells without a style have the first one's."""

    formats: list[NumberFormat] = field(default_factory=lambda: [GENERAL])

    def of(self, style: str | None) -> NumberFormat:
        """The format of a cell's `s` attribute."""
        at = int(style) if style else 0
        return self.formats[at] if at < len(self.formats) else GENERAL

    @property
    def odd(self) -> list[int]:
        """The styles under which a number is not shown as it is stored."""
        return [at for at, form in enumerate(self.formats) if not form.is_plain]


def read_styles(book: Workbook) -> Styles:
    """Read the number formats of the workbook's cell styles."""
    if book.styles is None:
        return Styles()
    root = small_xml(book.archive, book.styles)
    own = {
        node.get("numFmtId"): node.get("formatCode", "")
        for node in root.iter()
        if node.tag.rpartition("}")[2] == "numFmt"
    }
    if len(own) > MOST_FORMATS or max(map(len, own.values()), default=0) > LONGEST_FORMAT:
        raise UnreadableWorkbook("its number formats are more, or longer, than a spreadsheet program allows")
    known: dict[str, NumberFormat] = {}
    formats = []
    for group in root:
        if group.tag.rpartition("}")[2] != "cellXfs":
            continue
        for style in group:
            number = style.get("numFmtId", "0")
            if number not in known:
                known[number] = number_format(int(number) if number.isdecimal() else 0, own.get(number))
            formats.append(known[number])
    return Styles(formats or [GENERAL])


def sheet_cells(
    book: Workbook, sheet: zipfile.ZipInfo, columns: int, most_text: int
) -> Iterator[pl.DataFrame]:
    """Read the first columns of a sheet, in blocks.

    Args:
        book: the workbook.
        sheet: the part that holds the sheet.
        columns: how many columns are read.
        most_text: how many characters its cells may have in all.

    Yields:
        Frames with `row` (u32, the sheet's row number) and a String column for each sheet column, named by
        its number from 1. A cell that is no text or number begins with a mark of `number_formats`; blank
        cells are null. Rows without a cell are left out.

    Raises:
        UnreadableWorkbook: a cell or a row is there twice, refers to nothing, or holds what is no number.
    """
    parser = _SheetParser(columns, shared_texts(book, most_text), read_styles(book), book, most_text)
    with book.archive.open(sheet) as stream:
        while chunk := stream.read(xml_events.CHUNK_BYTES):
            parser.feed(chunk)
            if len(parser.texts) >= BLOCK_CELLS:
                yield parser.block()
    parser.close()
    if parser.texts:
        yield parser.block()


class _SheetParser(XmlEvents):
    """The cells of a sheet, as they come."""

    def __init__(
        self, columns: int, shared: list[str], styles: Styles, book: Workbook, most_text: int
    ) -> None:
        super().__init__("the workbook")
        self.texts: list[str] = []
        self._rows: list[int] = []
        self._columns: list[int] = []
        self._width = columns
        self._shared, self._styles, self._book = shared, styles, book
        self._most = most_text
        self._in_data = False
        self._seen = bytearray(MOST_ROWS + 1)
        self._row = self._column = 0
        self._taken: set[int] = set()
        self._kind = self._style = ""
        self._cell = self._formula = False
        self._value: list[str] | None = None
        self._inline: list[str] | None = None
        self._run = TextRun({})
        self._aside = 0

    def block(self) -> pl.DataFrame:
        """Hand over what has been read since the last block, without the row that is being read."""
        cells = pl.DataFrame(
            {"row": self._rows, "column": self._columns, "text": self.texts},
            schema={"row": pl.UInt32, "column": pl.UInt32, "text": pl.String},
        )
        kept = cells.filter(pl.col("row") == self._row) if self._in_data else cells.clear()
        if self._in_data:
            cells = cells.filter(pl.col("row") != self._row)
        self._rows, self._columns, self.texts = (kept[name].to_list() for name in kept.columns)
        rows = cells.select(pl.col("row").unique()).sort("row")
        for column in range(1, self._width + 1):
            own = cells.filter(pl.col("column") == column).select("row", pl.col("text").alias(str(column)))
            rows = rows.join(own, on="row", how="left", maintain_order="left")
        return rows

    def start(self, name: str, attributes: dict[str, str]) -> None:  # noqa: C901 - a case for each element
        if name == "c":
            if self._in_data:
                self._begin_cell(attributes)
        elif name == "v":
            if self._cell:
                self._value = []
                self.listen(self._value.append)
        elif name == "f":
            self._formula = True
        elif name == "row":
            if self._in_data:
                self._begin_row(attributes.get("r"))
        elif name == "t":
            if self._inline is not None and not self._aside:
                self._run = TextRun(attributes)
                self.listen(self._run.pieces.append)
        elif name == "is":
            self._inline = [] if self._cell else None
        elif name == "rPh":
            self._aside += 1
        elif name == "sheetData":
            self._in_data = True

    def end(self, name: str) -> None:
        if name == "v":
            self.listen(None)
        elif name == "t":
            self.listen(None)
            if self._inline is not None and not self._aside:
                self._inline.append(self._run.text)
        elif name == "c":
            if self._cell:
                self._end_cell()
        elif name == "rPh":
            self._aside -= 1
        elif name == "sheetData":
            self._in_data = False

    def _begin_row(self, written: str | None) -> None:
        number = int(written) if written else self._row + 1
        if not 1 <= number <= MOST_ROWS:
            raise UnreadableWorkbook(
                f"the workbook is damaged: the sheet has a row {number}, which no sheet can have; {MEND}"
            )
        # Some programs write a row element for each cell, so the same row may go on.
        if number != self._row:
            if self._seen[number]:
                raise UnreadableWorkbook(
                    f"the workbook is damaged: row {number} is there twice, which one counts? {MEND}"
                )
            self._seen[number] = 1
            self._row = number
            self._taken = set()
            self._column = 0

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
        self._value = self._inline = None
        self._formula = False
        if reference := attributes.get("r"):
            match = REFERENCE.fullmatch(reference)
            if match is None:
                raise UnreadableWorkbook(
                    f"a cell of row {self._row} has no place but {reference[:20]!r}; {MEND}"
                )
            self._column = _column_number(match[1])
            if int(match[2]) != self._row:
                raise UnreadableWorkbook(
                    f"the workbook is damaged: the cell {reference} is in row {self._row}; {MEND}"
                )
        else:
            self._column += 1
        self._cell = self._column <= self._width

    def _end_cell(self) -> None:
        self._cell = False
        try:
            text = self._text()
        except (ValueError, IndexError, ArithmeticError) as error:
            held = "".join(self._value or ())[:40]
            raise UnreadableWorkbook(
                f"the workbook is damaged: the cell {self._place()} holds {held!r}, no such value; {MEND}"
            ) from error
        # A cell that is there twice is refused even if one of the two is blank: that may be the one.
        if self._column in self._taken:
            raise UnreadableWorkbook(
                f"the workbook is damaged: the cell {self._place()} is there twice, and nothing tells which "
                f"counts; {MEND}"
            )
        self._taken.add(self._column)
        if text:
            self._most -= len(text)
            if self._most < 0 or len(text) > LONGEST_TEXT:
                raise UnreadableWorkbook("the sheet's cells hold more text than any list: that is no list")
            self._rows.append(self._row)
            self._columns.append(self._column)
            self.texts.append(text)

    def _text(self) -> str | None:  # noqa: C901 - a case for each kind of cell
        kind = self._kind
        if kind == "inlineStr":
            return None if self._inline is None else unescaped("".join(self._inline))
        if self._value is None:
            return None
        value = "".join(self._value)
        if kind == "s":
            number = value.strip()
            return self._shared[_index(number)] if number else None
        if kind == "str":
            return unescaped(value)
        value = value.strip()
        if not value:
            return None
        match kind:
            case "e":
                # A code that is lost is told from a blank; elsewhere an error value says nothing.
                return ERROR + value[:20] if self._column == 1 else None
            case "b":
                return BOOLEAN + ("TRUE" if value in {"1", "true"} else "FALSE")
            case "d":
                return "\x01d" + value[:40]
        if not NUMBER.fullmatch(value):
            raise ValueError(value)
        # Some programs leave 0 as the result of a formula, to be calculated when the workbook is opened.
        if self._formula and self._book.calculates_on_opening and float(value) == 0:
            return None
        return shown(value, self._styles.of(self._style), from_1904=self._book.from_1904)

    def _place(self) -> str:
        letters, number = "", self._column
        while number:
            number, letter = divmod(number - 1, 26)
            letters = chr(ord("A") + letter) + letters
        return f"{letters}{self._row}"


def _index(number: str) -> int:
    if not number.isascii() or not number.isdigit():
        raise ValueError(number)
    return int(number)


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
