"""Workbooks with nothing wrong."""

from __future__ import annotations

from pathlib import Path

from tests.support.workbooks.case import accepted
from tests.support.workbooks.contents import GOOD, HEADER, good_rows, good_sheet, same
from tests.support.workbooks.making import Rows, raw_workbook, shared_workbook, write_rows


@accepted("BGA", GOOD)
def in_order(path: Path) -> None:
    write_rows(path, [HEADER, *good_rows()])


@accepted("BGA", GOOD)
def shared_strings(path: Path) -> None:
    shared_workbook(path, [HEADER, *good_rows()])


@accepted("BGA", GOOD)
def fewest_parts(path: Path) -> None:
    """No theme, no properties, nothing but what a workbook must have."""
    raw_workbook(path, good_sheet())


@accepted("COM", GOOD)
def stock_in_column_3_under_no_heading(path: Path) -> None:
    """The word is over column 2, the number is in column 3, as COM sends it."""
    rows = [[code, "Comline", stock] for code, stock in good_rows()]
    write_rows(path, [["Part No.", "Stock"], *rows])


@accepted("MOT", GOOD)
def stock_in_column_3_under_its_heading(path: Path) -> None:
    rows = [[code, "Comline", stock] for code, stock in good_rows()]
    write_rows(path, [["Part No.", None, "Stock"], *rows])


@accepted("SMP", same(10, GOOD))
def listed_means_ten(path: Path) -> None:
    header = ["PartNumber", "Desc", "SUnder", "Supercession", "SurchVal", "RRP"]
    write_rows(path, [header, *([code, "COIL", None, " ", None, 9.99] for code, _ in good_rows())])


@accepted("RTG", {"A71": 0, "A71X2": 0, "A287+A288": 0})
def out_list(path: Path) -> None:
    """Lower case, spaces behind, a label twice, notes beside."""
    rows: Rows = [["A71"], ["a71x2 ", "back in May"], ["A287+A288"], ["A71"], [None, "a note"]]
    write_rows(path, [["Custom label", "Info"], *rows])
