from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from frontend.upload.feed_check import Outlook
from frontend.upload.list_check import Kind, ListCheck, ListRequest, look_at, refusal
from frontend.upload.uploads import Chosen, look_at_lists
from local_aws.server import LocalAws
from stock_pipeline.lake.locations import STORE_FEEDS, day_prefix
from stock_pipeline.refresh.list_reader import ListReader
from stock_pipeline.refresh.listings import HEADER
from stock_pipeline.refresh.store import find_files
from tests.support.lake import Lake
from tests.support.pages.day import DAY

LISTING: dict[str, Any] = {"item_id": 1, "custom_label": "A", "current_price": "9.99", "prefix": "UKD-APE"}
MAPPING = ["custom_label", "part_number", "supplier"]


def listing(**changed: Any) -> list[Any]:
    return [(LISTING | changed).get(name) for name in HEADER]


def csv(*rows: list[Any]) -> bytes:
    return "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in rows).encode()


def workbook(sheets: dict[str, list[list[Any]]]) -> bytes:
    """A workbook with a store's list in each sheet."""
    book = openpyxl.Workbook()
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in ([*HEADER], *rows):
            sheet.append(row)
    del book["Sheet"]
    sink = BytesIO()
    book.save(sink)
    return sink.getvalue()


def look(folder: Path, name: str, content: bytes, kind: Kind) -> ListCheck:
    path = folder / f"chosen{Path(name).suffix}"
    path.write_bytes(content)
    with ListReader() as reader:
        return look_at(ListRequest(path=path, name=name, kind=kind), reader)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("AMS_1.xlsx", "store", None),
        ("RTG.xlsx", "store", None),
        ("CPO_FPS listings.csv", "store", None),
        ("listings.csv", "store", "begins with no store"),
        ("AMS.xls", "store", "not one of .xlsx, .csv"),
        ("any name.csv", "product", None),
        ("mapping.txt", "product", "not one of .xlsx, .csv"),
    ],
)
def test_what_a_name_tells(name: str, kind: Kind, words: str | None) -> None:
    said = refusal(name, 1, kind)
    assert (said is None) is (words is None)
    assert (words or "") in (said or "")


def test_a_stores_file_is_counted_and_strange_suppliers_are_named(tmp_path: Path) -> None:
    rows = [listing(item_id=number) for number in range(1, 40)]
    content = csv([*HEADER], *rows, rows[0], listing(item_id=77, prefix="UKD-XYZ"))
    check = look(tmp_path, "AMS_1.csv", content, "store")
    assert (check.subject, check.outlook) == ("AMS", Outlook.FINE)
    assert check.counts == {"rows": 41, "accepted": 40, "rejected": 0, "repeated": 1}
    assert check.suppliers == {"APE": 39, "XYZ": 1}
    assert "the suppliers file has no XYZ" in check.text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            csv([*HEADER], listing(item_id="none"), listing()),
            "1 of 2 rows (50.0%) cannot be used, more",
        ),
        (csv([*HEADER], listing(item_id="none"), listing()), "row 2: item_id is not a number"),
        (csv(["a", "b"], ["1", "2"]), "header"),
        (b"", "the file is empty"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, content: bytes, words: str) -> None:
    check = look(tmp_path, "AMS_1.csv", content, "store")
    assert check.outlook is Outlook.UNUSABLE
    assert words in check.text


def test_a_groups_workbook_is_read_sheet_by_sheet(tmp_path: Path) -> None:
    check = look(tmp_path, "RTG_1.xlsx", workbook({"FPS": [listing()], "UKD": [listing()]}), "store")
    assert (check.subject, check.counts["accepted"]) == ("RTG_FPS, RTG_UKD", 2)
    assert check.outlook is Outlook.FINE


def test_a_sheet_that_is_no_store_is_named_as_the_run_names_it(lake: Lake, tmp_path: Path) -> None:
    content = workbook({"FPS": [listing()], "UKX": [listing()]})
    check = look(tmp_path, "RTG_1.xlsx", content, "store")
    assert (check.subject, check.outlook) == ("RTG_FPS", Outlook.PARTLY)
    key = f"{STORE_FEEDS}{day_prefix(DAY)}RTG_1.xlsx"
    lake.put(key, content)
    found = find_files(lake, DAY)
    assert list(found.by_store) == ["RTG_FPS"]
    (reason,) = found.not_read.values()
    assert f"sheet UKX is not read: {reason}" in check.text


def test_a_sheet_whose_rows_cannot_be_used_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    bad = [listing(item_id="none")]
    check = look(tmp_path, "RTG_1.xlsx", workbook({"FPS": [listing()], "UKD": bad}), "store")
    assert (check.outlook, check.counts["accepted"]) == (Outlook.PARTLY, 1)
    assert "RTG_UKD would be rejected: 1 of 1 rows (100.0%) cannot be used" in check.text
    check = look(tmp_path, "RTG_1.xlsx", workbook({"UKD": bad}), "store")
    assert check.outlook is Outlook.UNUSABLE


def test_a_mapping_without_a_whole_supplier_would_be_held(lake: Lake, tmp_path: Path) -> None:
    lake.put_product([(f"L{number}", f"P{number}", "APE") for number in range(99)] + [("L", "P", "BGA")])
    content = csv(MAPPING, *([f"L{number}", f"P{number}", "APE"] for number in range(99)))
    check = look(tmp_path, "m.csv", content, "product")
    assert check.outlook is Outlook.HELD
    assert "supplier BGA would lose all it has, 1 rows" in check.text


def test_a_mapping_is_compared_with_the_one_in_force(lake: Lake, tmp_path: Path) -> None:
    rows = [[f"L{number}", f"P{number}", "APE"] for number in range(10)]
    assert "new" not in look(tmp_path, "m.csv", csv(MAPPING, *rows), "product").counts
    lake.put_product([(label, part, supplier) for label, part, supplier in rows])
    changed = [*rows[1:], ["NEW", "P0", "APE"]]
    check = look(tmp_path, "m.csv", csv(MAPPING, *changed), "product")
    assert (check.outlook, check.counts["new"], check.counts["gone"]) == (Outlook.FINE, 1, 1)
    check = look(tmp_path, "m.csv", csv(MAPPING, *rows[:5]), "product")
    assert check.outlook is Outlook.HELD
    assert "50.0% of what product has would go, more than 20%" in check.text


def test_files_that_are_refused_stand_beside_those_that_are_read(lake: Lake) -> None:
    files = [
        Chosen("listings.csv", b""),
        Chosen("AMS.csv", csv([*HEADER], listing())),
        Chosen("AST.txt", b""),
    ]
    lines = list(look_at_lists(files, "store"))
    assert [(line.file.name, line.subject, line.can_be_sent) for line in lines] == [
        ("listings.csv", "?", False),
        ("AMS.csv", "AMS", True),
        ("AST.txt", "?", False),
    ]


def test_an_outage_is_not_the_mappings_fault(lake: Lake, local_aws: LocalAws, tmp_path: Path) -> None:
    lake.put_product([("A", "1", "APE")])
    content = csv(MAPPING, ["A", "1", "APE"])
    local_aws.faults.add("s3", "GetObject", "ServiceUnavailable")
    try:
        check = look(tmp_path, "mapping.csv", content, "product")
    finally:
        local_aws.faults.clear()
    assert check.outlook is Outlook.UNKNOWN
    assert "could not be checked because AWS does not answer" in check.text
    assert look(tmp_path, "mapping.csv", content, "product").outlook is Outlook.FINE
