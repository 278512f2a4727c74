"""The page's settings and clients, on the template's resources and an Airflow that only remembers."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from frontend import guard
from frontend.services import airflow, aws, live
from frontend.services.settings import settings
from local_aws.environment import client_arguments, client_environment
from local_aws.server import LocalAws
from stock_pipeline.messages import Event, Message
from stock_pipeline.suppliers import load_suppliers
from tests.end_to_end.stack import Stack
from tests.stock_pipeline.lake import Lake

CACHED: tuple[Any, ...] = (
    settings,
    aws.s3_client,
    aws.glue_client,
    aws.athena_client,
    aws.sqs_client,
    airflow.airflow,
)
DAY = date(2024, 8, 8)
SUPPLIERS = load_suppliers()
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _nothing_is_kept_between_tests() -> Iterator[None]:
    for cached in CACHED:
        cached.cache_clear()
    # Streamlit's AppTest runs the page without a server, so there is nothing to guard.
    guard._standing = True
    yield
    guard._standing = False
    live.stop()
    for cached in CACHED:
        cached.cache_clear()


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


@pytest.fixture
def lake(local_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A bucket and tables of the test's own, which the page works on."""
    arguments = client_arguments(local_aws.endpoint_url)
    name = f"page-{next(_numbers)}"
    set_environment(monkeypatch, local_aws.endpoint_url, name, name)
    return Lake(boto3.client("s3", **arguments), boto3.client("glue", **arguments), name, tmp_path).create()


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
    from stock_pipeline.locations import stock_feed_report_key

    report = {"run_date": str(day), "supplier": supplier, "verdict": verdict, "reason": f"{verdict} it is"}
    body = json.dumps(report | more).encode()
    stack.s3.put_object(Bucket=stack.bucket, Key=stock_feed_report_key(day, supplier), Body=body)


def at(hour: int, minute: int = 0) -> datetime:
    """A moment of the day."""
    return datetime(DAY.year, DAY.month, DAY.day, hour, minute, tzinfo=UTC)
