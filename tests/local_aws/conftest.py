"""A bucket and a database for all tests of the local AWS."""

from __future__ import annotations

import contextlib

import pytest

from local_aws.server import LocalAws
from tests.support.warehouse import BUCKET, DATABASE, Warehouse


@pytest.fixture(scope="session")
def warehouse(local_aws: LocalAws) -> Warehouse:
    made = Warehouse(local_aws.endpoint_url)
    made.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    # A test that ran before this one may have made the template's resources, and this database is one.
    with contextlib.suppress(made.glue.exceptions.AlreadyExistsException):
        made.glue.create_database(DatabaseInput={"Name": DATABASE})
    return made
