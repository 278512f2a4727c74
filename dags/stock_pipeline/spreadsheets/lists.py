"""Opens a long list someone sent us, a workbook or a CSV, as text and without having it all in memory."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl

from stock_pipeline.errors import RejectedFile, UnreadableWorkbook
from stock_pipeline.spreadsheets.number_formats import meaning
from stock_pipeline.spreadsheets.streaming import sheet_blocks
from stock_pipeline.spreadsheets.xlsx_parts import first_line
from stock_pipeline.text import SPACES, fold

ENDINGS = (".xlsx", ".csv")
SEPARATORS = (",", ";", "\t")
BLOCK_ROWS = 10_000
CHUNK_CHARACTERS = 2 << 20
LONGEST_LINE = 1 << 20
"""In characters; Excel's longest cell has 32,767."""
NO_TEXT = "the file is no text: save the list as .xlsx or .csv and upload that"
QUOTED = r'(?:^|{})"'
"""A cell that begins with a quotation mark, in a pattern for the separator."""
UNREADABLE = "\ufffd"
"""What is read of a byte that is no letter in the encoding of the rest."""
NOTHING = r"^(#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!))?$"
"""What is in a cell in which there is nothing: the errors of spreadsheets, as a CSV has them, are text."""

AS_FORMULA = r'^="([^"]*)"$'
"""How some programs keep a spreadsheet from changing a number: as a formula that gives a text."""

BEYOND = "beyond"
"""The column after the last that is read: what is there has slipped."""


def read_list(path: Path, header: Sequence[str], sheet: str | None = None) -> Iterator[pl.DataFrame]:
    """The rows of a list below its header, as text, block by block.

    Args:
        path: the file; its ending says what it is.
        header: the names of the columns, from the first on; case, spaces and underscores do not count, and
            neither do further columns.
        sheet: which sheet of a workbook is read; the first one if it is None.

    Yields:
        Frames with `row` (u32, the sheet's row number), a String column for each name of the header, null
        where a cell is blank, and `beyond` (String), null unless a row is wider than its header. Rows with
        nothing in them are left out.

    Raises:
        RejectedFile: it cannot be read, or has no such header in its first rows.
    """
    names = [*header, BEYOND]
    is_csv = path.suffix.lower() == ".csv"
    blocks = _csv_blocks(path, len(names)) if is_csv else _sheet_blocks(path, len(names), sheet)
    header_row: int | None = None
    is_wide = False
    for block in _gathered(blocks):
        text = pl.exclude("row").str.strip_chars(SPACES).str.replace(AS_FORMULA, "$1")
        cells = block.with_columns(pl.when(~text.str.contains(NOTHING)).then(text))
        cells = cells.rename(dict(zip(cells.columns[1:], names, strict=True)))
        if header_row is None:
            header_row, is_wide = _find_header(cells.head(HEADER_ROWS), header)
        if is_wide:
            cells = cells.with_columns(pl.lit(None, pl.String).alias(BEYOND))
        yield cells.filter(pl.col("row") > header_row, pl.any_horizontal(pl.col(names).is_not_null()))
    if header_row is None:
        raise RejectedFile(
            "there is nothing in the file" if sheet is None else f"the sheet {sheet!r} is empty"
        )


def not_text(column: str) -> pl.Expr:
    """Say of a cell that should be a code or a name why it is none; null for one that is text or a number."""
    cell = pl.col(column)
    return (
        pl.when(meaning(cell).is_not_null())
        .then(pl.format(f"{column} is {{}}: {{}}", meaning(cell), cell.str.slice(2).str.head(40)))
        .when(cell.str.contains(UNREADABLE))
        .then(pl.format(f"{column} has a letter that cannot be read: {{}}", cell.str.head(40)))
    )


