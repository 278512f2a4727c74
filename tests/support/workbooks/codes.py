"""Codes of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.workbooks.case import accepted
from tests.support.workbooks.contents import FEB_HEADER, HEADER, same
from tests.support.workbooks.making import raw_workbook, row_xml, rows_xml, sheet_xml, write_rows

CODES: dict[str, Any] = {
    "1000": 1000,
    "4012345678901": 4012345678901,
    "12.5": 12.5,
    "007": "007",
    "04-0016": "04-0016",
    "0986479E00": "0986479E00",
    "1E3": "1E3",
    "1000.0": "1000.0",
    "CN362J": ' "CN362J"',
    "K-17": "'K-17' ",
    "AB 22-1001": "\u00a0AB 22-1001 ",
    "LOW9": "low9",
    "VL/81/82/1": "VL/81/82/1",
    "UNIT £15": "UNIT £15",
    "ÄÖ-1": "äö-1",
    "A&B<C>": "A&B<C>",
    "10,5": "10,5",
}
# Codes that look as if they were nothing, or something to calculate.
TEXT_CODES = [
    "=1+1",
    "+44",
    "-5",
    "@X",
    "=cmd|'/c calc'!A1",
    "NULL",
    "NaN",
    "None",
    "NA",
    "N/A",
    "TRUE",
    "0",
    "-",
]


@accepted("BGA", same(3, CODES))
def codes(path: Path) -> None:
    write_rows(path, [HEADER, *([code, 3] for code in CODES.values())])


@accepted("BGA", same(3, ["PX0001", "PX0002", "PX0003"]))
def codes_with_marks_nobody_sees(path: Path) -> None:
    """Copied from a web page: marks of the writing direction, and joiners of no width."""
    odd = ["\u200ePX0001", "PX0002\u200f\u202c", "\u2060PX0003\u200d"]
    write_rows(path, [HEADER, *([code, "\u200e3\u202c"] for code in odd)])


@accepted("BGA", {"1000": 1, "1001": 2, "1002": 3})
def numeric_codes_spelt_otherwise(path: Path) -> None:
    """Some programs write every number as a float; a person reads 1000 all the same."""
    rows = (
        f'<row r="{n}"><c r="A{n}"><v>{spelling}</v></c><c r="B{n}"><v>{n - 1}</v></c></row>'
        for n, spelling in enumerate(["1000.0", "1.001E3", "1002.00000"], start=2)
    )
    raw_workbook(path, sheet_xml(row_xml(1, HEADER) + "".join(rows)))


@accepted("BGA", same(3, map(str.upper, TEXT_CODES)))
def codes_that_look_like_something_else(path: Path) -> None:
    raw_workbook(path, sheet_xml(rows_xml([HEADER, *([code, 3] for code in TEXT_CODES)])))


@accepted("FEB", same(1, ["1000", "1001", "A1002", "B-7"]) | same(2, map(str, range(2000, 7000))))
def text_codes_after_thousands_of_numbers(path: Path) -> None:
    """A reader that guesses a column's type from its beginning loses the last four."""
    rows: list[list[Any]] = [[code, None, 2] for code in range(2000, 7000)]
    rows += [["1000", None, 1], [1001, None, 1], ["A1002", None, 1], ["B-7", None, 1]]
    write_rows(path, [FEB_HEADER, *rows])


@accepted("BGA", {"ONE": 4, "TWO": 2, "1000": 3, "ABC": 5, "Q": 1})
def duplicates(path: Path) -> None:
    """Equal, differing, as number and text, in two cases, and with quotes about one of them."""
    rows: list[list[Any]] = [["ONE", 4], ["ONE", 4], ["TWO", 9], ["TWO", 2], ["TWO", 5], [1000, 8]]
    rows += [["1000", 3], ["abc", 5], ["ABC", 6], ['"Q"', 7], ["Q ", 1]]
    write_rows(path, [HEADER, *rows])
