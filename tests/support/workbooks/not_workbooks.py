"""Files that are not workbooks, or only in part."""

from __future__ import annotations

import csv
import struct
import zipfile
from pathlib import Path

import openpyxl
from openpyxl.chart import BarChart, Reference

from tests.support.workbooks.case import accepted, rejected
from tests.support.workbooks.contents import GOOD, HEADER, good_rows, good_sheet
from tests.support.workbooks.in_order import in_order, shared_strings
from tests.support.workbooks.making import DECLARATION, SHEET, STRINGS, raw_workbook, with_part


@rejected("BGA", "workbook")
def not_a_zip(path: Path) -> None:
    path.write_bytes(b"The stock file is attached. Kind regards.\n" * 50)


@rejected("BGA", "workbook", "empty")
def empty_file(path: Path) -> None:
    path.write_bytes(b"")


@rejected("BGA", "workbook")
def zip_of_something_else(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("stock.csv", "BGA REFERENCE,Stock\nPX0001,5\n")


@rejected("BGA", "workbook")
def zip_without_an_entry(path: Path) -> None:
    zipfile.ZipFile(path, "w").close()


@rejected("BGA", "workbook")
def upload_cut_short(path: Path) -> None:
    in_order(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])


@rejected("BGA", "workbook")
def checksum_wrong(path: Path) -> None:
    """A digit of the sheet has changed on its way: it reads well, only the checksum tells."""
    raw_workbook(path, good_sheet(), compression=zipfile.ZIP_STORED)
    whole = path.read_bytes()
    assert whole.count(b'"B3"><v>1<') == 1
    path.write_bytes(whole.replace(b'"B3"><v>1<', b'"B3"><v>9<'))


@rejected("BGA", "workbook")
def compressed_data_garbled(path: Path) -> None:
    in_order(path)
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(SHEET)
    whole = bytearray(path.read_bytes())
    middle = entry.header_offset + 30 + len(SHEET) + entry.compress_size // 2
    whole[middle : middle + 40] = b"\xff" * 40
    path.write_bytes(whole)


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 62, 3, 0xFFFE, 9, 6)


@rejected("BGA", "workbook")
def protected_with_a_password(path: Path) -> None:
    """Excel puts an encrypted workbook into an OLE container."""
    path.write_bytes(OLE.ljust(1024, b"\0") + "EncryptedPackage".encode("utf-16-le").ljust(4096, b"\0"))


@rejected("BGA", "workbook")
def old_xls(path: Path) -> None:
    path.write_bytes(OLE.ljust(1024, b"\0") + "Workbook".encode("utf-16-le").ljust(4096, b"\0"))


@rejected("BGA", "workbook")
def bare_biff(path: Path) -> None:
    """An .xls older still, without a container around it."""
    path.write_bytes(struct.pack("<HHHHHH", 0x0009, 4, 0x0200, 0x0010, 0x000A, 0))


@rejected("BGA", "workbook")
def html_table(path: Path) -> None:
    """What many a web shop calls an Excel export."""
    rows = "".join(f"<tr><td>{code}</td><td>{stock}</td></tr>" for code, stock in [HEADER, *good_rows()])
    path.write_text(f"<html><body><table>{rows}</table></body></html>")


@rejected("BGA", "workbook")
def csv_text(path: Path) -> None:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([HEADER, *good_rows()])


