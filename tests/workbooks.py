"""Broken and odd workbooks, each made by a few lines, with the verdict that staff would want on it.

`CASES` is for any test that reads feeds. By hand: `python -m tests.workbooks DIR` writes them all.

Each case is a function, named for what is the matter, that builds one file. Where the contract leaves the
verdict open, the docstring says why it is the one it is. The rule behind them: a file that a person would
open in Excel and find in order is accepted; one that would make a person doubt it is rejected, for missing
beats wrong.
"""

import csv
import re
import struct
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import repeat
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import escape

import openpyxl
from openpyxl.chart import BarChart, Reference
from openpyxl.styles import PatternFill
from openpyxl.utils import get_column_letter

from tests.oracle import REJECTED, Outcome

Build = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """One workbook.

    `expected` has every code, trimmed and upper-cased, with its quantity or REJECTED; None for a
    rejected file. `reason_words` are lower-case words of which the message has at least one; there are none
    where no word is unavoidable. A `bomb` grows to far more than its size: read it only where time and memory
    have a limit.
    """

    name: str
    supplier: str
    build: Build
    verdict: Literal["accepted", "rejected"]
    reason_words: tuple[str, ...] = ()
    expected: Mapping[str, Outcome] | None = None
    bomb: bool = False


CASES: list[Case] = []


def accepted(supplier: str, expected: Mapping[str, Outcome]) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        CASES.append(Case(build.__name__, supplier, build, "accepted", (), expected))
        return build

    return register


def rejected(supplier: str, *reason_words: str, bomb: bool = False) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        CASES.append(Case(build.__name__, supplier, build, "rejected", reason_words, bomb=bomb))
        return build

    return register


# --- making workbooks ----------------------------------------------------------------------------------

Rows = Iterable[Sequence[Any]]

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"
STRICT_OFFICE = "http://purl.oclc.org/ooxml/officeDocument/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"

MEGABYTE = 1 << 20
BOMB = 1100  # megabytes

STYLES = (
    f'{DECLARATION}<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts>'
    '<fills count="2">'
    '<fill><patternFill/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf/><xf fillId="1"/></cellXfs>'
    "</styleSheet>"
)


