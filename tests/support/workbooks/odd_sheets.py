"""Sheets that a person reads without noticing anything."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import openpyxl
from openpyxl.styles import PatternFill

from tests.support.workbooks.case import accepted, rejected
from tests.support.workbooks.contents import GOOD, HEADER, good_rows, good_sheet
from tests.support.workbooks.headers import second_sheet_ignored
from tests.support.workbooks.making import (
    STRICT_MAIN,
    STRICT_OFFICE,
    cell_xml,
    raw_workbook,
    row_xml,
    rows_xml,
    sheet_xml,
    strings_xml,
    with_part,
    write_rows,
)


@accepted("BGA", {code: quantity for code, quantity in GOOD.items() if code != "PX0004"})
def merged_cells(path: Path) -> None:
    """A title over both columns, and a code over two rows: the second of them has none."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in [["Stock, week 32"], HEADER, *good_rows()]:
        sheet.append(row)
    sheet.merge_cells("A1:B1")
    sheet.merge_cells("A6:A7")  # PX0003's and PX0004's
    book.save(path)


@accepted("BGA", GOOD)
def filtered_and_hidden_rows(path: Path) -> None:
    """Anyone who saved it had a filter on. The rows are in the file, so they count."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in [HEADER, *good_rows()]:
        sheet.append(row)
    sheet.auto_filter.ref = "A1:B61"
    for number in range(10, 40):
        sheet.row_dimensions[number].hidden = True
    sheet.cell(1, 1).fill = PatternFill("solid", fgColor="FFFF00")
    book.save(path)


@rejected("BGA", "cell")
def stray_cell_in_the_far_corner(path: Path) -> None:
    """Seventeen billion cells to a reader that fills in the rest. The message can say which one."""
    stray = f'<row r="1048576">{cell_xml("x", "XFD1048576")}</row>'
    raw_workbook(path, sheet_xml(rows_xml([HEADER, *good_rows()]) + stray))


@accepted("BGA", GOOD)
def stray_cell_far_to_the_right(path: Path) -> None:
    """ROL sends such. A slip of someone's keyboard in a column no one reads."""
    row = row_xml(10, good_rows()[8])
    stray = row.replace("</row>", cell_xml("x", "XFD10") + "</row>")
    raw_workbook(path, good_sheet().replace(row, stray))


@accepted("BGA", GOOD)
def stray_cell_far_down(path: Path) -> None:
    """A space in the last row that Excel has."""
    stray = f'<row r="1048576">{cell_xml(" ", "B1048576")}</row>'
    raw_workbook(path, sheet_xml(rows_xml([HEADER, *good_rows()]) + stray))


@accepted("BGA", GOOD)
def cells_without_references(path: Path) -> None:
    raw_workbook(path, re.sub(r'<c r="\w+"', "<c", good_sheet()))


@accepted("BGA", GOOD)
def rows_without_references(path: Path) -> None:
    raw_workbook(path, re.sub(r'<(c|row) r="\w+"', r"<\1", good_sheet()))


@accepted("BGA", GOOD)
def elements_with_a_prefix(path: Path) -> None:
    """<x:row> for <row>: some .NET libraries write every element so."""
    prefixed = re.sub(r"<(/?)(\w)", r"<\1x:\2", good_sheet()).replace("xmlns=", "xmlns:x=")
    raw_workbook(path, prefixed)


@accepted("BGA", GOOD)
def shared_strings_in_pieces(path: Path) -> None:
    """Half a code in bold; and a reading aid for Japanese, which is not part of the text."""
    pieces = [
        f"<si><r><t>{code[:3]}</t></r><r><rPr><b/></rPr><t>{code[3:]}</t></r>"
        '<rPh sb="0" eb="2"><t>reading aid</t></rPh></si>'
        for code, _ in good_rows()
    ]
    rows = [
        f'<row r="{at + 2}"><c r="A{at + 2}" t="s"><v>{at}</v></c>{cell_xml(stock, f"B{at + 2}")}</row>'
        for at, (_, stock) in enumerate(good_rows())
    ]
    raw_workbook(path, sheet_xml(row_xml(1, HEADER) + "".join(rows)), strings_xml("".join(pieces)))


