"""Judges a workbook's archive before the reader gets it: its size, its extent, whether it is all there.

calamine trusts its input. A single stray cell in the last corner of a sheet makes it allocate the whole
rectangle and takes the process down, with nothing to catch; damaged parts are read as far as they go.
"""

from __future__ import annotations

import itertools
import posixpath
import re
import zipfile
import zlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from stock_pipeline.errors import UnreadableWorkbook
from stock_pipeline.spreadsheets.xlsx_parts import first_line, parse, refuse_entities, small_xml, whole_tags

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SHORT_TEXT_BYTES = 200
"""A shared text up to this long may stand in any number of cells. In real feeds none has more."""

RELATIONSHIP_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
STRICT_RELATIONSHIP_ID = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"

Padding = dict[str, dict[str, list[int]]]
Parts = dict[str, zipfile.ZipInfo]


@dataclass(frozen=True, slots=True)
class WorkbookLimits:
    """How large a workbook may be. The largest real feed has 4 MB, unpacks to 24 MB, spans 1.4 M cells.

    Attributes:
        file_bytes: size of the file.
        unpacked_bytes: what all its parts unpack to.
        parts: how many parts the archive has.
        cells: the rectangle from A1 to the last used row and column; calamine takes 32 bytes for each.
    """

    file_bytes: int = 64 << 20
    unpacked_bytes: int = 256 << 20
    parts: int = 2_000
    cells: int = 4_000_000


@dataclass(frozen=True, slots=True)
class SheetName:
    """A sheet of a workbook: what it is called, and whether a person who opens the workbook sees it."""

    name: str
    visible: bool


def check_archive(
    path: Path, limits: WorkbookLimits, columns: int = 0, sheet: str | None = None
) -> tuple[Padding, str]:
    """Refuse a file that cannot be read safely and in full.

    Args:
        path: the file.
        limits: how large it may be.
        columns: how many columns of the sheet matter.
        sheet: which sheet is looked at; the first one if it is None.

    Returns:
        Where the sheet's numbers show leading zeros, and which part of the archive the sheet is.
    """
    with _opened(path, limits) as (archive, parts):
        part = _sheet_part(archive, parts, sheet)
        _check_extent(archive, part, limits)
        _check_texts(archive, parts.get("xl/sharedstrings.xml"), part, limits)
        return _find_padding(archive, parts.get("xl/styles.xml"), part, columns), part.filename


def sheet_names(path: Path, limits: WorkbookLimits) -> list[SheetName]:
    """The workbook's sheets in their order, of a file that may be refused as by `check_archive`."""
    with _opened(path, limits) as (archive, parts):
        return [
            SheetName(node.get("name", ""), node.get("state", "visible") == "visible")
            for node in _sheets(archive, parts)
        ]


@contextmanager
def _opened(path: Path, limits: WorkbookLimits) -> Iterator[tuple[zipfile.ZipFile, Parts]]:
    """The archive and its parts, of a file that looks like a workbook; damage found within is refused."""
    size = path.stat().st_size
    if size == 0:
        raise UnreadableWorkbook("the file is empty (0 bytes): the upload was cut off; send it again")
    if size > limits.file_bytes:
        raise UnreadableWorkbook(f"the file has {size:,} bytes; a workbook may have {limits.file_bytes:,}")
    with path.open("rb") as file:
        head = file.read(len(OLE_MAGIC))
    if head == OLE_MAGIC:
        raise UnreadableWorkbook(
            "not an .xlsx workbook: it is protected by a password or in the old .xls format; "
            "save it as .xlsx without a password"
        )
    if not head.startswith(b"PK"):
        raise UnreadableWorkbook("not a workbook: save the list as .xlsx in Excel and send that")
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive, _parts(archive, limits)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        OSError,  # a damaged directory sends zipfile to places before the file's beginning
        RuntimeError,
        UnicodeDecodeError,
        ET.ParseError,
    ) as error:
        raise UnreadableWorkbook(f"the workbook is damaged ({first_line(error)}); send it again") from error


