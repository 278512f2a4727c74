"""Staging tables: their names, their place, and how they go."""

from __future__ import annotations

import hashlib
import logging
from datetime import date
from typing import TYPE_CHECKING

from stock_pipeline.lake import locations
from stock_pipeline.lake.tables import Table

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client


log = logging.getLogger(__name__)


def drop_staging(s3: S3Client, glue: GlueClient, *, bucket: str, database: str, staging_table: str) -> None:
    """Remove a staging table: the catalog entry, then its files. Harmless if it is not there."""
    try:
        glue.delete_table(DatabaseName=database, Name=staging_table)
    except glue.exceptions.EntityNotFoundException:
        log.info("%s is gone already", staging_table)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=staging_prefix(staging_table))
    for page in pages:
        if entries := page.get("Contents", []):
            s3.delete_objects(
                Bucket=bucket, Delete={"Objects": [{"Key": entry["Key"]} for entry in entries], "Quiet": True}
            )


def staging_table_name(table: Table, run_date: date, *distinct: str) -> str:
    """The name of a staging table, the same whenever it is asked for the same.

    Args:
        table: what it is staged for.
        run_date: the date it is made for.
        distinct: what tells it from others of the date: the run's id, the store.
    """
    digest = hashlib.sha256("\n".join(distinct).encode()).hexdigest()[:10]
    return f"{table.name}_staging_{run_date:%Y%m%d}_{digest}"


def staging_prefix(staging_table: str) -> str:
    """The folder of a staging table's files."""
    return f"{locations.STAGING}{staging_table}/"
