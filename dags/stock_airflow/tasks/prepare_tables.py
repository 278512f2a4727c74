"""What the Python tasks of prepare_tables call; the domain is imported within the functions."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG

from stock_airflow import run_helpers
from stock_airflow.run_helpers import check_run, failed_tasks, open_lake


def plan_run(*, run_date: str, bucket: str, database: str, dag: DAG, dag_run: Any, **_: Any) -> None:
    """Check the parameters and that the catalog has the tables."""
    from stock_pipeline.refresh.readiness import check_catalog

    lake = open_lake(bucket, database)
    check_run(run_date, dag, dag_run)
    check_catalog(lake)


def list_partitions(*, bucket: str, database: str, **_: Any) -> list[dict[str, Any]]:
    """The partitions that the files of the store table make up."""
    from stock_pipeline.refresh.readiness import store_partitions

    lake = open_lake(bucket, database)
    return store_partitions(lake)


def check_tables(*, bucket: str, database: str, ti: Any, **_: Any) -> None:
    """End the run as failed if the daily run could not stand on the tables."""
    from stock_pipeline.refresh.readiness import what_is_missing

    lake = open_lake(bucket, database)
    failed = failed_tasks(ti, [])
    missing = what_is_missing(lake)
    run_helpers.conclude({"report": None, "concerns": missing, "failed_tasks": []}, failed)
