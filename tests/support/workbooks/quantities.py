"""Stock cells of every kind."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl

from tests.support.oracle import REJECTED
from tests.support.workbooks.case import accepted
from tests.support.workbooks.contents import (
    APE_HEADER,
    GOOD,
    HEADER,
    KLA_HEADER,
    among_good,
    few_among_many,
    good,
    good_rows,
    numbered,
    same,
)
from tests.support.workbooks.making import Rows, raw_workbook, row_xml, rows_xml, sheet_xml, write_rows

NUMBERS: dict[Any, int] = {-3: 0, -0.5: 0, 0: 0, 0.5: 0, 7.9: 7, 12.0: 12, 99923: 99923, 1e3: 1000}
NUMBER_TEXTS = {
    "5": 5,
    " 7 ": 7,
    "10+": 10,
    ">10": 10,
    "1,000": 1000,
    "-4": 0,
    "3.7": 3,
    "12,345,678": 12345678,
}
NOT_NUMBERS: list[Any] = [
    "five",
    "N/A",
    "-",
    "nan",
    "inf",
    "0,5",  # half to a German, 5 to a program that drops commas
    "1,00",
    "1.000,50",
    "5-10",
    "5 or 6",
    "1_000",  # a number to Python alone
    "0x10",
    "\u0663",  # Arabic three
    "=5",
    True,
    date(2024, 8, 1),
    datetime(2024, 8, 1, 9, 30),  # noqa: DTZ001 - a cell has no time zone
    time(9, 30),
    "#N/A",
    "   ",
]


@accepted("KLA", numbered("N", NUMBERS.values()))
def quantities_that_are_numbers(path: Path) -> None:
    raw_workbook(path, sheet_xml(rows_xml([KLA_HEADER, *([f"N{at}", n] for at, n in enumerate(NUMBERS))])))


@accepted("KLA", {"SCI": 1500, "NEG": 0})
def quantities_in_scientific_notation(path: Path) -> None:
    """As Excel stores some numbers; a person sees 1500."""
    rows = '<row r="2"><c r="A2" t="str"><v>SCI</v></c><c r="B2"><v>1.5E3</v></c></row>'
    rows += '<row r="3"><c r="A3" t="str"><v>NEG</v></c><c r="B3"><v>-1.5E-3</v></c></row>'
    raw_workbook(path, sheet_xml(row_xml(1, KLA_HEADER) + rows))


@accepted("KLA", numbered("N", NUMBER_TEXTS.values()))
def quantities_as_text(path: Path) -> None:
    write_rows(path, [KLA_HEADER, *([f"N{at}", text] for at, text in enumerate(NUMBER_TEXTS))])


@accepted("BGA", {"CAP": 10, "OVER": 10, "HUGE": 10, "TEXT": 10, "PLUS": 10, "UNDER": 9})
def quantities_above_the_cap(path: Path) -> None:
    odd: Rows = [
        ["CAP", 10],
        ["OVER", 11],
        ["HUGE", 1e300],
        ["TEXT", "99,923"],
        ["PLUS", "500+"],
        ["UNDER", 9.99],
    ]
    write_rows(path, [HEADER, *odd])


@accepted("KLA", among_good({"HUGE": REJECTED, "BILLIONS": REJECTED, "LARGEST": 2**31 - 1}, cap=14))
def quantities_beyond_an_int_without_a_cap(path: Path) -> None:
    """The table's quantity is a 32-bit int. What does not fit is no stock figure, and must not wrap."""
    few_among_many(path, KLA_HEADER, [["HUGE", 1e300], ["BILLIONS", 5_000_000_000], ["LARGEST", 2**31 - 1]])


@accepted("BGA", among_good(numbered("ODD", [REJECTED] * len(NOT_NUMBERS))))
def quantities_that_are_none(path: Path) -> None:
    """Dates and truth values have numbers behind them; a person reads a date, not 45505 in stock."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(HEADER)
    for at, value in enumerate(NOT_NUMBERS):
        sheet.append([f"ODD{at}", value])
        if value == "=5":
            sheet.cell(sheet.max_row, 2).data_type = "s"
    for row in good_rows(40 * len(NOT_NUMBERS)):
        sheet.append(row)
    book.save(path)


YES = ["YES", "yes", " Yes ", "YES\u00a0"]
NO = ["NO", "no ", "No"]
NEITHER = ["Y", "YES!", "YESNO", "NOT YES", "NO STOCK", "1", 1, 0, True, "", None, "#N/A"]


@accepted(
    "APE",
    numbered("YES", [10] * len(YES))
    | numbered("NO", [0] * len(NO))
    | numbered("ODD", [REJECTED] * len(NEITHER))
    | same(10, good(300)),
)
def flags(path: Path) -> None:
    rows: list[list[Any]] = [[f"YES{at}", word] for at, word in enumerate(YES)]
    rows += [[f"NO{at}", word] for at, word in enumerate(NO)]
    rows += [[f"ODD{at}", word] for at, word in enumerate(NEITHER)]
    write_rows(path, [APE_HEADER, *rows, *([code, "YES"] for code, _ in good_rows(300))])


@accepted(
    "ROL",
    same(10, "AB") | same(0, "CDE") | same(REJECTED, "F") | same(0, GOOD),
)
def flags_of_several_words(path: Path) -> None:
    """Never "contains": F contains every word of In Stock."""
    words = ["In Stock", "in stock ", "Out Of Stock", "LOW STOCK", "Low stock", "Not In Stock"]
    rows = [[code, "Bosch", word] for code, word in zip("ABCDEF", words, strict=True)]
    rows += [[code, "Bosch", "Out of Stock"] for code, _ in good_rows()]
    write_rows(path, [["ROLLCO", "Type", "Comment"], *rows])
