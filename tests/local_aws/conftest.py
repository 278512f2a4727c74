"""One real server for all tests of the local AWS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_aws.server import LocalAws
from tests.local_aws.warehouse import BUCKET, DATABASE, Warehouse


@pytest.fixture(scope="session")
def warehouse() -> Iterator[Warehouse]:
    with LocalAws(port=0) as server:
        made = Warehouse(server.endpoint_url)
        region = {"LocationConstraint": "eu-west-2"}
        made.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=region)
        made.glue.create_database(DatabaseInput={"Name": DATABASE})
        yield made
