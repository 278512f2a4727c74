"""### daily_stock: supplier feeds in, eBay quantities out.

Every morning at 05:00 London time, and by hand for any day.

**Reads** the workbooks `stock_feed/year=…/month=…/day=…/<SUPPLIER>_….xlsx`, waiting for each until the
deadline (a run for a past day takes what is there), and the tables `product`, `store` and `supplier_stock`.

**Writes** a snapshot for each accepted feed (`supplier_stock`), the table `ebay`, the files for eBay and one
zip of them under `ebay_upload/date=…/`, a report on each feed under `reports/stock_feed/` with a CSV of the
rows that were rejected or have no label, a summary under `reports/daily_stock/`, and copies of rejected
workbooks under `quarantine/`. Every stage is told on the SNS topic.

**What becomes of a feed.** *Accepted*: its stock counts. *Rejected* (no workbook, unknown header, too many
rows without usable stock): nothing of it counts. *Missing*: no file by the deadline. Unless it is accepted,
the supplier's last snapshot stays in force. One supplier's bad day stops nobody else.

**The run is red although the table is published?** Then somebody has to look at something, and the log of
`conclude` says at what. For all other suppliers nothing has to be done.

**When a task is red**

- `process_feed`: the program or AWS failed, not the feed. Read the log, clear the task with *downstream*.
- `create_staging_table`: Athena failed; its reason is in the log. Clear it with *downstream*.
- `audit`: the new table looks wrong and was not published; the log names the check, the supplier or store.
  Mend the cause and run the day again.
- `publish_ebay`: the table is of a later date already (run again with *publish_older_date* if you mean
  it), or S3 failed (clear it with *downstream*).
- `conclude` alone: a feed was rejected, a supplier is stale, or a file belongs to nobody. Get a good file,
  upload it, run the day again.

**Files that nobody uploaded** are not lost once somebody has marked a day's files as uploaded, in the front
end: from then on files tell whatever eBay was not told yet. Until then they tell what changed since
the day before, so a day that was never published is not in them. To start, tick *full_upload*, upload those
files and mark them; do the same whenever nobody knows what eBay was told.

**Running a day again** is always safe: trigger the DAG with that `run_date`, or clear the run. The same feeds
give the same table, and a worse file never replaces an accepted snapshot of the day.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from airflow.providers.amazon.aws.notifications.sns import SnsNotifier
from airflow.providers.amazon.aws.operators.sns import SnsPublishOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, CronTriggerTimetable, Param, TriggerRule, XComArg, task_group

import daily_stock_tasks as tasks
import stock_settings as settings
from aws_operators.athena import AthenaCheckOperator, AthenaReplaceTableOperator
from aws_operators.glue import GluePartitionsOperator
from aws_operators.s3 import S3KeyDeadlineSensor
from stock_pipeline.suppliers import load_suppliers
from task_support import tell

RUN: dict[str, Any] = {
    "run_date": settings.RUN_DATE,
    "bucket": settings.BUCKET,
    "database": settings.DATABASE,
}
ATHENA: dict[str, Any] = {"database": settings.DATABASE, "workgroup": settings.WORKGROUP, "sleep_time": 2}
SUPPLIER = "{{ ti.xcom_pull(task_ids='plan_run')[ti.map_index]['supplier'] }}"
STAGING_TABLE = "{{ ti.xcom_pull(task_ids='plan_table')['staging_table'] }}"

PARAMS = {
    "run_date": Param(
        None, type=["null", "string"], format="date", description="The day to run; empty is today in London."
    ),
    "suppliers": Param(
        [],
        type="array",
        items={"type": "string"},
        examples=list(load_suppliers().suppliers),
        description="Only these suppliers' feeds are read; empty is all. The table is made of all snapshots.",
    ),
    "dry_run": Param(False, type="boolean", description="Everything up to the audit; nothing is published."),
    "full_upload": Param(
        False, type="boolean", description="Upload files with every listing, not only those that changed."
    ),
    "publish_older_date": Param(
        False, type="boolean", description="Publish even if the ebay table is of a later date already."
    ),
}


OWN = "ti.xcom_pull(task_ids=ti.task_id, map_indexes=ti.map_index, key='{key}')"


with DAG(
    dag_id="daily_stock",
    description="Supplier feeds in, eBay quantities and upload files out",
    doc_md=__doc__,
    # Unpausing starts nothing by itself: the first scheduled run is the next morning's.
    schedule=CronTriggerTimetable("0 5 * * *", timezone=settings.LONDON, run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    default_args=settings.DEFAULT_ARGS,
    params=PARAMS,
    template_searchpath=settings.sql_folder(),
    user_defined_macros={**settings.MACROS, "partition_message": tasks.partition_message},
    tags=["daily", "stock"],
):
    plan_run = PythonOperator(
        task_id="plan_run", python_callable=tasks.plan_run, op_kwargs={"run_date": settings.RUN_DATE}
    )

    @task_group
    def feed(supplier: str, pattern: str) -> PythonOperator:
        """One supplier: wait for its file, judge it, tell."""
        wait_for_file = S3KeyDeadlineSensor(
            task_id="wait_for_file",
            bucket_name=settings.BUCKET,
            bucket_key=pattern,
            wildcard_match=True,
            deadline=f"{settings.RUN_DATE}T{settings.DEADLINE}",
            time_zone=settings.LONDON.name,
            poke_interval=60,
            # The deadline ends the wait; this is for the wait as a whole, not for work.
            execution_timeout=timedelta(days=1),
            map_index_template=SUPPLIER,
        )
        process_feed = PythonOperator(
            task_id="process_feed",
            python_callable=tasks.process_feed,
            op_kwargs={"supplier": supplier, **RUN},
            map_index_template=SUPPLIER,
            # A wait that ended without a file is skipped; the feed is judged all the same, as missing.
            trigger_rule=TriggerRule.ALL_DONE,
            on_success_callback=SnsNotifier(**tell(OWN.format(key="sns"))),
        )
        wait_for_file >> process_feed
        return process_feed

    # What the group returns comes out of the expansion: all instances of process_feed.
    feeds = cast("PythonOperator", feed.expand_kwargs(plan_run.output))
    register_snapshots = GluePartitionsOperator(
        task_id="register_snapshots",
        database=settings.DATABASE,
        table=settings.SUPPLIER_STOCK.name,
        partitions=XComArg(feeds, key="partition"),
        # Whoever failed keeps nobody up; if all did, or the run was never planned, nothing is built.
        trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS,
        outlets=[settings.SUPPLIER_STOCK],
        on_success_callback=SnsNotifier(
            **tell(f"partition_message({settings.RUN_DATE_EXPRESSION}, {OWN.format(key='return_value')})")
        ),
    )
    plan_table = PythonOperator(task_id="plan_table", python_callable=tasks.plan_table, op_kwargs=RUN)
    create_staging_table = AthenaReplaceTableOperator(
        task_id="create_staging_table",
        table=STAGING_TABLE,
        query="ebay/create_staging.sql",
        inlets=[settings.PRODUCT, settings.STORE, settings.SUPPLIER_STOCK],
        **ATHENA,
    )
    audit = AthenaCheckOperator(task_id="audit", query="ebay/audit.sql", **ATHENA)
    publish_ebay = PythonOperator(
        task_id="publish_ebay",
        python_callable=tasks.publish_ebay,
        op_kwargs={"plan": plan_table.output, **RUN},
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
        op_kwargs={"stores": publish_ebay.output, **RUN},
    )
    tell_ebay = SnsPublishOperator(
        task_id="tell_ebay", **tell("ti.xcom_pull(task_ids='write_upload_files', key='sns')")
    )
    summarise = PythonOperator(
        task_id="summarise",
        python_callable=tasks.summarise,
        op_kwargs=RUN,
        trigger_rule=TriggerRule.ALL_DONE,
    )
    tell_run = SnsPublishOperator(task_id="tell_run", **tell("ti.xcom_pull(task_ids='summarise', key='sns')"))
    conclude = PythonOperator(
        task_id="conclude",
        python_callable=tasks.conclude,
        op_kwargs={"summary": summarise.output},
        trigger_rule=TriggerRule.ALL_DONE,
    )
    feeds >> register_snapshots >> plan_table >> create_staging_table >> audit >> publish_ebay
    publish_ebay >> register_ebay >> write_upload_files >> tell_ebay >> summarise >> tell_run >> conclude
