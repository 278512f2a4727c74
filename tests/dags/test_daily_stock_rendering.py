"""Every template of the daily run, for every way in which a run can come about."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag

from aws_operators.s3 import S3KeyDeadlineSensor
from stock_airflow.settings import LONDON
from stock_pipeline.suppliers import load_suppliers
from tests.support.rendering import pushed, rendered, sns
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack

DAY = "2024-08-01"
FIVE_IN_LONDON = datetime(2024, 8, 1, 4, tzinfo=UTC)
MAPPED = {"feed.wait_for_file", "feed.process_feed", "ask_for_release"}
PLAN = {
    "snapshots": [{"supplier": "BGA", "current": DAY, "previous": None}],
    "suppliers_by_mapping": ["BGA"],
    "suppliers_knowing_every_label": [],
    "limits": load_suppliers().table_limits.model_dump(),
    "waived": [],
    "staging_table": "ebay_staging_20240801_0123456789",
    "staging_location": "s3://bucket/staging/ebay_staging_20240801_0123456789/",
}
CARRIED_OVER = PLAN | {
    "staging_table": "ebay_staging_20240801_again",
    "replaced_table": PLAN["staging_table"],
    "carried_over": {"BGA": "all its listings would go to zero"},
}
CHECKS = [{"check_name": "listings", "passed": "true"}]
PLANNED = [
    {"supplier": code, "pattern": f"stock_feed/year=2024/month=08/day=01/{code}[ _.]*"}
    for code in ("BGA", "KLA")
]
PUBLISHED = {"ebay/ebay_store=AMS/data.parquet": "a version"}
FEEDS = [{"supplier": "BGA"}, {"supplier": "KLA"}]
PARTITION = {"values": ["KLA", "2024", "08", "01"], "location": "s3://bucket/supplier_stock/"}
STORES = [{"values": ["AMS"], "location": "s3://bucket/ebay/ebay_store=AMS/"}]
HELD = [
    {"trigger_run_id": f"{DAY}_{code}_0123", "conf": {"run_date": DAY, "supplier": code, "sha256": "0123"}}
    for code in ("BGA", "KLA")
]
SUMMARY = {"report": "s3://bucket/summary.json", "concerns": []}

New = Callable[..., LocalRun]


@pytest.fixture
def new(dag_bag: DagBag, stack: Stack) -> New:
    """A run in which all tasks have said something already."""

    def make(conf: dict[str, Any] | None = None, **dates: Any) -> LocalRun:
        run = LocalRun(dag_bag.dags["daily_stock"], conf, **dates)
        run.xcoms = {
            ("plan_run", -1, "return_value"): PLANNED,
            ("plan_run", -1, "published"): PUBLISHED,
            **{("feed.process_feed", at, "return_value"): feed for at, feed in enumerate(FEEDS)},
            **pushed("feed.process_feed", "feed_missing", 0),
            **pushed("feed.process_feed", "feed_processed", 1),
            ("feed.process_feed", 1, "partition"): PARTITION,
            ("list_held_feeds", -1, "return_value"): HELD,
            ("register_snapshots", -1, "return_value"): [PARTITION["values"]],
            ("plan_table", -1, "return_value"): PLAN,
            ("audit", -1, "return_value"): CHECKS,
            ("plan_carry_over", -1, "return_value"): CARRIED_OVER,
            ("publish_ebay", -1, "return_value"): STORES,
            **pushed("write_upload_files", "ebay_generated"),
            ("summarise", -1, "return_value"): SUMMARY,
            **pushed("summarise", "run_finished"),
        }
        return run

    return make


def scheduled(new: New) -> LocalRun:
    return new(logical_date=FIVE_IN_LONDON, run_type="scheduled")


def manual_with_run_date(new: New) -> LocalRun:
    return new({"run_date": DAY}, logical_date=datetime(2024, 9, 20, 12, tzinfo=UTC))


def manual_without_logical_date(new: New) -> LocalRun:
    return new(run_after=datetime(2024, 8, 1, 15, 30, tzinfo=UTC))


ways = pytest.mark.parametrize("way", [scheduled, manual_with_run_date, manual_without_logical_date])


def instances(run: LocalRun) -> Iterator[tuple[str, int]]:
    for task in run.dag.tasks:
        for index in (0, 1) if task.task_id in MAPPED else (-1,):
            yield task.task_id, index


@ways
def test_nothing_is_left_unrendered_or_empty(new: New, way: Callable[[New], LocalRun]) -> None:
    run = way(new)
    for task_id, index in instances(run):
        task, told = rendered(run, task_id, index)
        fields = [getattr(task, name) for name in task.template_fields]
        text = repr([fields, told])
        assert "{{" not in text, task_id
        assert "{%" not in text, task_id
        assert "Undefined" not in text, task_id
        assert "MappedArgument" not in text, task_id
        assert "XComArg" not in text, task_id


@ways
def test_what_each_task_is_given(new: New, stack: Stack, way: Callable[[New], LocalRun]) -> None:
    run = way(new)
    where = {"run_date": DAY, "bucket": stack.bucket, "database": stack.database}
    wanted = {
        "plan_run": where,
        "plan_table": where,
        "list_held_feeds": {"feeds": FEEDS, "run_date": DAY},
        "plan_carry_over": {"plan": PLAN, "checks": CHECKS, **where},
        "publish_ebay": {"plan": PLAN, "carried_over": CARRIED_OVER, "published": PUBLISHED, **where},
        "write_upload_files": {"stores": STORES, **where},
        "summarise": {"planned": PLANNED, "feeds": FEEDS, **where},
        "conclude": {"summary": SUMMARY, "planned": PLANNED, "named_by": "supplier"},
    }
    assert {task_id: rendered(run, task_id)[0].op_kwargs for task_id in wanted} == wanted
    for index, supplier in enumerate(("BGA", "KLA")):
        assert rendered(run, "feed.process_feed", index)[0].op_kwargs == {"supplier": supplier, **where}
        sensor, _ = rendered(run, "feed.wait_for_file", index)
        assert sensor.bucket_name == stack.bucket
        assert sensor.bucket_key == f"stock_feed/year=2024/month=08/day=01/{supplier}[ _.]*"
        assert sensor.deadline == f"{DAY}T09:00"
    snapshots, _ = rendered(run, "register_snapshots")
    assert (snapshots.database, snapshots.table, snapshots.partitions) == (
        stack.database,
        "supplier_stock",
        PARTITION,
    )
    stores, _ = rendered(run, "register_ebay")
    assert (stores.database, stores.table, stores.partitions) == (stack.database, "ebay", STORES)
    for index, asked in enumerate(HELD):
        ask, _ = rendered(run, "ask_for_release", index)
        assert (ask.trigger_dag_id, ask.trigger_run_id, ask.conf) == (
            "approve_feed",
            asked["trigger_run_id"],
            asked["conf"],
        )
    for task_id in ("create_staging_table", "audit", "list_listings_without_stock"):
        statement, _ = rendered(run, task_id)
        assert (statement.database, statement.workgroup) == (stack.database, stack.workgroup)
        assert PLAN["staging_table"] in statement.query
    assert rendered(run, "create_staging_table")[0].table == PLAN["staging_table"]
    for task_id in ("carry_over", "audit_again"):
        assert CARRIED_OVER["staging_table"] in rendered(run, task_id)[0].query
    assert rendered(run, "carry_over")[0].table == CARRIED_OVER["staging_table"]


@ways
def test_what_the_topic_is_told(new: New, stack: Stack, way: Callable[[New], LocalRun]) -> None:
    run = way(new)
    for task_id, event in (("tell_ebay", "ebay_generated"), ("tell_run", "run_finished")):
        task, _ = rendered(run, task_id)
        assert (task.target_arn, task.message, task.message_attributes) == (
            stack.topic_arn,
            sns(event)["message"],
            {"event": event},
        )
    for index, event in enumerate(("feed_missing", "feed_processed")):
        _, (told,) = rendered(run, "feed.process_feed", index)
        assert (told["target_arn"], told["message"], told["message_attributes"]) == (
            stack.topic_arn,
            sns(event)["message"],
            {"event": event},
        )
    _, (told,) = rendered(run, "register_snapshots")
    assert told["message_attributes"] == {"event": "partition_added"}
    message = json.loads(told["message"])
    assert (message["run_date"], message["subject"], message["counts"]) == (
        DAY,
        "supplier_stock",
        {"partitions": 1},
    )
    assert "KLA" in message["text"]


@ways
def test_a_mapped_instance_is_called_by_its_supplier(new: New, way: Callable[[New], LocalRun]) -> None:
    run = way(new)
    with run.supervised():
        for task_id in sorted(MAPPED):
            for index, supplier in enumerate(("BGA", "KLA")):
                ti = run.instance(task_id, index)
                context = ti.get_template_context()
                template = ti.task.dag.get_template_env().from_string(ti.task.map_index_template)
                assert template.render(context) == supplier


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2024-08-01T22:59:59", "2024-08-01"),  # 23:59:59 in London
        ("2024-08-01T23:00:00", "2024-08-02"),
        ("2024-08-01T23:30:00", "2024-08-02"),
        ("2024-12-01T23:30:00", "2024-12-01"),
        ("2024-12-02T00:00:00", "2024-12-02"),
        ("2024-03-31T00:30:00", "2024-03-31"),  # the clocks go forward half an hour later
        ("2024-03-31T23:00:00", "2024-04-01"),
        ("2024-10-26T23:30:00", "2024-10-27"),  # the clocks go back that night
        ("2024-10-27T00:30:00", "2024-10-27"),
        ("2024-10-27T01:30:00", "2024-10-27"),
        ("2024-10-27T23:30:00", "2024-10-27"),
        ("2024-12-31T23:59:59", "2024-12-31"),
    ],
)
@pytest.mark.parametrize("has_logical_date", [True, False])
def test_the_day_is_london_s(new: New, instant: str, day: str, has_logical_date: bool) -> None:
    moment = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    run = new(logical_date=moment) if has_logical_date else new(run_after=moment)
    assert rendered(run, "plan_run")[0].op_kwargs["run_date"] == day
    assert rendered(run, "feed.process_feed", 0)[0].op_kwargs["run_date"] == day


@pytest.mark.parametrize(("day", "utc"), [(DAY, "08:00"), ("2024-12-01", "09:00")])
def test_the_deadline_is_nine_in_london(
    new: New, monkeypatch: pytest.MonkeyPatch, day: str, utc: str
) -> None:
    deadline = datetime.fromisoformat(f"{day}T{utc}+00:00")
    monkeypatch.setattr("aws_operators.s3.timezone.utcnow", lambda: deadline - timedelta(minutes=1))
    run = new({"run_date": day})
    assert run.perform("feed.wait_for_file", 0) == "deferred"
    assert run.messages["feed.wait_for_file", 0].trigger_timeout == timedelta(minutes=1)
    monkeypatch.setattr("aws_operators.s3.timezone.utcnow", lambda: deadline)
    assert run.perform("feed.wait_for_file", 0) == "skipped"


@pytest.mark.parametrize("name", ["BUCKET", "DATABASE", "WORKGROUP", "TOPIC_ARN", "DEADLINE"])
def test_an_unset_variable_is_named(new: New, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(f"AIRFLOW_VAR_STOCK_{name}")
    task_id, index = {
        "WORKGROUP": ("audit", -1),
        "TOPIC_ARN": ("tell_run", -1),
        "DEADLINE": ("feed.wait_for_file", 0),
    }.get(name, ("feed.process_feed", 0))
    run = new({"run_date": DAY})
    assert run.perform(task_id, index) in {"failed", "up_for_retry"}
    assert f"stock_{name.lower()}" in str(run.errors[task_id, index])


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"supplier": ["BGA"]}, "No parameter supplier; there are .*suppliers"),
        ({"suppliers": ["NOTHERE"]}, "No supplier 'NOTHERE'; the suppliers file has .*BGA"),
        ({"suppliers": ["BGA", "bga"]}, "No supplier 'bga'"),
    ],
)
def test_wrong_parameters_fail_at_once(new: New, conf: dict[str, Any], message: str) -> None:
    run = new({"run_date": DAY, **conf})
    assert run.perform("plan_run") == "failed"  # and not up_for_retry
    with pytest.raises(Exception, match=message):
        raise run.errors["plan_run", -1]


def test_today_is_not_the_future(new: New) -> None:
    assert new({"run_date": str(datetime.now(LONDON).date())}).perform("plan_run") == "success"


@pytest.mark.parametrize("text", ["2024-02-30", "yesterday", "01/08/2024", "2024-8-1", "20240801", " "])
def test_a_day_that_is_none_is_refused_before_any_task_runs(new: New, text: str) -> None:
    with pytest.raises(ValueError, match="run_date"):
        new({"run_date": text}).perform("plan_run")


@pytest.mark.parametrize("conf", [{"dry_run": "yes"}, {"suppliers": "BGA"}, {"suppliers": [1]}])
def test_a_value_of_the_wrong_kind_is_refused_before_any_task_runs(new: New, conf: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(conf))):
        new({"run_date": DAY, **conf}).perform("plan_run")


def test_all_suppliers_are_planned_when_none_is_named(new: New) -> None:
    run = new({"run_date": DAY})
    assert run.perform("plan_run") == "success"
    patterns = {entry["supplier"]: entry["pattern"] for entry in run.result("plan_run")}
    assert len(patterns) == 17
    for supplier, pattern in patterns.items():
        for name in (f"{supplier} SF.xlsx", f"{supplier}_1.xlsx", f"{supplier.lower()}.xlsx"):
            key = f"stock_feed/year=2024/month=08/day=01/{name}"
            assert [code for code, other in patterns.items() if fnmatchcase(key, other)] == [supplier]
        assert not fnmatchcase(f"stock_feed/year=2024/month=08/day=02/{supplier} SF.xlsx", pattern)


def test_the_wait_holds_no_worker(dag_bag: DagBag) -> None:
    sensor = dag_bag.dags["daily_stock"].get_task("feed.wait_for_file")
    assert isinstance(sensor, S3KeyDeadlineSensor)
    assert sensor.deferrable is True
    assert sensor.soft_fail is False
