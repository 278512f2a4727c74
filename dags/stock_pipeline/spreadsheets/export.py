"""Files which people open in a spreadsheet program.

The rule for text, stated once in `FORMULA` and used by both kinds of file, for cells and headers alike: what
begins like a formula, be it behind characters that a person does not see or a program drops, is marked as
text. Columns of numbers and dates are ours, no one typed them, and they stay what they are.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import polars as pl
import polars.selectors as cs

UNSEEN = r"""[\p{Z}\p{C}\p{M}\p{Pi}\p{Pf}"'`\u{B4}\u{115F}\u{1160}\u{2800}\u{3164}\u{FFA0}]"""
"""What may be before a sign without keeping it from being taken as the first: any kind of space, control
and format characters (a byte order mark, zero widths, directions), marks, fillers that draw nothing, and
quotes."""

SIGNS = (
    r"[=+@|\p{Pd}\u{2212}\u{207A}-\u{207C}\u{208A}-\u{208C}"
    r"\u{FE62}\u{FE66}\u{FE6B}\u{FF0B}\u{FF1D}\u{FF20}\u{FF5C}]"
)
"""What formulas begin with, with their wide, small, raised and lookalike forms, which programs fold."""

FORMULA = rf"^(?:{UNSEEN}*{SIGNS}|[\t\r\n])"
"""Text that a spreadsheet program may take for a formula, or that begins with what splits a line or cell."""

PLAIN_NUMBER = r"^[-+]?[0-9][0-9.,]*$"
"""Text that every spreadsheet program takes for a number at most."""

TEXT = cs.string(include_categorical=True) | cs.enum()


def harmless_csv(table: pl.DataFrame) -> bytes:
    """A table as CSV in which no cell or header can act as a formula: one that starts like it gets a `'`.

    It begins with a byte order mark, without which Excel misreads `£` and accented letters.
    """
    quoted = table.with_columns(TEXT.cast(pl.String).str.replace(f"({FORMULA})", "'$1"))
    names = pl.Series(table.columns, dtype=pl.String).str.replace(f"({FORMULA})", "'$1")
    quoted.columns = names.to_list()
    return quoted.write_csv(include_bom=True, line_terminator="\r\n").encode()


def program_csv(table: pl.DataFrame) -> bytes:
    """Write a table as CSV for other programs: UTF-8 without a byte order mark.

    Text is exactly as it was sent, except that what a spreadsheet program may take for a formula, and is not
    a plain number, gets a `'` all the same.
    """
    text = TEXT.cast(pl.String)
    plain = text.str.contains(PLAIN_NUMBER).fill_null(value=True)
    return (
        table.with_columns(pl.when(plain).then(text).otherwise(text.str.replace(f"({FORMULA})", "'$1")))
        .write_csv()
        .encode()
    )


def harmless_xlsx(table: pl.DataFrame) -> bytes:
    """A table as a workbook in which every text is text, whatever it begins with.

    Texts that begin like a formula are marked as text too, so that editing such a cell does not make it one.
    """
    from openpyxl import Workbook  # noqa: PLC0415 - a third of a second, and only this needs it
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet = book.create_sheet("rows")

    def text(value: str, like_a_formula: bool) -> Any:
        cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
        cell.data_type = "s"
        cell.quotePrefix = like_a_formula
        return cell

    heads = pl.Series(table.columns, dtype=pl.String)
    sheet.append([text(*entry) for entry in zip(heads, heads.str.contains(FORMULA), strict=True)])
    columns: list[list[object]] = []
    for column in table.with_columns(TEXT.cast(pl.String)).iter_columns():
        values = column.to_list()
        if column.dtype == pl.String:
            found = column.str.contains(FORMULA)
            values = [
                None if value is None else text(value, bool(flag))
                for value, flag in zip(values, found, strict=True)
            ]
        columns.append(values)
    for row in zip(*columns, strict=True):
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
