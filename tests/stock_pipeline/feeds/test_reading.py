"""Feeds as suppliers send them: the corpus of odd workbooks, its verdicts, and real workbooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stock_pipeline.errors import RejectedFile
from stock_pipeline.feeds.reading import read_feed
from stock_pipeline.suppliers import load_suppliers
from tests.fuzz.reader import Reader
from tests.support import oracle
from tests.support.judging import REPOSITORY, Judgement, judge
from tests.support.workbooks import CASES
from tests.support.workbooks.case import Case
from tests.support.workbooks.contents import HEADER, good_rows
from tests.support.workbooks.making import write_rows

MOST_MEGABYTES = 700
HOSTILE = {
    "protected_with_a_password",
    "old_xls",
    "stray_cell_in_the_far_corner",
    "stray_cell_far_down",
    "external_entity",
    "billion_laughs",
}
"""Besides the bombs, what takes a careless reader's process down, or all its memory."""

BGA = load_suppliers().supplier("BGA")


def is_hostile(case: Case) -> bool:
    return case.bomb or case.name in HOSTILE


def by_name(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def build(case: Case, folder: Path) -> Path:
    path = folder / "feed.xlsx"
    case.build(path)
    return path


def check(case: Case, judgement: Judgement) -> None:
    assert judgement.verdict == case.verdict, judgement.reason
    assert judgement.quantities == case.expected
    assert not case.reason_words or any(word in judgement.reason for word in case.reason_words)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """One process for all that might kill it; what the most memory is, is said of all files so far."""
    made = Reader()
    yield made
    made.close()


def test_every_hostile_case_exists():
    assert {case.name for case in CASES} > HOSTILE


@by_name([case for case in CASES if not is_hostile(case)])
def test_an_odd_workbook_gets_the_verdict_staff_would_want(case: Case, tmp_path: Path):
    check(case, judge(build(case, tmp_path), case.supplier))


@by_name([case for case in CASES if is_hostile(case)])
def test_a_hostile_workbook_neither_kills_the_reader_nor_fills_the_memory(
    case: Case, tmp_path: Path, reader: Reader
):
    reading = reader.read(build(case, tmp_path), case.supplier)
    check(case, Judgement(reading.outcome, reading.detail.lower(), reading.quantities))
    assert reading.megabytes < MOST_MEGABYTES


def test_a_row_is_known_by_its_number_in_the_sheet(tmp_path: Path):
    path = tmp_path / "feed.xlsx"
    write_rows(path, [["Stock list"], [], HEADER, ["A", 1], [], [None, 5], [' "b" ', "?"], ["", ""], ["C"]])
    feed = read_feed(path, BGA)
    assert (feed.header_row, feed.without_code, feed.other_sheets) == (3, 1, ())
    assert feed.rows.select("row", "code", "key", "raw", "quantity").rows() == [
        (4, "A", "A", "1", 1),
        (7, "b", "B", "?", None),
        (9, "C", "C", None, None),
    ]
    assert feed.rejected["row"].to_list() == [7, 9]
    assert feed.rejected_share == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["Code", "Qty"], ["A", 1]], ["'BGA REFERENCE, Stock'", "'Code, Qty'", "first 20 rows"]),
        ([[], [None, "x" * 100]], ["x" * 40]),
        ([], ["'Sheet'", "empty"]),
        ([HEADER, [None, 4]], ["no row with a code", "row 1"]),
    ],
)
def test_a_rejection_says_what_was_expected_and_what_was_there(tmp_path: Path, rows, words):
    path = tmp_path / "feed.xlsx"
    write_rows(path, rows)
    with pytest.raises(RejectedFile) as caught:
        read_feed(path, BGA)
    for word in words:
        assert word in str(caught.value)


def test_a_supplier_whose_header_nobody_knows_is_rejected_with_what_it_sent(tmp_path: Path):
    path = tmp_path / "feed.xlsx"
    write_rows(path, [["Part", "Maker", "Price", "Stock"], *good_rows()])
    assert "none is known for elr yet" in (reason := judge(path, "ELR").reason)
    assert "part, maker, price, stock" in reason


FEEDS = REPOSITORY.parent / "shared" / "feeds"
SMALL_SUPPLIERS = ("APE", "COM", "FAI", "JUR", "KLA", "RTG")
REAL_DAY = max(FEEDS.glob("*-*-*"), default=None)
REAL = [path for code in SMALL_SUPPLIERS for path in (REAL_DAY.glob(f"{code} *.xlsx") if REAL_DAY else [])]

if REAL:

    @pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
    def test_a_real_workbook_reads_as_the_oracle_reads_it(path: Path):
        supplier = path.stem.split()[0]
        expected = oracle.read_feed(path, supplier)
        assert judge(path, supplier).quantities == expected.quantities()
        feed = read_feed(path, load_suppliers().supplier(supplier))
        assert (feed.rows.height, feed.rejected.height) == (expected.rows_with_code, expected.rejected)
