"""Runs of weekly_store: what becomes of the stores' files and of the table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, cast

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from stock_pipeline.tables import STORE
from tests.end_to_end.local_run import LocalRun
from tests.end_to_end.stack import Stack
from tests.end_to_end.store_files import Listings, as_csv, as_workbook, read_store, row, upload

DAY = date(2024, 8, 4)  # a Sunday
LATER = DAY + timedelta(days=7)
AMS = [row(100 + at, f"AMS-{at:03}", ("UKD-BGA", "UKD-FPS", None)[at % 3]) for at in range(30)]
PV = [row(500 + at, f"PV-{at:03}") for at in range(20)]
BEFORE = Listings().merged("AMS", AMS).merged("PV", PV)

Run = Callable[..., LocalRun]


@pytest.fixture(scope="module")
def weekly_store(dag_bag: DagBag) -> DAG:
    dag = dag_bag.dags["weekly_store"]
    for task_id in ("store.create_staging_table", "store.audit"):
        cast("Any", dag.get_task(task_id)).sleep_time = 0.1
    return dag


@pytest.fixture
def run(weekly_store: DAG, stack: Stack) -> Run:
    """The table with two stores in it, as a run of the first Sunday left it."""
    for prefix in ("store/", "store_feed/", "staging/", "reports/", "quarantine/"):
        for key in stack.keys(prefix):
            stack.s3.delete_object(Bucket=stack.bucket, Key=key)
    for values in stack.partitions(STORE.name):
        stack.glue.delete_partition(
            DatabaseName=stack.database, TableName=STORE.name, PartitionValues=list(values)
        )
    upload(stack, DAY, "AMS.csv", as_csv(AMS))
    upload(stack, DAY, "PV.xlsx", as_workbook({"Listings": PV}))
    go(weekly_store, DAY)
    stack.messages()
    return lambda day=LATER, **conf: go(weekly_store, day, **conf)


def go(dag: DAG, day: date, **conf: Any) -> LocalRun:
    return LocalRun(dag, {"run_date": str(day), **conf}).go()


def concerns(made: LocalRun) -> str:
    return str(made.errors.get(("conclude", -1), ""))


def report(stack: Stack, store: str, day: date = LATER) -> Any:
    return stack.json(f"reports/weekly_store/year=2024/month=08/day={day:%d}/{store}.json")


def test_the_first_run_fills_the_table(run: Run, stack: Stack) -> None:
    assert read_store(stack) == BEFORE
    assert stack.partitions(STORE.name) == [("AMS", "BGA"), ("AMS", "FPS"), ("AMS", "RTG"), ("PV", "BGA")]
    assert stack.query("SELECT count(*) FROM store WHERE ebay_store = 'AMS'") == [["30"]]
    assert stack.tables() == {"product", "store", "supplier_stock", "ebay"}
    assert stack.keys("staging/") == []
