"""Rows without a code or a quantity."""

from __future__ import annotations

from pathlib import Path

from tests.support.oracle import REJECTED
from tests.support.workbooks.case import accepted, rejected
from tests.support.workbooks.contents import APE_HEADER, FEB_HEADER, GOOD, HEADER, good, good_rows, same
from tests.support.workbooks.making import cell_xml, raw_workbook, row_xml, rows_xml, sheet_xml, write_rows


@accepted("BGA", GOOD)
def trailing_styled_rows(path: Path) -> None:
    """As FPS sends them, three times as many."""
    blank = "".join(f'<row r="{n}"><c r="A{n}" s="1"/><c r="B{n}" s="1"/></row>' for n in range(62, 40_062))
    raw_workbook(path, sheet_xml(rows_xml([HEADER, *good_rows()]) + blank))


@accepted("BGA", GOOD)
def blank_rows_between(path: Path) -> None:
    rows = good_rows()
    write_rows(path, [HEADER, *rows[:20], [], [None, None], ["  ", ""], *rows[20:]])


@accepted("BET", GOOD)
def row_without_code(path: Path) -> None:
    rows = [[None, 0, "L"], *([*row, "B"] for row in good_rows())]
    write_rows(path, [["Part", "Free Stk", "Cond Ind"], *rows])


@accepted("BGA", GOOD | same(REJECTED, ["(ERROR)"]))
def error_as_code(path: Path) -> None:
    """A formula that found no code: a row of the list is lost, and the report says so."""
    write_rows(path, [HEADER, *good_rows(), ["#N/A", 3]])


def feb_sheet(blanks: int, count: int = 500) -> str:
    """FEB's way: each stock cell a formula with the value it had, some of them #N/A."""
    rows = []
    for number, (code, stock) in enumerate(good_rows(count), start=2):
        kind, value = (' t="e"', "#N/A") if number < blanks + 2 else ("", stock)
        rows.append(
            f'<row r="{number}">{cell_xml(code, f"A{number}")}{cell_xml("Clutch", f"B{number}")}'
            f'<c r="C{number}"{kind}><f>VLOOKUP(A{number},X:Y,2,0)</f><v>{value}</v></c></row>'
        )
    return sheet_xml(row_xml(1, FEB_HEADER) + "".join(rows))


@accepted("FEB", good(500) | same(REJECTED, good(9)))
def errors_in_two_rows_of_a_hundred(path: Path) -> None:
    raw_workbook(path, feb_sheet(9))


@accepted("FEB", good(500) | same(REJECTED, good(25)))
def errors_in_five_rows_of_a_hundred(path: Path) -> None:
    """More than 5 % is too much; this is 5 %."""
    raw_workbook(path, feb_sheet(25))


@rejected("FEB", "reject")
def errors_in_a_little_over_five_rows_of_a_hundred(path: Path) -> None:
    raw_workbook(path, feb_sheet(26))


@rejected("FEB", "reject")
def errors_in_ten_rows_of_a_hundred(path: Path) -> None:
    raw_workbook(path, feb_sheet(50))


@rejected("BGA", "row")
def every_quantity_blank(path: Path) -> None:
    write_rows(path, [HEADER, *([code] for code, _ in good_rows())])


@rejected("COM", "row")
def quantity_one_column_off(path: Path) -> None:
    """The header is one that COM may have, but the numbers have moved under the word."""
    write_rows(path, [["Part No.", "Stock"], *good_rows()])


@rejected("APE", "row")
def numbers_for_flags(path: Path) -> None:
    """Seen: another supplier's rows under APE's header. 1 and 0 do not mean YES and NO."""
    write_rows(path, [APE_HEADER, *good_rows()])


@rejected("APE", "reject")
def numbers_for_some_flags(path: Path) -> None:
    rows = [[code, stock if number < 10 else "YES"] for number, (code, stock) in enumerate(good_rows())]
    write_rows(path, [APE_HEADER, *rows])