@accepted("BGA", GOOD)
def dimension_too_small(path: Path) -> None:
    raw_workbook(path, sheet_xml(rows_xml([HEADER, *good_rows()]), before='<dimension ref="A1"/>'))


@accepted("BGA", GOOD)
def dimension_too_large(path: Path) -> None:
    """Some programs write the whole sheet's. The cells are few."""
    raw_workbook(path, sheet_xml(rows_xml([HEADER, *good_rows()]), before='<dimension ref="A1:XFD1048576"/>'))


@accepted("BGA", GOOD)
def strict_open_xml(path: Path) -> None:
    """Excel's own "Strict Open XML Spreadsheet". It opens like any other, so staff would see nothing wrong.

    (openpyxl sees no sheet in it.)
    """
    sheet = sheet_xml(rows_xml([HEADER, *good_rows()]), namespace=STRICT_MAIN)
    raw_workbook(path, sheet, main=STRICT_MAIN, office=STRICT_OFFICE)


@accepted("BGA", GOOD)
def sheet_at_an_absolute_path(path: Path) -> None:
    raw_workbook(path, good_sheet(), part="xl/data/stock.xml", target="/xl/data/stock.xml")


@accepted("BGA", GOOD)
def written_from_right_to_left(path: Path) -> None:
    """Column A is on the right of the screen; it is the first all the same."""
    view = '<sheetViews><sheetView rightToLeft="1" workbookViewId="0"/></sheetViews>'
    raw_workbook(path, sheet_xml(rows_xml([HEADER, *good_rows()]), before=view))


@accepted("BGA", GOOD)
def rows_out_of_order(path: Path) -> None:
    """Each says where it belongs."""
    rows = re.findall("<row.*?</row>", good_sheet())
    raw_workbook(path, sheet_xml(rows[0] + "".join(reversed(rows[1:]))))


@rejected("BGA", "twice")
def row_twice(path: Path) -> None:
    """Two rows 30 with two quantities: Excel offers to repair it, and a person would choose."""
    row = row_xml(30, good_rows()[28])
    raw_workbook(path, good_sheet().replace(row, row + row_xml(30, ["PX0028", 0])))


@rejected("BGA", "workbook")
def opening_tag_left_out(path: Path) -> None:
    """A reader that does not mind loses the code, and the part would go off sale."""
    cell = cell_xml("PX0028", "A30")
    raw_workbook(path, good_sheet().replace(cell, cell.replace("<is>", "")))


@accepted("BGA", GOOD)
def two_sheets_of_one_name(path: Path) -> None:
    """No program of an office makes it. The first is the one that counts, whatever it is called."""
    second_sheet_ignored(path)
    with zipfile.ZipFile(path) as archive:
        book = archive.read("xl/workbook.xml")
    with_part(path, "xl/workbook.xml", book.replace(b'"Last week"', b'"Sheet"'))


@accepted("BGA", GOOD)
def long_note(path: Path) -> None:
    """A hundred times what Excel puts into a cell, in a column no one reads."""
    write_rows(path, [HEADER, *good_rows(), [None, None, "All prices without tax. " * 100]])


@accepted("BGA", GOOD)
def hidden_stock_column(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in [HEADER, *good_rows()]:
        sheet.append(row)
    sheet.column_dimensions["B"].hidden = True
    book.save(path)


@accepted("BGA", GOOD)
def rows_of_nothing_to_the_end(path: Path) -> None:
    """Someone set a height for rows almost as far as Excel has any."""
    blank = "".join(f'<row r="{number}" ht="15"/>' for number in range(900_000, 1_048_577))
    raw_workbook(path, sheet_xml(rows_xml([HEADER, *good_rows()]) + blank))
