"""`python -m stock_pipeline read`: a store list or a mapping as the refreshes read them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.command_line.main import main
from stock_pipeline.lake.tables import PRODUCT, STORE
from tests.support.runs.store_files import as_csv, as_workbook, row


@pytest.fixture
def read(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    def read(name: str, content: bytes, *arguments: str) -> tuple[int, dict[str, Any], list[dict[str, str]]]:
        path, rows = tmp_path / name, tmp_path / "rows.csv"
        path.write_bytes(content)
        rows.unlink(missing_ok=True)
        with pytest.raises(SystemExit) as raised:
            main(["read", str(path), *arguments, "--rows", str(rows), "--json"])
        said = capsys.readouterr()
        if not said.out:
            return 2, {"error": said.err}, []
        with rows.open(newline="", encoding="utf-8") as file:
            return int(str(raised.value.code or 0)), json.loads(said.out), list(csv.DictReader(file))

    return read


GOOD = [row(number, f"L{number}", current_price=9.5) for number in range(1, 41)]


def test_a_store_list_gives_the_columns_of_the_table_and_an_outcome(read) -> None:
    status, found, rows = read("AMS_1.csv", as_csv([*GOOD, row("none", "L99")]), "--as", "store")
    assert (status, found["verdict"], found["stores"]) == (0, "accepted", ["AMS"])
    assert found["counts"] == {"rows": 41, "accepted": 40, "rejected": 1, "repeated": 0}
    assert list(rows[0]) == ["ebay_store", "supplier", *STORE.schema.names(), "outcome", "reason"]
    assert (rows[0]["item_id"], rows[0]["custom_label"], rows[0]["current_price"]) == ("1", "L1", "9.5")
    assert (rows[-1]["outcome"], rows[-1]["reason"]) == ("rejected", "item_id is not a number: none")


def test_a_store_may_be_named(read) -> None:
    assert read("list.csv", as_csv(GOOD), "--as", "store", "--name", "ast")[1]["stores"] == ["AST"]
    status, found, _ = read("list.csv", as_csv(GOOD), "--as", "store")
    assert status == 2
    assert "--name must say the store" in found["error"]


def test_a_group_s_workbook_is_read_sheet_by_sheet(read) -> None:
    content = as_workbook({"FPS": GOOD, "UKX": GOOD})
    status, found, rows = read("RTG.xlsx", content, "--as", "store")
    assert (status, found["stores"], {line["ebay_store"] for line in rows}) == (3, ["RTG_FPS"], {"RTG_FPS"})
    assert "there is no store RTG_UKX" in found["reasons"][0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2\n", "header"),
        (as_csv([row("none", "L1"), row(2, "L2")]), "1 of 2 rows (50.0%) cannot be used"),
        (b"", "the file is empty"),
    ],
)
def test_a_store_list_that_cannot_be_used_ends_with_4(read, content: bytes, words: str) -> None:
    status, found, _ = read("AMS.csv", content, "--as", "store")
    assert (status, found["verdict"]) == (4, "rejected")
    assert words in found["reasons"][0]


def test_a_mapping_gives_the_columns_of_the_table_and_an_outcome(read) -> None:
    content = b"custom_label,part_number,supplier\n" + b"".join(b"L%d,P%d,APE\n" % (n, n) for n in range(300))
    status, found, rows = read("m.csv", content + b",P9,APE\nL1,P1,APE\n", "--as", "mapping")
    assert (status, found["verdict"]) == (0, "accepted")
    assert found["counts"] == {"rows": 302, "accepted": 300, "rejected": 1, "repeated": 1}
    assert list(rows[0]) == [*PRODUCT.schema.names(), "outcome", "reason"]
    assert (rows[-1]["outcome"], rows[-1]["reason"]) == ("rejected", "custom_label is blank")


def test_a_mapping_with_many_blanks_would_be_held(read) -> None:
    content = b"custom_label,part_number,supplier\n" + b"L1,P1,APE\n" * 9 + b",P,APE\n"
    status, found, _ = read("m.csv", content, "--as", "mapping")
    assert (status, found["verdict"]) == (3, "held")
