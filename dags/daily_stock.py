"""### daily_stock: supplier feeds in, eBay quantities out.

Runs every morning at 05:00 London time, and by hand for any day.

**Reads** the workbooks `stock_feed/year=…/month=…/day=…/<SUPPLIER>_….xlsx`, waiting for each until the
deadline (a run for a past day takes what is there), and the tables `product`, `store` and `supplier_stock`.

**Writes** a snapshot for each accepted feed (`supplier_stock`), the table `ebay`, the files for eBay and a
zip of them under `ebay_upload/date=…/`, a report on each feed under `reports/stock_feed/` with a CSV of the
rejected and unmatched rows, a summary under `reports/daily_stock/`, and copies of rejected workbooks under
`quarantine/`. Every stage sends a message to the SNS topic.

**Verdicts.** *Accepted*: the stock counts. *Held*: the list is readable but unlike this supplier's; it counts
only after a person releases it. *Rejected*: no workbook, unknown header, or too many rows without usable
stock. *Missing*: no file by the deadline. In these three cases the supplier's last snapshot stays in force.

**A feed is held?** The *Report* button says why; it is on the task `summarise`, under *Details*. If the list
is right, approve it under *Required actions* (a run of `approve_feed` waits there), or trigger this DAG with
that *run_date*, the supplier under *suppliers* and *release*, and a *release_reason*. If it is wrong, upload
the right file and run the day again for that supplier.

**When a task is red**

- `process_feed`: the program or AWS failed, not the feed. Read the log, clear it with *downstream*.
- `lock_tables`: another run has used a table for an hour, and the log names it. See what it is doing, then
  clear the task with *downstream*.
- `create_staging_table`: Athena failed; its reason is in the log. Clear it with *downstream*.
- `audit`: the new table is not sound (repeated listings, blanks), and nothing is published; the log names the
  check. Mend the cause and run the day again. A supplier or store that is only too far from what is published
  of it keeps that and stops no one else; `conclude` lists it. If the change is right, run the day again with
  its name under *accept_changes*.
- `carry_over`, `audit_again`: the same two steps for the table in which such suppliers keep their rows.
- `list_…`: a list for staff is missing; the stock is not affected. Clear it with *downstream* to get it.
- `ask_for_release`: `approve_feed` could not be started for a held feed. Release it by hand.
- `publish_ebay`: the table is already of a later date (run again with *publish_older_date* if you mean it),
  `rollback_ebay` changed it since the run began (run the day again once the table may be replaced), or S3
  failed (clear it with *downstream*).
- `conclude` alone: the table is published, and its log lists what needs attention: a feed held or rejected, a
  supplier stale or expired, a file that matches no supplier. Release the held feed, or upload a good file and
  run the day again.

**Files for eBay** contain what changed since the day before; once you have marked some as uploaded on the
page, all that eBay may not know. To start, or if unsure what eBay has, tick *full_upload*, upload, mark them.

**Running a day again** is always safe: trigger the DAG with that `run_date`, or clear the run. The same feeds
give the same table, and a worse file never replaces an accepted snapshot of the day.
"""

from __future__ import annotations

from airflow.providers.standard.operators.python import PythonOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, TriggerRule, XComArg

from aws_operators.athena import AthenaCheckOperator, AthenaPlanOperator, AthenaReplaceTableOperator
from aws_operators.glue import GluePartitionsOperator
from stock_airflow import forms, locks, settings
from stock_airflow.ending import end_of_run
from stock_airflow.feed_group import each_feed
from stock_airflow.tasks import daily_stock as tasks
from stock_airflow.telling import OWN_RESULT, tell, tell_made_message

# The message on the partitions is made when it is sent: only then is it known which there were.
MACROS = {**settings.MACROS, "partition_message": tasks.partition_message}
PARTITION_MESSAGE = f"partition_message({settings.RUN_DATE_EXPRESSION}, {OWN_RESULT})"