@rejected("BGA", "workbook")
def open_document(path: Path) -> None:
    """LibreOffice's own format under an .xlsx name. Some readers tell it by its content; a feed is .xlsx."""
    office = "urn:oasis:names:tc:opendocument:xmlns"
    cell = '<t:table-cell o:value-type="string"><x:p>{}</x:p></t:table-cell>'
    rows = "".join(
        f"<t:table-row>{''.join(cell.format(value) for value in row)}</t:table-row>"
        for row in [HEADER, *good_rows()]
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr(
            "content.xml",
            f'{DECLARATION}<o:document-content xmlns:o="{office}:office:1.0" xmlns:t="{office}:table:1.0" '
            f'xmlns:x="{office}:text:1.0"><o:body><o:spreadsheet><t:table t:name="Sheet1">{rows}'
            "</t:table></o:spreadsheet></o:body></o:document-content>",
        )
        archive.writestr(
            "META-INF/manifest.xml",
            f'{DECLARATION}<m:manifest xmlns:m="{office}:manifest:1.0">'
            f'<m:file-entry m:full-path="/" m:media-type="{kind}"/></m:manifest>',
        )


@rejected("BGA", "workbook")
def workbook_part_missing(path: Path) -> None:
    in_order(path)
    with_part(path, "xl/workbook.xml", None)


@rejected("BGA", "workbook", "sheet")
def sheet_part_missing(path: Path) -> None:
    raw_workbook(path, None)


@rejected("BGA", "workbook", "sheet")
def sheet_ends_midway(path: Path) -> None:
    """Whole as a zip, but its sheet stops in a row: half a supplier's parts would be gone."""
    text = good_sheet()
    raw_workbook(path, text[: len(text) // 2])


@rejected("BGA", "workbook", "sheet")
def sheet_ends_between_rows(path: Path) -> None:
    text = good_sheet()
    raw_workbook(path, text[: text.index('<row r="30">')])


@rejected("BGA", "workbook", "sheet")
def sheet_malformed_midway(path: Path) -> None:
    raw_workbook(path, good_sheet().replace('<row r="30">', '</c><row r="30"><<'))


@rejected("BGA", "workbook", "sheet")
def sheet_closed_midway(path: Path) -> None:
    """Everything is closed in the middle and the rest comes after it. A reader that stops at the first
    </sheetData> has half the rows and no error.
    """
    middle = '<row r="30">'
    raw_workbook(path, good_sheet().replace(middle, f"</sheetData></worksheet>{middle}"))


@rejected("BGA", "workbook", "sheet")
def shared_strings_missing(path: Path) -> None:
    """No one can tell what its codes are."""
    shared_strings(path)
    with_part(path, STRINGS, None)


@rejected("BGA", "workbook", "sheet")
def shared_string_beyond_the_last(path: Path) -> None:
    """One code of many is not there. A reader that leaves it blank would take its part off sale."""
    shared_strings(path)
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read(SHEET)
    last = f"<v>{len(good_rows()) + 1}</v>".encode()
    assert sheet.count(last) == 1
    with_part(path, SHEET, sheet.replace(last, b"<v>999</v>"))


@rejected("BGA", "workbook")
def workbook_within_a_zip(path: Path) -> None:
    """Zipped once more for the mail, and then renamed."""
    inner = path.with_name("inner.xlsx")
    in_order(inner)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(inner, "BGA_stock.xlsx")
    inner.unlink()


@accepted("BGA", GOOD)
def mail_footer_behind_it(path: Path) -> None:
    """A mail gateway appended its boundary. Excel opens it, for all of the archive is there."""
    in_order(path)
    path.write_bytes(path.read_bytes() + b"\r\n--boundary--\r\n")


@accepted("BGA", GOOD)
def macros_in_it(path: Path) -> None:
    """An .xlsm under another name. No one runs what is in it, and its list is in order."""
    in_order(path)
    with_part(path, "xl/vbaProject.bin", OLE.ljust(2048, b"\0"))


@accepted("BGA", GOOD)
def sizes_in_64_bits(path: Path) -> None:
    """As programs write it that stream, and so do not know beforehand how large a part will be."""
    raw_workbook(path, good_sheet())
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            with archive.open(name, "w", force_zip64=True) as stream:
                stream.write(content)


@rejected("BGA", "workbook")
def sheet_in_utf_16(path: Path) -> None:
    """Allowed by the standard and written by no program. The reader would see nothing of it."""
    raw_workbook(path, [good_sheet().replace("UTF-8", "UTF-16").encode("utf-16")])


@rejected("BGA", "sheet")
def chart_first(path: Path) -> None:
    """A sheet that is nothing but a diagram, with the list behind it."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in [HEADER, *good_rows()]:
        sheet.append(row)
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=20))
    book.create_chartsheet("Chart", 0).add_chart(chart)
    book.save(path)
