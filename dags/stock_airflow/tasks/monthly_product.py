"""What the Python tasks of monthly_product call, besides what both refreshes have."""

from __future__ import annotations

from datetime import date
from typing import Any

from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException

from stock_airflow.run_helpers import as_list, check_run, open_lake
from stock_airflow.tasks import refresh
from stock_pipeline.lake.table_lock import PUBLISHED
from stock_pipeline.lake.tables import PRODUCT

LOCKED = {PRODUCT.name: PUBLISHED}


def plan_run(
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
    """Check the parameters and find the file; returns it, or is skipped if there is none."""
    from stock_pipeline.refresh.product import find_file, looked_for

    lake = open_lake(bucket, database)
    day = check_run(run_date, dag, dag_run)
    refresh.check_release(params, dag_run)
    file, not_read = find_file(lake, day)
    ti.xcom_push(key="not_read", value=not_read)
    if file is None:
        raise AirflowSkipException(f"No file in {looked_for(day)}: nothing to do")
    return file.model_dump(mode="json")


def summarise(
    *,
    file: dict[str, Any] | None,
    report: dict[str, Any] | None,
    planner: str,
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    ti: Any,
    **_: Any,
) -> dict[str, Any]:
    """Sum up the run whatever happened to it; returns the concerns and pushes the message."""
    from stock_pipeline.refresh.product import looked_for

    return refresh.sum_up(
        table=PRODUCT.name,
        subjects=[PRODUCT.name] if file else [],
        reports=as_list(report),
        planner=planner,
        looked_for=looked_for(date.fromisoformat(run_date)),
        whole=not params["dry_run"],
        run_date=run_date,
        bucket=bucket,
        database=database,
        params=params,
        ti=ti,
    )
