"""A run is killed in the middle of each task; then the task is cleared, or the day is run again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG

from aws_operators.athena import AthenaCheckOperator, AthenaReplaceTableOperator
from stock_airflow import run_helpers
from stock_airflow.run_helpers import s3_client
from stock_pipeline.lake import staging
from stock_pipeline.lake.lake import Lake
from tests.support.runs.crashes import Killed, Patch, afterwards, in_register_snapshots
from tests.support.runs.days import FEW, SECOND, STORES, Days
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack
from tests.support.runs.wholeness import as_if_nothing_had_happened, new_run, no_store_is_half


class _DyingClient:
    """An S3 client; the worker is gone after some calls of one method."""

    def __init__(self, client: Any, method: str, calls: int) -> None:
        self._client = client
        setattr(self, method, afterwards(getattr(client, method), calls))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def dying_s3(patch: Patch, method: str, calls: int) -> None:
    client = _DyingClient(s3_client(), method, calls)
    patch.setattr(run_helpers, "s3_client", lambda: client)


def in_process_feed(patch: Patch) -> None:
    dying_s3(patch, "put_object", 1)


def in_create_staging_table(patch: Patch) -> None:
    patch.setattr(AthenaReplaceTableOperator, "execute", afterwards(AthenaReplaceTableOperator.execute))


def in_audit(patch: Patch) -> None:
    patch.setattr(AthenaCheckOperator, "execute", afterwards(AthenaCheckOperator.execute))


def in_publish_ebay(patch: Patch) -> None:
    dying_s3(patch, "copy", len(STORES) // 2)


def in_register_ebay(patch: Patch) -> None:
    in_register_snapshots(patch)


def in_write_upload_files(patch: Patch) -> None:
    dying_s3(patch, "put_object", 3)


def in_summarise(patch: Patch) -> None:
    def without_its_files(lake: Lake, *, staging_table: str) -> None:
        lake.drop_table(staging_table)
        raise Killed

    patch.setattr(staging, "drop_staging", without_its_files)


CRASHES: dict[str, tuple[str, Callable[[Patch], None]]] = {
    "process_feed": ("feed.process_feed", in_process_feed),
    "register_snapshots": ("register_snapshots", in_register_snapshots),
    "create_staging_table": ("create_staging_table", in_create_staging_table),
    "audit": ("audit", in_audit),
    "publish_ebay": ("publish_ebay", in_publish_ebay),
    "register_ebay": ("register_ebay", in_register_ebay),
    "write_upload_files": ("write_upload_files", in_write_upload_files),
    "summarise": ("summarise", in_summarise),
}
BEFORE_PUBLISHING = {"process_feed", "register_snapshots", "create_staging_table", "audit"}
every_crash = pytest.mark.parametrize("crash", CRASHES)


def killed_run(daily_stock: DAG, crash: str) -> LocalRun:
    """A run of the second day of which nothing is left after the crash."""
    task_id, arrange = CRASHES[crash]
    order = [task.task_id for task in daily_stock.topological_sort()]
    run = new_run(daily_stock).go(stop=order[order.index(task_id) - 1])
    with pytest.MonkeyPatch.context() as patch:
        arrange(patch)
        run.go(start=task_id, stop=task_id)
    assert {key[0] for key in run.failed} == {task_id}
    assert {str(type(run.errors[key])) for key in run.failed} == {str(Killed)}
    return run


@every_crash
def test_a_killed_run_leaves_each_store_whole_and_the_day_run_again_makes_it_good(
    daily_stock: DAG, prepared: Stack, days: Days, undisturbed: dict[str, bytes], crash: str
) -> None:
    killed_run(daily_stock, crash)
    seen = no_store_is_half(prepared, days)
    if crash in BEFORE_PUBLISHING:
        assert seen == {"old"}
    elif crash == "publish_ebay":
        assert seen == {"old", "new"}
    else:
        assert seen == {"new"}
    assert len(prepared.ebay()) == len(days.table(SECOND, *FEW))  # and Athena can read it
    again = new_run(daily_stock).go()
    assert again.failed == {}
    as_if_nothing_had_happened(prepared, days, undisturbed)


@every_crash
def test_clearing_the_task_with_its_downstream_makes_it_good(
    daily_stock: DAG, prepared: Stack, days: Days, undisturbed: dict[str, bytes], crash: str
) -> None:
    run = killed_run(daily_stock, crash)
    run.go(start=CRASHES[crash][0])
    assert run.failed == {}
    assert run.state == "success"
    as_if_nothing_had_happened(prepared, days, undisturbed)
    assert [name for name in prepared.tables() if "staging" in name] == []
