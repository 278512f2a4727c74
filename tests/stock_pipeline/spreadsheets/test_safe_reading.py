"""Strangers' files are read in a process with limits: results come back whole, deaths as verdicts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from stock_pipeline.errors import ChildFault, RejectedFile, UnknownHeader, UnsafeFile
from stock_pipeline.feeds.feed_reader import FEED_LIMITS, FeedReader
from stock_pipeline.feeds.reading import read_feed
from stock_pipeline.refresh.list_reader import ListReader
from stock_pipeline.refresh.listings import read_listings
from stock_pipeline.refresh.mapping_file import read_mapping_file
from stock_pipeline.spreadsheets.package import WorkbookLimits
from stock_pipeline.spreadsheets.streaming import LISTING_LIMITS
from stock_pipeline.suppliers import load_suppliers
from tests.support.hostile import HOSTILE, short_texts_by_the_million
from tests.support.runs.store_files import as_csv, as_workbook, row
from tests.support.workbooks import CASES
from tests.support.workbooks.case import Case
from tests.support.workbooks.in_order import in_order
from tests.support.workbooks.making import write_rows

SUPPLIERS = load_suppliers()
BGA = SUPPLIERS.supplier("BGA")
WORDS = "the workbook cannot be read safely .*: open it in Excel, check the list, save it again as .xlsx"

HARMLESS = {
    "target_in_a_folder_of_the_same_name",
    "attributes_by_the_million",
    "merged_cells_by_the_million",
    "sheets_by_the_thousand",
    "styled_cells_by_the_million",
    "tag_that_looks_like_cells",
    "text_that_looks_like_cells",
}
"""Hostile workbooks that are read, because what makes them so is not in the way of their list."""


@pytest.fixture(scope="module")
def reader() -> Iterator[FeedReader]:
    with FeedReader() as reader:
        yield reader


@pytest.fixture
def list_reader() -> Iterator[ListReader]:
    with ListReader() as reader:
        yield reader


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "feed.xlsx"


@pytest.mark.parametrize("case", [case for case in CASES if not case.bomb], ids=lambda case: case.name)
def test_it_gives_what_the_reader_gives(reader: FeedReader, path: Path, case: Case) -> None:
    case.build(path)
    supplier = SUPPLIERS.supplier(case.supplier)
    try:
        wanted = read_feed(path, supplier)
    except RejectedFile as error:
        with pytest.raises(type(error), match=f"^{re.escape(str(error))}$") as raised:
            reader.read_feed(path, supplier)
        assert vars(raised.value) == vars(error)  # noqa: PT017 - of both
    else:
        found = reader.read_feed(path, supplier)
        assert_frame_equal(found.rows, wanted.rows)
        assert_frame_equal(found.skipped, wanted.skipped)
        assert (found.header_row, found.other_sheets) == (wanted.header_row, wanted.other_sheets)


@pytest.mark.parametrize("supplier", SUPPLIERS.suppliers)
def test_every_supplier_s_rules_reach_the_other_side(reader: FeedReader, path: Path, supplier: str) -> None:
    write_rows(path, [["no such header"]])
    with pytest.raises(UnknownHeader, match="no accepted header"):
        reader.read_feed(path, SUPPLIERS.supplier(supplier))


def test_lists_are_read_as_their_readers_read_them(list_reader: ListReader, tmp_path: Path) -> None:
    rows = [row(at, f"L{at}", current_price=at) for at in range(5)]
    path = tmp_path / "list.csv"
    path.write_bytes(as_csv(rows))
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    found, wanted = list_reader.read_listings(path, ours), read_listings(path, theirs)
    assert_frame_equal(found.rejected, wanted.rejected)
    assert (found.counts, found.suppliers) == (wanted.counts, wanted.suppliers)
    for part, other in zip(found.upload, wanted.upload, strict=True):
        assert_frame_equal(pl.read_parquet(part), pl.read_parquet(other))

    path.write_text("custom_label,part_number,supplier\nA,1,BGA\nA,1,BGA\nB,2,BGA\nB,,BGA\n,3,BGA\n")
    mapping, expected = list_reader.read_mapping_file(path), read_mapping_file(path)
    assert mapping.rows == expected.rows == 5
    assert mapping.mapping.rows() == [("A", "1", "BGA")]
    assert_frame_equal(mapping.rejected, expected.rejected)

    book = tmp_path / "book.xlsx"
    book.write_bytes(as_workbook({"FPS": rows, "UKD": []}))
    assert [sheet.name for sheet in list_reader.sheet_names(book, LISTING_LIMITS)] == ["FPS", "UKD"]
    with pytest.raises(RejectedFile, match="a workbook may have 10"):
        list_reader.sheet_names(book, WorkbookLimits(file_bytes=10))


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_no_hostile_workbook_is_more_than_a_verdict(
    reader: FeedReader, path: Path, make: Callable[[Path], None]
) -> None:
    make(path)
    if make.__name__ in HARMLESS:
        assert reader.read_feed(path, BGA).rows.height == 60
    else:
        with pytest.raises(RejectedFile):
            reader.read_feed(path, BGA)


def test_a_file_that_ends_the_process_does_not_harm_the_others(reader: FeedReader, path: Path) -> None:
    short_texts_by_the_million(path)
    good = path.with_name("good.xlsx")
    in_order(good)
    before = reader.read_feed(good, BGA)
    with pytest.raises(UnsafeFile, match=WORDS):
        reader.read_feed(path, BGA)
    assert_frame_equal(reader.read_feed(good, BGA).rows, before.rows)


def test_a_file_is_judged_by_its_own_death_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier file has left behind in the process may end it at the next one."""
    in_order(path)
    with FeedReader() as reader:
        reader.read_feed(path, BGA)
        assert reader._process is not None
        reader._process._process.kill()
        assert reader.read_feed(path, BGA).rows.height == 60


def test_lists_that_end_the_process_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    short_texts_by_the_million(path)
    folder = tmp_path / "work"
    folder.mkdir()
    # A list is read in blocks, so it takes a million rows to reach the real limit.
    with ListReader(replace(FEED_LIMITS, memory_bytes=40 << 20)) as reader:
        with pytest.raises(UnsafeFile, match=WORDS):
            reader.read_listings(path, folder)
        with pytest.raises(UnsafeFile, match=WORDS):
            reader.read_mapping_file(path)


def test_a_fault_of_ours_is_no_verdict(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_order(path)
    with FeedReader() as reader, pytest.raises(ChildFault, match="FileNotFoundError"):
        reader.read_feed(path.with_name("not_there.xlsx"), BGA)
    monkeypatch.setattr(FeedReader, "function", "no_such_module:answer")
    with FeedReader() as reader, pytest.raises(ChildFault, match="could not be started"):
        reader.read_feed(path, BGA)
