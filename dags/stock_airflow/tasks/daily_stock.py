"""What the Python tasks call. Domain modules are imported in the functions: DAG files are parsed often."""

from __future__ import annotations

import logging
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException

from stock_airflow.locks import fence, give_back, hold_what_was_published
from stock_airflow.run_helpers import (
    as_list,
    check_run,
    failed_tasks,
    open_lake,
    result,
    result_key,
)
from stock_airflow.telling import for_sns, push_message
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.table_lock import PUBLISHED, READ
from stock_pipeline.messages import shortened

if TYPE_CHECKING:
    from stock_pipeline.releases import Release

log = logging.getLogger(__name__)

LOCKED = {"ebay": PUBLISHED} | dict.fromkeys(("product", "store", "supplier_stock"), READ)
"""The tables that no other run may change while this one makes `ebay` of them, and what for."""


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
) -> list[dict[str, str]]:
    """Check the parameters; returns for each supplier its code and the pattern of its file's key."""
    from stock_pipeline.errors import NeedsPersonError
    from stock_pipeline.lake.locations import stock_feed_prefix
    from stock_pipeline.lake.publishing import published_versions
    from stock_pipeline.lake.tables import EBAY, STORES
    from stock_pipeline.releases import check_release
    from stock_pipeline.suppliers import file_pattern, load_suppliers

    lake = open_lake(bucket, database)
    day = check_run(run_date, dag, dag_run)
    suppliers = load_suppliers()
    chosen = dict.fromkeys(params["suppliers"] or suppliers.suppliers)
    check_release(params, chosen)
    names = {*suppliers.suppliers, *STORES}
    if strangers := [name for name in params["accept_changes"] if name not in names]:
        raise NeedsPersonError(f"accept_changes names {', '.join(strangers)}: neither a supplier nor a store")
    # What is rolled back from here on is not to be published over.
    ti.xcom_push(key="published", value=published_versions(lake, EBAY))
    return [
        {"supplier": suppliers.supplier(code).code, "pattern": stock_feed_prefix(day) + file_pattern(code)}
        for code in chosen
    ]


def process_feed(
    *,
    supplier: str,
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    dag_run: Any,
    ti: Any,
    **_: Any,
) -> dict[str, Any]:
    """Judge one feed; returns its line for the summary and pushes its partition and message."""
    from stock_pipeline.daily_summary.summary import FeedOutcome
    from stock_pipeline.feeds import processing
    from stock_pipeline.lake.locations import stock_feed_report_key
    from stock_pipeline.suppliers import load_suppliers

    lake = open_lake(bucket, database)
    suppliers = load_suppliers()
    day = date.fromisoformat(run_date)
    report = processing.process_feed(
        lake,
        suppliers=suppliers,
        supplier=suppliers.supplier(supplier),
        run_date=day,
        release=_release(lake, day, supplier, params, dag_run),
        accept_first=params["accept_first"],
    )
    location = lake.url(stock_feed_report_key(day, supplier))
    push_message(ti, report.message(location))
    if partition := report.partition(bucket):
        ti.xcom_push(key="partition", value=partition)
    return FeedOutcome.of(report, location).model_dump(mode="json")


def _release(lake: Lake, day: date, supplier: str, params: dict[str, Any], dag_run: Any) -> Release | None:
    from stock_pipeline.feeds.release_notes import release_of

    if supplier not in params["release"]:
        return None
    return release_of(
        lake,
        day,
        supplier,
        params,
        caller=dag_run.triggering_user_name,
        # Only a task of ours can start such a run, and only approve_feed does.
        asked_by_airflow=dag_run.run_type == "operator_triggered",
    )


def list_held_feeds(*, feeds: Any, run_date: str, **_: Any) -> list[dict[str, Any]]:
    """What is asked about each held feed: arguments of a run of `approve_feed`.

    The run is named by the file, so that no one is asked twice about the same one. What a mapped task is
    expanded over is rendered as a template, so it is given references alone: the reason, with the file's name
    in it, is in the report.
    """
    held = [line for line in as_list(feeds) if line["verdict"] == "held"]
    return [
        {
            "trigger_run_id": f"{run_date}_{line['supplier']}_{line['sha256'][:12]}",
            "conf": {"run_date": run_date, "supplier": line["supplier"], "sha256": line["sha256"]},
        }
        for line in held
    ]


