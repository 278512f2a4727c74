"""The page's settings and clients, on the template's resources and an Airflow that only remembers."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from frontend.core import airflow, aws
from frontend.core.settings import settings
from frontend.shell import guard
from frontend.today import live
from local_aws.environment import client_arguments
from local_aws.server import LocalAws
from tests.support.lake import Lake
from tests.support.pages.day import set_environment

CACHED: tuple[Any, ...] = (
    settings,
    aws.s3_client,
    aws.glue_client,
    aws.lake,
    aws.sending_lake,
    aws.athena_client,
    aws.sqs_client,
    airflow.airflow,
)
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _nothing_is_kept_between_tests() -> Iterator[None]:
    for cached in CACHED:
        cached.cache_clear()
    # Streamlit's AppTest runs the page without a server, so there is nothing to guard.
    guard._standing = True
    main = sys.modules["__main__"]
    yield
    # AppTest leaves its script there, which a process that is spawned later would run.
    sys.modules["__main__"] = main
    guard._standing = False
    live.stop()
    for cached in CACHED:
        cached.cache_clear()


@pytest.fixture
def lake(local_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A bucket and tables of the test's own, which the page works on."""
    arguments = client_arguments(local_aws.endpoint_url)
    name = f"page-{next(_numbers)}"
    set_environment(monkeypatch, local_aws.endpoint_url, name, name)
    return Lake.named(
        name, boto3.client("s3", **arguments), boto3.client("glue", **arguments), tmp_path
    ).create()
