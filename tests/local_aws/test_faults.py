"""Calls that are told to fail do, in each service's own way, and no others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import cli
from local_aws.environment import client_arguments
from local_aws.faults import HANG, QUERY_FAILED, FaultError, FaultMiddleware
from local_aws.query import StatementError, execute
from local_aws.server import LocalAws

ONE_TRY = Config(retries={"total_max_attempts": 1})
THREE_TRIES = Config(retries={"total_max_attempts": 3, "mode": "standard"})


@pytest.fixture
def faults(local_aws: LocalAws) -> Iterator[FaultMiddleware]:
    yield local_aws.faults
    local_aws.faults.clear()


def client(local_aws: LocalAws, service: str, config: Config = ONE_TRY) -> Any:
    return boto3.client(service, config=config, **client_arguments(local_aws.endpoint_url))


@pytest.fixture(scope="module")
def bucket(local_aws: LocalAws) -> str:
    s3 = client(local_aws, "s3")
    s3.create_bucket(Bucket="faults", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    s3.put_object(Bucket="faults", Key="there", Body=b"x")
    return "faults"


CALLS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("s3", "PutObject", "put_object", {"Bucket": "faults", "Key": "a", "Body": b"x" * 300_000}),
    ("s3", "GetObject", "get_object", {"Bucket": "faults", "Key": "there"}),
    ("s3", "HeadObject", "head_object", {"Bucket": "faults", "Key": "there"}),
    (
        "s3",
        "CopyObject",
        "copy_object",
        {"Bucket": "faults", "Key": "b", "CopySource": {"Bucket": "faults", "Key": "there"}},
    ),
    ("s3", "DeleteObject", "delete_object", {"Bucket": "faults", "Key": "a"}),
    (
        "s3",
        "DeleteObjects",
        "delete_objects",
        {"Bucket": "faults", "Delete": {"Objects": [{"Key": "a"}]}},
    ),
    ("s3", "ListObjectsV2", "list_objects_v2", {"Bucket": "faults"}),
    ("s3", "CreateMultipartUpload", "create_multipart_upload", {"Bucket": "faults", "Key": "large"}),
    ("glue", "GetDatabases", "get_databases", {}),
    ("athena", "ListQueryExecutions", "list_query_executions", {}),
    ("sns", "ListTopics", "list_topics", {}),
    ("sqs", "ListQueues", "list_queues", {}),
]


@pytest.mark.parametrize(
    ("service", "action", "method", "arguments"), CALLS, ids=[f"{call[0]}-{call[1]}" for call in CALLS]
)
def test_a_call_fails_as_told_and_then_gets_through(
    local_aws: LocalAws,
    bucket: str,
    faults: FaultMiddleware,
    service: str,
    action: str,
    method: str,
    arguments: dict[str, Any],
) -> None:
    fault = faults.add(service, action, "AccessDenied", times=1)
    other = faults.add(service, "Another", "AccessDenied")
    call = getattr(client(local_aws, service), method)
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    # A HEAD has no body to name the error in.
    assert refused.value.response["Error"]["Code"] == ("403" if action == "HeadObject" else "AccessDenied")
    call(**arguments)
    assert (fault.calls, fault.failed, other.calls) == (2, 1, 0)


@pytest.mark.parametrize(
    ("error", "status"),
    [("InternalError", 500), ("SlowDown", 503), ("ThrottlingException", 400), ("AccessDenied", 403)],
)
def test_each_error_has_its_status(
    local_aws: LocalAws, bucket: str, faults: FaultMiddleware, error: str, status: int
) -> None:
    faults.add("s3", "GetObject", error)
    with pytest.raises(ClientError) as refused:
        client(local_aws, "s3").get_object(Bucket=bucket, Key="there")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize(
    ("service", "action", "error", "method"),
    [
        ("s3", "ListBuckets", "SlowDown", "list_buckets"),
        ("glue", "GetDatabases", "ThrottlingException", "get_databases"),
        ("athena", "ListQueryExecutions", "TooManyRequestsException", "list_query_executions"),
        ("sns", "ListTopics", "Throttling", "list_topics"),
    ],
)
def test_boto_tries_again_when_throttled(
    local_aws: LocalAws, faults: FaultMiddleware, service: str, action: str, error: str, method: str
) -> None:
    fault = faults.add(service, action, error, times=1)
    getattr(client(local_aws, service, THREE_TRIES), method)()
    assert (fault.calls, fault.failed) == (2, 1)


def test_calls_fail_only_after_so_many(local_aws: LocalAws, bucket: str, faults: FaultMiddleware) -> None:
    faults.add("s3", "GetObject", "InternalError", after=2, times=1)
    s3 = client(local_aws, "s3")
    outcomes = []
    for _ in range(4):
        try:
            s3.get_object(Bucket=bucket, Key="there")
            outcomes.append("there")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
    assert outcomes == ["there", "there", "InternalError", "there"]


def test_a_query_ends_failed_and_the_next_one_runs(
    local_aws: LocalAws, bucket: str, faults: FaultMiddleware
) -> None:
    faults.add("athena", "StartQueryExecution", QUERY_FAILED, times=1)
    athena = client(local_aws, "athena")
    with pytest.raises(StatementError, match="by a fault of the local AWS"):
        execute(athena, "SELECT 1", "default", "primary", "s3://faults/results/")
    # The local Athena's own reading and writing does not fail.
    faults.add("s3", "PutObject", "AccessDenied")
    execute(athena, "SELECT 1", "default", "primary", "s3://faults/results/")


def test_a_call_that_hangs_does_nothing(local_aws: LocalAws, bucket: str, faults: FaultMiddleware) -> None:
    fault = faults.add("s3", "PutObject", HANG)
    s3 = client(local_aws, "s3")
    caller = threading.Thread(target=lambda: _ignoring(s3.put_object, Bucket=bucket, Key="hung", Body=b"x"))
    caller.start()
    assert fault.reached.wait(20)
    faults.clear()
    caller.join(20)
    assert not caller.is_alive()
    assert s3.list_objects_v2(Bucket=bucket, Prefix="hung")["KeyCount"] == 0


def _ignoring(call: Any, **arguments: Any) -> None:
    try:
        call(**arguments)
    except ClientError:
        return


@pytest.mark.parametrize(
    ("fault", "message"),
    [(("s3", "GetObject", "Tired"), "no error Tired"), (("s3", "GetObject", QUERY_FAILED), "is for athena")],
)
def test_a_fault_that_cannot_be_is_refused(
    faults: FaultMiddleware, fault: tuple[str, str, str], message: str
) -> None:
    with pytest.raises(FaultError, match=message):
        faults.add(*fault)


def test_faults_are_set_and_cleared_by_hand(
    local_aws: LocalAws, bucket: str, faults: FaultMiddleware, capsys: pytest.CaptureFixture[str]
) -> None:
    def by_hand(*arguments: str) -> tuple[int, str]:
        code = cli.main(["faults", "--endpoint", local_aws.endpoint_url, *arguments])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    assert by_hand() == (0, "Every call gets through.\n")
    line = "s3 GetObject: SlowDown after 1 calls, 2 times; so far 0 of 0 failed\n"
    assert by_hand("s3", "GetObject", "SlowDown", "--after", "1", "--times", "2") == (0, line)
    client(local_aws, "s3").get_object(Bucket=bucket, Key="there")
    assert by_hand() == (0, line.replace("0 of 0", "0 of 1"))
    code, text = by_hand("s3", "GetObject", "Tired")
    assert (code, text.startswith("no error Tired; there are")) == (1, True)
    assert by_hand("s3")[0] == 1
    assert by_hand("--clear") == (0, "Every call gets through.\n")
    assert cli.main(["faults", "--endpoint", "http://127.0.0.1:1"]) == 1
    assert "No local AWS answers" in capsys.readouterr().err
