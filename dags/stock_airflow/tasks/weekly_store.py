"""What the Python tasks of weekly_store call: fetches clients and parameters from Airflow for stock_pipeline.

The domain is imported within the functions, because DAG files import this module whenever they are parsed
and polars takes half a second.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException

from stock_airflow import run_helpers
from stock_airflow.locks import fence, give_back
from stock_airflow.run_helpers import check_run, failed_tasks, for_sns, glue_client, own_report, s3_client
from stock_pipeline.errors import NeedsPersonError
from stock_pipeline.lake.table_lock import PUBLISHED
from stock_pipeline.messages import shortened

if TYPE_CHECKING:
    from stock_pipeline.refresh.report import RefreshReport, Release

GROUP = "store"
LOCKED = {"store": PUBLISHED}


def plan_run(
    *, run_date: str, bucket: str, params: dict[str, Any], dag: DAG, dag_run: Any, ti: Any, **_: Any
) -> list[dict[str, Any]]:
    """Check the parameters and find the files; returns for each store its name and its file."""
    from stock_pipeline.lake.tables import STORES
    from stock_pipeline.refresh.store import find_files

    day = check_run(run_date, dag, dag_run)
    unknown = sorted({*params["stores"], *params["release"]} - set(STORES))
    if unknown:
        raise NeedsPersonError(f"No store {', '.join(unknown)}; there are {', '.join(STORES)}")
    _release(params, dag_run)
    found = find_files(s3_client(), bucket, day)
    ti.xcom_push(key="not_read", value=found.not_read)
    ti.xcom_push(key="missing", value=sorted(set(params["stores"]) - found.by_store.keys()))
    return [
        {"store": store, "file": file.model_dump(mode="json")}
        for store, file in sorted(found.by_store.items())
        if store in (params["stores"] or STORES)
    ]


def read_file(
    *,
    store: str,
    file: dict[str, Any],
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    ti: Any,
    **_: Any,
) -> dict[str, Any]:
    """Judge a store's file by itself and stage it; returns what the statements need to know."""
    from stock_pipeline.lake.publishing import published_versions
    from stock_pipeline.lake.tables import STORE
    from stock_pipeline.refresh.report import RefreshFile
    from stock_pipeline.refresh.store import read_store
    from stock_pipeline.suppliers import load_suppliers

    report = _new_report(store, run_date, params, ti)
    report.file = RefreshFile(**file)
    plan = read_store(
        s3_client(),
        glue_client(),
        bucket=bucket,
        database=database,
        suppliers=load_suppliers(),
        report=report,
    )
    ti.xcom_push(key="report", value=report.model_dump(mode="json"))
    if plan is None:
        raise AirflowSkipException(report.reason)
    return {**plan, "published": published_versions(s3_client(), bucket, STORE, (store,))}


def publish_store(
    *,
    store: str,
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    dag_run: Any,
    ti: Any,
    **_: Any,
) -> list[dict[str, Any]]:
    """Judge the merged store by its audit and publish it; returns its partitions for the catalog."""
    from stock_pipeline.lake.publishing import publish
    from stock_pipeline.lake.tables import STORE
    from stock_pipeline.refresh.report import RefreshReport
    from stock_pipeline.verdicts import Verdict

    plan = _of_this_store(ti, "read_file")
    report = RefreshReport(**_of_this_store(ti, "read_file", "report"))
    report.judge(
        _of_this_store(ti, "audit"), _release(params, dag_run) if store in params["release"] else None
    )
    ti.xcom_push(key="report", value=report.model_dump(mode="json"))
    if report.verdict is not Verdict.ACCEPTED:
        raise AirflowSkipException(report.reason)
    if params["dry_run"]:
        raise AirflowSkipException(f"Dry run: look at the result in {plan['staging_table']}")
    published = publish(
        s3_client(),
        glue_client(),
        bucket=bucket,
        database=database,
        staging_table=plan["staging_table"],
        table=STORE,
        run_date=date.fromisoformat(run_date),
        fence=fence(bucket, ti, STORE.name, plan["published"]),
        allow_older=params["publish_older_date"],
        within=(store,),
    )
    report.published = True
    report.removed = ["/".join(values) for values in published.removed]
    ti.xcom_push(key="report", value=report.model_dump(mode="json"))
    return [{"values": list(entry.values), "location": entry.location} for entry in published.partitions]


