"""What all DAGs here have in common: settings, default arguments, the run date, where the SQL is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.sdk import Asset, CronTriggerTimetable, ExceptionRetryPolicy, RetryAction, RetryRule

from stock_pipeline.errors import NeedsPersonError

if TYPE_CHECKING:
    from airflow.providers.standard.operators.python import PythonOperator

LONDON = pendulum.timezone("Europe/London")
AWS_CONN_ID = "aws_default"

# Variables are read when a task runs; one that is not set fails the task with its name.
BUCKET = "{{ var.value.stock_bucket }}"
DATABASE = "{{ var.value.stock_database }}"
WORKGROUP = "{{ var.value.stock_workgroup }}"
TOPIC_ARN = "{{ var.value.stock_topic_arn }}"
LAKE = {"bucket": BUCKET, "database": DATABASE}
"""What a task opens the lake with."""
DEADLINE = "{{ var.value.stock_deadline }}"
# The one that may be left out.
FRONT_END = "{{ var.value.get('stock_front_end', '').rstrip('/') }}"
"""The address of the page for staff; empty if it is not set."""

# Not `dag.timezone`: that comes from a start date, and with one Airflow starts a run as soon as the DAG is
# unpaused, and gives a run dated before it no tasks, so that it succeeds without having done anything.
MACROS = {"london": LONDON}
RUN_DAY_EXPRESSION = "(dag_run.logical_date or dag_run.run_after).astimezone(london).date()"
RUN_DAY = f"{{{{ {RUN_DAY_EXPRESSION} }}}}"
"""The London date a run was scheduled or triggered at."""

RUN_DATE_EXPRESSION = f"(params.run_date or {RUN_DAY_EXPRESSION})"
RUN_DATE = f"{{{{ {RUN_DATE_EXPRESSION} }}}}"
"""The day a run is for: the parameter, else the London date it was scheduled or triggered at."""

REPORT_PAGE = (
    f"{FRONT_END}/report?day={RUN_DATE}{{{{ '&run=' ~ (run_id | urlencode) if params.dry_run else '' }}}}"
)
"""Where the page for staff shows the report on a run of `daily_stock`; a dry run has its own."""

RUN: dict[str, Any] = {"run_date": RUN_DATE, **LAKE}
"""What nearly every task is given: the day, the bucket and the Glue database."""

ATHENA: dict[str, Any] = {"database": DATABASE, "workgroup": WORKGROUP, "sleep_time": 2}
"""What every Athena operator is given; seconds between two looks at a statement."""

STAGING_TABLE = "{{ plan['staging_table'] }}"
"""The table that an Athena operator's plan says to create."""

SUPPLIER_STOCK = Asset(name="supplier_stock", uri="x-stock://supplier_stock")
STORE = Asset(name="store", uri="x-stock://store")
PRODUCT = Asset(name="product", uri="x-stock://product")
EBAY = Asset(name="ebay", uri="x-stock://ebay")

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "stock",
    "aws_conn_id": AWS_CONN_ID,
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "execution_timeout": timedelta(minutes=30),
    # Retries are for what passes by itself; bad input and broken settings do not.
    "retry_policy": ExceptionRetryPolicy(
        rules=[RetryRule(exception=NeedsPersonError, action=RetryAction.FAIL, reason="needs a person")]
    ),
}

WAITING: dict[str, Any] = {
    "retries": 12,
    "retry_delay": timedelta(minutes=5),
    "retry_exponential_backoff": False,
}
"""What a task is given that waits, for an hour at most, until other runs give their locks back."""


def named_by(planner: PythonOperator, *fields: str) -> str:
    """What an instance of a mapped task is called: a field of the entry that the planner returned for it."""
    path = "".join(f"['{field}']" for field in fields)
    return f"{{{{ ti.xcom_pull(task_ids='{planner.task_id}')[ti.map_index]{path} }}}}"


def in_london(cron: str) -> CronTriggerTimetable:
    """A schedule in London time. Unpausing starts nothing by itself; the first run is when it is due."""
    return CronTriggerTimetable(cron, timezone=LONDON, run_immediately=timedelta(0))


def dag_arguments() -> dict[str, Any]:
    """What the DAGs have in common: one run at a time, nothing caught up, the statements, the macros."""
    return {
        "catchup": False,
        "max_active_runs": 1,
        "default_args": DEFAULT_ARGS,
        "template_searchpath": sql_folder(),
        "user_defined_macros": MACROS,
    }


def sql_folder() -> str:
    """Where the statements are: beside dags/ in the repository and with Astro, within dags/ on MWAA."""
    dags = Path(__file__).resolve().parents[1]
    for include in (dags.parent / "include", dags / "include"):
        if (include / "sql").is_dir():
            return str(include / "sql")
    raise FileNotFoundError(f"No include/sql beside or within {dags}: copy the folder include to one of them")
