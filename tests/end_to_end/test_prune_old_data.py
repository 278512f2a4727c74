"""Real runs of prune_old_data: Athena's answers for the last month stay, older days are gone."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT

from local_aws.environment import REGION
from stock_airflow import run_helpers
from stock_airflow.run_helpers import s3_client
from stock_airflow.tasks import prune_old_data as prune_old_data_tasks
from stock_pipeline.lake import locations
from stock_pipeline.lake.table_lock import READ, Owner, TableLocks
from stock_pipeline.lake.tables import EBAY, SUPPLIER_STOCK
from tests.support.runs.checkpoint import Checkpoint
from tests.support.runs.crashes import Killed, afterwards
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack

TODAY = date(2024, 9, 10)
OLD = [date(2024, 8, 9), date(2024, 7, 31), date(2023, 9, 10)]
YOUNG = [date(2024, 8, 10), date(2024, 9, 1), TODAY]
STAGED = "ebay_staging_20240901_0123456789"
STAGED_KEY = f"staging/{STAGED}/try=1/ebay_store=AMS/x"
QUESTION = (
    "SELECT supplier, year || '-' || month || '-' || day, custom_label, quantity FROM supplier_stock"
    " WHERE year || month || day >= '20240810' ORDER BY 1, 2, 3"
)


def put_snapshot(stack: Stack, supplier: str, day: date) -> None:
    values = [supplier, *locations.date_parts(day)]
    key = SUPPLIER_STOCK.key(*values)
    rows = [
        {"custom_label": label, "part_number": label, "quantity": day.day, "updated_date": day}
        for label in "AB"
    ]
    stack.put_parquet(key, pl.DataFrame(rows, schema=SUPPLIER_STOCK.schema).to_arrow())
    stack.register(SUPPLIER_STOCK.name, values, key)


@pytest.fixture(scope="module")
def month_and_more(stack: Stack) -> Checkpoint:
    """Two suppliers' snapshots over more than a month, and a published table."""
    for supplier in ("APE", "BGA"):
        for day in OLD + YOUNG:
            put_snapshot(stack, supplier, day)
    rows = [{"item_id": 1, "quantity": 1, "quantity_delta": 0, "custom_label": "A", "supplier_store": "APE"}]
    stack.put_parquet(EBAY.key("AMS"), pl.DataFrame(rows, schema=EBAY.schema).to_arrow())
    stack.register(EBAY.name, ["AMS"], EBAY.key("AMS"))
    return Checkpoint.take(stack)


@pytest.fixture
def filled(month_and_more: Checkpoint) -> Stack:
    """The stack as it was, with a staging table that a run left five days ago."""
    month_and_more.restore()
    stack = month_and_more.stack
    table = stack.glue.get_table(DatabaseName=stack.database, Name=EBAY.name)["Table"]
    fields = ("PartitionKeys", "StorageDescriptor")
    stack.glue.create_table(
        DatabaseName=stack.database, TableInput={"Name": STAGED, **{name: table[name] for name in fields}}
    )
    stack.put(STAGED_KEY, b"123")
    ago = timedelta(days=5)
    stack.age(STAGED_KEY, ago)
    get_backend("glue")[ACCOUNT][REGION].databases[stack.database].tables[STAGED].created_time -= ago
    return stack


@pytest.fixture
def prune_old_data(dag_bag: DagBag) -> DAG:
    return dag_bag.dags["prune_old_data"]


def report_of(stack: Stack, run: LocalRun) -> Any:
    return stack.json(locations.run_report_key("prune_old_data", TODAY, run.dag_run.run_id))


def new_run(dag: DAG, **conf: Any) -> LocalRun:
    return LocalRun(dag, {"run_date": str(TODAY), **conf})


def partitions_of(*days: date) -> list[tuple[str, ...]]:
    return sorted((supplier, *locations.date_parts(day)) for supplier in ("APE", "BGA") for day in days)


def is_pruned(stack: Stack, answer: Any) -> None:
    assert stack.partitions(SUPPLIER_STOCK.name) == partitions_of(*YOUNG)
    assert sorted(stack.keys("supplier_stock/")) == [
        SUPPLIER_STOCK.key(*values) for values in partitions_of(*YOUNG)
    ]
    assert stack.query(QUESTION) == answer
    assert stack.query("SELECT count(*) FROM supplier_stock") == [[str(len(answer))]]
    assert stack.keys("staging/") == []
    assert [name for name in stack.tables() if "staging" in name] == []
    assert list(stack.ebay()) == [("AMS", 1)]


def test_older_days_are_gone_and_athena_s_answers_for_the_last_month_are_the_same(
    prune_old_data: DAG, filled: Stack
) -> None:
    answer = filled.query(QUESTION)
    assert len(answer) == 2 * 2 * len(YOUNG)
    sizes = {entry["Key"]: entry["Size"] for entry in filled.lake.objects("supplier_stock/")}
    for attempt in ("first", "again"):
        run = new_run(prune_old_data).go()
        assert (run.state, run.failed) == ("success", {})
        is_pruned(filled, answer)
        if attempt == "first":
            old_keys = [SUPPLIER_STOCK.key(*values) for values in partitions_of(*OLD)]
            expected = {
                "partitions": 6,
                "staging_tables": 1,
                "objects": 7,
                "bytes": 3 + sum(sizes[key] for key in old_keys),
                "kept": 0,
            }
        else:
            expected = {"partitions": 0, "staging_tables": 0, "objects": 0, "bytes": 0, "kept": 0}
        messages = filled.messages()
        assert [(event, told["counts"]) for event, told in messages] == [
            ("partitions_deleted", expected),
            ("run_finished", expected),
        ]
        assert {told["status"] for _, told in messages} == {"success"}
        report = report_of(filled, run)
        assert (report["deleted"], report["concerns"]) == (True, [])
        assert len(report["old"]["partitions"]) == expected["partitions"]


