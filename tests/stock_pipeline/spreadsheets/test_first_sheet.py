"""Opening a workbook: what is read of it, and what is refused before a reader touches it."""

from __future__ import annotations

import random
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import UnreadableWorkbook
from stock_pipeline.spreadsheets.first_sheet import read_first_sheet
from stock_pipeline.spreadsheets.package import WorkbookLimits
from tests.support.judging import judge, judge_in_child
from tests.support.workbooks.contents import GOOD, HEADER, good_rows, good_sheet
from tests.support.workbooks.making import (
    MAIN,
    STRINGS,
    STYLES,
    raw_workbook,
    row_xml,
    shared_workbook,
    sheet_xml,
    strings_xml,
    with_part,
    write_rows,
)

ROW_30 = '<row r="30">'
SHARED_ROW_5 = '<row r="5"><c r="A5" t="s"><v>1</v></c><c r="B5"><v>3</v></c></row>'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "feed.xlsx"


def texts(path: Path, columns: int = 2) -> list[tuple[Any, ...]]:
    return read_first_sheet(path, columns).cells.rows()


def with_shared_row(row: str = SHARED_ROW_5) -> str:
    """The good sheet whose row of PX0003 takes its code from the shared strings."""
    return good_sheet().replace(row_xml(5, good_rows()[3]), row)


def test_cells_are_text_as_a_person_sees_it(path: Path):
    write_rows(path, [[], [None, "a", 1000], ["007", 12.5, "#N/A"], [None, " b ", True]])
    assert texts(path, 4) == [
        (2, None, "a", "1000", None),
        (3, "007", "12.5", None, None),
        (4, None, " b ", "\x01bTRUE", None),
    ]


def test_an_empty_first_column_stays_where_it_is(path: Path):
    write_rows(path, [[None, "a"], [None, "b"]])
    assert texts(path) == [(1, None, "a"), (2, None, "b")]


def test_the_names_of_further_sheets_are_kept(path: Path):
    write_rows(path, [HEADER])
    sheet = read_first_sheet(path, 2)
    assert (sheet.name, sheet.other_sheets) == ("Sheet", ())


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (WorkbookLimits(file_bytes=100), "bytes; a workbook may have 100"),
        (WorkbookLimits(unpacked_bytes=1000), "unpacks to"),
        (WorkbookLimits(parts=3), "parts; a workbook may have 3"),
        (WorkbookLimits(cells=100), "reach to row 61 and column 2"),
    ],
)
def test_a_workbook_beyond_the_limits_is_refused(path: Path, limits, message):
    raw_workbook(path, good_sheet().replace('<row r="61">', '<row  r="61">'))
    with pytest.raises(UnreadableWorkbook, match=message):
        read_first_sheet(path, 2, limits)


NARROW = WorkbookLimits(cells=2_000_000)


@pytest.mark.parametrize(
    ("stray", "message"),
    [
        ('<row r="500000"><c r="A500000"><v>1</v></c></row>', None),
        ('<row r="1048576"><c r="J1048576"><v>1</v></c></row>', "row 1,048,576 and column 10"),
        ('<row r="62"><c r="XFD62"><v>1</v></c></row>', None),
        ('<row r="9999"><c r="XFD9999"><v>1</v></c></row>', "row 9,999 and column 16,384"),
        ('<row s="1" r="9999"><c s="0" r="XFD9999"><v>1</v></c></row>', "row 9,999 and column 16,384"),
        ('<row\nr="9999"><c\nr="XFD9999"><v>1</v></c></row>', "row 9,999 and column 16,384"),
        ("<row r='9999'><c r='XFD9999'><v>1</v></c></row>", "row 9,999 and column 16,384"),
        ('<row r="62"><c r="B4000000000"><v>1</v></c></row>', "row 4,000,000,000 and column 2"),
        ("<row r='1000000'/><row><c/><c/><c><v>1</v></c></row>", "row 1,000,001 and column 3"),
    ],
)
def test_how_far_cells_reach_is_seen_however_they_are_written(path: Path, stray, message):
    raw_workbook(path, good_sheet().replace("</sheetData>", f"{stray}</sheetData>"))
    if message is None:
        assert read_first_sheet(path, 2, NARROW).cells.height >= 61
    else:
        with pytest.raises(UnreadableWorkbook, match=message):
            read_first_sheet(path, 2, NARROW)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("PX0007", "PX<0007"),
        ("PX0007", "PX < 0007"),
        ("PX0007", "PX&0007"),
        ("PX0007", "PX&who;0007"),
        ("PX0007</t></is></c>", "PX0007</t></is>"),
        ("<v>7</v>", "<v>7"),
        ("<v>7</v>", "7</v>"),
        ("<is>", ""),
        (ROW_30, '<ROW r="30">'),
        (ROW_30, '<row r="29">'),
        (ROW_30, f"<row>{ROW_30}"),
        (ROW_30, f"</sheetData><sheetData>{ROW_30}"),
        (ROW_30, f"</sheetData></worksheet><worksheet><sheetData>{ROW_30}"),
        (ROW_30, f"</row></sheetData>{ROW_30}"),
        (ROW_30, f"<{ROW_30}"),
        ("</worksheet>", "</worksheet>more"),
        ("</sheetData></worksheet>", ""),
    ],
)
def test_a_malformed_sheet_is_damaged(path: Path, old, new):
    raw_workbook(path, good_sheet().replace(old, new, 1))
    with pytest.raises(UnreadableWorkbook, match="damaged"):
        read_first_sheet(path, 2)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<sheetData>", "<sheetPr/><!-- a <note> -->\n<sheetData>"),
        (ROW_30, f"\n{ROW_30}"),
        (ROW_30, "<row  spans='1:2' r='30' >"),
        ("PX0007", "PX&#48;007"),
        ("<t xml:space", "<t xmlns:y='urn:z' xml:space"),
        ("</worksheet>", "</worksheet>\n\n"),
    ],
)
def test_another_way_to_write_the_same_sheet_is_fine(path: Path, old, new):
    raw_workbook(path, good_sheet().replace(old, new, 1))
    assert judge(path, "BGA").quantities == GOOD


