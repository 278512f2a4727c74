"""Runs of different DAGs at the same time: each table is one run's, and who has to wait is told whose."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from stock_pipeline.errors import NeedsPersonError, PublishRefusedError, TableLockedError
from stock_pipeline.lake.table_lock import PUBLISHED, Owner, TableLocks
from tests.support.runs.days import FEW, FIRST, SECOND, Days
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack
from tests.support.runs.store_files import as_csv, row, upload
from tests.support.runs.wholeness import as_if_nothing_had_happened, new_run

WRONG = {"table_date": str(FIRST), "reason": "the second day's quantities are wrong"}

New = Callable[..., LocalRun]


@pytest.fixture
def new(dag_bag: DagBag) -> New:
    """A run of a DAG, which sees those named as going on."""

    def make(dag_id: str, *running: str, **conf: Any) -> LocalRun:
        run = LocalRun(dag_bag.dags[dag_id], conf)
        run.running = list(running)
        return run

    return make


def locked(stack: Stack) -> list[str]:
    return [key.removeprefix("locks/").removesuffix(".json") for key in stack.keys("locks/")]


def by(run: LocalRun) -> str:
    return re.escape(f"{run.dag.dag_id}, run {run.dag_run.run_id}")


def test_a_day_holds_what_it_reads_and_publishes_from_planning_to_its_end(
    daily_stock: DAG, prepared: Stack
) -> None:
    run = new_run(daily_stock).go(stop="register_snapshots")
    assert locked(prepared) == []
    run.go(start="lock_tables", stop="register_ebay")
    assert locked(prepared) == ["ebay", "product", "store", "supplier_stock"]
    run.go(start="write_upload_files")
    assert (run.failed, locked(prepared)) == ({}, [])


@pytest.mark.parametrize("stage", ["lock_tables", "audit", "publish_ebay", "write_upload_files"])
def test_a_rollback_during_a_day_is_refused_at_once_and_told_by_whom(
    daily_stock: DAG, new: New, prepared: Stack, days: Days, undisturbed: dict[str, bytes], stage: str
) -> None:
    run = new_run(daily_stock).go(stop=stage)
    before = prepared.ebay_versions()
    rollback = new("rollback_ebay", "daily_stock", **WRONG).go()
    error = rollback.errors["plan_rollback", -1]
    assert isinstance(error, NeedsPersonError)
    told = f"^ebay is being published by {by(run)}, since .*, until at most .*Nothing was changed. Wait for"
    assert re.search(told, str(error))
    assert rollback.state == "failed"
    assert prepared.ebay_versions() == before
    # And the refused one takes nothing of the day's with it.
    assert "ebay" in locked(prepared)
    order = [task.task_id for task in daily_stock.topological_sort()]
    run.go(start=order[order.index(stage) + 1])
    assert run.failed == {}
    as_if_nothing_had_happened(prepared, days, undisturbed)


@pytest.mark.parametrize("stage", ["plan_run", "register_snapshots"])
def test_a_rollback_before_the_day_s_table_is_planned_is_not_published_over(
    daily_stock: DAG, new: New, published: Stack, days: Days, stage: str
) -> None:
    run = new_run(daily_stock).go(stop=stage)
    rollback = new("rollback_ebay", "daily_stock", **WRONG).go()
    assert rollback.failed == {}
    order = [task.task_id for task in daily_stock.topological_sort()]
    run.go(start=order[order.index(stage) + 1])
    error = run.errors["publish_ebay", -1]
    assert isinstance(error, PublishRefusedError)
    told = f"^ebay was changed by {by(rollback)} at .* since this run began.* run the day again$"
    assert re.search(told, str(error))
    assert run.state == "failed"
    assert "publish_ebay failed" in run.failed["conclude", -1]
    assert published.ebay() == days.table(FIRST, *FEW)
    assert locked(published) == []
    # To clear it again and again changes nothing; a new run publishes.
    assert run.go(start="publish_ebay").state == "failed"
    assert published.ebay() == days.table(FIRST, *FEW)
    assert new_run(daily_stock).go().failed == {}
    assert published.ebay() == days.table(SECOND, *FEW)


def test_a_rollback_between_planning_and_publishing_is_not_published_over(
    daily_stock: DAG, new: New, published: Stack, days: Days
) -> None:
    """The day's run was marked as failed to make room for the rollback, and then someone clears it."""
    run = new_run(daily_stock).go(stop="audit")
    assert new("rollback_ebay", **WRONG).go().failed == {}
    run.go(start="publish_ebay")
    assert isinstance(run.errors["publish_ebay", -1], PublishRefusedError)
    assert published.ebay() == days.table(FIRST, *FEW)


def test_upload_files_are_not_written_again_of_a_table_put_back(
    daily_stock: DAG, new: New, prepared: Stack
) -> None:
    run = new_run(daily_stock).go()
    files = prepared.uploads(SECOND)
    assert new("rollback_ebay", **WRONG).go().failed == {}
    run.go(start="write_upload_files")
    assert isinstance(run.errors["write_upload_files", -1], PublishRefusedError)
    assert prepared.uploads(SECOND) == files


