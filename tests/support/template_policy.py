"""What may be in a templated field: an allow-list, so that whatever is new there has to be looked at.

Airflow renders templated fields with everything at hand: connections, Variables, Python objects. So none may
be made of text that a stranger can type. There are three ways in which a value gets into a field:

- an expression in a template. Its value is not rendered again, but may be read as something else (a
  statement, an address): it has to be a reference, or text in a field that is only passed on.
- an XCom given as it is. Airflow does not render it, so it may be text, where the field is only passed on.
- an XCom over which an operator is expanded. Airflow renders it: it has to be made of references alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from airflow.providers.amazon.aws.notifications.sns import SnsNotifier
from airflow.providers.amazon.aws.operators.sns import SnsPublishOperator
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG
from airflow.sdk.bases.notifier import BaseNotifier
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.definitions._internal.expandinput import MappedArgument
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.definitions.xcom_arg import PlainXComArg, XComArg

from aws_operators.athena import AthenaPlanOperator, AthenaReplaceTableOperator
from aws_operators.glue import GluePartitionsOperator
from aws_operators.reports import ReportOperator
from aws_operators.s3 import S3KeyDeadlineSensor
from stock_airflow import settings

REFERENCES = [
    *map(re.escape, (settings.RUN_DAY_EXPRESSION, settings.RUN_DATE_EXPRESSION)),
    r"var\.value\.stock_[a-z_]+",
    r"var\.value\.get\('stock_front_end', ''\)\.rstrip\('/'\)",
    r"'&run=' ~ \(run_id \| urlencode\) if params\.dry_run else ''",
    # What the tasks that plan a run name: suppliers and stores that are known.
    r"ti\.xcom_pull\(task_ids='plan_run'\)\[ti\.map_index\]\['(supplier|store)'\]",
    r"ti\.xcom_pull\(task_ids='list_held_feeds'\)\[ti\.map_index\]\['conf'\]\['supplier'\]",
]
"""Expressions that give a reference: nothing that a stranger can choose the letters of."""

CHECKED_PARAMS = {"approve_feed": [r"params\.(supplier|run_date)"]}
"""Likewise parameters whose form the DAG checks, by DAG."""

OWN = r"ti\.xcom_pull\(task_ids=ti\.task_id, map_indexes=ti\.map_index, key='{key}'\)"
MADE = rf"partition_message\({re.escape(settings.RUN_DATE_EXPRESSION)}, {OWN.format(key='return_value')}\)"
TEXT: dict[tuple[type, str], list[str]] = {
    (SnsNotifier, field): [OWN.format(key=part), rf"{MADE}\['{part}'\]"]
    for field, part in {"message": "message", "message_attributes": "event"}.items()
}
"""Expressions that may give text, by the fields that only pass it on."""

PLANNERS = {
    ("daily_stock", "plan_table"),
    ("daily_stock", "plan_carry_over"),
    ("monthly_product", "read_file"),
    ("weekly_store", "store.read_file"),
}
"""Tasks whose result may be a statement's plan, by DAG. Another test looks at what statements make of it."""

OF_THE_PLAN: dict[tuple[type, str], list[str]] = {
    (AthenaReplaceTableOperator, "table"): [r"plan\['staging_table'\]"]
}
"""Expressions of a plan, by the fields that may have them: a table that is named by a checksum."""

PASSED_ON = {
    (PythonOperator, "op_kwargs"),
    (ReportOperator, "op_kwargs"),
    (GluePartitionsOperator, "partitions"),
    (SnsPublishOperator, "message"),
    (SnsPublishOperator, "message_attributes"),
    (HITLOperator, "body"),
    (TriggerDagRunOperator, "conf"),
    (S3KeyDeadlineSensor, "bucket_key"),
}
"""Fields that take an XCom as it is and do not read it as anything else."""

EXPANDED = {("daily_stock", "ask_for_release")}
"""Operators expanded over an XCom, which is rendered: of each it is known that it is made of references."""

