"""The tasks of `daily_stock` that there are for each supplier."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import TriggerRule, task_group

from aws_operators.s3 import S3KeyDeadlineSensor
from stock_airflow import settings
from stock_airflow.tasks import daily_stock as tasks
from stock_airflow.telling import tell_own_message


def each_feed(plan_run: PythonOperator) -> PythonOperator:
    """Make the tasks that wait for each planned supplier's file, judge it and tell.

    Returns:
        The task that judges, of which there is an instance for each supplier.
    """
    code = settings.named_by(plan_run, "supplier")

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
            map_index_template=code,
        )
        process_feed = PythonOperator(
            task_id="process_feed",
            python_callable=tasks.process_feed,
            op_kwargs={"supplier": supplier, **settings.RUN},
            map_index_template=code,
            # A wait that ended without a file is skipped; the feed is judged all the same, as missing.
            trigger_rule=TriggerRule.ALL_DONE,
            on_success_callback=tell_own_message(),
        )
        wait_for_file >> process_feed
        return process_feed

    # What the group returns comes out of the expansion: all instances of process_feed.
    return cast("PythonOperator", feed.expand_kwargs(plan_run.output))
