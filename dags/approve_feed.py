"""### approve_feed: a person decides on a held feed.

`daily_stock` starts a run of this DAG for each feed that it holds, named by day, supplier and file, so nobody
is asked twice about the same file. It waits without holding a worker slot, and holds up neither the other
suppliers nor the table.

**Reads** nothing but its parameters: which feed, why it was held, where its report is.

**Writes** nothing itself. *Approve* starts `daily_stock` for that day and supplier with the feed released;
the report then says who released it and why. *Reject* leaves everything as it is.

**What to do.** Open *Required actions* (on the run, or on Airflow's home page), read why the feed is held,
look at the report and at the workbook. Is the list really this supplier's, and right? Approve it and give the
reason. Otherwise reject it, get a good file, upload it and run the day again.

**Nobody answers?** After 20 hours, before the next morning's run, the question lapses as rejected. A feed
can still be released by hand: trigger `daily_stock` with its day as *run_date*, the supplier under
*suppliers* and *release*, and a *release_reason*.

**When a task is red**

- `release`: `daily_stock` is paused. Unpause it and clear the task.
- The run it started is red: see that run's own log. If the ebay table is of a later date by then, the
  released stock counts from the next run on.

**Running it again** is safe: clear the run and answer again. A file that was changed since is judged anew,
whatever was approved.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param

import stock_settings as settings

# One template for the whole, because Airflow renders the values of a dictionary but not its keys.
RELEASE = """
{%- set answer = ti.xcom_pull(task_ids="decide") -%}
{{ {
    "run_date": params.run_date,
    "suppliers": [params.supplier],
    "release": [params.supplier],
    "release_reason": answer["params_input"].get("why") or "no reason was given",
    "released_by": answer["responded_by_user"]["name"],
    "release_files": {params.supplier: params.sha256},
} | tojson }}"""
PARAMS = {
    "run_date": settings.run_date_param("The feed's day, {days}."),
    "supplier": Param(None, type=["null", "string"], description="The supplier whose feed is held."),
    "sha256": Param(None, type=["null", "string"], description="Of the file that was held."),
    "reason": Param(None, type=["null", "string"], description="Why it was held."),
    "report": Param(None, type=["null", "string"], description="Where the report on it is."),
}

with DAG(
    dag_id="approve_feed",
    description="A person releases a held feed, or does not",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    # Only daily_stock starts it, and what it asks must not wait for somebody to unpause it.
    is_paused_upon_creation=False,
    max_active_runs=50,
    default_args=settings.DEFAULT_ARGS,
    params=PARAMS,
    tags=["daily", "stock"],
):
    decide = ApprovalOperator(
        task_id="decide",
        subject="Release {{ params.supplier }}'s feed of {{ params.run_date }}?",
        body="{{ params.reason }}\n\nThe report: `{{ params.report }}`",
        defaults=ApprovalOperator.REJECT,
        response_timeout=timedelta(hours=20),
        # It ends the asking, not the waiting, which has a limit of its own.
        execution_timeout=None,
        # Not called like a parameter of the DAG, whose value Airflow would fill in.
        params={"why": Param(None, type=["null", "string"], description="Why the feed is right.")},
    )
    release = TriggerDagRunOperator(
        task_id="release",
        trigger_dag_id="daily_stock",
        logical_date=None,
        conf=cast("Any", RELEASE),  # it takes JSON text too
        fail_when_dag_is_paused=True,
        openlineage_inject_parent_info=False,
    )
    decide >> release
