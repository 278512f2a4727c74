"""The page survives files that end their reader, and says of them what the run would."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontend.upload.feed_check import Outlook
from frontend.upload.list_check import Kind
from frontend.upload.uploads import Chosen, look_at_feeds, look_at_lists
from stock_pipeline.refresh.list_reader import ListReader
from tests.support.hostile import short_texts_by_the_million
from tests.support.lake import Lake
from tests.support.pages.day import DAY, SUPPLIERS
from tests.support.workbooks.in_order import in_order

WORDS = "cannot be read safely"


def test_a_workbook_that_ends_its_reader_does_not_harm_the_others(lake: Lake, tmp_path: Path) -> None:
    lake.put_product([(f"L{number:04}", f"PX{number:04}", "BGA") for number in range(60)])
    path = tmp_path / "chosen.xlsx"
    short_texts_by_the_million(path)
    deadly = path.read_bytes()
    in_order(path)
    good = path.read_bytes()
    files = [Chosen("APE.xlsx", deadly), Chosen("BGA.xlsx", good), Chosen("BET.xlsx", deadly)]
    lines = list(look_at_feeds(files, DAY, SUPPLIERS))
    assert [line.outlook for line in lines] == [Outlook.UNUSABLE, Outlook.HELD, Outlook.UNUSABLE]
    assert [WORDS in line.text for line in lines] == [True, False, True]


@pytest.mark.parametrize(
    ("kind", "name"), [("store", "AMS.xlsx"), ("store", "RTG.xlsx"), ("product", "m.csv")]
)
def test_a_list_that_ends_its_reader_cannot_be_used(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, kind: Kind, name: str
) -> None:
    monkeypatch.setattr(ListReader, "function", "tests.support.strangers:abort")
    (line,) = look_at_lists([Chosen(name, b"anything")], kind)
    assert line.outlook is Outlook.UNUSABLE
    assert WORDS in line.text
