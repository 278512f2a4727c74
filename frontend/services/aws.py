"""AWS as the pages use it. Clients are made once; boto3's clients may be shared between threads."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

CONFIG = Config(
    # Somebody waits at the page: better told soon that AWS does not answer.
    connect_timeout=3,
    read_timeout=30,
    retries={"total_max_attempts": 3, "mode": "standard"},
    max_pool_connections=32,
)


@cache
def s3_client() -> S3Client:
    """S3; where it is and with what credentials is boto3's ordinary configuration."""
    return boto3.client("s3", config=CONFIG)


@cache
def glue_client() -> GlueClient:
    """The Glue catalog."""
    return boto3.client("glue", config=CONFIG)


@cache
def athena_client() -> AthenaClient:
    """Athena."""
    return boto3.client("athena", config=CONFIG)


@cache
def sqs_client() -> SQSClient:
    """SQS."""
    return boto3.client("sqs", config=CONFIG)


@cache
def mwaa_client() -> Any:
    """Amazon MWAA."""
    return boto3.client("mwaa", config=CONFIG)
