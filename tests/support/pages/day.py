"""A day for the pages to show."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import boto3
import pytest

from local_aws.environment import client_arguments, client_environment
from stock_pipeline.messages import Event, Message
from stock_pipeline.suppliers import load_suppliers
from tests.support.runs.stack import Stack

DAY = date(2024, 8, 8)


SUPPLIERS = load_suppliers()


def set_environment(
    patch: pytest.MonkeyPatch,
    endpoint: str,
    bucket: str,
    database: str,
    queue_url: str = "http://127.0.0.1:1",
) -> None:
    """The page's environment variables."""
    values = client_environment(endpoint) | {
        "STOCK_BUCKET": bucket,
        "STOCK_DATABASE": database,
        "STOCK_WORKGROUP": "workgroup",
        "STOCK_QUEUE_URL": queue_url,
        "STOCK_AIRFLOW_URL": "http://127.0.0.1:1",
    }
    for name, value in values.items():
        patch.setenv(name, value)


@dataclass
class FakeApi:
    """An Airflow's REST API with runs that a test puts there; remembers what it was asked to start."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    started: list[dict[str, Any]] = field(default_factory=list)
    fault: Exception | None = None

    def address(self) -> str:
        return "http://airflow.example"

    def request(self, method: str, path: str, _params: Any, body: Any) -> dict[str, Any]:
        if self.fault:
            raise self.fault
        if method == "POST":
            self.started.append(body)
            return run_entry(state="queued", conf=body["conf"])
        if path.endswith("/taskInstances"):
            found = [{"dag_run_id": run["dag_run_id"]} | task for run in self.runs for task in self.tasks]
            return {"task_instances": found, "total_entries": len(found)}
        if path.endswith("/dagRuns"):
            return {"dag_runs": self.runs}
        return {"is_paused": False}


def run_entry(**changed: Any) -> dict[str, Any]:
    """A run as the REST API tells of it."""
    return {
        "dag_id": "daily_stock",
        "dag_run_id": "manual__1",
        "state": "running",
        "logical_date": None,
        "run_after": f"{DAY}T05:00:00Z",
        "start_date": f"{DAY}T05:00:00Z",
        "end_date": None,
        "conf": {"run_date": str(DAY)},
    } | changed


def tell(stack: Stack, supplier: str, day: date = DAY) -> None:
    """Send a message on a feed to the topic, as the pipeline does."""
    message = Message(
        event=Event.FEED_PROCESSED, run_date=day, subject=supplier, status="accepted", text="accepted"
    )
    sns = boto3.client("sns", **client_arguments(stack.endpoint))
    sns.publish(TopicArn=stack.topic_arn, Message=message.model_dump_json())


def put_report(stack: Stack, supplier: str, verdict: str = "accepted", day: date = DAY, **more: Any) -> None:
    """Put a feed's report where a run leaves it."""
    from stock_pipeline.lake.locations import stock_feed_report_key

    report = {"run_date": str(day), "supplier": supplier, "verdict": verdict, "reason": f"{verdict} it is"}
    body = json.dumps(report | more).encode()
    stack.s3.put_object(Bucket=stack.bucket, Key=stock_feed_report_key(day, supplier), Body=body)


def at(hour: int, minute: int = 0) -> datetime:
    """A moment of the day."""
    return datetime(DAY.year, DAY.month, DAY.day, hour, minute, tzinfo=UTC)
