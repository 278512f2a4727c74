"""Every template of the DAGs that refresh store and product, and the statements that come of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlglot
from airflow.dag_processing.dagbag import DagBag
from sqlglot import exp

from stock_pipeline.lake.tables import PRODUCT, STORE
from stock_pipeline.suppliers import load_suppliers
from tests.support.rendering import pushed
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack

DAY = "2024-08-04"
SUNDAY_IN_LONDON = datetime(2024, 8, 4, 13, tzinfo=UTC)
REPORT = {"subject": "PV"}
FILE = {"key": "store_feed/x.csv", "size": 1, "last_modified": DAY}
PARTITIONS = [{"values": ["PV", "BGA"], "location": "s3://bucket/store/ebay_store=PV/supplier=BGA/"}]


def plan(table: str, **other: Any) -> dict[str, Any]:
    name = f"{table}_staging_20240804_0123456789"
    limits = load_suppliers()
    return {
        "accepted": 7,
        "upload_table": f"{name}_upload",
        "staging_table": name,
        "staging_location": f"s3://bucket/staging/{name}/",
        "limits": (limits.store_limits if table == "store" else limits.product_limits).model_dump(),
        **other,
    }


XCOMS: dict[str, dict[tuple[str, int, str], Any]] = {
    "weekly_store": {
        ("plan_run", -1, "return_value"): [{"store": store, "file": FILE} for store in ("AMS", "PV")],
        **{
            ("store.read_file", at, "return_value"): plan("store", store=store, replace_store=at == 1)
            for at, store in enumerate(("AMS", "PV"))
        },
        **{("store.publish_store", at, "return_value"): PARTITIONS for at in (0, 1)},
        **{("store.read_file", at, "report"): REPORT for at in (0, 1)},
        **pushed("store.report_store", "table_refreshed", 0),
        **pushed("store.report_store", "table_refreshed", 1),
    },
    "monthly_product": {
        ("plan_run", -1, "return_value"): FILE,
        ("read_file", -1, "return_value"): plan("product"),
        ("read_file", -1, "report"): REPORT,
        **pushed("report_product", "table_refreshed"),
    },
    "prepare_tables": {("list_partitions", -1, "return_value"): PARTITIONS},
}
FURTHER = {
    ("summarise", -1, "return_value"): {"report": "s3://bucket/x.json", "concerns": []},
    **pushed("summarise", "run_finished"),
}

New = Callable[..., LocalRun]


@pytest.fixture
def new(dag_bag: DagBag, stack: Stack) -> New:
    """A run in which all tasks have said something already."""

    def make(dag_id: str, conf: dict[str, Any] | None = None, **dates: Any) -> LocalRun:
        run = LocalRun(dag_bag.dags[dag_id], conf, **dates)
        run.xcoms = {**XCOMS[dag_id], **FURTHER}
        return run

    return make


def rendered(run: LocalRun, task_id: str, index: int = -1) -> tuple[Any, dict[str, Any]]:
    """The task with its template fields rendered, and all of them with those of its notifiers by name."""
    with run.supervised():
        ti = run.instance(task_id, index)
        context = ti.get_template_context()
        ti.task = ti.task.prepare_for_execution()
        context["task"] = ti.task
        ti.render_templates(context=context)
        fields = {name: getattr(ti.task, name) for name in ti.task.template_fields}
        for notifier in ti.task.on_success_callback or []:
            notifier.render_template_fields(context)
            fields |= {f"told {name}": getattr(notifier, name) for name in notifier.template_fields}
    return ti.task, fields


ways = pytest.mark.parametrize(
    ("conf", "dates"),
    [
        (None, {"logical_date": SUNDAY_IN_LONDON, "run_type": "scheduled"}),
        ({"run_date": DAY}, {"logical_date": datetime(2024, 9, 20, 12, tzinfo=UTC)}),
        (None, {"run_after": datetime(2024, 8, 3, 23, 30, tzinfo=UTC)}),
    ],
    ids=["scheduled", "by hand for a day", "by hand"],
)


@ways
@pytest.mark.parametrize("dag_id", XCOMS)
def test_nothing_is_left_unrendered_or_empty(
    new: New, stack: Stack, dag_id: str, conf: Any, dates: dict[str, Any]
) -> None:
    run = new(dag_id, conf, **dates)
    for task in run.dag.tasks:
        for index in (0, 1) if "." in task.task_id else (-1,):
            _, fields = rendered(run, task.task_id, index)
            text = repr(fields)
            for left in ("{{", "{%", "Undefined", "MappedArgument", "XComArg"):
                assert left not in text, (task.task_id, left)
            arguments = fields.get("op_kwargs") or fields.get("conf") or {}
            assert arguments.get("run_date", DAY) == DAY, task.task_id
            assert arguments.get("bucket", stack.bucket) == stack.bucket, task.task_id
            assert fields.get("database", stack.database) == stack.database, task.task_id


@pytest.mark.parametrize(
    ("dag_id", "task_id", "index", "table"),
    [
        ("weekly_store", "store.create_staging_table", 0, STORE),
        ("weekly_store", "store.create_staging_table", 1, STORE),
        ("monthly_product", "create_staging_table", -1, PRODUCT),
    ],
)
def test_the_staging_table_has_the_columns_of_the_table(
    new: New, dag_id: str, task_id: str, index: int, table: Any
) -> None:
    task, _ = rendered(new(dag_id, {"run_date": DAY}), task_id, index)
    (statement,) = sqlglot.parse(task.query, dialect="athena")
    assert isinstance(statement, exp.Create)
    assert statement.expression.named_selects == [*table.columns, *table.partition_keys]
    assert task.table in task.query
    assert "/try=1/" in task.query


@pytest.mark.parametrize(
    ("dag_id", "task_id", "index"),
    [
        ("weekly_store", "store.audit", 0),
        ("weekly_store", "store.audit", 1),
        ("monthly_product", "audit", -1),
    ],
)
def test_the_audit_is_one_statement(new: New, dag_id: str, task_id: str, index: int) -> None:
    task, _ = rendered(new(dag_id, {"run_date": DAY}), task_id, index)
    (statement,) = sqlglot.parse(task.query, dialect="athena")
    assert isinstance(statement, exp.Query)
    assert statement.named_selects == ["check_name", "subject", "figure", "bound", "passed"]


@pytest.mark.parametrize(("index", "store"), [(0, "AMS"), (1, "PV")])
def test_each_instance_is_for_its_own_store(new: New, index: int, store: str) -> None:
    run = new("weekly_store", {"run_date": DAY})
    for task in run.dag.tasks:
        if "." not in task.task_id:
            continue
        with run.supervised():
            ti = run.instance(task.task_id, index)
            template = run.dag.get_template_env().from_string(ti.task.map_index_template)
            assert template.render(ti.get_template_context()) == store
    merge, _ = rendered(run, "store.create_staging_table", index)
    assert f"store.ebay_store = '{store}'" in merge.query
    # Only a full list removes what it does not name.
    assert ("coalesce(uploaded.accepted, FALSE)" in merge.query) is (store == "AMS")


def test_prepare_tables_takes_the_stores_files_as_full_lists(new: New) -> None:
    run = new("prepare_tables", {"run_date": DAY})
    found = {name: rendered(run, name)[0] for name in ("refresh_product", "refresh_stores")}
    assert {task.trigger_dag_id: task.conf for task in found.values()} == {
        "monthly_product": {"run_date": DAY},
        "weekly_store": {"run_date": DAY, "replace_store": True},
    }
