"""No run is for a day out of reason: not from the form, not by REST, and not from another DAG."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.serialized_objects import DagSerialization

from stock_airflow.settings import LONDON
from stock_pipeline.run_dates import EARLIEST
from tests.support.dags import DAG_IDS
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack

TODAY = datetime.now(LONDON).date()
DATES = dict.fromkeys(DAG_IDS, "run_date") | {"rollback_ebay": "table_date"}
PLANNED_BY = {
    "daily_stock": "plan_run",
    "monthly_product": "plan_run",
    "prepare_tables": "plan_run",
    "prune_old_data": "list_old_data",
    "rollback_ebay": "plan_rollback",
    "weekly_store": "plan_run",
}
"""The task that looks at the parameters. `approve_feed` has no day but the one it is given."""
OTHERS = {
    "approve_feed": {"supplier": "BGA", "sha256": "0" * 64},
    "rollback_ebay": {"reason": "a wrong feed"},
}

every_dag = pytest.mark.parametrize("dag_id", sorted(DAG_IDS))


def form(dag_bag: DagBag, dag_id: str) -> SerializedDAG:
    """The DAG as the API server has it."""
    return DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag_bag.dags[dag_id]))


def submit(dag_bag: DagBag, dag_id: str, day: str | None) -> None:
    """Check parameters as Airflow does wherever a run is made: for its form, its REST API and another DAG."""
    form(dag_bag, dag_id).params.deep_merge({**OTHERS.get(dag_id, {}), DATES[dag_id]: day}).validate()


@every_dag
def test_every_field_for_a_date_is_made_alike(dag_bag: DagBag, dag_id: str) -> None:
    params = form(dag_bag, dag_id).params
    dates = {name for name in params if params.get_param(name).schema.get("format") == "date"}
    assert dates == {name for name in params if name.endswith("_date") and name != "publish_older_date"}
    assert dates == {DATES[dag_id]}
    schema = params.get_param(DATES[dag_id]).schema
    assert str(TODAY.year) in schema["pattern"]
    assert f"from {EARLIEST} to today" in (params.get_param(DATES[dag_id]).description or "")


@every_dag
@pytest.mark.parametrize(
    "day", ["0001-01-01", "1999-12-31", f"{TODAY.year + 1}-01-01", "9999-12-31", "20240801", "2024-W31-4"]
)
def test_the_form_refuses_what_is_out_of_reason(dag_bag: DagBag, dag_id: str, day: str) -> None:
    with pytest.raises(ValueError, match=f"{DATES[dag_id]}(.|\n)*{day}|{day}(.|\n)*{DATES[dag_id]}"):
        submit(dag_bag, dag_id, day)


@every_dag
@pytest.mark.parametrize("day", [str(EARLIEST), "2024-08-01", str(TODAY)])
def test_the_form_takes_a_day_that_can_be(dag_bag: DagBag, dag_id: str, day: str) -> None:
    submit(dag_bag, dag_id, day)


@every_dag
def test_the_form_takes_no_day_where_it_may_be_left_out(dag_bag: DagBag, dag_id: str) -> None:
    if dag_id in OTHERS:
        with pytest.raises(ValueError, match=DATES[dag_id]):
            submit(dag_bag, dag_id, None)
    else:
        submit(dag_bag, dag_id, None)


def test_every_dag_but_the_one_that_asks_plans_its_day() -> None:
    assert set(PLANNED_BY) == DAG_IDS - {"approve_feed"}


TOMORROW = TODAY + timedelta(days=1)
CASES: dict[str, tuple[dict[str, str], date | None, str]] = {
    "a logical date of tomorrow": ({}, TOMORROW, "is in the future"),
    "a logical date of next year": ({}, TODAY + timedelta(days=400), "is in the future"),
    "a logical date of long ago": ({}, EARLIEST - timedelta(days=1), "is too long ago"),
}
if TOMORROW.year == TODAY.year:  # else the form refuses it already
    CASES["tomorrow"] = ({"date": str(TOMORROW)}, None, "is in the future")


@pytest.mark.parametrize("dag_id", sorted(PLANNED_BY))
@pytest.mark.parametrize(("given", "logical_day", "why"), CASES.values(), ids=CASES)
def test_a_run_for_a_day_that_cannot_be_ends_at_once(
    dag_bag: DagBag, stack: Stack, dag_id: str, given: dict[str, str], logical_day: Any, why: str
) -> None:
    conf = dict(OTHERS.get(dag_id, {}))
    if given or dag_id == "rollback_ebay":
        conf[DATES[dag_id]] = given.get("date", str(TODAY))
    logical = datetime.combine(logical_day, datetime.min.time(), LONDON) if logical_day else None
    run = LocalRun(dag_bag.dags[dag_id], conf, logical_date=logical)
    task = PLANNED_BY[dag_id]
    assert run.perform(task) == "failed"  # and not up_for_retry
    assert f"{why}; give a day from {EARLIEST} to today, {TODAY}" in str(run.errors[task, -1])
