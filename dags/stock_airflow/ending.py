"""How runs of all DAGs end: they are summed up whatever happened, told of, and red if a person is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import TriggerRule, XComArg

from aws_operators.reports import ReportOperator
from stock_airflow import run_helpers
from stock_airflow.telling import tell


class Ending(NamedTuple):
    """The first and the last task of a run's end: what happens in the run comes before the first."""

    summarise: PythonOperator
    conclude: PythonOperator


def end_of_run(
    sum_up: Callable[..., dict[str, Any]],
    op_kwargs: dict[str, Any],
    *,
    page: str | None = None,
    planned: XComArg | None = None,
    named_by: str = "",
) -> Ending:
    """Make the tasks `summarise`, `tell_run` and `conclude`, one after the other.

    Args:
        sum_up: sums up the run: pushes the message, and returns what `run_helpers.conclude` takes.
        op_kwargs: its arguments.
        page: address of a page that shows the report, if there is one. The task links it then, and `sum_up`
            returns the report's location as `page`.
        planned: what mapped tasks are expanded over, if there are any: a list of dictionaries.
        named_by: which field of these dictionaries names an instance.
    """
    arguments: dict[str, Any] = {
        "task_id": "summarise",
        "python_callable": sum_up,
        "op_kwargs": op_kwargs,
        "trigger_rule": TriggerRule.ALL_DONE,
    }
    if page:
        summarise: PythonOperator = ReportOperator(**arguments, report_field="page", report_page=page)
    else:
        summarise = PythonOperator(**arguments)
    conclude = PythonOperator(
        task_id="conclude",
        python_callable=conclude_run,
        op_kwargs={"summary": summarise.output, "planned": planned, "named_by": named_by},
        trigger_rule=TriggerRule.ALL_DONE,
    )
    summarise >> tell("tell_run", summarise) >> conclude
    return Ending(summarise, conclude)


def conclude_run(
    *,
    summary: dict[str, Any] | None,
    planned: list[dict[str, Any]] | None,
    named_by: str,
    ti: Any,
    **_: Any,
) -> None:
    """End the run as failed if something needs attention."""
    names = [entry[named_by] for entry in planned or []]
    run_helpers.conclude(summary, run_helpers.failed_tasks(ti, names))