def test_a_dry_run_lists_what_would_go_and_deletes_nothing(prune_old_data: DAG, filled: Stack) -> None:
    before = Checkpoint.take(filled)
    run = new_run(prune_old_data, dry_run=True).go()
    assert (run.failed, run.states["delete_old_data", -1]) == ({}, "skipped")
    after = Checkpoint.take(filled)
    assert after.partitions == before.partitions
    assert {key: tag for key, tag in after.objects.items() if not key.startswith("reports/")} == {
        key: tag for key, tag in before.objects.items() if not key.startswith("reports/")
    }
    assert STAGED in filled.tables()
    report = report_of(filled, run)
    listed = {key for entry in report["old"]["partitions"] for key in entry["objects"]}
    assert listed == {SUPPLIER_STOCK.key(*values) for values in partitions_of(*OLD)}
    assert report["old"]["staging"][0]["objects"] == [STAGED_KEY]
    assert (report["dry_run"], report["deleted"]) == (True, False)
    ((event, told),) = filled.messages()
    assert event == "run_finished"
    assert "not deleted (dry run)" in told["text"]


@pytest.mark.parametrize("calls", [1, 2])
def test_killed_while_it_deletes_and_retried_it_comes_to_the_same(
    prune_old_data: DAG, filled: Stack, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    answer = filled.query(QUESTION)
    run = new_run(prune_old_data).go(stop="list_old_data")
    s3: Any = s3_client()
    with monkeypatch.context() as patch:
        patch.setattr(s3, "delete_objects", afterwards(s3.delete_objects, calls))
        patch.setattr(run_helpers, "s3_client", lambda: s3)
        run.go(start="delete_old_data", stop="delete_old_data")
    assert isinstance(run.errors["delete_old_data", -1], Killed)
    run.go(start="delete_old_data")
    assert (run.state, run.failed) == ("success", {})
    is_pruned(filled, answer)
    # What the killed attempt deleted is in the report and in the message all the same.
    assert report_of(filled, run)["deleted"] is True
    assert [told["counts"]["partitions"] for _, told in filled.messages()] == [6, 6]


def test_a_supplier_s_newest_stock_stays_however_old_and_the_run_is_green(
    prune_old_data: DAG, filled: Stack
) -> None:
    for day in (date(2023, 1, 1), date(2024, 7, 2)):
        put_snapshot(filled, "MOT", day)
    for _ in range(2):
        run = new_run(prune_old_data).go()
        assert (run.state, run.failed) == ("success", {})
        assert [values for values in filled.partitions(SUPPLIER_STOCK.name) if values[0] == "MOT"] == [
            ("MOT", "2024", "07", "02")
        ]
        assert filled.keys("supplier_stock/supplier=MOT/") == [SUPPLIER_STOCK.key("MOT", "2024", "07", "02")]
        assert report_of(filled, run)["old"]["kept"] == [
            {"supplier": "MOT", "day": "2024-07-02", "age_days": 70}
        ]
        for _, told in filled.messages():
            assert "MOT of 2024-07-02 (70 days old)" in told["text"]


def test_nothing_is_deleted_that_another_run_is_reading(prune_old_data: DAG, filled: Stack) -> None:
    daily = TableLocks(filled.lake, Owner(dag_id="daily_stock", run_id="of_today"))
    daily.hold({SUPPLIER_STOCK.name: READ})
    run = new_run(prune_old_data)
    run.running = ["daily_stock"]
    run.go(stop="list_old_data")
    assert run.perform("delete_old_data") == "up_for_retry"
    told = "supplier_stock is being read by daily_stock, run of_today, since .* until at most"
    assert re.search(told, str(run.errors["delete_old_data", -1]))
    assert len(filled.partitions(SUPPLIER_STOCK.name)) == 2 * len(OLD + YOUNG)
    daily.give_back(SUPPLIER_STOCK.name)
    assert run.perform("delete_old_data") == "success"
    assert filled.keys("locks/") == []


@pytest.mark.parametrize(("dag_id", "goes"), [("daily_stock", False), ("weekly_store", True)])
def test_what_a_run_may_have_staged_is_left_alone_while_it_runs(
    prune_old_data: DAG, filled: Stack, dag_id: str, goes: bool
) -> None:
    run = new_run(prune_old_data)
    run.running = [dag_id]
    assert run.go().failed == {}
    assert (STAGED not in filled.tables()) is goes


def test_a_failed_listing_is_told_of_and_nothing_is_deleted(
    prune_old_data: DAG, filled: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune_old_data_tasks, "check_run", afterwards(lambda *_: None))
    run = new_run(prune_old_data).go()
    assert set(run.failed) == {("list_old_data", -1), ("conclude", -1)}
    assert "list_old_data failed" in run.failed["conclude", -1]
    ((event, told),) = filled.messages()
    assert (event, told["status"]) == ("run_finished", "failed")
    assert "list_old_data" in told["text"]
    assert len(filled.partitions(SUPPLIER_STOCK.name)) == 2 * len(OLD + YOUNG)