with DAG(
    dag_id="daily_stock",
    description="Supplier feeds in, eBay quantities and upload files out",
    doc_md=__doc__,
    schedule=settings.in_london("0 5 * * *"),
    params=forms.DAILY_STOCK,
    tags=["daily", "stock"],
    **(settings.dag_arguments() | {"user_defined_macros": MACROS}),
):
    plan_run = PythonOperator(
        task_id="plan_run",
        python_callable=tasks.plan_run,
        op_kwargs=settings.RUN,
    )
    feeds = each_feed(plan_run)
    list_held_feeds = PythonOperator(
        task_id="list_held_feeds",
        python_callable=tasks.list_held_feeds,
        op_kwargs={"feeds": feeds.output, "run_date": settings.RUN_DATE},
        trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS,
    )
    # Its own run waits for the answer, so that neither this run nor the next morning's has to.
    ask_for_release = TriggerDagRunOperator.partial(
        task_id="ask_for_release",
        trigger_dag_id="approve_feed",
        logical_date=None,
        skip_when_already_exists=True,
        openlineage_inject_parent_info=False,
        map_index_template=settings.named_by(list_held_feeds, "conf", "supplier"),
    ).expand_kwargs(list_held_feeds.output)
    register_snapshots = GluePartitionsOperator(
        task_id="register_snapshots",
        database=settings.DATABASE,
        table=settings.SUPPLIER_STOCK.name,
        partitions=XComArg(feeds, key="partition"),
        # A feed that failed holds up no other; if all did, or the run was never planned, nothing is built.
        trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS,
        outlets=[settings.SUPPLIER_STOCK],
        on_success_callback=tell_made_message(PARTITION_MESSAGE),
    )
    lock_tables = PythonOperator(task_id="lock_tables", **locks.locking(tasks.LOCKED))
    plan_table = PythonOperator(
        task_id="plan_table", python_callable=tasks.plan_table, op_kwargs=settings.RUN
    )
    statement = {"plan": plan_table.output, **settings.ATHENA}
    create_staging_table = AthenaReplaceTableOperator(
        task_id="create_staging_table",
        table=settings.STAGING_TABLE,
        query="ebay/create_staging.sql",
        inlets=[settings.PRODUCT, settings.STORE, settings.SUPPLIER_STOCK],
        **statement,
    )
    audit = AthenaCheckOperator(task_id="audit", query="ebay/audit.sql", **statement)
    lists = [
        AthenaPlanOperator(task_id=f"list_{name}", query=f"ebay/{name}.sql", **statement)
        for name in ("labels_without_listing", "listings_without_stock")
    ]
    plan_carry_over = PythonOperator(
        task_id="plan_carry_over",
        python_callable=tasks.plan_carry_over,
        op_kwargs={"plan": plan_table.output, "checks": audit.output, **settings.RUN},
    )
    carried_over = {"plan": plan_carry_over.output, **settings.ATHENA}
    carry_over = AthenaReplaceTableOperator(
        task_id="carry_over", table=settings.STAGING_TABLE, query="ebay/carry_over.sql", **carried_over
    )
    audit_again = AthenaCheckOperator(task_id="audit_again", query="ebay/audit.sql", **carried_over)
    publish_ebay = PythonOperator(
        task_id="publish_ebay",
        python_callable=tasks.publish_ebay,
        # No second audit is the rule: it is for the suppliers that fail the first.
        trigger_rule=TriggerRule.NONE_FAILED,
        op_kwargs={
            "plan": plan_table.output,
            "carried_over": plan_carry_over.output,
            "published": XComArg(plan_run, key="published"),
            **settings.RUN,
        },
        outlets=[settings.EBAY],
    )
    register_ebay = GluePartitionsOperator(
        task_id="register_ebay",
        database=settings.DATABASE,
        table=settings.EBAY.name,
        partitions=publish_ebay.output,
    )
    write_upload_files = PythonOperator(
        task_id="write_upload_files",
        python_callable=tasks.write_upload_files,
        op_kwargs={"stores": publish_ebay.output, **settings.RUN},
    )
    ending = end_of_run(
        tasks.summarise,
        {"planned": plan_run.output, "feeds": feeds.output, **settings.RUN},
        page=settings.REPORT_PAGE,
        planned=plan_run.output,
        named_by="supplier",
    )
    feeds >> list_held_feeds >> ask_for_release >> ending.conclude
    feeds >> register_snapshots >> lock_tables >> plan_table >> create_staging_table >> audit
    audit >> plan_carry_over >> carry_over >> audit_again
    [audit, audit_again] >> publish_ebay
    create_staging_table >> lists >> ending.summarise
    publish_ebay >> register_ebay >> write_upload_files
    write_upload_files >> tell("tell_ebay", write_upload_files) >> ending.summarise