@pytest.mark.parametrize("encoding", ["utf-7", "utf-16", "big5", "no-such-encoding"])
def test_a_sheet_in_another_encoding_is_damaged(path: Path, encoding):
    raw_workbook(path, re.sub('<row r="([0-9]+)"', r"<row r='\1'", good_sheet()).replace("UTF-8", encoding))
    with pytest.raises(UnreadableWorkbook, match="damaged"):
        read_first_sheet(path, 2)


def test_a_raw_greater_than_is_no_damage(path: Path):
    raw_workbook(path, good_sheet().replace("PX0007", "PX>0007"))
    assert (judge(path, "BGA").quantities or {})["PX>0007"] == 7


@pytest.mark.parametrize(
    ("strings", "message"),
    [
        ("<si><t>A<B</t></si><si><t>PX0003</t></si><si><t>OTHER</t></si>", "damaged"),
        ("<si><t>A&B</t></si><si><t>PX0003</t></si>", "damaged"),
        ("<si><t>A</t></si>", "damaged"),
        ("<si><t>A</t></si><si><t>PX0003", "damaged"),
        ("<si><t>A</t></si><si>PX0003</t></si>", "damaged"),
        (f"<si><t>A</t></si><si><t>{'P' * (3 << 20)}</t></si>", "longer than 1,048,576 bytes"),
    ],
)
def test_damaged_shared_texts_are_refused(path: Path, strings, message):
    raw_workbook(path, with_shared_row(), strings_xml(strings))
    with pytest.raises(UnreadableWorkbook, match=message):
        read_first_sheet(path, 2)


@pytest.mark.parametrize(
    "strings",
    [
        "<si><t>A</t></si><si><t>PX0003</t></si>",
        "<si/><si><t>PX0003</t></si>",
        "<si></si><si><r><t>PX</t></r><r><t>0003</t></r></si>",
        f'<x:si xmlns:x="{MAIN}"><x:t>A</x:t></x:si><x:si xmlns:x="{MAIN}"><x:t>PX0003</x:t></x:si>',
        f"<si><t>{'a note > ' * 3000}</t></si><si><t>PX0003</t></si>",
    ],
)
def test_shared_texts_are_read_however_they_are_written(path: Path, strings):
    raw_workbook(path, with_shared_row(), strings_xml(strings))
    assert judge(path, "BGA").quantities == GOOD


def test_a_checksum_of_the_shared_texts_that_is_wrong_is_damage(path: Path):
    """One letter of one code has changed: without the checksum another part would be for sale."""
    raw_workbook(
        path,
        with_shared_row(),
        strings_xml("<si><t>A</t></si><si><t>PX0003</t></si>"),
        compression=zipfile.ZIP_STORED,
    )
    path.write_bytes(path.read_bytes().replace(b"PX0003", b"PX9003"))
    with pytest.raises(UnreadableWorkbook, match=r"damaged.*CRC"):
        read_first_sheet(path, 2)


