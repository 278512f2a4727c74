"""The local AWS refuses what is too large for AWS, as AWS does."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.environment import client_arguments
from local_aws.server import LocalAws


@pytest.fixture(scope="module")
def s3(local_aws: LocalAws) -> Any:
    client = boto3.client("s3", **client_arguments(local_aws.endpoint_url))
    client.create_bucket(Bucket="limits", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    return client


@pytest.fixture(scope="module")
def sns(local_aws: LocalAws) -> Any:
    return boto3.client("sns", **client_arguments(local_aws.endpoint_url))


@pytest.fixture(scope="module")
def topic(sns: Any) -> str:
    return sns.create_topic(Name="local-limits")["TopicArn"]


def refused(call: Any, **arguments: Any) -> str:
    """The status and error code with which a call is refused; nothing if it is taken."""
    try:
        call(**arguments)
    except ClientError as error:
        return f"{error.response['ResponseMetadata']['HTTPStatusCode']} {error.response['Error']['Code']}"
    return ""


ATTRIBUTE = {"event": {"DataType": "String", "StringValue": "run_finished"}}
OF_ATTRIBUTE = len("event" + "String" + "run_finished")


@pytest.mark.parametrize(
    ("text", "attributes", "code"),
    [
        ("a" * 262_144, {}, ""),
        ("a" * 262_145, {}, "400 InvalidParameter"),
        ("é" * 131_072, {}, ""),
        ("é" * 131_073, {}, "400 InvalidParameter"),
        ("a" * (262_144 - OF_ATTRIBUTE), ATTRIBUTE, ""),
        ("a" * (262_145 - OF_ATTRIBUTE), ATTRIBUTE, "400 InvalidParameter"),
    ],
    ids=["full", "over", "full of accents", "over by accents", "full with attributes", "over by attributes"],
)
def test_a_message_has_256_kilobytes(
    sns: Any, topic: str, text: str, attributes: dict[str, Any], code: str
) -> None:
    assert refused(sns.publish, TopicArn=topic, Message=text, MessageAttributes=attributes) == code


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("k" * 1024, ""),
        ("k" * 1025, "400 KeyTooLongError"),
        ("é" * 512, ""),
        ("é" * 512 + "k", "400 KeyTooLongError"),
    ],
)
def test_a_key_has_1024_bytes(s3: Any, key: str, code: str) -> None:
    assert refused(s3.put_object, Bucket="limits", Key=key, Body=b"x") == code


@pytest.mark.parametrize(("length", "code"), [(2048 - 4, ""), (2049 - 4, "400 MetadataTooLarge")])
def test_metadata_has_two_kilobytes(s3: Any, length: int, code: str) -> None:
    assert (
        refused(s3.put_object, Bucket="limits", Key="k", Body=b"x", Metadata={"note": "x" * length}) == code
    )
