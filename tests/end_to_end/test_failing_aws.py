"""AWS fails a run at each of its steps; then it works again, and so does the run.

The calls fail in the server, so that botocore and the operators see what they would see of AWS.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from airflow.sdk import DAG

from local_aws.faults import HANG, QUERY_FAILED, FaultMiddleware
from local_aws.server import LocalAws
from tests.support.runs.days import FEW, FIRST, SECOND, STORES, Days
from tests.support.runs.stack import Stack
from tests.support.runs.wholeness import as_if_nothing_had_happened, new_run, no_store_is_half

REPOSITORY = Path(__file__).parents[2]
OLD, NEW = {"old"}, {"new"}


class Failure(NamedTuple):
    """From a task on, calls fail with an error once so many got through; then the stores are these."""

    task_id: str
    service: str
    action: str
    error: str
    stores: set[str]
    after: int = 0


FAILURES = {
    "no_feed": Failure("feed.process_feed", "s3", "GetObject", "InternalError", OLD),
    "no_room_for_a_snapshot": Failure("feed.process_feed", "s3", "PutObject", "SlowDown", OLD),
    "no_room_for_a_report": Failure("feed.process_feed", "s3", "PutObject", "InternalError", OLD, after=1),
    "no_entry_for_a_snapshot": Failure(
        "register_snapshots", "glue", "BatchCreatePartition", "InternalServiceException", OLD
    ),
    "no_list_of_snapshots": Failure("plan_table", "glue", "GetPartitions", "ThrottlingException", OLD),
    "no_query": Failure(
        "create_staging_table", "athena", "StartQueryExecution", "TooManyRequestsException", OLD
    ),
    "no_staging_table": Failure("create_staging_table", "athena", "StartQueryExecution", QUERY_FAILED, OLD),
    "no_audit": Failure("audit", "athena", "StartQueryExecution", QUERY_FAILED, OLD),
    "no_store_copied": Failure("publish_ebay", "s3", "CopyObject", "AccessDenied", OLD),
    "two_stores_copied": Failure("publish_ebay", "s3", "CopyObject", "InternalError", OLD | NEW, after=2),
    "no_entry_for_a_store": Failure(
        "register_ebay", "glue", "BatchCreatePartition", "AccessDeniedException", NEW
    ),
    "no_store_to_read": Failure("write_upload_files", "s3", "GetObject", "InternalError", NEW, after=1),
    "no_room_for_an_upload_file": Failure("write_upload_files", "s3", "PutObject", "SlowDown", NEW, after=2),
    "no_room_for_the_summary": Failure("summarise", "s3", "PutObject", "InternalError", NEW),
    "no_end_of_the_staging_table": Failure("summarise", "s3", "DeleteObjects", "InternalError", NEW),
}


@pytest.fixture
def faults(local_aws: LocalAws) -> Iterator[FaultMiddleware]:
    yield local_aws.faults
    local_aws.faults.clear()


def connect(patch: pytest.MonkeyPatch, attempts: int) -> None:
    """Have the tasks' clients make so many attempts at a call, the first among them."""
    connection = json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"])
    connection["extra"]["config_kwargs"] = {"retries": {"total_max_attempts": attempts, "mode": "standard"}}
    patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))