def report_store(
    *, store: str, run_date: str, bucket: str, database: str, params: dict[str, Any], ti: Any, **_: Any
) -> dict[str, Any]:
    """Write what became of a store; returns the report without its samples and pushes the message."""
    from stock_pipeline.refresh.report import RefreshReport, write_report
    from stock_pipeline.refresh.staging import drop_staged

    found = own_report(ti, f"{GROUP}.read_file", f"{GROUP}.publish_store")
    report = RefreshReport(**found) if found else _new_report(store, run_date, params, ti)
    report.conclude()
    location = write_report(s3_client(), bucket, ti.dag_id, report)
    if report.done and (plan := _of_this_store(ti, "read_file")):
        drop_staged(
            s3_client(), glue_client(), bucket=bucket, database=database, staging_table=plan["staging_table"]
        )
    ti.xcom_push(key="sns", value=for_sns(report.message(location)))
    return report.model_dump(mode="json", exclude={"samples"})


def summarise(*, run_date: str, bucket: str, params: dict[str, Any], ti: Any, **_: Any) -> dict[str, Any]:
    """Sum up the run whatever became of it; returns the concerns and pushes the message."""
    from stock_pipeline.refresh.report import RefreshReport, RefreshSummary, write_summary
    from stock_pipeline.refresh.store import looked_for

    stores = _planned(ti)
    lines = ti.xcom_pull(task_ids=f"{GROUP}.report_store", map_indexes=range(len(stores))) if stores else []
    summary = RefreshSummary(
        dag_id=ti.dag_id,
        run_date=date.fromisoformat(run_date),
        run_id=ti.run_id,
        dry_run=params["dry_run"],
        refreshes=[
            RefreshReport(**line) if line else _new_report(store, run_date, params, ti)
            for store, line in zip(stores, lines, strict=True)
        ],
        not_read=ti.xcom_pull(task_ids="plan_run", key="not_read") or {},
        missing=ti.xcom_pull(task_ids="plan_run", key="missing") or [],
        failed_tasks=failed_tasks(ti, stores),
        looked_for=looked_for(date.fromisoformat(run_date)),
    )
    whole = not params["stores"] and not params["dry_run"]
    location = write_summary(s3_client(), bucket, summary, whole=whole)
    ti.xcom_push(key="sns", value=for_sns(summary.message(location)))
    give_back(bucket, ti, *LOCKED)
    return {"report": location, "concerns": shortened(summary.concerns), "failed_tasks": summary.failed_tasks}


def conclude(*, summary: dict[str, Any] | None, ti: Any, **_: Any) -> None:
    """End the run as failed if somebody has to look at something."""
    run_helpers.conclude(summary, failed_tasks(ti, _planned(ti)))


def _new_report(store: str, run_date: str, params: dict[str, Any], ti: Any) -> RefreshReport:
    from stock_pipeline.lake.tables import STORE
    from stock_pipeline.refresh.report import RefreshReport

    return RefreshReport(
        run_date=date.fromisoformat(run_date),
        run_id=ti.run_id,
        table=STORE.name,
        subject=store,
        full_upload=params["full_upload"],
        dry_run=params["dry_run"],
    )


def _release(params: dict[str, Any], dag_run: Any) -> Release | None:
    from stock_pipeline.refresh.report import release_of

    return release_of(
        bool(params["release"]), params["release_reason"], dag_run.triggering_user_name, dag_run.run_id
    )


def _of_this_store(ti: Any, task: str, key: str = "return_value") -> Any:
    return ti.xcom_pull(task_ids=f"{GROUP}.{task}", map_indexes=ti.map_index, key=key)


def _planned(ti: Any) -> list[str]:
    """The stores this run is for, by map index."""
    return [entry["store"] for entry in ti.xcom_pull(task_ids="plan_run") or []]
