"""What the Python tasks of prune_old_data call."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException

from stock_airflow.locks import table_locks
from stock_airflow.run_helpers import check_run, failed_tasks, open_lake, result
from stock_airflow.telling import push_message
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.table_lock import PRUNED
from stock_pipeline.messages import shortened

STAGED_BY = {"ebay": "daily_stock", "store": "weekly_store", "product": "monthly_product"}
"""Tables, and the DAG whose runs stage them."""


LOCKED = {"supplier_stock": PRUNED}


def list_old_data(
    *,
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    dag: DAG,
    dag_run: Any,
    ti: Any,
    **_: Any,
) -> dict[str, int]:
    """Check the parameters and report what is old; returns its figures."""
    from stock_pipeline.housekeeping.pruning import PruneReport, write_report

    lake = open_lake(bucket, database)
    day = check_run(run_date, dag, dag_run)
    old = _look(ti, day, lake)
    report = PruneReport(run_date=day, run_id=ti.run_id, dry_run=params["dry_run"], old=old)
    write_report(lake, report)
    return report.counts()


def delete_old_data(
    *, run_date: str, bucket: str, database: str, params: dict[str, Any], ti: Any, **_: Any
) -> None:
    """Delete what was listed and is still old; pushes the message.

    Raises:
        TableLockedError: another run is reading what would be deleted; Airflow tries again.
    """
    from stock_pipeline.housekeeping.pruning import delete, read_report, write_report

    lake = open_lake(bucket, database)
    if params["dry_run"]:
        raise AirflowSkipException("Dry run: look at the report")
    day = date.fromisoformat(run_date)
    report = read_report(lake, day, ti.run_id)
    with table_locks(lake, ti).held(LOCKED):
        old = report.old.still_in(_look(ti, day, lake))
        delete(lake, old=old)
    # Of the report, not of what was left to do: an attempt before this one may have deleted some.
    done = report.model_validate(report.model_dump() | {"deleted": True})
    location = write_report(lake, done)
    push_message(ti, done.deleted_message(location))


def summarise(*, run_date: str, bucket: str, database: str, ti: Any, **_: Any) -> dict[str, Any]:
    """Complete the report whatever happened to the run; returns the concerns and pushes the message."""
    from stock_pipeline.housekeeping.pruning import DAG_ID, read_report, write_report
    from stock_pipeline.messages import Event, Message

    lake = open_lake(bucket, database)
    failed = failed_tasks(ti, [])
    day = date.fromisoformat(run_date)
    if result(ti, "list_old_data") is None:
        message = Message(
            event=Event.RUN_FINISHED,
            run_date=day,
            subject=DAG_ID,
            status="failed",
            text=f"Nothing was deleted: task {', '.join(failed)} failed, see its log",
        )
        push_message(ti, message)
        return {"report": None, "concerns": [], "failed_tasks": []}
    report = read_report(lake, day, ti.run_id)
    report = report.model_validate(report.model_dump() | {"failed_tasks": failed})
    location = write_report(lake, report)
    push_message(ti, report.message(location))
    return {"report": location, "concerns": shortened(report.concerns), "failed_tasks": failed}


def _look(ti: Any, day: date, lake: Lake) -> Any:
    from stock_pipeline.housekeeping.pruning import look

    busy = frozenset(table for table, dag_id in STAGED_BY.items() if _is_running(ti, dag_id))
    return look(
        lake,
        run_date=day,
        now=datetime.now(UTC),
        busy=busy,
    )


def _is_running(ti: Any, dag_id: str) -> bool:
    running: int = ti.get_dr_count(dag_id=dag_id, states=["running"])
    return running > 0