def _gathered(blocks: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in blocks of a good size."""
    gathered: list[pl.DataFrame] = []
    for block in blocks:
        gathered.append(block)
        if sum(part.height for part in gathered) >= BLOCK_ROWS:
            yield pl.concat(gathered)
            gathered = []
    if gathered:
        yield pl.concat(gathered)


def _find_header(head: pl.DataFrame, header: Sequence[str]) -> tuple[int, bool]:
    """The row number of the header, and whether it has columns beyond those named."""
    wanted = [_name(name) for name in header]
    for row, *cells, beyond in head.rows():
        if [_name(cell or "") for cell in cells] == wanted:
            return row, beyond is not None
    seen = next((cells for _, *cells in head.rows() if any(cells)), [])
    shown = ", ".join((cell or "")[:40] for cell in seen).rstrip(", ")
    raise RejectedFile(
        f"no header in the first {HEADER_ROWS} rows: expected '{', '.join(header)}' from column A on, "
        + (f"the first row reads '{shown}'" if seen else "there is nothing in them")
    )


def _name(text: str) -> str:
    return fold(text.replace("_", " "))


def _sheet_blocks(path: Path, columns: int, sheet: str | None) -> Iterator[pl.DataFrame]:
    try:
        yield from sheet_blocks(path, columns, sheet)
    except UnreadableWorkbook as error:
        raise RejectedFile(str(error)) from error


def _csv_blocks(path: Path, columns: int) -> Iterator[pl.DataFrame]:
    """A CSV as frames of text, with `row` and a column for each number from 1.

    A cell may not go on in the next line: then a row is a line, and a quotation mark someone forgot to close
    cannot swallow the rows that follow.
    """
    names = [str(number) for number in range(1, columns + 1)]
    separator = ""
    lines_before = 0
    for lines in _lines(path):
        separator = separator or max(SEPARATORS, key=lines.count)
        is_quoted = (
            '"' in lines and re.search(QUOTED.format(re.escape(separator)), lines, re.MULTILINE) is not None
        )
        if is_quoted:
            _refuse_open_quotes(lines, separator, lines_before)
        try:
            cells = pl.read_csv(
                lines.encode(),
                has_header=False,
                separator=separator,
                # Where no cell is in quotation marks, one is a letter, such as the inch of a size.
                quote_char='"' if is_quoted else None,
                schema=dict.fromkeys(names, pl.String),
                truncate_ragged_lines=True,
                raise_if_empty=False,
            )
        except pl.exceptions.PolarsError as error:
            raise RejectedFile(
                f"the CSV cannot be read from row {lines_before + 1:,} on ({first_line(error)}); "
                "save the list as .xlsx"
            ) from error
        yield cells.with_row_index("row", offset=lines_before + 1)
        lines_before += lines.count("\n")


def _refuse_open_quotes(lines: str, separator: str, before: int) -> None:
    """Refuse a line in which a cell begins with a quotation mark that is not closed."""
    for at, line in enumerate(lines.split("\n"), start=1):
        if line.count('"') % 2 == 0:
            continue
        cells = re.split(QUOTED.format(re.escape(separator)), line)
        raise RejectedFile(
            f"in row {before + at:,} a quotation mark is not closed, or a cell goes on in the next line: "
            f"{cells[-1][:40]!r}; mend the row, or save the list as .xlsx"
        )


def _lines(path: Path) -> Iterator[str]:
    """A text file in pieces of whole lines."""
    size = path.stat().st_size
    if size == 0:
        raise RejectedFile("the file is empty (0 bytes): the upload was cut off; send it again")
    rest = ""
    try:
        with path.open(encoding=_encoding(path), errors="replace") as file:
            while text := file.read(CHUNK_CHARACTERS):
                if "\0" in text:
                    raise RejectedFile(NO_TEXT)
                end = text.rfind("\n") + 1
                if end:
                    yield rest + text[:end]
                    rest = ""
                rest += text[end:]
                if len(rest) > LONGEST_LINE:
                    raise RejectedFile(f"it has a row of more than {LONGEST_LINE:,} characters; {NO_TEXT}")
    except UnicodeError as error:
        raise RejectedFile(NO_TEXT) from error
    if rest:
        yield rest


def _encoding(path: Path) -> str:
    """Tell how a text is encoded: UTF-8, or what Excel saves as plain CSV (Windows-1252) or Unicode text.

    Decided by the whole file: a text in UTF-8 with a letter cut in two is still one in UTF-8.
    """
    with path.open("rb") as file:
        head = file.read(2)
    if head in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    broken = letters = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_CHARACTERS):
            text = decoder.decode(chunk)
            broken += text.count(UNREADABLE)
            letters += len(text) - len(text.encode("ascii", "ignore"))
        broken += decoder.decode(b"", final=True).count(UNREADABLE)
    # What is no UTF-8 breaks at nearly each letter beyond ASCII.
    return "utf-8-sig" if broken <= (letters - broken) / 2 else "cp1252"


HEADER_ROWS = 20
"""A header is looked for in this many rows; the deepest seen in a real feed was on row 5."""
