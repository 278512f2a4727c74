"""No text of a stranger's reaches a field that is rendered, in all DAGs and statements."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.amazon.aws.notifications.sns import SnsNotifier
from airflow.providers.amazon.aws.operators.sns import SnsPublishOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG

from aws_operators.athena import AthenaPlanOperator
from stock_airflow.telling import OWN_RESULT
from tests.support.dags import every_dag
from tests.support.template_policy import EXPANDED, STATEMENTS, expressions, violations

IN_STATEMENTS = [
    r"plan\[\"(staging_table|replaced_table|staging_location|upload_table|accepted|store)\"\]",
    r"columns \| join\(\"[a-z., ]+\"\)",
    r"\"[A-Za-z_., ()]+\" if plan\[\"replace_store\"\] else \"[A-Za-z_., ()]+\"",
    r"limits\[[a-z_\"~ ]+\]",
    r"ti\.try_number",
    r"store|movement|kind|column|day\[[0-9:]+\]",
    # What the macros are given is in the statement's own file.
    r"name|figure|bound|passed|source",
    r"\"\" if loop\.first else (\", \"|\"\\n {7}OR \")",
    # The rest is a text literal, in which a quote stays what it is.
    r"(value|supplier|snapshot\[\"supplier\"\]) \| replace\(\"'\", \"''\"\)",
    r"(text_list|partitions_of|staging_properties|is_carried|stock|check)\(.*\)",
]


def make(build: Callable[[], Any]) -> DAG:
    with DAG("built_for_a_test", schedule=None) as dag:
        build()
    return dag


def text() -> Any:
    """What another task returned."""
    return python().output


def python(**arguments: Any) -> PythonOperator:
    return PythonOperator(task_id="ask", python_callable=print, **arguments)


@every_dag
def test_templated_fields_hold_what_is_allowed(dag_bag: DagBag, dag_id: str) -> None:
    assert violations(dag_bag.dags[dag_id]) == []


def test_what_is_expanded_is_there(dag_bag: DagBag) -> None:
    assert {
        (dag.dag_id, task.task_id) for dag in dag_bag.dags.values() for task in dag.tasks if task.is_mapped
    } == EXPANDED


@pytest.mark.parametrize(
    "build",
    [
        lambda: BashOperator(task_id="x", bash_command="echo {{ params.reason }}"),
        lambda: BashOperator(task_id="x", bash_command="echo", env={"A": "{{ dag_run.conf['reason'] }}"}),
        lambda: BashOperator(task_id="x", bash_command="{% if params.reason %}true{% endif %}"),
        lambda: BashOperator(task_id="x", bash_command=text()),
        lambda: python(op_args=["{{ ti.xcom_pull(task_ids='read')['reason'] }}"]),
        lambda: python(op_kwargs={"a": [{"b": "{{ triggering_asset_events }}"}]}),
        lambda: python(templates_dict={"a": "{{ params.reason }}"}),
        lambda: python(on_failure_callback=lambda context: None),  # noqa: ARG005
        lambda: TriggerDagRunOperator(task_id="x", trigger_dag_id="{{ params.dag }}"),
        lambda: TriggerDagRunOperator(task_id="x", trigger_dag_id="y", trigger_run_id=text()),
        lambda: TriggerDagRunOperator.partial(task_id="x", trigger_dag_id="y").expand_kwargs(text()),
        lambda: TriggerDagRunOperator.partial(task_id="x", trigger_dag_id="y").expand(conf=text()),
        lambda: HITLOperator(task_id="x", options=["a"], subject="s", body="{{ params.reason }}"),
        lambda: HITLOperator(task_id="x", options=["a"], subject=text()),
        lambda: SnsPublishOperator(task_id="x", target_arn=text(), message="m"),
        lambda: SnsPublishOperator(task_id="x", target_arn="t", message="{{ params.reason }}"),
        lambda: python(on_success_callback=SnsNotifier(target_arn=f"{{{{ {OWN_RESULT} }}}}", message="m")),
        lambda: python(map_index_template="{{ params.reason }}"),
        lambda: AthenaPlanOperator(task_id="x", query="SELECT 1", plan=text()),
        lambda: AthenaPlanOperator(task_id="x", query="SELECT '{{ plan['reason'] }}'"),
        lambda: AthenaPlanOperator(task_id="x", query="SELECT 1", database="{{ plan['staging_table'] }}"),
        lambda: AthenaPlanOperator(task_id="x", query="SELECT 1", plan={"a": "{{ params.reason }}"}),
    ],
)
def test_another_way_in_would_be_seen(build: Callable[[], Any]) -> None:
    assert violations(make(build)) != []


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.name)
def test_statements_know_a_plan_and_no_task(path: Path) -> None:
    assert "xcom" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.name)
def test_statements_are_made_of_references(path: Path) -> None:
    found = set(expressions(path.read_text(encoding="utf-8")))
    known = {
        code for code in found if any(re.fullmatch(pattern, code, re.DOTALL) for pattern in IN_STATEMENTS)
    }
    assert found - known == set()
