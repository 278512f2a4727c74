"""The meaning of a cell, whatever program wrote it: what a person sees, or a refusal that names the place."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from stock_pipeline.errors import UnreadableWorkbook
from stock_pipeline.spreadsheets.first_sheet import read_first_sheet
from stock_pipeline.spreadsheets.number_formats import DATE, MONEY, PERCENT, number_format, shown
from tests.support.workbooks.making import (
    STYLES,
    raw_workbook,
    sheet_xml,
    strings_xml,
    with_part,
    write_rows,
)

CALCULATE = b'<calcPr calcId="124519" fullCalcOnLoad="1"/></workbook>'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "book.xlsx"


def cell(path: Path, xml: str, strings: str | None = None, formats: tuple[str, ...] = ()) -> str | None:
    """What is read of A1 of a sheet whose only row is this XML, alike by both ways."""
    raw_workbook(path, sheet_xml(xml), None if strings is None else strings_xml(strings))
    if formats:
        numbered = list(enumerate(formats, start=164))
        declared = "".join(f'<numFmt numFmtId="{number}" formatCode="{code}"/>' for number, code in numbered)
        own = "".join(f'<xf numFmtId="{number}"/>' for number, _ in numbered)
        styles = STYLES.replace("<fonts", f"<numFmts>{declared}</numFmts><fonts")
        with_part(
            path, "xl/styles.xml", styles.replace('<xf fillId="1"/>', f'<xf fillId="1"/>{own}').encode()
        )
    found = [read_first_sheet(path, 2, carefully=carefully).cells for carefully in (False, True)]
    texts = [cells["1"].drop_nulls().to_list() for cells in found]
    assert texts[0] == texts[1]
    return texts[0][0] if texts[0] else None


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ('<row r="1"><c r="A1"><v>1000.0</v></c></row>', "1000"),
        ('<row r="1"><c r="A1" t="n"><v> 3 </v></c></row>', "3"),
        ('<row r="1"><c r="A1"><v>\n3\n</v></c></row>', "3"),
        ("<row><c><v>7</v></c></row>", "7"),
        ('<row r="1"><c t="n" r="A1"><v>7</v></c></row>', "7"),
        ("<row r='1'><c r='A1' t='str'><v>PX1</v></c></row>", "PX1"),
        ('<row r="1"><c r="A1" t="str"><v>PX1_x000D_</v></c></row>', "PX1\r"),
        ('<row r="1"><c r="A1" t="inlineStr"><is><t>PX1_x0000_</t></is></c></row>', "PX1"),
        ('<row r="1"><c r="A1" t="str"><v>A_x005F_x0041_</v></c></row>', "A_x0041_"),
        ('<row r="1"><c r="A1" t="str"><v><![CDATA[P&X]]></v></c></row>', "P&X"),
        ('<row r="1"><c r="A1" t="inlineStr"><is><r><t>AB </t></r><r><t>12</t></r></is></c></row>', "AB12"),
        ('<row r="1"><c r="A1" t="inlineStr"><is><t>東</t><rPh><t>ひがし</t></rPh></is></c></row>', "東"),
        ('<row r="1"><c r="A1" t="b"><v>1</v></c></row>', "\x01bTRUE"),
        ('<row r="1"><c r="A1" t="e"><v>#SPILL!</v></c></row>', "\x01e#SPILL!"),
        ('<row r="1"><c r="B1"><v>2</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>', "1"),
        ('<row r="1"><c r="A1"><v>58.4099999999999</v></c></row>', "58.41"),
    ],
)
def test_a_cell_is_what_a_person_sees(path: Path, xml: str, text: str) -> None:
    assert cell(path, xml) == text


@pytest.mark.parametrize(
    ("strings", "number", "text"),
    [
        ("<si><t>A</t></si><si><t>B</t></si>", " 1 ", "B"),
        ("<si><r><t>A</t></r><r><t>1</t></r></si>", "0", "A1"),
        ('<si><t xml:space="preserve">A </t></si>', "0", "A "),
        ("<si><t>A_x000A_B</t></si>", "0", "A\nB"),
    ],
)
def test_a_shared_text_is_what_a_person_sees(path: Path, strings: str, number: str, text: str) -> None:
    assert cell(path, f'<row r="1"><c r="A1" t="s"><v>{number}</v></c></row>', strings) == text


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ('<row r="3"><c r="B3"><v>4</v></c><c r="B3"><v>0</v></c></row>', "the cell B3 is there twice"),
        ('<row r="3"><c r="B3"><v>4</v></c><c r="B03"><v>0</v></c></row>', "the cell B3 is there twice"),
        ('<row r="3"><c r="B3"/><c r="B3"><v>0</v></c></row>', "the cell B3 is there twice"),
        (
            '<row r="3"><c r="A3"><v>4</v></c></row><row r="4"/><row r="3"><c r="A3"><v>0</v></c></row>',
            "row 3 is there twice",
        ),
        ('<row r="2"><c r="A2"><v>3,000</v></c></row>', "the cell A2 holds '3,000'"),
        ('<row r="2"><c r="A2"><v>NaN</v></c></row>', "the cell A2 holds 'NaN'"),
        ('<row r="2"><c r="A2" t="s"><v>9</v></c></row>', "the cell A2 holds '9'"),
        ('<row r="2"><c r="A3"><v>1</v></c></row>', "the cell A3 is in row 2"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "x:"])
def test_what_cannot_be_told_is_refused_with_its_place(path: Path, xml: str, words: str, prefix: str) -> None:
    sheet = sheet_xml(xml)
    if prefix:
        for name in ("worksheet", "sheetData", "row", "c", "v"):
            sheet = sheet.replace(f"<{name}", f"<x:{name}").replace(f"</{name}", f"</x:{name}")
        sheet = sheet.replace("xmlns=", "xmlns:x=")
    raw_workbook(path, sheet, strings_xml("<si><t>A</t></si>"))
    with pytest.raises(UnreadableWorkbook, match=words) as refused:
        read_first_sheet(path, 2)
    assert "open it in Excel" in str(refused.value)


@pytest.mark.parametrize(
    ("code", "value", "text"),
    [
        ("00000", "103", "00103"),
        ("[$-809]00000", "103", "00103"),
        ("[Red]00000", "103", "00103"),
        ("00000_)", "103", "00103"),
        ('"RX-"00000', "123", "RX-00123"),
        ("\\A000", "5", "A005"),
        ("00-0000", "40016", "04-0016"),
        ("00 000 000", "1234567", "01 234 567"),
        ("0.00", "12.1", "12.10"),
        ("#,##0", "1234", "1234"),
        ("000;-000", "-7", "-007"),
        ('_-* #,##0_-;-* #,##0_-;_-* "-"??_-;_-@_-', "0", "0"),
        ('_-* #,##0_-;-* #,##0_-;_-* "-"??_-;_-@_-', "12", "12"),
        ("General", "5", "5"),
        ('[>9]"10+";0', "3", "3"),
        ('[>9]"10+";0', "12", "12"),
        ('[Red][<1]"none";[=1]"last one";0', "5", "5"),
        ('0"[>9]"', "3", "3[>9]"),
        ("0;-0;;@", "0", "0"),
        ("@", "5", "5"),
        ("0%", "0.5", f"{PERCENT}50.0%"),
        ("[$£-809]#,##0.00", "3", f"{MONEY}3"),
        ("yyyy-mm-dd", "45000", f"{DATE}2023-03-15"),
        ('yyyy"年"m"月"d"日"', "45000", f"{DATE}2023-03-15"),
        ("[h]:mm", "1.5", f"{DATE}1900-01-01 12:00:00"),
        ("d-mmm", "45000", f"{DATE}2023-03-15"),
    ],
)
def test_a_number_is_shown_as_its_format_shows_it(code: str, value: str, text: str) -> None:
    assert shown(value, number_format(164, code)) == text


@pytest.mark.parametrize("number", [14, 17, 22, 27, 30, 31, 36, 45, 47, 50, 58])
def test_built_in_formats_of_dates_show_dates(number: int) -> None:
    assert shown("45000", number_format(number, None)) == f"{DATE}2023-03-15"


def test_a_format_counts_wherever_the_style_is_written(path: Path) -> None:
    for attributes in ('r="A1" s="2"', 's="2" r="A1"', 's="2"', 's="2" t="n"'):
        assert cell(path, f'<row r="1"><c {attributes}><v>103</v></c></row>', formats=("00000",)) == "00103"


@pytest.mark.parametrize(
    "attributes", ['r="A1"\ts="2"', 'r="A1"  s="2"', 'r="A1" s = "2"', 'r="A1" s= "2"', "r=\"A1\" s='2'"]
)
def test_a_format_counts_however_its_attribute_is_written(path: Path, attributes: str) -> None:
    assert cell(path, f'<row r="1"><c {attributes}><v>103</v></c></row>', formats=("00000",)) == "00103"


@pytest.mark.parametrize(
    ("code", "shown_as"), [("00000", "00005"), ("0%", f"{PERCENT}500%"), ("d/m/y", DATE)]
)
def test_a_cell_without_a_style_has_the_first_one(path: Path, code: str, shown_as: str) -> None:
    raw_workbook(path, sheet_xml('<row r="1"><c r="A1"><v>5</v></c></row>'))
    declared = f'<numFmts><numFmt numFmtId="164" formatCode="{code}"/></numFmts><fonts'
    styles = STYLES.replace("<fonts", declared, 1).replace(
        '<cellXfs count="2"><xf/>', '<cellXfs><xf numFmtId="164"/>'
    )
    assert 'numFmtId="164"/><xf fillId' in styles
    with_part(path, "xl/styles.xml", styles.encode())
    (text,) = read_first_sheet(path, 1).cells["1"]
    assert text.startswith(shown_as)


@pytest.mark.parametrize("blank", [" ", "\t", "\n", "\r\n"])
def test_blanks_round_the_number_of_a_shared_text_do_not_count(path: Path, blank: str) -> None:
    for number in (f"{blank}1", f"1{blank}"):
        sheet = f'<row r="1"><c r="A1" t="s"><v>{number}</v></c></row>'
        assert cell(path, sheet, "<si><t>A</t></si><si><t>B</t></si>") == "B"


def test_a_result_that_waits_for_its_calculation_is_no_result(path: Path) -> None:
    formula = '<row r="1"><c r="A1"><f>1+2</f><v>{}</v></c></row>'
    raw_workbook(path, sheet_xml(formula.format(0)))
    assert read_first_sheet(path, 1).cells.rows() == [(1, "0")]
    with zipfile.ZipFile(path) as archive:
        book = archive.read("xl/workbook.xml")
    with_part(path, "xl/workbook.xml", book.replace(b"</workbook>", CALCULATE))
    assert read_first_sheet(path, 1).cells.rows() == []
    raw_workbook(path, sheet_xml(formula.format(3)))
    with_part(path, "xl/workbook.xml", book.replace(b"</workbook>", CALCULATE))
    assert read_first_sheet(path, 1).cells.rows() == [(1, "3")]


def test_what_is_behind_the_cells_is_none_of_them(path: Path) -> None:
    """A button is drawn with its own rows and columns."""
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
    sheet = sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row>')
    sheet = sheet.replace(
        "</worksheet>", f'<controls><d:row xmlns:d="{drawing}">5</d:row></controls></worksheet>'
    )
    raw_workbook(path, sheet)
    assert read_first_sheet(path, 1, carefully=True).cells.rows() == [(1, "1")]


def test_a_workbook_of_another_program_is_found_by_its_relations(path: Path) -> None:
    raw_workbook(path, sheet_xml('<row r="1"><c r="A1"><v>9</v></c></row>'))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    renamed = {
        "xl/workbook.xml": "alt\\Workbook2.xml",
        "xl/_rels/workbook.xml.rels": "alt\\_rels\\Workbook2.xml.rels",
        "xl/worksheets/sheet1.xml": "alt\\worksheets\\sheet1.xml",
        "xl/styles.xml": "alt\\styles.xml",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(
                renamed.get(name, name), content.replace(b'"xl/workbook.xml"', b'"/alt/workbook2.xml"')
            )
    assert read_first_sheet(path, 1).cells.rows() == [(1, "9")]


def test_both_ways_read_the_same_of_a_plain_workbook(path: Path) -> None:
    rows: list[list[object]] = [["Code", "Stock"]]
    rows += [[f"P{number}" if number % 3 else number, number / 4] for number in range(300)]
    write_rows(path, rows)
    fast, careful = (read_first_sheet(path, 2, carefully=carefully).cells for carefully in (False, True))
    assert fast.equals(careful)
