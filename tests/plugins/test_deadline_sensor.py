"""The wait for a file: found, too late, still time, and everything that can go wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest
from airflow.sdk.exceptions import AirflowException, AirflowSkipException, TaskDeferralError, TaskDeferred
from botocore.exceptions import ClientError

from aws_operators.s3 import S3KeyDeadlineSensor
from tests.support.runs.stack import Stack

LONDON = pendulum.timezone("Europe/London")
CONTEXT = {"dag": SimpleNamespace(timezone=LONDON)}
PREFIX = "stock_feed/year=2024/month=08/day=01/"
SENT_TO_FAIL = "__fail__"
PAST = "2024-08-01T09:00"


def sensor(stack: Stack, deadline: str = PAST, supplier: str = "BGA", **others: Any) -> S3KeyDeadlineSensor:
    return S3KeyDeadlineSensor(
        task_id="wait",
        bucket_name=others.pop("bucket", stack.bucket),
        bucket_key=f"{PREFIX}{supplier}[ _.]*",
        wildcard_match=True,
        deadline=deadline,
        poke_interval=60,
        **others,
    )


def london(delta: timedelta) -> str:
    """A time of day in London without an offset, as the DAG gives it."""
    return (datetime.now(UTC) + delta).astimezone(LONDON).replace(tzinfo=None).isoformat()


@pytest.fixture(scope="module", autouse=True)
def files(stack: Stack) -> None:
    for name in ("BGA SF.xlsx", "FAI_0800.xlsx", "KYB.xlsx", "ROLLCO.xlsx", "~$SMP.xlsx", "SMPX SF.xlsx"):
        stack.put(PREFIX + name, b"")


@pytest.mark.parametrize("supplier", ["BGA", "FAI", "KYB"])
@pytest.mark.parametrize("hours", [-1, 1])
def test_a_file_that_is_there_ends_the_wait(stack: Stack, supplier: str, hours: int) -> None:
    sensor(stack, london(timedelta(hours=hours)), supplier).execute(CONTEXT)


@pytest.mark.parametrize("supplier", ["RTG", "ROL", "SMP"])
def test_after_the_deadline_nothing_is_waited_for(stack: Stack, supplier: str) -> None:
    with pytest.raises(AirflowSkipException, match=supplier):
        sensor(stack, supplier=supplier).execute(CONTEXT)


def test_before_the_deadline_it_waits_in_the_triggerer_for_what_is_left(stack: Stack) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        sensor(stack, london(timedelta(minutes=90)), "RTG").execute(CONTEXT)
    # What is left of the 90 minutes, however slow this machine is.
    assert timedelta(minutes=60) < deferred.value.timeout <= timedelta(minutes=90)
    trigger = deferred.value.trigger
    assert trigger.bucket_key == f"{PREFIX}RTG[ _.]*"
    assert trigger.wildcard_match is True
    assert trigger.poke_interval == 60


@pytest.mark.parametrize(
    ("deadline", "utc"),
    [
        ("2024-08-01T09:00", "2024-08-01T08:00+00:00"),
        ("2024-12-01T09:00", "2024-12-01T09:00+00:00"),
        ("2024-08-01T09:00+00:00", "2024-08-01T09:00+00:00"),
    ],
)
def test_the_deadline_is_a_time_in_london(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, deadline: str, utc: str
) -> None:
    half_an_hour_before = datetime.fromisoformat(utc) - timedelta(minutes=30)
    monkeypatch.setattr("aws_operators.s3.timezone.utcnow", lambda: half_an_hour_before)
    with pytest.raises(TaskDeferred) as deferred:
        sensor(stack, deadline, "RTG").execute(CONTEXT)
    assert deferred.value.timeout == timedelta(minutes=30)


def test_a_wait_that_ran_out_is_a_skip(stack: Stack) -> None:
    error = {"error": "Trigger timeout"}
    with pytest.raises(AirflowSkipException, match="by 2024-08-01T09:00"):
        sensor(stack, supplier="RTG").resume_execution(SENT_TO_FAIL, error, CONTEXT)


def test_a_trigger_that_failed_is_no_skip(stack: Stack) -> None:
    error = {"error": "Trigger failure", "traceback": ["AccessDenied"]}
    with pytest.raises(TaskDeferralError, match="Trigger failure"):
        sensor(stack, supplier="RTG").resume_execution(SENT_TO_FAIL, error, CONTEXT)


def test_a_trigger_that_reports_an_error_is_no_skip(stack: Stack) -> None:
    event = {"status": "error", "message": "AccessDenied"}
    with pytest.raises(AirflowException, match="AccessDenied") as caught:
        sensor(stack, supplier="RTG").resume_execution("execute_complete", {"event": event}, CONTEXT)
    assert not isinstance(caught.value, AirflowSkipException)


def test_a_trigger_that_found_the_file_ends_the_wait(stack: Stack) -> None:
    event = {"status": "success"}
    sensor(stack).resume_execution("execute_complete", {"event": event}, CONTEXT)


@pytest.mark.parametrize("hours", [-1, 1])
def test_an_error_of_aws_is_a_failure(stack: Stack, hours: int) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        sensor(stack, london(timedelta(hours=hours)), bucket="no-such-bucket").execute(CONTEXT)


def test_soft_fail_is_not_how_it_works(stack: Stack) -> None:
    # With soft_fail an error of AWS would count as "no file", and the supplier as missing.
    assert sensor(stack).soft_fail is False


def test_the_deadline_is_templated() -> None:
    assert {"bucket_key", "bucket_name", "deadline"} <= set(S3KeyDeadlineSensor.template_fields)
