"""What the Python tasks of approve_feed call; the domain is imported within the functions."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException

from stock_airflow.run_helpers import check_run, open_lake

APPROVE, REJECT = ApprovalOperator.APPROVE, ApprovalOperator.REJECT

log = logging.getLogger(__name__)


def describe(
    *, bucket: str, database: str, page: str, params: dict[str, Any], dag: DAG, dag_run: Any, **_: Any
) -> str:
    """Check the parameters and read the report; returns the question, in Markdown.

    Skipped if there is nothing to ask any more.
    """
    from stock_pipeline.errors import NothingToAskError
    from stock_pipeline.feeds.approval import question

    lake = open_lake(bucket, database)
    day = check_run(params["run_date"], dag, dag_run)
    try:
        return question(lake, run_date=day, **_feed(params), page=page)
    except NothingToAskError as error:
        raise AirflowSkipException(str(error)) from error


def take_answer(
    *, answer: dict[str, Any], bucket: str, database: str, params: dict[str, Any], ti: Any, **_: Any
) -> Any:
    """Keep the answer; returns the parameters of the run that releases the feed, or is skipped."""
    from stock_pipeline.feeds.approval import decide, printable, write_decision

    lake = open_lake(bucket, database)
    day = date.fromisoformat(params["run_date"])
    approved = answer["chosen_options"] == [APPROVE]
    decision = decide(answer, approved=approved, run_date=day, **_feed(params))
    location = write_decision(lake, ti.run_id, decision)
    said = f"{decision.answer} by {decision.by}: {decision.reason or 'no reason was given'}"
    log.info("%s. Kept in %s", printable(said, 3_000), location)
    if decision.answer != "approved":
        raise AirflowSkipException(f"Not released: everything stays as it is. The answer is in {location}")
    return decision.release


def _feed(params: dict[str, Any]) -> dict[str, str]:
    return {"supplier": params["supplier"], "sha256": params["sha256"]}
