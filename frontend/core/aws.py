"""AWS as the pages use it. Clients are made once; boto3's clients may be shared between threads."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from frontend.core.settings import settings
from stock_pipeline.lake.lake import Lake

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

OUTAGE = (BotoCoreError, ClientError)
"""What boto3's clients raise when AWS does not answer, or does not do what it is asked."""

REFUSALS = {"AccessDenied", "AccessDeniedException", "ExpiredToken", "InvalidAccessKeyId", "NoSuchBucket"}
"""Codes of errors that pass only once someone changes the settings."""


def _config(connect_seconds: float, read_seconds: float, attempts: int) -> Config:
    return Config(
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=32,
    )


QUICK = _config(2, 5, 2)
"""Someone waits at the page: better a message soon than an answer late."""

PATIENT = _config(3, 60, 3)
"""For what takes its time on AWS's side: a large file to be stored, a queue that waits for a message."""


@cache
def s3_client() -> S3Client:
    """S3; where it is and with what credentials is boto3's ordinary configuration."""
    client: S3Client = boto3.client("s3", config=QUICK)
    return client


@cache
def lake() -> Lake:
    """The bucket and the catalog of the settings."""
    return Lake(s3_client(), glue_client(), settings().bucket, settings().database)


@cache
def sending_lake() -> Lake:
    """The same for sending files: S3 answers only once it has stored all of one."""
    return replace(lake(), s3=boto3.client("s3", config=PATIENT))


@cache
def glue_client() -> GlueClient:
    """The Glue catalog."""
    client: GlueClient = boto3.client("glue", config=QUICK)
    return client


@cache
def athena_client() -> AthenaClient:
    """Athena."""
    client: AthenaClient = boto3.client("athena", config=QUICK)
    return client


@cache
def sqs_client() -> SQSClient:
    """SQS."""
    client: SQSClient = boto3.client("sqs", config=PATIENT)
    return client


@cache
def mwaa_client() -> Any:
    """Amazon MWAA, which passes requests on to Airflow and waits for its answer."""
    return boto3.client("mwaa", config=PATIENT)


def outage_in_words(error: BotoCoreError | ClientError) -> str:
    """What AWS did instead of answering, as words that follow "AWS"."""
    if not isinstance(error, ClientError):
        return f"does not answer ({type(error).__name__})"
    code = error.response.get("Error", {}).get("Code", "unknown")
    return f"refuses ({code})" if code in REFUSALS else f"does not answer as it should ({code})"
