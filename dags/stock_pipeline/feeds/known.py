"""What a supplier's feed is compared with, from the lake."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from stock_pipeline.feeds.checks import Baseline
from stock_pipeline.feeds.judgement import Known
from stock_pipeline.feeds.mapping import labels_as_parts, read_mapping
from stock_pipeline.feeds.snapshot_files import read_baseline
from stock_pipeline.lake.catalog import snapshot_dates
from stock_pipeline.suppliers import Supplier

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client


def what_is_known(
    s3: S3Client, glue: GlueClient, *, bucket: str, database: str, supplier: Supplier, run_date: date
) -> Known:
    """Fetch what a supplier's feed of a day is compared with, as the daily run does.

    Raises:
        MissingTableError: the product table has no data, or a registered snapshot is not in the bucket.
    """
    return Known(
        parts=read_mapping(s3, glue, bucket=bucket, database=database, supplier=supplier),
        baseline=_baseline(s3, glue, bucket, database, supplier, run_date),
    )


def what_is_known_soon(
    s3: S3Client, glue: GlueClient, *, bucket: str, database: str, supplier: Supplier, run_date: date
) -> Known:
    """Fetch the same while a person waits.

    The labels of an out list are those of the store table, which take a minute to read. Those of the last
    snapshot stand for them here; without one there are none.

    Raises:
        MissingTableError: as `what_is_known`.
    """
    if not supplier.lists_out_of_stock:
        return what_is_known(s3, glue, bucket=bucket, database=database, supplier=supplier, run_date=run_date)
    baseline = _baseline(s3, glue, bucket, database, supplier, run_date)
    labels = baseline.table if baseline else pl.DataFrame(schema={"custom_label": pl.String})
    return Known(labels_as_parts(labels), baseline)


def _baseline(
    s3: S3Client, glue: GlueClient, bucket: str, database: str, supplier: Supplier, run_date: date
) -> Baseline | None:
    earlier = [day for day in snapshot_dates(glue, database, supplier.code) if day < run_date]
    return read_baseline(s3, bucket, supplier.code, max(earlier)) if earlier else None
