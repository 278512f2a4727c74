"""What the Python tasks of weekly_store call, besides what both refreshes have."""

from __future__ import annotations

from datetime import date
from typing import Any

from airflow.sdk import DAG

from stock_airflow.run_helpers import as_list, check_run, open_lake
from stock_airflow.tasks import refresh
from stock_pipeline.errors import NeedsPersonError
from stock_pipeline.lake.table_lock import PUBLISHED
from stock_pipeline.lake.tables import STORE, STORES

LOCKED = {STORE.name: PUBLISHED}


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
) -> list[dict[str, Any]]:
    """Check the parameters and find the files; returns for each store its name and its file."""
    from stock_pipeline.refresh.store import find_files

    lake = open_lake(bucket, database)
    day = check_run(run_date, dag, dag_run)
    unknown = sorted({*params["stores"], *params["release"]} - set(STORES))
    if unknown:
        raise NeedsPersonError(f"No store {', '.join(unknown)}; there are {', '.join(STORES)}")
    refresh.check_release(params, dag_run)
    found = find_files(lake, day)
    ti.xcom_push(key="not_read", value=found.not_read)
    ti.xcom_push(key="missing", value=sorted(set(params["stores"]) - found.by_store.keys()))
    return [
        {"store": store, "file": file.model_dump(mode="json")}
        for store, file in sorted(found.by_store.items())
        if store in (params["stores"] or STORES)
    ]


def summarise(
    *,
    planned: list[dict[str, Any]] | None,
    reports: Any,
    planner: str,
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    ti: Any,
    **_: Any,
) -> dict[str, Any]:
    """Sum up the run whatever happened to it; returns the concerns and pushes the message."""
    from stock_pipeline.refresh.store import looked_for

    return refresh.sum_up(
        table=STORE.name,
        subjects=[entry["store"] for entry in planned or []],
        reports=as_list(reports),
        planner=planner,
        looked_for=looked_for(date.fromisoformat(run_date)),
        whole=not params["stores"] and not params["dry_run"],
        run_date=run_date,
        bucket=bucket,
        database=database,
        params=params,
        ti=ti,
    )