def test_a_day_waits_for_a_rollback_and_does_not_publish_over_it(
    daily_stock: DAG, new: New, published: Stack, days: Days
) -> None:
    rollback = new("rollback_ebay", **WRONG).go(stop="plan_rollback")
    run = new_run(daily_stock)
    run.running = ["rollback_ebay"]
    run.go(stop="register_snapshots")
    assert run.perform("lock_tables") == "up_for_retry"
    error = run.errors["lock_tables", -1]
    assert isinstance(error, TableLockedError)
    assert re.search(f"^ebay is being rolled back by {by(rollback)}, since", str(error))
    assert locked(published) == ["ebay"]
    assert rollback.go(start="roll_back").failed == {}
    run.running = []
    assert run.go(start="lock_tables").state == "failed"
    assert isinstance(run.errors["publish_ebay", -1], PublishRefusedError)
    assert published.ebay() == days.table(FIRST, *FEW)


def test_dry_runs_are_not_refused_and_refuse_no_rollback(daily_stock: DAG, new: New, prepared: Stack) -> None:
    day = new_run(daily_stock).go(stop="lock_tables")
    assert new("rollback_ebay", "daily_stock", **WRONG, dry_run=True).go().failed == {}
    day.go(start="plan_table")
    dry = new("daily_stock", run_date=str(SECOND), suppliers=list(FEW), dry_run=True).go(stop="audit")
    assert locked(prepared) == ["product", "store", "supplier_stock"]
    assert new("rollback_ebay", "daily_stock", **WRONG).go().failed == {}
    dry.go(start="publish_ebay", stop="publish_ebay")
    assert locked(prepared) == []


@pytest.mark.parametrize(
    ("dag_id", "table", "task"),
    [("weekly_store", "store", "lock_tables"), ("monthly_product", "product", "lock_tables")],
)
def test_a_refresh_waits_while_a_day_reads_its_table(
    daily_stock: DAG, new: New, prepared: Stack, dag_id: str, table: str, task: str
) -> None:
    day = new_run(daily_stock).go(stop="lock_tables")
    refresh = new(dag_id, "daily_stock", run_date=str(SECOND))
    refresh.go(stop="plan_run")
    assert refresh.perform(task) == "up_for_retry"
    assert re.search(f"^{table} is being read by {by(day)}", str(refresh.errors[task, -1]))
    assert day.go(start="plan_table").failed == {}
    assert refresh.perform(task) == "success"
    assert locked(prepared) == [table]
    refresh.go(start="summarise")
    assert locked(prepared) == []


def test_a_day_waits_while_the_stores_are_refreshed_and_holds_nothing_meanwhile(
    daily_stock: DAG, new: New, prepared: Stack
) -> None:
    upload(prepared, SECOND, "AMS.csv", as_csv([row(1, "NEW-1", "UKD-BGA")]))
    upload(prepared, SECOND, "OR.csv", as_csv([row(2, "NEW-2", "UKD-BGA")]))
    weekly = new("weekly_store", run_date=str(SECOND)).go(stop="lock_tables")
    run = new_run(daily_stock)
    run.running = ["weekly_store"]
    run.go(stop="register_snapshots")
    assert run.perform("lock_tables") == "up_for_retry"
    assert re.search(f"^store is being published by {by(weekly)}, since", str(run.errors["lock_tables", -1]))
    assert locked(prepared) == ["store"]
    # Both stores of the run are published under its one lock.
    weekly.go(start="store.read_file")
    assert {weekly.states["store.publish_store", index] for index in (0, 1)} == {"success"}
    assert locked(prepared) == []
    run.running = []
    assert run.go(start="lock_tables").failed == {}


@pytest.mark.parametrize("task_id", ["publish_ebay", "write_upload_files"])
def test_a_lock_that_was_given_back_is_taken_again_or_waited_for(
    daily_stock: DAG, prepared: Stack, days: Days, undisturbed: dict[str, bytes], task_id: str
) -> None:
    order = [task.task_id for task in daily_stock.topological_sort()]
    run = new_run(daily_stock).go(stop=order[order.index(task_id) - 1])
    for key in prepared.keys("locks/"):
        prepared.s3.delete_object(Bucket=prepared.bucket, Key=key)
    other = TableLocks(prepared.lake, Owner(dag_id="rollback_ebay", run_id="dry"))
    other.hold({"ebay": PUBLISHED})
    run.running = ["rollback_ebay"]
    assert run.perform(task_id) == "up_for_retry"
    assert isinstance(run.errors[task_id, -1], TableLockedError)
    other.give_back("ebay")
    assert run.go(start=task_id).failed == {}
    as_if_nothing_had_happened(prepared, days, undisturbed)


@pytest.mark.parametrize("dead", ["daily_stock", "prune_old_data"])
def test_a_crash_does_not_block_the_next_morning(
    daily_stock: DAG, prepared: Stack, days: Days, undisturbed: dict[str, bytes], dead: str
) -> None:
    """Nothing gave the locks back, and the dead run is over as far as Airflow knows."""
    owner = Owner(dag_id=dead, run_id="dead")
    tables = dict.fromkeys(("ebay", "store", "product", "supplier_stock"), PUBLISHED)
    TableLocks(prepared.lake, owner).hold(tables)
    assert new_run(daily_stock).go().failed == {}
    as_if_nothing_had_happened(prepared, days, undisturbed)
    assert locked(prepared) == []
