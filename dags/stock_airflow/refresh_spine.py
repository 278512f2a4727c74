"""How an uploaded file gets into its table: the tasks that weekly_store and monthly_product share."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import Asset, TriggerRule, XComArg

from aws_operators.athena import AthenaCheckOperator, AthenaReplaceTableOperator
from aws_operators.glue import GluePartitionsOperator
from stock_airflow import settings
from stock_airflow.tasks import refresh as tasks
from stock_airflow.telling import tell_own_message
from stock_pipeline.lake.tables import Table


def refresh(
    table: Table, asset: Asset, *, subject: str, file: Any, named: str | None = None
) -> tuple[PythonOperator, PythonOperator]:
    """Make the tasks that read a file, merge it, look at the result, publish it and report.

    Args:
        table: the table.
        asset: of the table, for what is published or registered last.
        subject: what of the table the file is about: a store, or the table's name.
        file: the file, as the task that planned the run returned it; None if there is none.
        named: what an instance of a mapped task is called, as a template.

    Returns:
        The first and the last of them.
    """
    about: dict[str, Any] = {"table": table.name, "subject": subject, **settings.RUN}
    every: dict[str, Any] = {"map_index_template": named}
    statement: dict[str, Any] = {**every, "max_active_tis_per_dagrun": 4, **settings.ATHENA}
    # Two at a time, because a list of a million rows needs memory; the rest is Athena's work.
    read_file = PythonOperator(
        task_id="read_file",
        python_callable=tasks.read_file,
        op_kwargs={**about, "file": file},
        max_active_tis_per_dagrun=2,
        **every,
    )
    create_staging_table = AthenaReplaceTableOperator(
        task_id="create_staging_table",
        plan=read_file.output,
        table=settings.STAGING_TABLE,
        query=f"{table.name}/create_staging.sql",
        **statement,
    )
    audit = AthenaCheckOperator(
        task_id="audit", plan=read_file.output, query=f"{table.name}/audit.sql", **statement
    )
    judged = {"report": XComArg(read_file, key="report"), "checks": audit.output}
    publish = PythonOperator(
        task_id=f"publish_{table.name}",
        python_callable=tasks.publish,
        op_kwargs={**about, "plan": read_file.output, **judged},
        outlets=[] if table.partition_keys else [asset],
        **every,
    )
    report = PythonOperator(
        task_id=f"report_{table.name}",
        python_callable=tasks.report,
        op_kwargs={
            **about,
            "file": file,
            "plan": read_file.output,
            "reader": read_file.task_id,
            "publisher": publish.task_id,
        },
        trigger_rule=TriggerRule.ALL_DONE,
        on_success_callback=tell_own_message(),
        **every,
    )
    create_staging_table >> audit
    publish >> report
    if table.partition_keys:
        register = GluePartitionsOperator(
            task_id=f"register_{table.name}",
            database=settings.DATABASE,
            table=table.name,
            partitions=publish.output,
            outlets=[asset],
            **every,
        )
        register >> report
    return read_file, report
