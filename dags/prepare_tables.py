"""### prepare_tables: the tables product and store from nothing but uploaded files.

By hand, once before the first daily run; the same on AWS as on a laptop.

**Reads** what monthly_product and weekly_store read: the mapping under `product_feed/`, and the full list of
each store under `store_feed/`, in the folder of the day or of those shortly before it.

**Writes** the tables `product` and `store`, by a run of each of these two DAGs for the day, the stores' files
taken as full lists. Then it sees to it that every file of `store` is a partition in the catalog, those too
that someone copied there by hand.

**When a task is red**

- `plan_run`: the catalog lacks a table; create the resources from the template first.
- `refresh_product` or `refresh_stores`: the DAG of that name is paused, or its run ended red; look there, it
  says what is wrong with which file. All sound stores are in the table all the same.
- `register_partitions`: AWS failed; clear it with *downstream*.
- `check_tables` alone: a table still lacks something; its log says what to upload.

**Running a day again** is always safe: a store that has its listings already is compared with them as on any
Sunday, so a list that lost a fifth of them is held.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.python import PythonOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, TriggerRule

from aws_operators.glue import GluePartitionsOperator
from stock_airflow import forms, settings
from stock_airflow.tasks import prepare_tables as tasks

# A run of the other DAG waits in the triggerer and holds no worker slot.
REFRESH: dict[str, Any] = {
    "logical_date": None,
    "wait_for_completion": True,
    "deferrable": True,
    "poke_interval": 15,
    "fail_when_dag_is_paused": True,
    "openlineage_inject_parent_info": False,
    # A second try would be a second run, and what ended red needs a person.
    "retries": 1,
    # Sixteen stores of a million listings, two at a time.
    "execution_timeout": timedelta(hours=6),
}

with DAG(
    dag_id="prepare_tables",
    description="The tables product and store from nothing but uploaded files",
    doc_md=__doc__,
    schedule=None,
    params={"run_date": forms.run_date()},
    tags=["tables"],
    **settings.dag_arguments(),
):
    plan_run = PythonOperator(
        task_id="plan_run",
        python_callable=tasks.plan_run,
        op_kwargs=settings.RUN,
    )
    refresh_product = TriggerDagRunOperator(
        task_id="refresh_product",
        trigger_dag_id="monthly_product",
        conf={"run_date": settings.RUN_DATE},
        **REFRESH,
    )
    refresh_stores = TriggerDagRunOperator(
        task_id="refresh_stores",
        trigger_dag_id="weekly_store",
        conf={"run_date": settings.RUN_DATE, "replace_store": True},
        **REFRESH,
    )
    list_partitions = PythonOperator(
        task_id="list_partitions",
        python_callable=tasks.list_partitions,
        op_kwargs=settings.LAKE,
        # One store's bad file is no reason to leave out the others.
        trigger_rule=TriggerRule.ALL_DONE,
    )
    register_partitions = GluePartitionsOperator(
        task_id="register_partitions",
        database=settings.DATABASE,
        table=settings.STORE.name,
        partitions=list_partitions.output,
    )
    check_tables = PythonOperator(
        task_id="check_tables",
        python_callable=tasks.check_tables,
        op_kwargs=settings.LAKE,
        trigger_rule=TriggerRule.ALL_DONE,
    )
    plan_run >> [refresh_product, refresh_stores] >> list_partitions >> register_partitions >> check_tables
