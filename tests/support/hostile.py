"""Workbooks made to hurt their reader: small files that take gigabytes, minutes, or the process itself.

Each function makes one file and has `BGA`'s header on its first row, so that only the trap ends it. By hand:
`python -m tests.support.hostile DIR` writes them all.
"""

from __future__ import annotations

import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path

from tests.support.workbooks.contents import HEADER, good_sheet
from tests.support.workbooks.making import (
    DECLARATION,
    MAIN,
    MEGABYTE,
    OFFICE,
    PACKAGE,
    SHEET,
    STYLES,
    cell_xml,
    raw_workbook,
    row_xml,
    sheet_xml,
    strings_xml,
    with_part,
)

HOSTILE: dict[str, Callable[[Path], None]] = {}
CORNER = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
START, END = good_sheet().split("</sheetData>")
RELATIONSHIPS = "xl/_rels/workbook.xml.rels"


def hostile(make: Callable[[Path], None]) -> Callable[[Path], None]:
    HOSTILE[make.__name__] = make
    return make


def with_corner() -> str:
    return good_sheet().replace("</sheetData>", f"{CORNER}</sheetData>")


def many(piece: str, megabytes: int) -> Iterator[bytes]:
    """The same text again and again."""
    block = piece.encode() * (MEGABYTE // len(piece) + 1)
    yield from repeat(block, megabytes)


def grown(path: Path, piece: str, megabytes: int) -> None:
    """A good sheet with so much at its end."""
    raw_workbook(path, [START.encode(), *many(piece, megabytes), f"</sheetData>{END}".encode()])


# --- what one program finds and another does not -------------------------------------------------------


def with_two_sheets(path: Path, target: str, other: str, theirs: str) -> None:
    """The sheet that we find is good; the one at `other`, which is calamine's, holds `theirs`."""
    raw_workbook(path, good_sheet(), target=target)
    with_part(path, other, theirs.encode())


@hostile
def target_with_dots(path: Path) -> None:
    with_two_sheets(path, "a/../worksheets/sheet1.xml", "xl/a/../worksheets/sheet1.xml", with_corner())


@hostile
def target_in_a_folder_of_the_same_name(path: Path) -> None:
    raw_workbook(path, with_corner(), target="xl/worksheets/sheet1.xml")
    with_part(path, "xl/xl/worksheets/sheet1.xml", good_sheet().encode())


@hostile
def target_with_dots_at_its_beginning(path: Path) -> None:
    with_two_sheets(path, "./worksheets/sheet1.xml", "xl/./worksheets/sheet1.xml", with_corner())


def longer_than_declared(path: Path, more_in_the_sum: int) -> None:
    """The directory declares a good sheet and its checksum; behind it the corner follows."""
    good = good_sheet().encode()
    bad = good.replace(b"</sheetData></worksheet>", b"</sheetData></worksheet>" + CORNER.encode())
    raw_workbook(path, None)
    with_part(path, SHEET, bad)
    whole = bytearray(path.read_bytes())
    summed = zlib.crc32(bad[: len(good) + more_in_the_sum])
    name = SHEET.encode()
    for entry, offset in ((whole.index(name) - 30, 14), (whole.rindex(name) - 46, 16)):
        packed = struct.unpack_from("<I", whole, entry + offset + 4)[0]
        struct.pack_into("<III", whole, entry + offset, summed, packed, len(good))
    path.write_bytes(whole)


@hostile
def sheet_longer_than_declared(path: Path) -> None:
    longer_than_declared(path, 0)


@hostile
def sheet_longer_than_declared_and_summed(path: Path) -> None:
    longer_than_declared(path, 1)


@hostile
def part_twice(path: Path) -> None:
    raw_workbook(path, good_sheet())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(SHEET.upper(), with_corner())


# --- what takes memory ---------------------------------------------------------------------------------


@hostile
def cell_in_the_corner(path: Path) -> None:
    raw_workbook(path, with_corner())


@hostile
def dimension_that_lies(path: Path) -> None:
    raw_workbook(path, sheet_xml(row_xml(1, HEADER), '<dimension ref="A1:XFD1048576"/>'))


@hostile
def shared_strings_that_grow(path: Path) -> None:
    """More than a million different texts, in 170 MB."""
    texts = (
        "".join(f"<si><t>{number:0100}</t></si>" for number in range(first, first + 1000)).encode()
        for first in range(0, 1_500_000, 1000)
    )
    begin, end = strings_xml("|").split("|")
    raw_workbook(path, good_sheet(), [begin.encode(), *texts, end.encode()])


@hostile
def shared_strings_by_the_million(path: Path) -> None:
    """Eighty million texts of nothing."""
    begin, end = strings_xml("|").split("|")
    raw_workbook(path, good_sheet(), [begin.encode(), *many("<si/>", 240), end.encode()])


@hostile
def short_texts_by_the_million(path: Path) -> None:
    """Just under what is allowed; each takes the reader some fifty bytes."""
    begin, end = strings_xml("|").split("|")
    raw_workbook(path, good_sheet(), [begin.encode(), *many("<si><t>x</t></si>", 64), end.encode()])


@hostile
def styled_cells_by_the_million(path: Path) -> None:
    """Empty cells with a style: Excel writes these where a person formats whole columns."""
    rows = (
        "".join(
            f'<row r="{n}"><c r="A{n}" s="1"/><c r="B{n}" s="1"/><c r="C{n}" s="1"/><c r="D{n}" s="1"/></row>'
            for n in range(first, min(first + 1000, 300_000))
        ).encode()
        for first in range(62, 300_000, 1000)
    )
    raw_workbook(path, [START.encode(), *rows, f"</sheetData>{END}".encode()])


@hostile
def rows_by_the_million(path: Path) -> None:
    """Twenty million rows, all of them number 70."""
    grown(path, '<row r="70"/>', 240)


@hostile
def codes_by_the_million(path: Path) -> None:
    """A list as it should be, of codes of two hundred letters."""
    rows = (
        "".join(
            f'<row r="{n}">{cell_xml(f"{n:0200}", f"A{n}")}{cell_xml(5, f"B{n}")}</row>'
            for n in range(first, min(first + 1000, 600_000))
        ).encode()
        for first in range(62, 600_000, 1000)
    )
    raw_workbook(path, [START.encode(), *rows, f"</sheetData>{END}".encode()])


@hostile
def cells_of_one_row_by_the_million(path: Path) -> None:
    """Five million cells, all of them A62."""
    raw_workbook(
        path,
        [
            f'{START}<row r="62">'.encode(),
            *many('<c r="A62" s="1"><v>1</v></c>', 120),
            f"</row></sheetData>{END}".encode(),
        ],
    )


@hostile
def attribute_of_200_megabytes(path: Path) -> None:
    start, end = good_sheet().split("<sheetData>")
    raw_workbook(path, [f'{start}<sheetData a="'.encode(), *many(" " * 64, 200), f'">{end}'.encode()])


@hostile
def attributes_by_the_million(path: Path) -> None:
    """One tag with fifty thousand attributes, which a parser compares with each other."""
    names = " ".join(f'a{number}="&lt;"' for number in range(60_000))
    raw_workbook(path, good_sheet().replace("<sheetData>", f"<sheetData {names}>"))


@hostile
def inline_text_of_200_megabytes(path: Path) -> None:
    raw_workbook(
        path,
        [
            f'{START}<row r="62"><c r="A62" t="inlineStr"><is><t>'.encode(),
            *many("P" * 64, 200),
            f'</t></is></c><c r="B62"><v>1</v></c></row></sheetData>{END}'.encode(),
        ],
    )


@hostile
def deep_nesting(path: Path) -> None:
    grown(path, "<a>", 60)


@hostile
def deep_nesting_that_closes(path: Path) -> None:
    raw_workbook(
        path,
        [START.encode(), *many("<a>", 30), *many("</a>", 40), f"</sheetData>{END}".encode()],
    )


@hostile
def deep_nesting_in_the_book(path: Path) -> None:
    raw_workbook(path, good_sheet())
    deep = "<a>" * 1_000_000
    book = f'{DECLARATION}<workbook xmlns="{MAIN}">{deep}{deep.replace("<", "</")}</workbook>'
    with_part(path, "xl/workbook.xml", book.encode())


@hostile
def sheets_by_the_thousand(path: Path) -> None:
    raw_workbook(path, good_sheet())
    sheets = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="rId1"/>' for n in range(1, 150_000))
    book = f'{DECLARATION}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{sheets}</sheets></workbook>'
    with_part(path, "xl/workbook.xml", book.encode())


@hostile
def relationships_by_the_thousand(path: Path) -> None:
    raw_workbook(path, good_sheet())
    links = "".join(
        f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        for n in range(50_000)
    )
    text = f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'
    with_part(path, RELATIONSHIPS, text.encode())


@hostile
def elements_by_the_million_in_the_styles(path: Path) -> None:
    raw_workbook(path, good_sheet())
    with_part(
        path, "xl/styles.xml", STYLES.replace("<xf fillId", f"{'<xf/>' * 1_600_000}<xf fillId").encode()
    )


@hostile
def merged_cells_by_the_million(path: Path) -> None:
    start, end = good_sheet().split("</worksheet>")
    raw_workbook(
        path,
        [
            f"{start}<mergeCells>".encode(),
            *many('<mergeCell ref="A1:XFD1048576"/>', 60),
            f"</mergeCells></worksheet>{end}".encode(),
        ],
    )


@hostile
def entities_that_grow(path: Path) -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "P" * 50}">' for n in range(10))
    sheet = good_sheet().replace("<worksheet", f"<!DOCTYPE worksheet [{entities}]><worksheet", 1)
    raw_workbook(path, sheet.replace("PX0007", "&a9;"))


