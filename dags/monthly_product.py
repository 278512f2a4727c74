"""### monthly_product: which parts make up which label, from a file into the table `product`.

On the 1st of every month at 12:00 London time, long after the daily run, and by hand for any day.

**Reads** the newest workbook or CSV under `product_feed/year=…/month=…/day=…/` of the day and of the thirty
days before it, and the table `product`. Its first row names the columns custom_label, part_number, supplier.

**Writes** `product` as a whole; the bucket keeps the version before. A report and a summary under
`reports/monthly_product/`, with a CSV of the rows that were left out, and a copy of a rejected file under
`quarantine/`. It is told on the SNS topic what happened to the mapping, and that the run has ended.

A part may have several labels and a label several parts; a row that is there twice counts once. A label
with a row in which something is blank is left out as a whole, because half a kit would be a wrong quantity.
A supplier that the suppliers file does not have is taken and reported.

**What happens to the file.** *Accepted*: it is the mapping from now on. *Held*: the mapping, or one
supplier's part of it, would lose a fifth of its rows, a supplier would vanish, or more than 1 % of the rows
have a blank field; nothing is changed. *Rejected*: it cannot be read or has another header. **No file at
all** is no failure: the run ends green, and says that there was nothing to do.

**When a task is red**

- `conclude` alone: the mapping is held or rejected; its log says what to do. Release a held one by running
  the day again with `release` and `release_reason`.
- `read_file` or `create_staging_table`: the program or AWS failed, not the file. Clear it with *downstream*.
- `audit`: the staged mapping is not what the file says, and was not published; the log names the check.
- `publish_product`: the table is of a later date already (run again with `publish_older_date` if you mean
  it), or S3 failed (clear it with *downstream*).

**Running a day again** is always safe: the same file gives the same table.
"""

from __future__ import annotations

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

from stock_airflow import forms, locks, settings
from stock_airflow.ending import end_of_run
from stock_airflow.refresh_spine import refresh
from stock_airflow.tasks import monthly_product as tasks
from stock_pipeline.lake.tables import PRODUCT

PARAMS = {
    "run_date": forms.run_date(),
    "release": forms.flag("Publish a held mapping that someone has looked at."),
    "release_reason": forms.release_reason("Why it is released; it is kept in the report."),
    "publish_older_date": forms.publish_older_date("the table"),
    "dry_run": forms.dry_run(),
}

with DAG(
    dag_id="monthly_product",
    description="Which parts make up which label, from a file into the table product",
    doc_md=__doc__,
    schedule=settings.in_london("0 12 1 * *"),
    params=PARAMS,
    tags=["monthly", "tables"],
    **settings.dag_arguments(),
):
    plan_run = PythonOperator(
        task_id="plan_run",
        python_callable=tasks.plan_run,
        op_kwargs=settings.RUN,
    )
    lock_tables = PythonOperator(task_id="lock_tables", **locks.locking(tasks.LOCKED))
    read_file, report_product = refresh(PRODUCT, settings.PRODUCT, subject=PRODUCT.name, file=plan_run.output)
    ending = end_of_run(
        tasks.summarise,
        {
            "file": plan_run.output,
            "report": report_product.output,
            "planner": plan_run.task_id,
            "run_date": settings.RUN_DATE,
            **settings.LAKE,
        },
    )
    plan_run >> lock_tables >> read_file
    report_product >> ending.summarise
