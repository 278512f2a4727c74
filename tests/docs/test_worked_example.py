"""The worked example of a new supplier, read from its page: with these lines, these rows come out so."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from stock_pipeline.errors import SuppliersFileError
from stock_pipeline.feeds.reading import read_feed
from stock_pipeline.suppliers import SuppliersFile, with_rules
from tests.conftest import REPOSITORY
from tests.support.workbooks.making import write_rows

PAGE = (REPOSITORY / "docs/suppliers.md").read_text(encoding="utf-8")


def tables() -> list[list[list[str]]]:
    """The cells of the page's tables, without the line below the header."""
    found = re.findall(r"(?:^\|.*\|\n)+", PAGE, re.MULTILINE)
    lines = [[line for line in table.splitlines() if not line.startswith("|---")] for table in found]
    return [[[cell.strip() for cell in line.strip("|").split("|")] for line in table] for table in lines]


@pytest.fixture(scope="module")
def suppliers() -> SuppliersFile:
    (block,) = re.findall(r"```yaml\nACM:\n(.*?)```", PAGE, re.DOTALL)
    return with_rules("ACM", "".join(line[2:] for line in block.splitlines(keepends=True)))


def test_the_rows_come_out_as_the_page_says(suppliers: SuppliersFile, tmp_path: Path) -> None:
    sent, wanted, *_ = tables()
    assert len(sent) == len(wanted) == 4
    path = tmp_path / "ACM Stock List 24-11.xlsx"
    write_rows(path, sent)
    feed = read_feed(path, suppliers.supplier("ACM"))
    quantities = dict(
        feed.rows.select("key", pl.col("quantity").cast(pl.String).fill_null("rejected")).rows()
    )
    assert quantities == {row[0]: row[1] for row in wanted[1:]}
    assert feed.rejected.height == 1


def test_a_mistake_in_the_lines_is_named() -> None:
    with pytest.raises(SuppliersFileError, match=r"ACM.*code_column"):
        with_rules("ACM", "headers: [[Product]]\ncode_column: 0\nrule: {kind: listed}\n")
