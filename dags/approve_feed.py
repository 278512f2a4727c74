"""### approve_feed: a person decides on a held feed.

`daily_stock` starts a run of this DAG for each feed that it holds, named by day, supplier and file, so no one
is asked twice about the same file. It waits without holding a worker slot, and holds up neither the other
suppliers nor the table.

**Reads** the report on the feed, under `reports/stock_feed/`. Its parameters only say which feed it is.

**Writes** the answer under `reports/approve_feed/`: who, when and why. *Approve* starts `daily_stock` for
that day and supplier with the feed released; the report then says who released it and why. *Reject* leaves
everything else as it is.

**What to do.** Open *Required actions* (on the run, or on Airflow's home page), read why the feed is held,
look at the report and at the workbook. Is the list really this supplier's, and right? Give the reason and
approve it. Otherwise say what is wrong and reject it, get a good file, upload it and run the day again. The
buttons come alive once there is a reason.

**No one answers?** After 20 hours, before the next morning's run, the question lapses as rejected. A feed
can still be released by hand: trigger `daily_stock` with its day as *run_date*, the supplier under
*suppliers* and *release*, and a *release_reason*.

**`describe` and all after it are skipped?** There is nothing to ask any more: another file was judged since,
or this one was released. The log of `describe` says which.

**When a task is red**

- `describe`: a parameter cannot be used, or there is no report; the log says which.
- `take_answer`: the feed was approved without a reason, through the API. Clear `decide` with *downstream* and
  answer again.
- `release`: `daily_stock` is paused. Unpause it and clear the task.
- The run it started is red: see that run's own log. If the ebay table is of a later date by then, the
  released stock counts from the next run on.

**Running it again** is safe: clear the run and answer again. A file that was changed since is judged again,
whatever was approved.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param

from stock_airflow import forms, settings
from stock_airflow.tasks import approve_feed as tasks

# References only, each of a form that is checked before any task sees it.
PARAMS = {
    "run_date": forms.required_date("The feed's day, {days}."),
    "supplier": Param(type="string", enum=forms.SUPPLIERS, description="The supplier whose feed is held."),
    "sha256": Param(**forms.SHA256, description="SHA-256 of the file that was held."),
}

with DAG(
    dag_id="approve_feed",
    description="A person releases a held feed, or does not",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    # Only daily_stock starts it, and what it asks must not wait for someone to unpause it.
    is_paused_upon_creation=False,
    max_active_runs=50,
    default_args=settings.DEFAULT_ARGS,
    params=PARAMS,
    tags=["daily", "stock"],
):
    describe = PythonOperator(
        task_id="describe",
        python_callable=tasks.describe,
        op_kwargs={**settings.LAKE, "page": settings.FRONT_END},
    )
    # Not the ApprovalOperator, which on Reject skips the task that keeps the answer.
    decide = HITLOperator(
        task_id="decide",
        options=[tasks.APPROVE, tasks.REJECT],
        defaults=tasks.REJECT,
        subject="Release {{ params.supplier }}'s feed of {{ params.run_date }}?",
        # As an XCom it is taken as it is. A template would be rendered, with what suppliers typed in it.
        body=cast("Any", describe.output),
        response_timeout=timedelta(hours=20),
        # It ends the asking, not the waiting, which has its own limit.
        execution_timeout=None,
        # Not called like a parameter of the DAG, whose value Airflow would fill in. With None as the default
        # the form sends "[object Object]"; with a blank it keeps its buttons off until something is typed.
        params={"why": Param("", type="string", description="Why the list is right, or what is wrong.")},
    )
    take_answer = PythonOperator(
        task_id="take_answer",
        python_callable=tasks.take_answer,
        op_kwargs={"answer": decide.output, **settings.LAKE},
    )
    release = TriggerDagRunOperator(
        task_id="release",
        trigger_dag_id="daily_stock",
        logical_date=None,
        conf=cast("Any", take_answer.output),  # an XCom, as above
        fail_when_dag_is_paused=True,
        openlineage_inject_parent_info=False,
    )
    describe >> decide >> take_answer >> release