@hostile
def entities_that_grow_in_the_texts(path: Path) -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "P" * 50}">' for n in range(10))
    strings = strings_xml("<si><t>&a9;</t></si>").replace("<sst", f"<!DOCTYPE sst [{entities}]><sst", 1)
    raw_workbook(
        path, good_sheet().replace(cell_xml("PX0007", "A9"), '<c r="A9" t="s"><v>0</v></c>'), strings
    )


@hostile
def format_of_a_million_zeros(path: Path) -> None:
    """A number format that asks for as many digits; each code would be a megabyte."""
    styles = STYLES.replace(
        "<fonts", f'<numFmts><numFmt numFmtId="164" formatCode="{"0" * MEGABYTE}"/></numFmts><fonts'
    ).replace('<xf fillId="1"/>', '<xf fillId="1" numFmtId="164"/>')
    rows = "".join(
        f'<row r="{n}"><c r="A{n}" s="1"><v>{n}</v></c><c r="B{n}"><v>3</v></c></row>'
        for n in range(62, 5000)
    )
    raw_workbook(path, good_sheet().replace("</sheetData>", f"{rows}</sheetData>"))
    with_part(path, "xl/styles.xml", styles.encode())


# --- what takes time -----------------------------------------------------------------------------------


@hostile
def text_that_looks_like_cells(path: Path) -> None:
    """What a regular expression without an anchor tries again from each of its places."""
    sheet = good_sheet().replace("PX0007", 't="s"' * 200_000)
    raw_workbook(path, sheet, strings_xml(f"<si><t>{'A' * 400}</t></si>"))


