"""Suppliers that send nothing good for weeks, while prune_old_data goes on running."""

from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from stock_pipeline.lake.locations import date_parts, stock_feed_codes_key, stock_feed_prefix
from stock_pipeline.lake.tables import EBAY, SUPPLIER_STOCK
from tests.support.runs.days import FEW, FIRST, SECOND, Days
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack
from tests.support.workbooks.making import write_rows

GOOD, HELD, SILENT = FEW
NIGHTS = 42
PRUNED = range(2, NIGHTS, 3)
"""Each third night and the last: what was due on one that was left out is due on the next as well."""
LATER = SECOND + timedelta(days=NIGHTS)


def feed_of(stack: Stack, supplier: str, day: date) -> bytes:
    (key,) = [key for key in stack.keys(stock_feed_prefix(day)) if f"/{supplier} " in key]
    return stack.body(key)


def wrong_list(feed: bytes, path: Path) -> bytes:
    """The supplier's list with nearly all of it missing, as when an export was cut short."""
    sheet = openpyxl.load_workbook(BytesIO(feed), read_only=True).worksheets[0]
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    write_rows(path, rows[: len(rows) // 5])
    return path.read_bytes()


def with_one_more(feed: bytes, code: str, path: Path) -> bytes:
    """The supplier's list with a row more, of a part no one sells: the same stock, but another list."""
    sheet = openpyxl.load_workbook(BytesIO(feed), read_only=True).worksheets[0]
    write_rows(path, [*(list(row) for row in sheet.iter_rows(values_only=True)), [code, 1]])
    return path.read_bytes()


def put_feed(stack: Stack, supplier: str, day: date, body: bytes) -> None:
    stack.put(f"{stock_feed_prefix(day)}{supplier}_list.xlsx", body)


@pytest.fixture(scope="module")
def weeks_later(
    daily_stock: DAG, dag_bag: DagBag, stack: Stack, days: Days, tmp_path_factory: pytest.TempPathFactory
) -> Stack:
    """One supplier has sent a good list again, the others none."""
    days.upload_tables(stack)
    days.upload_feeds(stack)
    for day in (FIRST, SECOND):
        assert LocalRun(daily_stock, {"run_date": str(day), "suppliers": list(FEW)}).go().failed == {}
    middle = SECOND + timedelta(days=20)
    path = tmp_path_factory.mktemp("list") / "list.xlsx"
    put_feed(stack, GOOD, middle, with_one_more(feed_of(stack, GOOD, SECOND), "ONE MORE", path))
    LocalRun(daily_stock, {"run_date": str(middle), "suppliers": [GOOD]}).go()
    for night in PRUNED:
        day = SECOND + timedelta(days=night)
        run = LocalRun(dag_bag.dags["prune_old_data"], {"run_date": str(day)}).go()
        assert (run.state, run.failed) == ("success", {})
    return stack


def test_the_newest_snapshots_and_their_codes_are_there_and_no_other_old_ones(weeks_later: Stack) -> None:
    newest = [(GOOD, SECOND + timedelta(days=20)), (HELD, SECOND), (SILENT, SECOND)]
    values = sorted((supplier, *date_parts(day)) for supplier, day in newest)
    assert weeks_later.partitions(SUPPLIER_STOCK.name) == values
    assert weeks_later.keys("supplier_stock/") == [SUPPLIER_STOCK.key(*entry) for entry in values]
    for supplier, day in newest:
        assert weeks_later.keys(stock_feed_codes_key(day, supplier)) != []


def test_the_next_wrong_list_is_held_and_the_table_is_published_for_all(
    daily_stock: DAG, weeks_later: Stack, days: Days, tmp_path: Path
) -> None:
    good = with_one_more(feed_of(weeks_later, GOOD, SECOND), "ANOTHER ONE", tmp_path / "good.xlsx")
    put_feed(weeks_later, GOOD, LATER, good)
    wrong = wrong_list(feed_of(weeks_later, HELD, SECOND), tmp_path / "wrong.xlsx")
    put_feed(weeks_later, HELD, LATER, wrong)
    run = LocalRun(daily_stock, {"run_date": str(LATER), "suppliers": list(FEW)}).go()
    verdicts = {supplier: weeks_later.feed_report(LATER, supplier)["verdict"] for supplier in FEW}
    assert verdicts == {GOOD: "accepted", HELD: "held", SILENT: "missing"}
    assert run.failed.keys() == {("conclude", -1)}
    reason = run.failed["conclude", -1]
    # The silent one sent the same list on both days, and the same list again is no younger.
    for supplier, first in ((HELD, SECOND), (SILENT, FIRST)):
        age = (LATER - first).days
        assert f"{supplier}: expired, its stock is {age} days old, more than a month" in reason
    assert f"{GOOD}: " not in reason
    expected = {place: (row.quantity, row.supplier_store) for place, row in days.table(SECOND, *FEW).items()}
    published = {place: (row[0], row[3]) for place, row in weeks_later.ebay().items()}
    assert published == expected
    dates = {
        weeks_later.s3.head_object(Bucket=weeks_later.bucket, Key=EBAY.key(store))["Metadata"]["run-date"]
        for store, _ in published
    }
    assert dates == {str(LATER)}
