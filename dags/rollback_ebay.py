"""### rollback_ebay: the table as it was on an earlier date, and eBay told so.

By hand only, when wrong quantities were published: *Trigger*, choose the date of the table to go back to, say
why. Some thirty days can be gone back to, for that long the bucket keeps replaced files. Do a `dry_run`
first: it tells for each store how many listings change, come back and go, and writes nothing.

**Reads** the versions of the files of `ebay`. Of several tables published for one date the last counts.

**Writes** the files of `ebay`, each with who, why and what it replaced in its metadata; upload files with the
earlier quantity of every listing that differs, and a zip of them, under
`ebay_upload/rollback_to=…_from=…/`, which no other run touches; a report under `reports/rollback_ebay/`.

**Then upload the zip to eBay.** Until that is done, eBay still has the wrong quantities.

**What cannot be undone.** A listing the earlier table does not know keeps on eBay what it was sent since. The
report counts them and names a CSV of them; look at it. A store that came into the table later stays as it is.
A store that has left it since comes back.

**Runs of `daily_stock`** that began before this one publish nothing over it: they end red and say so. **The
next run** makes the table from the suppliers' stock again, so mend first what was
wrong: release nothing, replace the bad feed and run its day again. Unless uploads are marked as done, tick
*full_upload* there once: its files would tell only what changed from one stock to the next.

**When a task is red**

- `plan_rollback`: there is no such table, and its log says which dates there are; or a parameter is wrong;
  or a run of `daily_stock` is at work on the table. Then its log names that run: wait for its end, or mark it
  as failed, and look at the table before you start this again. Nothing was changed.
- `roll_back`: a run of `daily_stock` published meanwhile (look at the table, and start again if it is still
  wrong), or S3 failed (clear it with *downstream*).
- `register_ebay`, `write_upload_files`: AWS failed. Clear the task with *downstream*.
- `conclude` alone: it is done, and there are listings or stores that could not be put back.

**Running a day again** is always safe: the same stores and date once more give the same table and the same
upload files, as long as nothing else was published in between.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, Param

from aws_operators.glue import GluePartitionsOperator
from stock_airflow import forms, settings
from stock_airflow.ending import end_of_run
from stock_airflow.tasks import rollback_ebay as tasks
from stock_airflow.telling import tell
from stock_pipeline.lake.tables import STORES

RUN: dict[str, Any] = {"run_date": settings.RUN_DAY, **settings.LAKE}

PARAMS = {
    "table_date": forms.required_date("The date of the table to go back to, {days}."),
    "stores": forms.names(STORES, "Only these stores are put back; empty is the whole table."),
    "reason": Param(type="string", minLength=1, description="Why; it is kept with the table."),
    "dry_run": forms.dry_run("Only tell what would change; nothing is written."),
}


with DAG(
    dag_id="rollback_ebay",
    description="The ebay table as it was on an earlier date, with upload files that tell eBay",
    doc_md=__doc__,
    schedule=None,
    params=PARAMS,
    tags=["manual", "stock"],
    **settings.dag_arguments(),
):
    plan_rollback = PythonOperator(
        task_id="plan_rollback", python_callable=tasks.plan_rollback, op_kwargs=RUN
    )
    roll_back = PythonOperator(
        task_id="roll_back",
        python_callable=tasks.roll_back,
        op_kwargs={"plan": plan_rollback.output, **RUN},
        outlets=[settings.EBAY],
    )
    register_ebay = GluePartitionsOperator(
        task_id="register_ebay",
        database=settings.DATABASE,
        table=settings.EBAY.name,
        partitions=roll_back.output,
    )
    write_upload_files = PythonOperator(
        task_id="write_upload_files",
        python_callable=tasks.write_upload_files,
        op_kwargs={"plan": plan_rollback.output, **RUN},
    )
    tell_ebay = tell("tell_ebay", write_upload_files)
    ending = end_of_run(tasks.summarise, RUN)
    plan_rollback >> roll_back >> register_ebay >> write_upload_files >> tell_ebay >> ending.summarise
