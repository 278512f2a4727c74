"""What the Python tasks of monthly_product call: fetches clients and parameters from Airflow.

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
from stock_airflow.run_helpers import (
    check_run,
    failed_tasks,
    for_sns,
    glue_client,
    own_report,
    result,
    s3_client,
)
from stock_pipeline.lake.table_lock import PUBLISHED
from stock_pipeline.messages import shortened

if TYPE_CHECKING:
    from stock_pipeline.refresh.report import RefreshReport, Release

LOCKED = {"product": PUBLISHED}


def plan_run(
    *, run_date: str, bucket: str, params: dict[str, Any], dag: DAG, dag_run: Any, ti: Any, **_: Any
) -> dict[str, Any]:
    """Check the parameters and find the file; returns it, or is skipped if there is none."""
    from stock_pipeline.refresh.product import find_file, looked_for

    day = check_run(run_date, dag, dag_run)
    _release(params, dag_run)
    file, not_read = find_file(s3_client(), bucket, day)
    ti.xcom_push(key="not_read", value=not_read)
    if file is None:
        raise AirflowSkipException(f"No file in {looked_for(day)}: nothing to do")
    return file.model_dump(mode="json")


def read_file(
    *,
    file: dict[str, Any],
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    ti: Any,
    **_: Any,
) -> dict[str, Any]:
    """Judge the file by itself and stage it; returns what the statements need to know."""
    from stock_pipeline.lake.publishing import published_versions
    from stock_pipeline.lake.tables import PRODUCT
    from stock_pipeline.refresh.product import read_product
    from stock_pipeline.refresh.report import RefreshFile
    from stock_pipeline.suppliers import load_suppliers

    report = _new_report(run_date, params, ti)
    report.file = RefreshFile(**file)
    plan = read_product(
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
    return {**plan, "published": published_versions(s3_client(), bucket, PRODUCT)}


def publish_product(
    *, run_date: str, bucket: str, database: str, params: dict[str, Any], dag_run: Any, ti: Any, **_: Any
) -> str:
    """Judge the staged mapping by its audit and publish it; returns the table's key."""
    from stock_pipeline.lake.publishing import publish
    from stock_pipeline.lake.tables import PRODUCT
    from stock_pipeline.refresh.report import RefreshReport
    from stock_pipeline.verdicts import Verdict

    plan = ti.xcom_pull(task_ids="read_file")
    report = RefreshReport(**ti.xcom_pull(task_ids="read_file", key="report"))
    report.judge(ti.xcom_pull(task_ids="audit"), _release(params, dag_run))
    ti.xcom_push(key="report", value=report.model_dump(mode="json"))
    if report.verdict is not Verdict.ACCEPTED:
        raise AirflowSkipException(report.reason)
    if params["dry_run"]:
        raise AirflowSkipException(f"Dry run: look at the result in {plan['staging_table']}")
    publish(
        s3_client(),
        glue_client(),
        bucket=bucket,
        database=database,
        staging_table=plan["staging_table"],
        table=PRODUCT,
        run_date=date.fromisoformat(run_date),
        fence=fence(bucket, ti, PRODUCT.name, plan["published"]),
        allow_older=params["publish_older_date"],
    )
    report.published = True
    ti.xcom_push(key="report", value=report.model_dump(mode="json"))
    return PRODUCT.key()


def report_product(
    *, run_date: str, bucket: str, database: str, params: dict[str, Any], ti: Any, **_: Any
) -> dict[str, Any]:
    """Write what became of the mapping; returns the report and pushes the message. Skipped without a file."""
    from stock_pipeline.refresh.report import RefreshReport, write_report
    from stock_pipeline.refresh.staging import drop_staged

    if result(ti, "plan_run") is None:
        raise AirflowSkipException("There was no file to read")
    found = own_report(ti, "read_file", "publish_product")
    report = RefreshReport(**found) if found else _new_report(run_date, params, ti)
    report.conclude()
    location = write_report(s3_client(), bucket, ti.dag_id, report)
    if report.done and (plan := ti.xcom_pull(task_ids="read_file")):
        drop_staged(
            s3_client(), glue_client(), bucket=bucket, database=database, staging_table=plan["staging_table"]
        )
    ti.xcom_push(key="sns", value=for_sns(report.message(location)))
    return report.model_dump(mode="json", exclude={"samples"})


def summarise(*, run_date: str, bucket: str, params: dict[str, Any], ti: Any, **_: Any) -> dict[str, Any]:
    """Sum up the run whatever became of it; returns the concerns and pushes the message."""
    from stock_pipeline.refresh.product import looked_for
    from stock_pipeline.refresh.report import RefreshReport, RefreshSummary, write_summary

    line = result(ti, "report_product")
    summary = RefreshSummary(
        dag_id=ti.dag_id,
        run_date=date.fromisoformat(run_date),
        run_id=ti.run_id,
        dry_run=params["dry_run"],
        refreshes=[RefreshReport(**line)] if line else [],
        not_read=ti.xcom_pull(task_ids="plan_run", key="not_read") or {},
        failed_tasks=failed_tasks(ti, []),
        looked_for=looked_for(date.fromisoformat(run_date)),
    )
    location = write_summary(s3_client(), bucket, summary, whole=not params["dry_run"])
    ti.xcom_push(key="sns", value=for_sns(summary.message(location)))
    give_back(bucket, ti, *LOCKED)
    return {"report": location, "concerns": shortened(summary.concerns), "failed_tasks": summary.failed_tasks}


def conclude(*, summary: dict[str, Any] | None, ti: Any, **_: Any) -> None:
    """End the run as failed if somebody has to look at something."""
    run_helpers.conclude(summary, failed_tasks(ti, []))


def _new_report(run_date: str, params: dict[str, Any], ti: Any) -> RefreshReport:
    from stock_pipeline.lake.tables import PRODUCT
    from stock_pipeline.refresh.report import RefreshReport

    return RefreshReport(
        run_date=date.fromisoformat(run_date),
        run_id=ti.run_id,
        table=PRODUCT.name,
        subject=PRODUCT.name,
        full_upload=True,
        dry_run=params["dry_run"],
    )


def _release(params: dict[str, Any], dag_run: Any) -> Release | None:
    from stock_pipeline.refresh.report import release_of

    return release_of(
        params["release"], params["release_reason"], dag_run.triggering_user_name, dag_run.run_id
    )