def write_rows(path: Path, rows: Rows) -> None:
    """A workbook of one sheet as openpyxl writes it. Text that begins with = becomes a formula."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(list(row))
    book.save(path)


def cell_xml(value: Any, reference: str = "") -> str:
    """A cell: text inline, a number as it is, nothing for None."""
    at = f' r="{reference}"' if reference else ""
    if value is None:
        return ""
    if isinstance(value, str):
        return f'<c{at} t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f"<c{at}><v>{value}</v></c>"


def row_xml(number: int, row: Sequence[Any]) -> str:
    cells = (cell_xml(value, f"{get_column_letter(at)}{number}") for at, value in enumerate(row, start=1))
    return f'<row r="{number}">{"".join(cells)}</row>'


def rows_xml(rows: Rows, first: int = 1) -> str:
    return "".join(row_xml(number, row) for number, row in enumerate(rows, start=first))


def sheet_xml(rows: str, before: str = "", namespace: str = MAIN) -> str:
    return f'{DECLARATION}<worksheet xmlns="{namespace}">{before}<sheetData>{rows}</sheetData></worksheet>'


def strings_xml(items: str) -> str:
    return f'{DECLARATION}<sst xmlns="{MAIN}">{items}</sst>'


def raw_workbook(
    path: Path,
    sheet: str | Iterable[bytes] | None,
    strings: str | Iterable[bytes] | None = None,
    *,
    part: str = SHEET,
    target: str = "worksheets/sheet1.xml",
    main: str = MAIN,
    office: str = OFFICE,
    compression: int = zipfile.ZIP_DEFLATED,
) -> None:
    """A workbook from the text of its sheet (in pieces, if it is a large one); None leaves the part out."""
    kinds = [("xl/workbook.xml", "sheet.main"), (part, "worksheet"), ("xl/styles.xml", "styles")]
    links = [("worksheet", target), ("styles", "styles.xml")]
    if strings is not None:
        kinds.append((STRINGS, "sharedStrings"))
        links.append(("sharedStrings", "sharedStrings.xml"))
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{MEDIA}.{kind}+xml"/>' for name, kind in kinds
    )
    relations = "".join(
        f'<Relationship Id="rId{number}" Type="{office}/{kind}" Target="{place}"/>'
        for number, (kind, place) in enumerate(links, start=1)
    )
    parts: dict[str, str | Iterable[bytes] | None] = {
        "[Content_Types].xml": (
            f'{DECLARATION}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
        ),
        "_rels/.rels": (
            f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/>'
            "</Relationships>"
        ),
        "xl/workbook.xml": (
            f'{DECLARATION}<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
            '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">{relations}</Relationships>'
        ),
        "xl/styles.xml": STYLES.replace(MAIN, main),
        part: sheet,
        STRINGS: strings,
    }
    # Level 1 builds a bomb in a second, and it is still less than a hundredth of what it grows to.
    with zipfile.ZipFile(path, "w", compression, compresslevel=1) as archive:
        for name, content in parts.items():
            if isinstance(content, str):
                archive.writestr(name, content)
            elif content is not None:
                with archive.open(name, "w") as stream:
                    stream.writelines(content)


def with_part(path: Path, name: str, content: bytes | None) -> None:
    """Put a part into a workbook, in the place of the one of that name; None takes it out."""
    with zipfile.ZipFile(path) as archive:
        parts = {entry: archive.read(entry) for entry in archive.namelist() if entry != name}
    if content is not None:
        parts[name] = content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in parts.items():
            archive.writestr(entry, data)


def shared_workbook(path: Path, rows: Rows) -> None:
    """A workbook with its text in shared strings, as Excel writes it."""
    strings: dict[str, int] = {}
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = []
        for at, value in enumerate(row, start=1):
            reference = f"{get_column_letter(at)}{number}"
            if isinstance(value, str):
                index = strings.setdefault(value, len(strings))
                cells.append(f'<c r="{reference}" t="s"><v>{index}</v></c>')
            else:
                cells.append(cell_xml(value, reference))
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    items = "".join(f"<si><t>{escape(text)}</t></si>" for text in strings)
    raw_workbook(path, sheet_xml("".join(lines)), strings_xml(items))


def padding(start: str, end: str) -> Iterable[bytes]:
    """A part that inflates to more than a gigabyte of spaces, and deflates to five megabytes."""
    yield start.encode()
    yield from repeat(b" " * MEGABYTE, BOMB)
    yield end.encode()


# --- what is in them -----------------------------------------------------------------------------------

# Most cases are BGA's, the plainest layout: a code, a quantity, a cap of 10.
HEADER = ["BGA REFERENCE", "Stock"]
KLA_HEADER = ["Part Number", "Stock Balance"]  # the same without a cap
APE_HEADER = ["Part no", "Stock"]
FEB_HEADER = ["partNumber", "description", "stockAvailability"]


def good_rows(count: int = 60) -> list[list[Any]]:
    """Quantities from 0 to 14, so that a cap of 10 shows."""
    return [[f"PX{number:04}", number % 15] for number in range(count)]


def good(count: int = 60, cap: int = 10) -> dict[str, Outcome]:
    return {f"PX{number:04}": min(number % 15, cap) for number in range(count)}


GOOD = good()


def numbered(prefix: str, outcomes: Iterable[Outcome]) -> dict[str, Outcome]:
    return {f"{prefix}{number}": outcome for number, outcome in enumerate(outcomes)}


def same(outcome: Outcome, codes: Iterable[str]) -> dict[str, Outcome]:
    return dict.fromkeys(codes, outcome)


def among_good(odd: dict[str, Outcome], cap: int = 10) -> dict[str, Outcome]:
    """What is expected of `few_among_many`: so many good rows that no number of odd ones is too many."""
    return good(40 * len(odd), cap) | odd


def few_among_many(path: Path, header: list[str], odd: list[list[Any]]) -> None:
    write_rows(path, [header, *odd, *good_rows(40 * len(odd))])


def good_sheet() -> str:
    return sheet_xml(rows_xml([HEADER, *good_rows()]))


# --- in order ------------------------------------------------------------------------------------------


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
    """The word stands over column 2, the number is in column 3, as COM sends it."""
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


# --- not workbooks -------------------------------------------------------------------------------------


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
    """Nobody can tell what its codes are."""
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
    """An .xlsm under another name. Nobody runs what is in it, and its list is in order."""
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


# --- headers -------------------------------------------------------------------------------------------


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
    """Left over from a CSV. Nobody can see it, so nobody would understand a rejection."""
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


# --- rows that say nothing -----------------------------------------------------------------------------


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


@accepted("BGA", GOOD)
def error_as_code(path: Path) -> None:
    """A formula that found no code: there is no part to say anything about."""
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


# --- quantities ----------------------------------------------------------------------------------------

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


# --- formulas ------------------------------------------------------------------------------------------


@accepted("FEB", good(500))
def formulas_with_their_values(path: Path) -> None:
    raw_workbook(path, feb_sheet(0))


@accepted("FEB", good(500))
def formulas_with_text_values(path: Path) -> None:
    text = feb_sheet(0)
    raw_workbook(path, text.replace("><f>", ' t="str"><f>'))


@rejected("FEB", "row")
def formulas_never_calculated(path: Path) -> None:
    """A program wrote the formulas and nobody opened the file since: there is no value in any."""
    rows = [[code, "Clutch", f"=VLOOKUP(A{n},X:Y,2,0)"] for n, (code, _) in enumerate(good_rows(), start=2)]
    write_rows(path, [FEB_HEADER, *rows])


@accepted("FEB", good(500) | {"PX0003": REJECTED})
def one_formula_never_calculated(path: Path) -> None:
    raw_workbook(
        path, feb_sheet(0).replace("<f>VLOOKUP(A5,X:Y,2,0)</f><v>3</v>", "<f>VLOOKUP(A5,X:Y,2,0)</f>")
    )


# --- codes ---------------------------------------------------------------------------------------------

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


# --- sheets with something odd about them --------------------------------------------------------------


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
    """Whoever saved it had a filter on. The rows are in the file, so they count."""
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
    """ROL sends such. A slip of somebody's keyboard in a column nobody reads."""
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
    """Column A stands on the right of the screen; it is the first all the same."""
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
    """A hundred times what Excel puts into a cell, in a column nobody reads."""
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
    """Somebody set a height for rows almost as far as Excel has any."""
    blank = "".join(f'<row r="{number}" ht="15"/>' for number in range(900_000, 1_048_577))
    raw_workbook(path, sheet_xml(rows_xml([HEADER, *good_rows()]) + blank))