@hostile
def tag_that_looks_like_cells(path: Path) -> None:
    words = " t='s'" * 150_000
    raw_workbook(
        path,
        good_sheet().replace('<c r="A9"', f'<c r="A9" a="{words}"', 1),
        strings_xml(f"<si><t>{'A' * 400}</t></si>"),
    )


@hostile
def formats_by_the_thousand(path: Path) -> None:
    """Each with its own cells, and each a pass over the whole list."""
    codes = [f"0{'-0' * (n % 120)}-{'0' * (n // 120 + 1)}" for n in range(12_000)]
    numbered = "".join(f'<numFmt numFmtId="{n}" formatCode="{code}"/>' for n, code in enumerate(codes, 164))
    styles = STYLES.replace("<fonts", f"<numFmts>{numbered}</numFmts><fonts").replace(
        '<xf fillId="1"/>',
        '<xf fillId="1"/>' + "".join(f'<xf numFmtId="{n}"/>' for n in range(164, 164 + len(codes))),
    )
    rows = "".join(
        f'<row r="{n}"><c r="A{n}" s="{2 + n % len(codes)}"><v>{n}</v></c><c r="B{n}"><v>3</v></c></row>'
        for n in range(62, 40_000)
    )
    raw_workbook(path, good_sheet().replace("</sheetData>", f"{rows}</sheetData>"))
    with_part(path, "xl/styles.xml", styles.encode())


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in HOSTILE.items():
        make(folder / f"BGA_{name}.xlsx")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
