"""### prune_old_data: what is older than a month goes.

Every night at 23:00 London time, and by hand.

**Reads** the catalog, and the lists of objects under `supplier_stock/` and `staging/`.

**Writes** a report under `reports/prune_old_data/` that names all that goes, with sizes. **Deletes**

- partitions of `supplier_stock` that are older than one calendar month, but no supplier's newest: on 31 March
  those of 27 February and before. First the catalog entry, then its files.
- staging tables and folders under `staging/` that nothing was done with for three days: what failed and dry
  runs left.

Nothing else can be named: only keys of old days' snapshots and keys under `staging/`, and of these none that
is where a remaining catalog entry points to. The bucket keeps deleted files as old versions for 30 days.

**A supplier's newest snapshot** stays however old it is, and so does the record of its codes: the next list
is compared with it, and its listings stay in the table `ebay`. The report says whose is kept and how old it
is. `daily_stock` calls such stock expired, and is red about it until there is a good list.

**When a task is red**

- `list_old_data`, `delete_old_data`: AWS failed, or another run was still at work on `supplier_stock` after
  an hour; the log names it. Clear the task with *downstream*, or leave it to the next night.
- `conclude` alone: something is not as it should be and was left alone. Its log says what; the report has it
  in full.

**Running a day again** is always safe: trigger the DAG with that `run_date`, or clear the run. With `dry_run`
it only lists. What comes back from a run of `daily_stock` for a day longer ago goes again the next night.
"""

from __future__ import annotations

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

from stock_airflow import forms, settings
from stock_airflow.ending import end_of_run
from stock_airflow.tasks import prune_old_data as tasks
from stock_airflow.telling import tell

PARAMS = {
    "run_date": forms.run_date(
        "What is older than a month on this day goes. A day {days}; empty is today in London."
    ),
    "dry_run": forms.dry_run("Only list what would go; nothing is deleted."),
}


with DAG(
    dag_id="prune_old_data",
    description="Stock older than a month and forgotten staging tables go",
    doc_md=__doc__,
    schedule=settings.in_london("0 23 * * *"),
    params=PARAMS,
    tags=["daily", "housekeeping"],
    **settings.dag_arguments(),
):
    list_old_data = PythonOperator(
        task_id="list_old_data", python_callable=tasks.list_old_data, op_kwargs=settings.RUN
    )
    delete_old_data = PythonOperator(
        task_id="delete_old_data",
        python_callable=tasks.delete_old_data,
        op_kwargs=settings.RUN,
        outlets=[settings.SUPPLIER_STOCK],
        **settings.WAITING,
    )
    ending = end_of_run(tasks.summarise, settings.RUN)
    list_old_data >> delete_old_data >> tell("tell_deleted", delete_old_data) >> ending.summarise
