"""Write workbooks, part by part where a library would not write them so."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import openpyxl
from openpyxl.utils import get_column_letter

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
