"""Any list, written in any supplier's layout by any of several programs, is read as a person reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stock_pipeline.errors import RejectedFile
from stock_pipeline.feeds.reading import read_feed
from stock_pipeline.suppliers import load_suppliers
from tests.support import oracle
from tests.support.workbooks.making import (
    Rows,
    raw_workbook,
    rows_xml,
    shared_workbook,
    sheet_xml,
    write_rows,
)

SUPPLIERS = sorted(code for code, layout in oracle.LAYOUTS.items() if layout.headers)


def inline_workbook(path: Path, rows: Rows) -> None:
    raw_workbook(path, sheet_xml(rows_xml(rows)))


def sparse_workbook(path: Path, rows: Rows) -> None:
    """Rows are written in any order, and blank ones not at all."""
    numbered = [(number, row) for number, row in enumerate(rows, start=1) if set(row) - {None}]
    Random(len(numbered)).shuffle(numbered)  # noqa: S311 - the same every time
    raw_workbook(path, sheet_xml("".join(rows_xml([row], first=number) for number, row in numbered)))


WRITERS: list[Callable[[Path, Rows], None]] = [write_rows, shared_workbook, inline_workbook, sparse_workbook]

LETTERS = st.text("ABCxyz019-/. \u00e4\u00a3&<>\u00a0\u200e", min_size=1, max_size=8)
CODES = LETTERS | st.integers(0, 10**14) | st.integers(0, 10**6).map("{:07}".format)
NUMBERS = st.integers(-600, 10**5) | st.sampled_from([0.0, 0.5, 2.0, 9.99, 1e3])
WORDS = st.sampled_from(
    ["YES", "no ", "Y", "n", "In Stock", "LOW STOCK", "Out of stock", "maybe", "-", "nil"]
)
TEXTS = st.integers(0, 2000).flatmap(
    lambda number: st.sampled_from([f"{number}", f" {number}", f"{number}+", f">{number}", f"{number:,}"])
)
STOCKS = NUMBERS | TEXTS | WORDS | st.text("0123456789+>,. -eE", max_size=6) | st.none()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    supplier=st.sampled_from(SUPPLIERS),
    header=st.integers(0, 5),
    above=st.lists(st.sampled_from([[], ["Stock list"], [None, "page 1"]]), max_size=6),
    lines=st.lists(st.tuples(CODES, STOCKS) | st.just((None, None)), min_size=1, max_size=25),
    write=st.sampled_from(WRITERS),
)
def test_any_list_is_read_as_a_person_reads_it(
    tmp_path: Path,
    supplier: str,
    header: int,
    above: list[list[Any]],
    lines: list[tuple[Any, Any]],
    write: Callable[[Path, Rows], None],
) -> None:
    layout = oracle.LAYOUTS[supplier]
    columns = list(layout.headers[header % len(layout.headers)])
    width = max(len(columns), layout.stock_column or 1)
    rows = []
    for code, stock in lines:
        row = ["x"] * width if code is not None else [None] * width
        row[layout.code_column - 1] = code
        if layout.stock_column:
            row[layout.stock_column - 1] = stock
        rows.append(row)
    path = tmp_path / "feed.xlsx"
    write(path, [*above, columns, *rows])

    expected: dict[str, list[oracle.Outcome]] = {}
    for code, stock in lines:
        if key := oracle.code_text(code).upper():
            expected.setdefault(key, []).append(oracle.outcome_of("" if stock is None else stock, layout))
    if not expected:
        with pytest.raises(RejectedFile, match="no row with a code"):
            read_feed(path, load_suppliers().supplier(supplier))
        return
    feed = read_feed(path, load_suppliers().supplier(supplier))
    found: dict[str, list[oracle.Outcome]] = {}
    for key, quantity in feed.rows.sort("row").select("key", "quantity").rows():
        found.setdefault(key, []).append(oracle.REJECTED if quantity is None else quantity)
    assert found == expected
    assert feed.header_row == len(above) + 1


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_a_header_behind_blank_rows_is_found_whoever_wrote_them(
    tmp_path: Path, write: Callable[[Path, Rows], None]
) -> None:
    path = tmp_path / "feed.xlsx"
    write(path, [[], [], ["BGA REFERENCE", "Stock"], [], ["A-1", 3], [], ["007", "4"]])
    feed = read_feed(path, load_suppliers().supplier("BGA"))
    assert feed.rows.select("row", "key", "quantity").sort("row").rows() == [(5, "A-1", 3), (7, "007", 4)]
