"""A lake for each test, on the one local AWS of the session."""

from __future__ import annotations

import itertools
from pathlib import Path

import boto3
import pytest

from local_aws.environment import client_arguments
from local_aws.server import LocalAws
from tests.support.lake import Lake

_numbers = itertools.count()


@pytest.fixture(scope="session")
def clients(local_aws: LocalAws):
    arguments = client_arguments(local_aws.endpoint_url)
    return boto3.client("s3", **arguments), boto3.client("glue", **arguments)


@pytest.fixture
def lake(clients, tmp_path: Path) -> Lake:
    """An empty bucket and empty tables of the test's own."""
    s3, glue = clients
    return Lake.named(f"lake-{next(_numbers)}", s3, glue, tmp_path).create()