def partition_message(run_date: date | str, added: list[list[str]]) -> dict[str, str]:
    """The message on the partitions that were registered, for SNS; a macro of the DAG."""
    from stock_pipeline.lake.catalog import partitions_added
    from stock_pipeline.lake.tables import SUPPLIER_STOCK

    return for_sns(partitions_added(SUPPLIER_STOCK, date.fromisoformat(str(run_date)), added))


def plan_table(
    *, run_date: str, bucket: str, database: str, run_id: str, params: dict[str, Any], **_: Any
) -> dict[str, Any]:
    """Choose the snapshots the table is made of and name its staging table."""
    from stock_pipeline.ebay import plan as ebay
    from stock_pipeline.suppliers import load_suppliers

    lake = open_lake(bucket, database)
    return ebay.plan_table(
        lake,
        suppliers=load_suppliers(),
        run_date=date.fromisoformat(run_date),
        run_id=run_id,
        accept_changes=params["accept_changes"],
    )


def plan_carry_over(
    *,
    plan: dict[str, Any],
    checks: list[dict[str, str]],
    run_date: str,
    bucket: str,
    database: str,
    **context: Any,
) -> dict[str, Any]:
    """Plan the table in which suppliers that fail the audit keep their rows; skipped if all pass."""
    from stock_pipeline.ebay.carry_over import plan_carry_over as carry_over

    planned = carry_over(
        open_lake(bucket, database),
        plan=plan,
        checks=checks,
        run_date=date.fromisoformat(run_date),
        run_id=context["run_id"],
    )
    if planned is None:
        raise AirflowSkipException("Every supplier passes the audit")
    for supplier, reason in planned["carried_over"].items():
        log.warning("%s keeps its published rows: %s", supplier, reason)
    return planned


def _last_audit(ti: Any) -> list[dict[str, str]]:
    """The checks of the table that is published: of the second audit if this run came to one."""
    return result_key(ti, "audit_again", "checks") or result_key(ti, "audit", "checks") or []


def publish_ebay(
    *,
    plan: dict[str, Any],
    carried_over: dict[str, Any] | None,
    published: dict[str, str],
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    ti: Any,
    **_: Any,
) -> list[dict[str, Any]]:
    """Publish the staged table, without the stores that fail the audit; returns its partitions.

    Args:
        plan: of the staged table.
        carried_over: of the table that takes its place, if a supplier keeps its published rows.
        published: what was there when the run began.
        run_date: the day of the run.
        bucket: the bucket.
        database: the Glue database.
        params: of the run.
        ti: the task instance.
    """
    from stock_pipeline.ebay.carry_over import failed
    from stock_pipeline.errors import PublishRefusedError
    from stock_pipeline.lake.publishing import publish
    from stock_pipeline.lake.tables import EBAY

    lake = open_lake(bucket, database)
    plan = carried_over or plan
    checks = _last_audit(ti)
    if still := failed(checks, "supplier").keys() - plan.get("carried_over", {}).keys():
        raise PublishRefusedError(f"{', '.join(sorted(still))} failed the audit and is not carried over")
    kept = failed(checks, "store")
    for store, reason in kept.items():
        log.warning("%s keeps its published file: %s", store, reason)
    if params["dry_run"]:
        give_back(lake, ti, *LOCKED)
        raise AirflowSkipException(f"Dry run: look at the result in {plan['staging_table']}")
    done = publish(
        lake,
        staging_table=plan["staging_table"],
        table=EBAY,
        run_date=date.fromisoformat(run_date),
        fence=fence(lake, ti, EBAY.name, published),
        allow_older=params["publish_older_date"],
        keep=[(store,) for store in kept],
    )
    return [{"values": list(entry.values), "location": entry.location} for entry in done.partitions]