def _parts(archive: zipfile.ZipFile, limits: WorkbookLimits) -> Parts:
    found = archive.infolist()
    if len(found) > limits.parts:
        raise UnreadableWorkbook(f"the file has {len(found):,} parts; a workbook may have {limits.parts:,}")
    unpacked = sum(part.file_size for part in found)
    if unpacked > limits.unpacked_bytes:
        raise UnreadableWorkbook(
            f"the file unpacks to {unpacked:,} bytes; a workbook may unpack to {limits.unpacked_bytes:,}"
        )
    if any(part.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for part in found):
        raise UnreadableWorkbook("the workbook is damaged: it is packed as no spreadsheet program does it")
    parts = {part.filename.lower().lstrip("/"): part for part in found}
    if len(parts) < len(found):
        raise UnreadableWorkbook("the workbook is damaged: it holds a part twice; send it again")
    return parts


def _sheets(archive: zipfile.ZipFile, parts: Parts) -> list[ET.Element]:
    book = parts.get("xl/workbook.xml")
    if book is None or "xl/_rels/workbook.xml.rels" not in parts:
        raise UnreadableWorkbook("not a workbook: the file is a zip archive of something else")
    sheets = [node for node in small_xml(archive, book).iter() if node.tag.endswith("}sheet")]
    if not sheets:
        raise UnreadableWorkbook("the workbook has no sheet")
    return sheets


def _sheet_part(archive: zipfile.ZipFile, parts: Parts, name: str | None) -> zipfile.ZipInfo:
    """The archive's part that holds the sheet of that name, or the first one."""
    sheets = _sheets(archive, parts)
    sheet = next((node for node in sheets if name in {None, node.get("name")}), None)
    if sheet is None:
        raise UnreadableWorkbook(f"the workbook has no sheet {name!r}")
    if sheet.get("state", "visible") != "visible":
        which = "first sheet" if name is None else "sheet"
        raise UnreadableWorkbook(
            f"the {which}, {sheet.get('name')!r}, is hidden, so what a person sees is another one: "
            "delete the hidden sheet, or show it and put the list first"
        )
    link = sheet.get(RELATIONSHIP_ID) or sheet.get(STRICT_RELATIONSHIP_ID)
    links = parts["xl/_rels/workbook.xml.rels"]
    targets = {node.get("Id"): node.get("Target", "") for node in small_xml(archive, links)}
    written = targets.get(link) or ""
    target = posixpath.normpath(posixpath.join("/xl", written)).lstrip("/")
    if target.lower() not in parts:
        raise UnreadableWorkbook("the workbook is damaged: its first sheet is not in the file")
    if target != _as_calamine_reads(written):
        raise UnreadableWorkbook(
            "the workbook is damaged: programs do not agree where its first sheet is; open it in Excel, "
            "check the list, save it again as .xlsx and send that"
        )
    target = target.lower()
    if target.startswith("xl/chartsheets/"):
        raise UnreadableWorkbook(
            f"the sheet {sheet.get('name')!r} is a chart and no list: put the sheet with the list first"
        )
    return parts[target]


def _as_calamine_reads(target: str) -> str:
    """The part that calamine takes for a sheet's target: it knows no `..` and no folder `xl` within `xl`."""
    return target.lstrip("/") if target.startswith(("/xl/", "xl/")) else f"xl/{target}"


COMMON_ROWS, COMMON_COLUMNS = 9_999, 10
"""Rows up to here and columns A to J are so common that they are not looked at one by one."""
MOST_ROWS = 1 << 20
"""In a sheet, whatever program made it."""
MOST_FORMATS, LONGEST_FORMAT = 500, 255
"""Number formats that a spreadsheet program keeps, and the letters in one."""

