"""### weekly_store: the stores' listings, from their files into the table `store`.

Every Sunday at 14:00 London time, long after the daily run, and by hand for any day.

**Reads** `store_feed/year=…/month=…/day=…/<STORE>_….xlsx` or `.csv` of the day and of the six days before it,
of several files for one store the newest, and the table `store`. A workbook `RTG_….xlsx` or `CPO_….xlsx` has
a sheet for each store instead: its sheet FPS is the store RTG_FPS. The first row names the twelve columns
item_id, brand, custom_label, current_quantity, title, current_price, prefix, uk_rtg, fps_wds_dir,
payment_profile_name, shipping_profile_name, return_profile_name, in this order.

**Writes** the partitions of `store` of the stores that have a file, and of no other; a report on each store
and a summary under `reports/weekly_store/`, with a CSV of the rejected rows; copies of rejected files under
`quarantine/`. Every store is told on the SNS topic, and the end of the run.

**A file is a list of changes** unless *replace_store* is ticked: its listings are added or replaced, by
item_id, and all others stay. With `replace_store` it is all that the store has, and listings it does not name
are removed. The supplier is RTG where uk_rtg is RTG or prefix is blank, else what follows the last `-` of
prefix. A code that the suppliers file does not have is taken and reported: its listings wait for stock.

**What happens to a file.** *Accepted*: the store is replaced. *Held*: a fifth of the store would go, a
supplier would vanish from it, or the listings look like another store's; nothing is changed. *Rejected*: it
cannot be read, has another header, or more than 5 % of its rows cannot be used. A single rejected row leaves
its listing as it is. One store's bad file never stops the others. **No file at all** is no failure: the run
ends green, and says that there was nothing to do.

**When a task is red**

- `conclude` alone: a store is held or rejected, or a file belongs to no supplier; its log says what to do.
  Release a held store by running the day again with `release` and `release_reason`.
- `read_file` or `create_staging_table`: the program or AWS failed, not the file. Clear it with *downstream*.
- `audit`: the merged store is not sound and was not published; the log names the check. A listing that is
  there twice from before goes with a `replace_store`.
- `publish_store`: the store is of a later date already (run again with `publish_older_date` if you mean it),
  or S3 failed (clear it with *downstream*).

**Running a day again** is always safe: the same files give the same table.
"""

from __future__ import annotations

from typing import Any, cast

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, task_group

from stock_airflow import forms, locks, settings
from stock_airflow.ending import end_of_run
from stock_airflow.refresh_spine import refresh
from stock_airflow.tasks import weekly_store as tasks
from stock_pipeline.lake.tables import STORE, STORES

PARAMS = {
    "run_date": forms.run_date(),
    "stores": forms.names(STORES, "Only these stores' files are read; empty is all that have one."),
    "replace_store": forms.flag("The files are full lists: listings they do not name are removed."),
    "release": forms.names(
        STORES, "Held stores that someone has looked at; their files are published all the same."
    ),
    "release_reason": forms.release_reason("Why they are released; it is kept in the report."),
    "publish_older_date": forms.publish_older_date("a store"),
    "dry_run": forms.dry_run(),
}

with DAG(
    dag_id="weekly_store",
    description="The stores' listings, from their files into the table store",
    doc_md=__doc__,
    schedule=settings.in_london("0 14 * * 0"),
    params=PARAMS,
    tags=["weekly", "tables"],
    **settings.dag_arguments(),
):
    plan_run = PythonOperator(
        task_id="plan_run",
        python_callable=tasks.plan_run,
        op_kwargs=settings.RUN,
    )

    # One lock for all stores of the run, so that they need not wait for each other.
    lock_tables = PythonOperator(task_id="lock_tables", **locks.locking(tasks.LOCKED))

    @task_group(group_id="store")
    def refresh_store(store: str, file: dict[str, Any]) -> PythonOperator:
        """One store: read its file, merge it, look at the result, publish it, tell."""
        _, report = refresh(
            STORE, settings.STORE, subject=store, file=file, named=settings.named_by(plan_run, "store")
        )
        return report

    # What the group returns comes out of the expansion: all instances of report_store.
    stores = cast("PythonOperator", refresh_store.expand_kwargs(plan_run.output))
    ending = end_of_run(
        tasks.summarise,
        {
            "planned": plan_run.output,
            "reports": stores.output,
            "planner": plan_run.task_id,
            "run_date": settings.RUN_DATE,
            **settings.LAKE,
        },
        planned=plan_run.output,
        named_by="store",
    )
    plan_run >> lock_tables >> stores >> ending.summarise