# --- ill meant -----------------------------------------------------------------------------------------


@accepted("BGA", GOOD)
def entries_outside_the_folder(path: Path) -> None:
    """Harm only to a program that unpacks the file into a folder; as a workbook it is in order."""
    raw_workbook(path, good_sheet())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../../../tmp/unpacked_by_mistake.txt", "x")
        archive.writestr("/tmp/unpacked_by_mistake.txt", "x")  # noqa: S108 - nobody is to write there


@rejected("BGA")
def external_entity(path: Path) -> None:
    """A part of a workbook may have no DTD at all. This one asks for a file of the machine that reads it."""
    doctype = '<!DOCTYPE worksheet [<!ENTITY secret SYSTEM "file:///etc/hostname">]>'
    text = good_sheet().replace("<worksheet", doctype + "<worksheet", 1)
    raw_workbook(path, text.replace("PX0007", "&secret;"))


@rejected("BGA")
def billion_laughs(path: Path) -> None:
    """Entities of entities: ten to the tenth letters from a kilobyte."""
    entities = '<!ENTITY a0 "haha">' + "".join(
        f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, 11)
    )
    text = good_sheet().replace("<worksheet", f"<!DOCTYPE worksheet [{entities}]><worksheet", 1)
    raw_workbook(path, text.replace("PX0007", "&a10;"))


@rejected("BGA", bomb=True)
def bomb_of_spaces(path: Path) -> None:
    start, end = good_sheet().split("</sheetData>")
    raw_workbook(path, padding(start, f"</sheetData>{end}"))


@rejected("BGA", bomb=True)
def bomb_of_rows(path: Path) -> None:
    """Ten times as many rows as a sheet can have, all alike."""
    rows = f"<row>{cell_xml('PX9999')}{cell_xml(5)}</row>".encode()
    start, end = good_sheet().split("</sheetData>")
    chunk = rows * (MEGABYTE // len(rows))
    raw_workbook(path, [start.encode(), *repeat(chunk, BOMB), f"</sheetData>{end}".encode()])


@rejected("BGA", bomb=True)
def bomb_of_shared_strings(path: Path) -> None:
    raw_workbook(
        path, good_sheet(), padding(f"{strings_xml('')[: -len('</sst>')]}<si><t>", "</t></si></sst>")
    )


@rejected("BGA", bomb=True)
def bomb_of_many_parts(path: Path) -> None:
    """No one of its twelve thousand parts is large, and a reader of the sheet alone sees none of them."""
    raw_workbook(path, good_sheet())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(12_000):
            archive.writestr(f"xl/media/image{number}.png", bytes(100_000))


@rejected("BGA", bomb=True)
def bomb_of_one_long_string(path: Path) -> None:
    """Inflates to a megabyte or so, but 3000 rows share the string: 3 GB to a reader that copies it for each.

    Excel itself puts no more than 32,767 characters into a cell.
    """
    rows = "".join(
        f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c><c r="B{n}"><v>3</v></c></row>' for n in range(2, 3002)
    )
    raw_workbook(path, sheet_xml(row_xml(1, HEADER) + rows), strings_xml(f"<si><t>{'P' * MEGABYTE}</t></si>"))


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        case.build(folder / f"{case.supplier}_{case.name}.xlsx")
        sys.stdout.write(f"{case.verdict:9}{case.supplier}_{case.name}.xlsx\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
