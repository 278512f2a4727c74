"""Whether the tables that the daily run stands on are there: their entries, their files, their partitions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from stock_pipeline.errors import TablesMissingError
from stock_pipeline.lake.catalog import partitions
from stock_pipeline.lake.publishing import values_of_objects
from stock_pipeline.lake.tables import PRODUCT, STORE, STORES, TABLES
from stock_pipeline.suppliers import SUPPLIER

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client


def check_catalog(glue: GlueClient, database: str) -> None:
    """Check that the catalog has the four tables.

    Raises:
        TablesMissingError: it has not.
    """
    missing = []
    for name in TABLES:
        try:
            glue.get_table(DatabaseName=database, Name=name)
        except glue.exceptions.EntityNotFoundException:
            missing.append(name)
    if missing:
        raise TablesMissingError(
            f"the database {database} has no table {', '.join(missing)}: "
            "create the resources from infrastructure/template.yaml first"
        )


def store_partitions(s3: S3Client, bucket: str) -> list[dict[str, Any]]:
    """The partitions that the files of the store table make up, for the catalog operator."""
    return [
        {"values": list(values), "location": f"s3://{bucket}/{STORE.key(*values).rpartition('/')[0]}/"}
        for values in sorted(values_of_objects(s3, bucket, STORE, ()))
        if values[0] in STORES and re.fullmatch(SUPPLIER, values[1])
    ]


def what_is_missing(s3: S3Client, glue: GlueClient, bucket: str, database: str) -> list[str]:
    """Sentences on what the daily run lacks; none if it can run."""
    faults = []
    try:
        s3.head_object(Bucket=bucket, Key=PRODUCT.key())
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"404", "NoSuchKey"}:
            raise
        faults.append("product is empty: upload the mapping to product_feed/ and run again")
    listed = {entry.values[0] for entry in partitions(glue, database, STORE.name)}
    if without := [store for store in STORES if store not in listed]:
        faults.append(
            f"store has no listings of {', '.join(without)}: upload their files to store_feed/ and run again"
        )
    return faults
