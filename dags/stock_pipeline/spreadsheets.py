"""Files which people open in a spreadsheet program."""

from __future__ import annotations

import re
from io import BytesIO

import polars as pl

FORMULA_STARTS = r"^([=+\-@\t\r])"


def harmless_csv(table: pl.DataFrame) -> bytes:
    """A table as CSV in which no cell can act as a formula: one that starts like it gets a leading `'`.

    It begins with a byte order mark, without which Excel misreads `£` and accented letters.
    """
    defused = table.with_columns(pl.col(pl.String).str.replace(FORMULA_STARTS, "'$1"))
    return defused.write_csv(include_bom=True, line_terminator="\r\n").encode()


def harmless_xlsx(table: pl.DataFrame) -> bytes:
    """A table as a workbook in which every text is text, whatever it begins with.

    Texts that begin like a formula are marked as text too, so that editing such a cell does not make it one.
    """
    from openpyxl import Workbook  # noqa: PLC0415 - a third of a second, and only this needs it
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    sheet.append(table.columns)
    for values in table.iter_rows():
        row = []
        for value in values:
            if not isinstance(value, str):
                row.append(value)
                continue
            cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
            cell.data_type = "s"
            if re.match(FORMULA_STARTS, value):
                cell.quotePrefix = True
            row.append(cell)
        sheet.append(row)
    body = BytesIO()
    book.save(body)
    return body.getvalue()


def column_name(number: int) -> str:
    """What a spreadsheet calls a column: 1 is A, 27 is AA."""
    name = ""
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
