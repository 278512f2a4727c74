"""What the Python tasks of all DAGs need of Airflow: clients, checked parameters, task states."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.glue_catalog import GlueCatalogHook
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from stock_airflow.settings import AWS_CONN_ID, LONDON
from stock_pipeline.errors import NeedsPersonError
from stock_pipeline.lake.lake import Lake
from stock_pipeline.messages import shortened
from stock_pipeline.run_dates import check_day

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client


def open_lake(bucket: str, database: str) -> Lake:
    """The bucket and its catalog, through the clients of the AWS connection."""
    return Lake(s3_client(), glue_client(), bucket, database)


def s3_client() -> S3Client:
    """S3 as the connection has it."""
    return S3Hook(aws_conn_id=AWS_CONN_ID).conn


def glue_client() -> GlueClient:
    """The Glue catalog as the connection has it."""
    return GlueCatalogHook(aws_conn_id=AWS_CONN_ID).conn


def check_run(run_date: str, dag: DAG, dag_run: Any) -> date:
    """The run date, if the run can be for it and was given parameters the DAG has.

    Raises:
        NeedsPersonError: the run was given a parameter no one knows, or a date that cannot be.
    """
    # The DAG's own, because Airflow adds to `params` whatever a run was given.
    unknown = sorted(set(dag_run.conf or {}) - set(dag.params))
    if unknown:
        raise NeedsPersonError(
            f"No parameter {', '.join(unknown)}; there are {', '.join(sorted(dag.params))}"
        )
    return check_date(run_date, "run date")


def check_date(text: str, what: str) -> date:
    """The day that a text names, if it is a date up to today in London that a run can be about.

    Raises:
        NeedsPersonError: it is not; the message calls it `what`.
    """
    return check_day(text, datetime.now(LONDON).date(), what)


def result(ti: Any, task_id: str) -> Any:
    """What a task of this run returned; None unless it succeeded.

    After a run is cleared, Airflow keeps the earlier result of a task that is not reached again.
    """
    return ti.xcom_pull(task_ids=task_id) if _states(ti).get(task_id) == "success" else None


def own_report(ti: Any, reader: str, publisher: str) -> dict[str, Any] | None:
    """The report on a refresh as the task that got furthest pushed it under `report`; None if none did.

    Both tasks are of the map index of the one that asks. Airflow keeps what an earlier attempt pushed, so a
    task that this attempt did not reach is not asked.
    """
    index = ti.map_index
    states = _states(ti)
    reached = {
        task_id: states.get(task_id if index < 0 else f"{task_id}_{index}") for task_id in (reader, publisher)
    }
    # A reader that is skipped has rejected the file; then the publisher is skipped without having run.
    if reached[reader] == "success" and reached[publisher] in {"success", "skipped", "failed"}:
        task_id = publisher
    elif reached[reader] in {"success", "skipped"}:
        task_id = reader
    else:
        return None
    report: dict[str, Any] | None = ti.xcom_pull(task_ids=task_id, map_indexes=index, key="report")
    return report


def result_key(ti: Any, task_id: str, key: str) -> Any:
    """What a task of this run pushed under a key, whether it succeeded or failed then."""
    ended = _states(ti).get(task_id) in {"success", "failed"}
    return ti.xcom_pull(task_ids=task_id, key=key) if ended else None


def pushed_when_planned(ti: Any, planner: str, key: str) -> Any:
    """What the run's first task pushed under a key; every attempt begins with it, so nothing is left over."""
    return ti.xcom_pull(task_ids=planner, key=key)


def failed_tasks(ti: Any, mapped_names: list[str]) -> list[str]:
    """Names of the run's failed tasks.

    Args:
        ti: the task instance that asks.
        mapped_names: what instances of mapped tasks are called, by map index.
    """
    failed = []
    for name, state in sorted(_states(ti).items()):
        if state == "failed":
            task, _, index = name.rpartition("_")
            mapped = "." in task and index.isdigit()
            failed.append(f"{task} of {mapped_names[int(index)]}" if mapped else name)
    return failed


def as_list(results: Any) -> list[Any]:
    """What all instances of a mapped task returned; Airflow gives one instance's bare, and None of none."""
    if results is None:
        return []
    return results if isinstance(results, list) else [results]


def conclude(summary: dict[str, Any] | None, failed: list[str]) -> None:
    """End a run as failed if something needs attention.

    Args:
        summary: of the run: `report` (location or None), `concerns` (sentences), `failed_tasks` (names that
            the concerns tell of); None if there is none.
        failed: names of the tasks that have failed by now.
    """
    if summary is None:
        names = ", ".join(failed) or "summarise was not reached"
        raise AirflowFailException(f"The run could not be summed up: see the log of what failed ({names})")
    later = [name for name in failed if name not in summary["failed_tasks"]]
    concerns = [*shortened(summary["concerns"]), *(f"task {name} failed: see its log" for name in later)]
    if concerns:
        where = f" (all in {summary['report']})" if summary["report"] else ""
        raise AirflowFailException(f"To look at{where}:\n" + "\n".join(f"- {line}" for line in concerns))


def _states(ti: Any) -> dict[str, str]:
    """States of the run's tasks by name; a mapped one's ends in `_` and its index."""
    states: dict[str, str] = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
    return states
