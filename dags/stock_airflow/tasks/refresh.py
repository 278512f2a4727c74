"""What the Python tasks of weekly_store and monthly_product call that both have.

A refresh has a *subject*: a store, or the table `product` as a whole. The domain is imported within the
functions, because DAG files import this module whenever they are parsed and polars takes half a second.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from stock_airflow.locks import fence, give_back
from stock_airflow.run_helpers import failed_tasks, open_lake, own_report, pushed_when_planned
from stock_airflow.telling import push_message
from stock_pipeline.lake.tables import PRODUCT, STORE, Table
from stock_pipeline.messages import shortened

if TYPE_CHECKING:
    from stock_pipeline.refresh.report import RefreshReport
    from stock_pipeline.releases import Release

TABLES = {table.name: table for table in (PRODUCT, STORE)}


def read_file(
    *,
    table: str,
    subject: str,
    file: dict[str, Any],
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    ti: Any,
    **_: Any,
) -> dict[str, Any]:
    """Judge a file by itself and stage it; returns what the statements need to know."""
    from stock_pipeline.lake.publishing import published_versions
    from stock_pipeline.refresh.product import read_product
    from stock_pipeline.refresh.report import RefreshFile
    from stock_pipeline.refresh.store import read_store
    from stock_pipeline.suppliers import load_suppliers

    lake = open_lake(bucket, database)
    report = _new_report(table, subject, run_date, params, ti)
    report.file = RefreshFile(**file)
    read = read_store if table == STORE.name else read_product
    plan = read(lake, suppliers=load_suppliers(), report=report)
    ti.xcom_push(key="report", value=report.model_dump(mode="json"))
    if plan is None:
        raise AirflowSkipException(report.reason)
    within = _within(TABLES[table], subject)
    return {**plan, "published": published_versions(lake, TABLES[table], within)}


def publish(
    *,
    table: str,
    subject: str,
    plan: dict[str, Any],
    report: dict[str, Any],
    checks: list[dict[str, str]],
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    dag_run: Any,
    ti: Any,
    **_: Any,
) -> list[dict[str, Any]]:
    """Judge what is staged by its audit and publish it; returns its partitions for the catalog."""
    from stock_pipeline.lake import publishing
    from stock_pipeline.refresh.report import RefreshReport
    from stock_pipeline.verdicts import Verdict

    lake = open_lake(bucket, database)
    judged = RefreshReport(**report)
    judged.judge(checks, _release(subject, params, dag_run))
    ti.xcom_push(key="report", value=judged.model_dump(mode="json"))
    if judged.verdict is not Verdict.ACCEPTED:
        raise AirflowSkipException(judged.reason)
    if params["dry_run"]:
        raise AirflowSkipException(f"Dry run: look at the result in {plan['staging_table']}")
    published = publishing.publish(
        lake,
        staging_table=plan["staging_table"],
        table=TABLES[table],
        run_date=date.fromisoformat(run_date),
        fence=fence(lake, ti, table, plan["published"]),
        allow_older=params["publish_older_date"],
        within=_within(TABLES[table], subject),
    )
    judged.published = True
    judged.removed = ["/".join(values) for values in published.removed]
    ti.xcom_push(key="report", value=judged.model_dump(mode="json"))
    return [{"values": list(entry.values), "location": entry.location} for entry in published.partitions]


def report(
    *,
    table: str,
    subject: str,
    file: dict[str, Any] | None,
    plan: dict[str, Any] | None,
    reader: str,
    publisher: str,
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    ti: Any,
    **_: Any,
) -> dict[str, Any]:
    """Write what happened to a file; returns the report without its samples and pushes the message.

    Skipped if there is no file. `reader` and `publisher` are the tasks that may have judged it.
    """
    from stock_pipeline.refresh.report import RefreshReport, write_report
    from stock_pipeline.refresh.staging import drop_staged

    lake = open_lake(bucket, database)
    if file is None:
        raise AirflowSkipException("There was no file to read")
    found = own_report(ti, reader, publisher)
    judged = RefreshReport(**found) if found else _new_report(table, subject, run_date, params, ti)
    judged.conclude()
    location = write_report(lake, ti.dag_id, judged)
    if judged.done and plan:
        drop_staged(lake, staging_table=plan["staging_table"])
    push_message(ti, judged.message(location))
    return judged.model_dump(mode="json", exclude={"samples"})


def sum_up(
    *,
    table: str,
    subjects: list[str],
    reports: list[dict[str, Any]],
    planner: str,
    looked_for: str,
    whole: bool,
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    ti: Any,
) -> dict[str, Any]:
    """Sum up a run whatever happened to it; returns the concerns, pushes the message, gives back the lock.

    Args:
        table: the table that is refreshed.
        subjects: what the run was for; one without a report has failed.
        reports: what `report` returned of each that has one.
        planner: the task that planned the run, and pushed what it did not read.
        looked_for: where files were looked for, for people.
        whole: whether the run was for everything, so that its summary is the day's.
        run_date: the day.
        bucket: the bucket.
        database: the Glue database.
        params: of the run.
        ti: the task instance.
    """
    from stock_pipeline.refresh.report import RefreshReport, RefreshSummary, write_summary

    lake = open_lake(bucket, database)
    found = {line["subject"]: RefreshReport(**line) for line in reports}
    summary = RefreshSummary(
        dag_id=ti.dag_id,
        run_date=date.fromisoformat(run_date),
        run_id=ti.run_id,
        dry_run=params["dry_run"],
        refreshes=[
            found.get(subject) or _new_report(table, subject, run_date, params, ti) for subject in subjects
        ],
        not_read=pushed_when_planned(ti, planner, "not_read") or {},
        missing=pushed_when_planned(ti, planner, "missing") or [],
        failed_tasks=failed_tasks(ti, subjects),
        looked_for=looked_for,
    )
    location = write_summary(lake, summary, whole=whole)
    push_message(ti, summary.message(location))
    give_back(lake, ti, table)
    return {"report": location, "concerns": shortened(summary.concerns), "failed_tasks": summary.failed_tasks}


def check_release(params: dict[str, Any], dag_run: Any) -> None:
    """Make sure that a run that releases something says why.

    Raises:
        NeedsPersonError: it does not.
    """
    _release_of_run(params, dag_run)


def _release(subject: str, params: dict[str, Any], dag_run: Any) -> Release | None:
    released = params["release"]
    if isinstance(released, list) and subject not in released:
        return None
    return _release_of_run(params, dag_run)


def _release_of_run(params: dict[str, Any], dag_run: Any) -> Release | None:
    from stock_pipeline.refresh.report import release_of

    return release_of(
        bool(params["release"]), params["release_reason"], dag_run.triggering_user_name, dag_run.run_id
    )


def _within(table: Table, subject: str) -> tuple[str, ...]:
    """The leading partition values that a refresh is about."""
    return (subject,) if table.partition_keys else ()


def _new_report(table: str, subject: str, run_date: str, params: dict[str, Any], ti: Any) -> RefreshReport:
    from stock_pipeline.refresh.report import RefreshReport

    return RefreshReport(
        run_date=date.fromisoformat(run_date),
        run_id=ti.run_id,
        table=table,
        subject=subject,
        # A mapping is always a full list.
        replace_store=params.get("replace_store", True),
        dry_run=params["dry_run"],
    )
