"""What the Python tasks of rollback_ebay call."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException

from stock_airflow.locks import give_back, holder, lock_at_once, run_name
from stock_airflow.run_helpers import check_date, check_run, failed_tasks, open_lake, result
from stock_airflow.telling import push_message
from stock_pipeline.errors import NeedsPersonError
from stock_pipeline.lake.table_lock import ROLLED_BACK
from stock_pipeline.messages import shortened

log = logging.getLogger(__name__)

LOCKED = {"ebay": ROLLED_BACK}


def plan_rollback(
    *,
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    dag: DAG,
    dag_run: Any,
    ti: Any,
    **_: Any,
) -> dict[str, Any]:
    """Check the parameters; returns the versions to put back and what that changes, by store.

    Takes the table's lock, or is refused at once. A dry run needs none.
    """
    from stock_pipeline.ebay import rollback

    lake = open_lake(bucket, database)
    check_run(run_date, dag, dag_run)
    if not params["reason"].strip():
        raise NeedsPersonError("Say why: the reason is kept with the table and in the report")
    if not params["dry_run"]:
        lock_at_once(lake, ti, LOCKED)
    planned = rollback.plan_rollback(
        lake,
        table_date=check_date(params["table_date"], "table_date"),
        stores=params["stores"],
    )
    return planned.model_dump(mode="json")


def roll_back(
    *,
    plan: dict[str, Any],
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    dag_run: Any,
    ti: Any,
    **_: Any,
) -> list[dict[str, Any]]:
    """Put the stores' files back; returns their partitions for the catalog."""
    from stock_pipeline.ebay import rollback
    from stock_pipeline.lake.tables import EBAY

    lake = open_lake(bucket, database)
    if params["dry_run"]:
        raise AirflowSkipException("Dry run: the figures are in the log of summarise and in the message")
    notes = {
        "rolled-back-on": run_date,
        "rolled-back-by": _who(dag_run),
        "rolled-back-reason": params["reason"],
    }
    return rollback.roll_back(
        lake,
        rollback=rollback.Rollback.model_validate(plan),
        run=run_name(ti),
        hold=holder(lake, ti, EBAY.name, ROLLED_BACK),
        notes=notes,
    )


def write_upload_files(
    *,
    plan: dict[str, Any],
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    dag_run: Any,
    ti: Any,
    **_: Any,
) -> dict[str, Any]:
    """Write the files that undo it on eBay; returns their keys and pushes the message on the table."""
    from stock_pipeline.ebay import rollback
    from stock_pipeline.ebay.rollback_report import DAG_ID
    from stock_pipeline.lake.locations import run_report_key

    lake = open_lake(bucket, database)
    planned = rollback.Rollback.model_validate(plan)
    gone_key = run_report_key(DAG_ID, date.fromisoformat(run_date), ti.run_id, "_cannot_be_undone.csv")
    written = rollback.write_undoing_files(lake, rollback=planned, gone_key=gone_key)
    uploads = {
        "upload_files": written.files,
        "upload_zip": lake.url(written.zip_key) if written.zip_key else None,
        "cannot_be_undone": lake.url(gone_key) if planned.counts()["gone"] else None,
    }
    report = _report(run_date, params, dag_run, ti, rollback=plan, rolled_back=True, **uploads)
    push_message(ti, report.table_message())
    return uploads


def summarise(
    *, run_date: str, bucket: str, database: str, params: dict[str, Any], dag_run: Any, ti: Any, **_: Any
) -> dict[str, Any]:
    """Report on the run whatever happened to it; returns the concerns and pushes the message."""
    from stock_pipeline.ebay.rollback_report import write_report

    lake = open_lake(bucket, database)
    report = _report(
        run_date,
        params,
        dag_run,
        ti,
        rollback=result(ti, "plan_rollback"),
        rolled_back=result(ti, "roll_back") is not None,
        failed_tasks=failed_tasks(ti, []),
        **(result(ti, "write_upload_files") or {}),
    )
    # A dry run writes nothing, and a run that was refused has done nothing.
    writes = report.rollback is not None and not report.dry_run
    location = write_report(lake, report) if writes else None
    message = report.message(location)
    log.info(message.text)
    push_message(ti, message)
    give_back(lake, ti, *LOCKED)
    return {"report": location, "concerns": shortened(report.concerns), "failed_tasks": report.failed_tasks}


def _report(run_date: str, params: dict[str, Any], dag_run: Any, ti: Any, **fields: Any) -> Any:
    from stock_pipeline.ebay.rollback_report import RollbackReport

    return RollbackReport.model_validate(
        {
            "run_date": run_date,
            "run_id": ti.run_id,
            "dry_run": params["dry_run"],
            "reason": params["reason"],
            "by": _who(dag_run),
            **fields,
        }
    )


def _who(dag_run: Any) -> str:
    return dag_run.triggering_user_name or "unknown"