@pytest.mark.parametrize("name", FAILURES)
def test_calls_that_fail_leave_each_store_whole_and_clearing_the_task_makes_it_good(
    daily_stock: DAG,
    prepared: Stack,
    days: Days,
    undisturbed: dict[str, bytes],
    faults: FaultMiddleware,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    failure = FAILURES[name]
    connect(monkeypatch, attempts=1)
    order = [task.task_id for task in daily_stock.topological_sort()]
    run = new_run(daily_stock).go(stop=order[order.index(failure.task_id) - 1])
    assert run.failed == {}
    fault = faults.add(failure.service, failure.action, failure.error, after=failure.after)
    run.go(start=failure.task_id)
    assert fault.failed > 0
    assert failure.task_id in {task_id for task_id, _ in run.failed}
    assert run.state == "failed"
    assert failure.task_id in str(run.errors["conclude", -1])
    if failure.stores == OLD | NEW:
        told = f"its stores are of several days (3 made for {FIRST}, 2 made for {SECOND}), each of them whole"
        assert told in str(run.errors["conclude", -1])
    faults.clear()
    assert no_store_is_half(prepared, days) == failure.stores
    assert len(prepared.ebay()) == len(days.table(SECOND, *FEW))  # and Athena can read it
    run.go(start=failure.task_id)
    assert run.failed == {}
    as_if_nothing_had_happened(prepared, days, undisturbed)


def test_what_airflow_retries_completes_in_the_same_run(
    daily_stock: DAG,
    prepared: Stack,
    days: Days,
    undisturbed: dict[str, bytes],
    faults: FaultMiddleware,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connect(monkeypatch, attempts=1)
    order = [task.task_id for task in daily_stock.topological_sort()]
    publishing = order.index("publish_ebay")
    run = new_run(daily_stock).go(stop=order[publishing - 1])
    faults.add("s3", "CopyObject", "InternalError", after=len(STORES) // 2, times=1)
    assert run.perform("publish_ebay") == "up_for_retry"
    assert no_store_is_half(prepared, days) == OLD | NEW
    assert run.perform("publish_ebay") == "success"
    assert no_store_is_half(prepared, days) == NEW
    run.go(start=order[publishing + 1])
    assert run.failed == {}
    as_if_nothing_had_happened(prepared, days, undisturbed)


def test_a_throttled_call_is_made_again_and_nobody_notices(
    daily_stock: DAG,
    prepared: Stack,
    days: Days,
    undisturbed: dict[str, bytes],
    faults: FaultMiddleware,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connect(monkeypatch, attempts=3)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    throttled = [
        faults.add("s3", "GetObject", "SlowDown", after=1, times=1),
        faults.add("s3", "PutObject", "SlowDown", after=1, times=1),
        faults.add("s3", "CopyObject", "SlowDown", after=1, times=2),
        faults.add("glue", "BatchCreatePartition", "ThrottlingException", times=1),
        faults.add("glue", "GetPartitions", "ThrottlingException", times=2),
        faults.add("athena", "StartQueryExecution", "TooManyRequestsException", times=1),
        faults.add("athena", "GetQueryExecution", "ThrottlingException", times=1),
        faults.add("sns", "Publish", "Throttling", times=1),
    ]
    run = new_run(daily_stock).go()
    assert run.failed == {}
    assert [fault.failed for fault in throttled] == [fault.times for fault in throttled]
    as_if_nothing_had_happened(prepared, days, undisturbed)


def test_a_topic_that_takes_nothing_does_not_stop_the_stock(
    daily_stock: DAG,
    prepared: Stack,
    days: Days,
    undisturbed: dict[str, bytes],
    faults: FaultMiddleware,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connect(monkeypatch, attempts=1)
    faults.add("sns", "Publish", "InternalError")
    run = new_run(daily_stock).go()
    as_if_nothing_had_happened(prepared, days, undisturbed)
    # The run ends red, because no one has been told anything.
    assert run.state == "failed"
    assert {task_id for task_id, _ in run.failed} == {"tell_ebay", "tell_run", "conclude"}
    for task_id in ("tell_ebay", "tell_run"):
        assert f"task {task_id} failed" in str(run.errors["conclude", -1])
    assert prepared.messages() == []
    faults.clear()
    assert new_run(daily_stock).go().failed == {}
    assert dict(prepared.messages())["run_finished"]["status"] == "success"


@pytest.mark.parametrize(
    ("action", "after", "stores"),
    [("CopyObject", 2, OLD | NEW), ("PutObject", 16, NEW)],
    ids=["in_publish_ebay", "in_write_upload_files"],
)
def test_a_process_killed_leaves_each_store_whole_and_the_day_run_again_makes_it_good(
    daily_stock: DAG,
    prepared: Stack,
    days: Days,
    undisturbed: dict[str, bytes],
    faults: FaultMiddleware,
    action: str,
    after: int,
    stores: set[str],
) -> None:
    call = faults.add("s3", action, HANG, after=after)
    conf = {"run_date": str(SECOND), "suppliers": list(FEW)}
    child = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "tests.support.runs.one_run", json.dumps(conf)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["dags", "plugins", "."])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert call.reached.wait(120)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()
    faults.clear()
    assert no_store_is_half(prepared, days) == stores
    assert len(prepared.ebay()) == len(days.table(SECOND, *FEW))
    assert new_run(daily_stock).go().failed == {}
    as_if_nothing_had_happened(prepared, days, undisturbed)