# Each of these takes time in proportion to the text, whatever stands there: what may be repeated never holds
# the `<` that a match begins with, and is never tried again in another length.
UNCOMMON_ROW = re.compile(rb'<row(?! r="[0-9]{1,4}")(?=[\s/>])(?: r="([0-9]{1,9})")?')
UNCOMMON_CELL = re.compile(rb'<c(?! r="[A-J][0-9]{1,6}")(?=[\s/>])(?: r="([A-Z]{1,3})[0-9]{1,6}")?')
ROW_NUMBER = re.compile(rb'<row r="([0-9]{1,9})"')
PREFIX = re.compile(rb'xmlns:\w+="[^"]*/spreadsheetml/(?:2006/)?main"')
NUMBER_CELL = re.compile(rb'<(?:\w+:)?c r="([A-Z]{1,3})([0-9]{1,9})"((?: [a-z]+="[^"]*")*)>')
STYLE_OF_NUMBER = re.compile(rb'^(?!.* t="[^n]).* s="([0-9]+)"')
PREFIXED_TEXT = re.compile(rb"<(?:\w+:)?si\b")
SHARED_TEXT_OF_CELL = re.compile(
    rb"""<(?:\w+:)?c(?=\s[^<>]*?\bt=["']s["'])[^<>]*+>\s*+<(?:\w+:)?v>([0-9]{1,9})<"""
)


def _check_extent(archive: zipfile.ZipFile, part: zipfile.ZipInfo, limits: WorkbookLimits) -> None:
    """Refuse a sheet whose used rectangle would not fit into memory, or which is not all there.

    Positions are searched in the raw XML, at a fraction of what looking at each element costs. A sheet that
    does not write them in the ordinary way, or seems too large or ill-formed by this quick look, is parsed.
    """
    last_row, last_column = COMMON_ROWS, COMMON_COLUMNS
    ordinary = True
    unclosed = unclosed_rows = lists = 0
    ends = b""
    numbers = array("I")
    for index, chunk in enumerate(whole_tags(archive, part)):
        if index == 0:
            refuse_entities(chunk)
            ordinary = PREFIX.search(chunk) is None
        unclosed += _unclosed(chunk)
        unclosed_rows += chunk.count(b"<row") - chunk.count(b"</row>")
        numbers.extend(map(int, ROW_NUMBER.findall(chunk)))
        if len(numbers) > MOST_ROWS:
            raise UnreadableWorkbook(f"the sheet has more than {MOST_ROWS:,} rows, which no sheet can have")
        rows = UNCOMMON_ROW.findall(chunk)
        columns = set(UNCOMMON_CELL.findall(chunk))
        if b"" in columns or b"" in rows:
            ordinary = False
        else:
            last_row = max(last_row, max(map(int, rows), default=0))
            last_column = max(last_column, max(map(_column_number, columns), default=0))
        lists += chunk.count(b"sheetData")
        ends = chunk[-200:] if len(chunk) >= 200 else ends + chunk
    if not re.search(rb"</(\w+:)?worksheet\s*>\s*$", ends):
        raise UnreadableWorkbook("the workbook is damaged: its first sheet is cut off; send it again")
    if not ordinary or unclosed or unclosed_rows or last_row * last_column > limits.cells:
        last_row, last_column = _parsed_extent(archive, part)
    ascending = all(one < next_one for one, next_one in itertools.pairwise(numbers))
    if not ascending and len(set(numbers)) < len(numbers):
        raise UnreadableWorkbook(
            "the workbook is damaged: its first sheet holds a row twice, and nobody can tell which counts; "
            "open it in Excel, let it repair the file, check the list, and send that"
        )
    if lists > 2:
        raise UnreadableWorkbook("the workbook is damaged: its first sheet ends midway; send it again")
    if last_row * last_column > limits.cells:
        raise UnreadableWorkbook(
            f"the sheet's cells reach to row {last_row:,} and column {last_column:,}, far beyond any list: "
            "delete the stray cell or the empty formatted rows and columns there, and send it again"
        )