def write_upload_files(
    *,
    stores: list[dict[str, Any]],
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    ti: Any,
    **_: Any,
) -> dict[str, Any]:
    """Write the files for eBay; returns their keys and rows, and pushes the message on the table."""
    from dataclasses import asdict

    from stock_pipeline.ebay.upload_files import write_upload_files as write
    from stock_pipeline.lake.tables import EBAY
    from stock_pipeline.messages import Event, Message

    lake = open_lake(bucket, database)
    day = date.fromisoformat(run_date)
    # After a rollback the files would tell of another day's table.
    hold_what_was_published(lake, ti, EBAY, [entry["values"] for entry in stores])
    names = [entry["values"][0] for entry in stores]
    written = write(lake, stores=names, run_date=day, full=params["full_upload"])
    message = Message(
        event=Event.EBAY_GENERATED,
        run_date=day,
        subject=EBAY.name,
        status="success",
        counts=written.rows,
        report=lake.url(written.zip_key) if written.zip_key else None,
        text=f"The ebay table of {day} is published: {sum(written.rows.values()):,} listings in "
        f"{len(written.files)} upload files for {len(names)} stores",
    )
    push_message(ti, message)
    return asdict(written)


def summarise(
    *,
    planned: list[dict[str, str]] | None,
    feeds: Any,
    run_date: str,
    bucket: str,
    database: str,
    params: dict[str, Any],
    ti: Any,
    **_: Any,
) -> dict[str, Any]:
    """Sum up the run whatever happened to it; returns the concerns and where the summary and its page are."""
    from stock_pipeline.daily_summary import unmatched
    from stock_pipeline.daily_summary.page import write_summary
    from stock_pipeline.daily_summary.summary import (
        FeedOutcome,
        RunSummary,
        other_feeds,
        quarantine_unrecognised,
    )
    from stock_pipeline.ebay.carry_over import failed
    from stock_pipeline.lake import locations
    from stock_pipeline.lake.publishing import published_dates
    from stock_pipeline.lake.staging import drop_staging
    from stock_pipeline.lake.tables import EBAY
    from stock_pipeline.suppliers import load_suppliers

    lake = open_lake(bucket, database)
    day = date.fromisoformat(run_date)
    codes = [entry["supplier"] for entry in planned or []]
    judged = {line["supplier"]: line for line in as_list(feeds)}
    suppliers = load_suppliers()
    plan = result(ti, "plan_table") or {"snapshots": [], "zeroed": []}
    carried_over = result(ti, "plan_carry_over")
    checks = _last_audit(ti)
    published = result(ti, "publish_ebay") is not None
    upload = result(ti, "write_upload_files") or {}
    folder = locations.run_summary_folder(day, ti.run_id if params["dry_run"] else None)
    summary = RunSummary(
        run_date=day,
        run_id=ti.run_id,
        dry_run=params["dry_run"],
        feeds=[FeedOutcome(**judged.get(code, {"supplier": code})) for code in codes],
        other_feeds=other_feeds(lake, suppliers, day, codes),
        unrecognised=quarantine_unrecognised(lake, suppliers, day),
        retired=[
            snapshot["supplier"]
            for snapshot in plan["snapshots"]
            if snapshot["supplier"] not in suppliers.suppliers
        ],
        failed_tasks=failed_tasks(ti, codes),
        kept_suppliers=carried_over["carried_over"] if carried_over else {},
        kept_stores=failed(checks, "store"),
        zeroed=plan["zeroed"],
        checks=checks,
        published=published,
        table_dates={} if published else published_dates(lake, EBAY),
        changed=upload.get("rows", {}),
        upload_files=upload.get("files", []),
        upload_zip=upload.get("zip_key"),
        lists=unmatched.write_lists(
            lake,
            folder,
            {name: result(ti, f"list_{name}") for name in unmatched.LISTS} if codes else {},
        ),
    )
    if published:
        for staged in (plan, carried_over or plan):
            drop_staging(lake, staging_table=staged["staging_table"])
    # A run that was never planned says nothing about the day, so the day's summary stays.
    written = write_summary(lake, folder, summary) if codes else None
    push_message(ti, summary.message(written.summary if written else None))
    give_back(lake, ti, *LOCKED)
    return {
        "report": written.summary if written else None,
        "page": written.page if written else None,
        "concerns": shortened(summary.concerns),
        "failed_tasks": summary.failed_tasks,
    }
