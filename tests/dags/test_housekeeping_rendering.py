"""Every template of prune_old_data and rollback_ebay, for every way in which a run can come about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag

from tests.support.rendering import rendered, sns
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack

PLAN = {"table_date": "2024-08-01", "stores": [], "kept": []}
PARTITIONS = [{"values": ["AMS"], "location": "s3://bucket/ebay/ebay_store=AMS/"}]
SUMMARY = {"report": "s3://bucket/report.json", "concerns": [], "failed_tasks": []}
CONF: dict[str, dict[str, Any]] = {
    "prune_old_data": {},
    "rollback_ebay": {"table_date": "2024-08-01", "reason": "a test"},
}
SAID: dict[str, dict[str, Any]] = {
    "delete_old_data": sns("partitions_deleted"),
    "plan_rollback": {"return_value": PLAN},
    "roll_back": {"return_value": PARTITIONS},
    "write_upload_files": sns("table_rolled_back"),
    "summarise": {"return_value": SUMMARY, **sns("run_finished")},
}

every_dag = pytest.mark.parametrize("dag_id", sorted(CONF))


def new(dag_bag: DagBag, dag_id: str, conf: dict[str, Any] | None = None, **dates: Any) -> LocalRun:
    """A run in which all tasks have said something already."""
    run = LocalRun(dag_bag.dags[dag_id], {**CONF[dag_id], **(conf or {})}, **dates)
    run.xcoms = {(task, -1, key): value for task, said in SAID.items() for key, value in said.items()}
    return run


@every_dag
@pytest.mark.parametrize("has_logical_date", [True, False])
@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2024-08-01T22:00", "2024-08-01"),  # 23:00 in London
        ("2024-08-01T23:00", "2024-08-02"),
        ("2024-12-01T23:00", "2024-12-01"),
    ],
)
def test_what_the_tasks_are_given_and_tell(
    dag_bag: DagBag, stack: Stack, dag_id: str, has_logical_date: bool, instant: str, day: str
) -> None:
    moment = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    dates: dict[str, Any] = {"logical_date" if has_logical_date else "run_after": moment}
    run = new(dag_bag, dag_id, **dates)
    for task in run.dag.tasks:
        done, _ = rendered(run, task.task_id)
        text = repr([getattr(done, name) for name in done.template_fields])
        assert not [sign for sign in ("{{", "{%", "Undefined", "XComArg") if sign in text], task.task_id
        given = getattr(done, "op_kwargs", {})
        assert given.get("run_date", day) == day
        assert given.get("bucket", stack.bucket) == stack.bucket
        assert given.get("database", stack.database) == stack.database
        assert given.get("plan", PLAN) == PLAN
        assert given.get("summary", SUMMARY) == SUMMARY
        if task.task_id.startswith("tell_"):
            event = {"tell_deleted": "partitions_deleted", "tell_ebay": "table_rolled_back"}
            wanted = sns(event.get(task.task_id, "run_finished"))
            assert (done.target_arn, done.message) == (stack.topic_arn, wanted["message"])
            assert done.message_attributes == {"event": wanted["event"]}
        if task.task_id == "register_ebay":
            assert (done.database, done.table, done.partitions) == (stack.database, "ebay", PARTITIONS)


@pytest.mark.parametrize(
    ("dag_id", "task_id", "name"),
    [
        ("prune_old_data", "list_old_data", "BUCKET"),
        ("prune_old_data", "delete_old_data", "DATABASE"),
        ("prune_old_data", "tell_run", "TOPIC_ARN"),
        ("rollback_ebay", "plan_rollback", "BUCKET"),
        ("rollback_ebay", "register_ebay", "DATABASE"),
        ("rollback_ebay", "tell_ebay", "TOPIC_ARN"),
    ],
)
def test_an_unset_variable_is_named(
    dag_bag: DagBag, stack: Stack, monkeypatch: pytest.MonkeyPatch, dag_id: str, task_id: str, name: str
) -> None:
    monkeypatch.delenv(f"AIRFLOW_VAR_STOCK_{name}")
    run = new(dag_bag, dag_id)
    assert run.perform(task_id) in {"failed", "up_for_retry"}
    assert f"stock_{name.lower()}" in str(run.errors[task_id, -1])


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"older_than": "2024-08-01"}, "No parameter older_than; there are dry_run, run_date"),
    ],
)
def test_wrong_parameters_fail_at_once(
    dag_bag: DagBag, stack: Stack, conf: dict[str, Any], message: str
) -> None:
    run = new(dag_bag, "prune_old_data", conf)
    assert run.perform("list_old_data") == "failed"  # and not up_for_retry
    with pytest.raises(Exception, match=message):
        raise run.errors["list_old_data", -1]


@pytest.mark.parametrize("conf", [{"dry_run": "yes"}, {"run_date": "yesterday"}])
def test_a_value_of_the_wrong_kind_is_refused_before_any_task_runs(
    dag_bag: DagBag, stack: Stack, conf: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=next(iter(conf))):
        new(dag_bag, "prune_old_data", conf).perform("list_old_data")
