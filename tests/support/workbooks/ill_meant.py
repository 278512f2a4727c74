"""Workbooks that mean harm."""

from __future__ import annotations

import zipfile
from itertools import repeat
from pathlib import Path

from tests.support.workbooks.case import accepted, rejected
from tests.support.workbooks.contents import GOOD, HEADER, good_sheet
from tests.support.workbooks.making import (
    BOMB,
    MEGABYTE,
    cell_xml,
    padding,
    raw_workbook,
    row_xml,
    sheet_xml,
    strings_xml,
)


@accepted("BGA", GOOD)
def entries_outside_the_folder(path: Path) -> None:
    """Harm only to a program that unpacks the file into a folder; as a workbook it is in order."""
    raw_workbook(path, good_sheet())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../../../tmp/unpacked_by_mistake.txt", "x")
        archive.writestr("/tmp/unpacked_by_mistake.txt", "x")  # noqa: S108 - no one is to write there


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
