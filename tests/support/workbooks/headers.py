"""Headers: where they are, what they say."""

from __future__ import annotations

from pathlib import Path

import openpyxl

from tests.support.oracle import REJECTED
from tests.support.workbooks.case import accepted, rejected
from tests.support.workbooks.contents import GOOD, HEADER, KLA_HEADER, among_good, good_rows
from tests.support.workbooks.making import raw_workbook, rows_xml, sheet_xml, write_rows


@rejected("BGA", "header", "empty")
def sheet_empty(path: Path) -> None:
    write_rows(path, [])


@rejected("BGA", "row")
def header_alone(path: Path) -> None:
    write_rows(path, [HEADER])


@rejected("BGA", "header")
def header_missing(path: Path) -> None:
    write_rows(path, good_rows())


@rejected("BGA", "header")
def header_renamed(path: Path) -> None:
    write_rows(path, [["BGA REFERENCE", "Allocated"], *good_rows()])


@rejected("BGA", "header")
def header_columns_swapped(path: Path) -> None:
    write_rows(path, [["Stock", "BGA REFERENCE"], *([stock, code] for code, stock in good_rows())])


@rejected("BGA", "header")
def header_of_another_supplier(path: Path) -> None:
    write_rows(path, [KLA_HEADER, *good_rows()])


@rejected("BGA", "header")
def header_only_contains_the_right_one(path: Path) -> None:
    write_rows(path, [["Old BGA REFERENCE", "Stock"], *good_rows()])


@accepted("FAI", GOOD)
def header_on_row_5(path: Path) -> None:
    rows = [[], ["  FAI Stock Report  Page 1"], [], [], ["Part No.", "Avail Stock"], *good_rows()]
    write_rows(path, rows)


@accepted("BGA", GOOD)
def header_on_row_15(path: Path) -> None:
    write_rows(path, [*([f"Note {number}"] for number in range(1, 15)), HEADER, *good_rows()])


@accepted("BGA", GOOD)
def header_on_row_20(path: Path) -> None:
    """The last row on which it is looked for."""
    write_rows(path, [*([f"Note {number}"] for number in range(1, 20)), HEADER, *good_rows()])


@rejected("BGA", "header")
def header_on_row_21(path: Path) -> None:
    write_rows(path, [*([f"Note {number}"] for number in range(1, 21)), HEADER, *good_rows()])


@accepted("BGA", GOOD)
def header_merged_over_two_rows(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in [HEADER, [], *good_rows()]:
        sheet.append(row)
    sheet.merge_cells("A1:A2")
    sheet.merge_cells("B1:B2")
    book.save(path)


@accepted("BGA", among_good({"BGA REFERENCE": REJECTED}))
def header_again_on_every_page(path: Path) -> None:
    rows = good_rows(40)
    write_rows(path, [HEADER, *rows[:20], HEADER, *rows[20:]])


@accepted("BGA", GOOD)
def second_stock_column(path: Path) -> None:
    """Two warehouses. The suppliers file says which column counts."""
    write_rows(path, [[*HEADER, "Stock"], *([code, stock, 99] for code, stock in good_rows())])


@rejected("BGA", "header")
def header_on_row_60(path: Path) -> None:
    """So far down it belongs to something else on the sheet."""
    write_rows(path, [*([f"Note {number}", number] for number in range(1, 60)), HEADER, *good_rows()])


@accepted("BGA", GOOD)
def header_in_other_case_and_spaces(path: Path) -> None:
    write_rows(path, [["  bga Reference ", "STOCK   "], *good_rows()])


@accepted("RFX", GOOD)
def header_with_spaces_as_rfx_sends_it(path: Path) -> None:
    header = ["Part No", " Part Description", " RRP", " Stock Qty", " VAT %", " Barcode"]
    write_rows(path, [header, *([code, "Fork seal", 9.5, stock, 20, None] for code, stock in good_rows())])


@accepted("BGA", GOOD)
def header_with_no_break_spaces(path: Path) -> None:
    write_rows(path, [["BGA REFERENCE\u00a0", "\u00a0Stock"], *good_rows()])


@accepted("BGA", GOOD)
def header_with_byte_order_mark(path: Path) -> None:
    """Left over from a CSV. No one can see it, so no one would understand a rejection."""
    write_rows(path, [["\ufeffBGA REFERENCE", "Stock"], *good_rows()])


@accepted("BGA", GOOD)
def more_columns_than_the_header(path: Path) -> None:
    write_rows(path, [[*HEADER, None, "Notes"], *([*row, None, "see p. 4"] for row in good_rows())])


@accepted("BGA", GOOD)
def blank_rows_before_the_header(path: Path) -> None:
    """Not even <row> elements: a reader that counts only those is out by three."""
    raw_workbook(path, sheet_xml(rows_xml([HEADER, *good_rows()], first=4)))


@rejected("BGA", "header")
def empty_first_column(path: Path) -> None:
    """A person sees all of it one column to the right: the right words at the wrong positions."""
    write_rows(path, [[None, *HEADER], *([None, *row] for row in good_rows())])


@rejected("BGA", "header")
def cover_page_first(path: Path) -> None:
    """The first sheet is the one that counts; which other would be right is a guess."""
    book = openpyxl.Workbook()
    book.worksheets[0].append(["Stock report, week 32"])
    data = book.create_sheet("Stock")
    for row in [HEADER, *good_rows()]:
        data.append(row)
    book.active = 1  # what Excel shows when it opens the file
    book.save(path)


@accepted("BGA", GOOD)
def second_sheet_ignored(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in [HEADER, *good_rows()]:
        book.worksheets[0].append(row)
    pivot = book.create_sheet("Last week")
    for row in [HEADER, *([code, 1] for code, _ in good_rows())]:
        pivot.append(row)
    book.active = 1
    book.save(path)


@rejected("BGA", "sheet")
def hidden_first_sheet_with_old_stock(path: Path) -> None:
    """A person who opens the file sees today's quantities; the first sheet, hidden, has last week's.

    Reading the visible one would do as well, were it sure to be the right one. Never the hidden one.
    """
    book = openpyxl.Workbook()
    old = book.worksheets[0]
    for row in [HEADER, *([code, 7] for code, _ in good_rows())]:
        old.append(row)
    today = book.create_sheet("Today")
    for row in [HEADER, *good_rows()]:
        today.append(row)
    old.sheet_state = "hidden"
    book.active = 1
    book.save(path)
