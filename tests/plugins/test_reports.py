"""Where the *Report* button of a task leads."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from aws_operators.reports import ReportLink, ReportOperator
from local_aws.environment import REGION
from tests.support.runs.stack import Stack

KEY = "reports/daily_stock/year=2024/month=08/day=01/summary.html"
PAGE = "https://stock.seller.example/report?day=2024-08-01"


def link(bucket: str, **arguments: Any) -> str:
    location = f"s3://{bucket}/{KEY}"
    task = ReportOperator(
        task_id="x", python_callable=lambda: {"page": location}, report_field="page", **arguments
    )
    task.execute({})
    return ReportLink().get_link(task, ti_key=None)


def connect(monkeypatch: pytest.MonkeyPatch, **extra: str) -> None:
    connection = {
        "conn_type": "aws",
        "login": "a",
        "password": "b",
        "extra": {"region_name": REGION, **extra},
    }
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))


def test_a_page_that_shows_it_comes_first(stack: Stack) -> None:
    assert link(stack.bucket, report_page=PAGE) == PAGE


@pytest.mark.parametrize("page", ["", "/report?day=2024-08-01", "javascript:alert(1)"])
def test_without_one_a_local_report_is_opened_by_a_signed_address(stack: Stack, page: str) -> None:
    stack.put(KEY, b"what happened")
    found = httpx.get(link(stack.bucket, report_page=page))
    assert (found.status_code, found.content) == (200, b"what happened")


@pytest.mark.parametrize("endpoint", [None, "https://bucket.vpce-1a2b.s3.eu-west-2.vpce.amazonaws.com"])
def test_on_aws_it_is_the_console_where_the_reader_signs_in(
    monkeypatch: pytest.MonkeyPatch, endpoint: str | None
) -> None:
    connect(monkeypatch, **({"endpoint_url": endpoint} if endpoint else {}))
    found = link("bucket")
    assert found.startswith(f"https://{REGION}.console.aws.amazon.com/s3/object/bucket?")
    assert "Signature" not in found


def test_there_is_no_link_without_a_report(stack: Stack) -> None:
    task = ReportOperator(task_id="x", python_callable=lambda: {"page": None}, report_field="page")
    task.execute({})
    assert ReportLink().get_link(task, ti_key=None) == ""