def test_a_long_text_in_very_many_cells_is_refused_before_it_is_copied(path: Path):
    """Twenty thousand letters are what a cell may hold; a hundred thousand cells of them are 2 GB."""
    rows = (
        f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c><c r="B{n}"><v>3</v></c></row>'
        for n in range(2, 100_002)
    )
    sheet = sheet_xml(row_xml(1, HEADER) + "".join(rows))
    raw_workbook(
        path, sheet, strings_xml(f"<si><r><t>{'P' * 10_000}</t></r><r><t>{'Q' * 10_000}</t></r></si>")
    )
    judgement = judge_in_child(path, "BGA")
    assert "bytes of text" in judgement.reason
    assert judgement.peak_megabytes < 300


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_first_sheet_is_refused_by_its_name(path: Path, state):
    raw_workbook(path, good_sheet())
    with zipfile.ZipFile(path) as archive:
        book = archive.read("xl/workbook.xml")
    with_part(
        path, "xl/workbook.xml", book.replace(b' sheetId="1"', f' sheetId="1" state="{state}"'.encode())
    )
    with pytest.raises(UnreadableWorkbook, match="'Sheet1', is hidden"):
        read_first_sheet(path, 2)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_part_that_is_there_twice_is_damage(path: Path):
    """Which of two sheets a program shows is anyone's guess."""
    raw_workbook(path, good_sheet())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", good_sheet().replace("PX0007", "PX9007"))
    with pytest.raises(UnreadableWorkbook, match="part twice"):
        read_first_sheet(path, 2)


def styled_workbook(path: Path, formats: Iterable[str], cells: Iterable[str]) -> None:
    """A sheet whose column A has these cells, written as `VALUE` or `STYLE:VALUE`; style 2 is the first."""
    numbered = list(enumerate(formats, start=164))
    declared = "".join(f'<numFmt numFmtId="{number}" formatCode="{code}"/>' for number, code in numbered)
    styles = STYLES.replace("<fonts", f"<numFmts>{declared}</numFmts><fonts").replace(
        '<xf fillId="1"/>',
        '<xf fillId="1"/>' + "".join(f'<xf numFmtId="{number}"/>' for number, _ in numbered),
    )
    rows = []
    for row, cell in enumerate(cells, start=1):
        style, _, value = cell.rpartition(":")
        attribute = f' s="{style}"' if style else ""
        kind = "" if value.replace(".", "").lstrip("-").isdigit() else ' t="str"'
        rows.append(f'<row r="{row}"><c r="A{row}"{attribute}{kind}><v>{value}</v></c></row>')
    raw_workbook(path, sheet_xml("".join(rows)))
    with_part(path, "xl/styles.xml", styles.encode())


def test_a_number_shown_with_leading_zeros_keeps_them(path: Path):
    styled_workbook(
        path, ["000", "0.00", "00000"], ["2:7", "7", "3:7", "4:42", "2:1234", "2:-7", "2:7.5", "2:AB"]
    )
    assert [text for _, text in texts(path, 1)] == ["007", "7", "7.00", "00042", "1234", "-7", "7.5", "AB"]


def test_a_number_shown_in_groups_is_read_as_it_is_shown(path: Path):
    styled_workbook(
        path,
        ["00-0000", "000;-000", "00\\/000", "0.00", "00&quot;-&quot;00"],
        ["2:40016", "2:1234567", "3:7", "4:12", "5:7", "6:105", "2:7.5"],
    )
    assert [text for _, text in texts(path, 1)] == [
        "04-0016",
        "123-4567",
        "007",
        "00/012",
        "7.00",
        "01-05",
        "7.5",
    ]


def test_leading_zeros_of_columns_nobody_reads_are_left_alone(path: Path):
    styled_workbook(path, ["000"], ["2:7"])
    raw_cells = (
        '<sheetData><row r="1"><c r="C1" s="2"><v>7</v></c><c r="D1" s="2"><v>7</v></c></row></sheetData>'
    )
    with_part(path, "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{MAIN}">{raw_cells}</worksheet>'.encode())
    assert texts(path, 3) == [(1, None, None, "007")]


def test_no_single_damaged_byte_changes_what_is_read(path: Path):
    """Of any file with one wrong byte either nothing is read, or exactly what was in it."""
    shared_workbook(path, [HEADER, *good_rows()])
    whole = path.read_bytes()
    chance = random.Random(1)  # noqa: S311 - the same bytes every time
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        assert judge(path, "BGA").quantities in (None, GOOD)


def test_no_upload_that_was_cut_off_is_read(path: Path):
    shared_workbook(path, [HEADER, *good_rows()])
    whole = path.read_bytes()
    for length in range(0, len(whole), len(whole) // 50):
        path.write_bytes(whole[:length])
        assert judge(path, "BGA").verdict == "rejected"


def test_a_workbook_without_styles_or_shared_texts_is_read(path: Path):
    shared_workbook(path, [[1000, 2]])
    for part in ("xl/styles.xml", STRINGS):
        with_part(path, part, None)
    assert texts(path) == [(1, "1000", "2")]