STATEMENTS = sorted(path for path in Path(settings.sql_folder()).rglob("*") if path.is_file())
_STATEMENTS = {path.read_text(encoding="utf-8").strip() for path in STATEMENTS}

CALLBACKS = [
    f"on_{when}_callback" for when in ("execute", "success", "failure", "retry", "skipped")
]  # fmt: skip


def violations(dag: DAG) -> list[str]:
    """What in the DAG's templated fields is not on the list."""
    found: list[str] = []
    for task in dag.tasks:
        if isinstance(task, MappedOperator) and (dag.dag_id, task.task_id) not in EXPANDED:
            found.append(f"{task.task_id} is expanded over what Airflow renders")
        operator: type = type(task)
        given: dict[str, Any] = vars(task)
        if isinstance(task, MappedOperator):
            operator, given = task.operator_class, task.partial_kwargs
        fields = {name: given.get(name) for name in task.template_fields}
        fields["map_index_template"] = task.map_index_template
        found += _of_fields(dag, task.task_id, operator, fields)
        found += _of_callbacks(dag, task.task_id, [given.get(name) for name in CALLBACKS])
        found += _of_callbacks(dag, task.task_id, [given.get("notifiers")])
    found += _of_callbacks(dag, "the DAG", [dag.on_success_callback, dag.on_failure_callback])
    return found


def _of_callbacks(dag: DAG, where: str, given: list[Any]) -> Iterator[str]:
    for callbacks in given:
        for callback in callbacks if isinstance(callbacks, list | tuple) else [callbacks]:
            if isinstance(callback, BaseNotifier):
                fields = {name: getattr(callback, name) for name in callback.template_fields}
                yield from _of_fields(dag, where, type(callback), fields)
            elif callback:
                yield f"{where} calls {callback!r}, of which nothing is known"


def _of_fields(dag: DAG, where: str, operator: type, fields: dict[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        allowed = REFERENCES + CHECKED_PARAMS.get(dag.dag_id, []) + TEXT.get((operator, name), [])
        allowed += OF_THE_PLAN.get((operator, name), [])
        for leaf in _leaves(value):
            if isinstance(leaf, XComArg | MappedArgument):
                if (operator, name) not in PASSED_ON and not _is_plan(dag, operator, name, leaf):
                    yield f"{where}.{name} takes an XCom"
            elif isinstance(leaf, str):
                if leaf.strip() in _STATEMENTS:
                    continue  # which a test looks at by itself
                for code in _code(leaf):
                    if not any(re.fullmatch(pattern, code) for pattern in allowed):
                        yield f"{where}.{name} renders {code}"
            elif not isinstance(leaf, int | float | datetime | type(None)):
                yield f"{where}.{name} holds {leaf!r}"


def _is_plan(dag: DAG, operator: type, field: str, given: Any) -> bool:
    """Whether an XCom is a statement's plan, as a task that plans returned it."""
    return (
        issubclass(operator, AthenaPlanOperator)
        and field == "plan"
        and isinstance(given, PlainXComArg)
        and given.key == BaseXCom.XCOM_RETURN_KEY
        and (dag.dag_id, given.operator.task_id) in PLANNERS
    )


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for entry in value.values():
            yield from _leaves(entry)
    elif isinstance(value, list | tuple | set):
        for entry in value:
            yield from _leaves(entry)
    elif repr(value) != "NOTSET":
        yield value


def expressions(source: str) -> Iterator[str]:
    """The expressions whose values a template writes out."""
    yield from (code for kind, code in _blocks(source) if kind == "variable")


def _code(source: str) -> Iterator[str]:
    """All code of a template, of blocks like `set` too."""
    yield from (code for _, code in _blocks(source))


def _blocks(source: str) -> Iterator[tuple[str, str]]:
    parts: list[str] = []
    for _, token, text in jinja2.Environment(autoescape=True).lex(source):
        if token in {"variable_begin", "block_begin"}:
            parts = []
        elif token in {"variable_end", "block_end"}:
            yield token.removesuffix("_end"), "".join(parts).strip()
        else:
            parts.append(text)