def _parsed_extent(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> tuple[int, int]:
    """Last row and column of a sheet that leaves out positions or writes them unusually (1-based)."""
    row = column = last_row = last_column = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, last_row, last_column
        tag = name.rpartition(":")[2]
        if tag == "row":
            row = int(attributes["r"]) if attributes.get("r", "").isdigit() else row + 1
            column = 0
        elif tag == "c":
            match = re.fullmatch(r"([A-Za-z]{1,3})([0-9]{1,12})", attributes.get("r", ""))
            column = _column_number(match[1].upper().encode()) if match else column + 1
            last_row = max(last_row, int(match[2]) if match else row)
            last_column = max(last_column, column)

    parse(archive, part, start)
    return last_row, last_column


def _check_texts(
    archive: zipfile.ZipFile, strings: zipfile.ZipInfo | None, sheet: zipfile.ZipInfo, limits: WorkbookLimits
) -> None:
    """Refuse shared texts that are damaged, or grow too large when the reader copies them into each cell."""
    if strings is None:
        return
    unclosed = 0
    lengths = array("Q", [0])
    for chunk in whole_tags(archive, strings):
        unclosed += _unclosed(chunk)
        end_of_last, *others = PREFIXED_TEXT.split(chunk) if b":si" in chunk else chunk.split(b"<si")
        lengths[-1] += len(end_of_last)
        lengths.extend(map(len, others))
        if len(lengths) > limits.cells:
            raise UnreadableWorkbook(f"the workbook has more than {limits.cells:,} texts: that is no list")
    if unclosed:
        parse(archive, strings)
    if max(lengths) <= SHORT_TEXT_BYTES:
        return
    numbers = (
        int(number) for chunk in whole_tags(archive, sheet) for number in SHARED_TEXT_OF_CELL.findall(chunk)
    )
    copied = sum(lengths[number + 1] for number in numbers if number + 1 < len(lengths))
    if copied > limits.unpacked_bytes:
        raise UnreadableWorkbook(
            f"the sheet's cells hold {copied:,} bytes of text, up to {max(lengths):,} in one: that is no list"
        )


def _find_padding(
    archive: zipfile.ZipFile, styles: zipfile.ZipInfo | None, sheet: zipfile.ZipInfo, columns: int
) -> Padding:
    """The cells whose number format shows leading zeros: `000` shows 7 as 007, `00-0000` 40016 as 04-0016.

    Returns:
        For each of the first `columns` columns that has such cells, by its number as text: the sheet rows by
        the format their cells have.
    """
    padding: Padding = {}
    shown = _formats_with_zeros(archive, styles) if styles else {}
    if not shown:
        return padding
    for chunk in whole_tags(archive, sheet):
        for letters, row, attributes in NUMBER_CELL.findall(chunk):
            style = STYLE_OF_NUMBER.search(attributes)
            column = _column_number(letters)
            if style and column <= columns and style[1] in shown:
                padding.setdefault(str(column), {}).setdefault(shown[style[1]], []).append(int(row))
    return padding


def _formats_with_zeros(archive: zipfile.ZipFile, styles: zipfile.ZipInfo) -> dict[bytes, str]:
    """Number formats that are nothing but zeros in groups, by the number (as text) of the cell styles."""
    root = small_xml(archive, styles)
    # What comes after a semicolon is for negative numbers; quotes and backslashes only mark literal text.
    formats = {
        node.get("numFmtId"): re.sub(r'["\\]', "", node.get("formatCode", "").split(";")[0])
        for node in root.iter()
        if node.get("formatCode")
    }
    zeros = {number: code for number, code in formats.items() if re.fullmatch("0{2,}|0+([-/ ]0+)+", code)}
    if len(set(zeros.values())) > MOST_FORMATS or max(map(len, zeros.values()), default=0) > LONGEST_FORMAT:
        raise UnreadableWorkbook("its number formats are more, or longer, than a spreadsheet program allows")
    styles_of_cells = [style for group in root if group.tag.endswith("}cellXfs") for style in group]
    numbers = [style.get("numFmtId") for style in styles_of_cells]
    return {str(at).encode(): zeros[number] for at, number in enumerate(numbers) if number in zeros}


def _unclosed(chunk: bytes) -> int:
    """Opening tags without a closing one. All chunks of a part together have none, or the part is parsed.

    What such a tag stands around is lost to a reader that does not mind, and what is lost is out of stock.
    """
    declarations = chunk.lstrip(b"\xef\xbb\xbf").startswith(b"<?xml")
    return chunk.count(b"<") - 2 * chunk.count(b"</") - chunk.count(b"/>") - declarations


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
