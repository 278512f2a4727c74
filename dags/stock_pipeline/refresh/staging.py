"""The files people upload for the refreshes of `store` and `product`, and how they get onto Athena's side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from stock_pipeline.errors import RejectedFile
from stock_pipeline.lake.staging import drop_staging, staging_prefix
from stock_pipeline.lake.tables import Table
from stock_pipeline.spreadsheets.lists import ENDINGS
from stock_pipeline.spreadsheets.streaming import LISTING_LIMITS

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client


@contextmanager
def downloaded(s3: S3Client, bucket: str, key: str, size: int) -> Iterator[Path]:
    """A copy of an upload in a folder of its own, for as long as it is needed.

    Raises:
        RejectedFile: it is too large, or no file we read.
    """
    ending = Path(key).suffix.lower()
    if ending not in ENDINGS:
        raise RejectedFile("not an .xlsx workbook or a .csv; save the list as one of them and upload that")
    if size > LISTING_LIMITS.file_bytes:
        raise RejectedFile(f"the file has {size:,} bytes; a list may have {LISTING_LIMITS.file_bytes:,}")
    with TemporaryDirectory(prefix="upload_") as folder:
        path = Path(folder) / f"upload{ending}"
        s3.download_file(bucket, key, str(path))
        yield path


def upload_table(staging_table: str) -> str:
    """The name of the table over an upload, by that of the table it is merged into."""
    return f"{staging_table}_upload"


def stage_upload(
    s3: S3Client,
    glue: GlueClient,
    *,
    bucket: str,
    database: str,
    name: str,
    paths: Iterable[Path],
    columns: Mapping[str, str],
    table: Table,
) -> None:
    """Put Parquet files into staging and make them a table for Athena; whatever was under that name goes.

    Args:
        s3: where the files go.
        glue: where the table goes.
        bucket: the bucket.
        database: the database.
        name: of the table.
        paths: the files.
        columns: column name to Glue type.
        table: the table whose file format it takes over.
    """
    drop_staging(s3, glue, bucket=bucket, database=database, staging_table=name)
    for path in paths:
        s3.upload_file(str(path), bucket, staging_prefix(name) + path.name)
    entry = glue.get_table(DatabaseName=database, Name=table.name)["Table"]
    kept = ("InputFormat", "OutputFormat", "SerdeInfo", "Compressed")
    storage = {key: value for key, value in entry["StorageDescriptor"].items() if key in kept}
    glue.create_table(
        DatabaseName=database,
        TableInput=cast(
            "Any",
            {
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"classification": "parquet"},
                "StorageDescriptor": {
                    **storage,
                    "Columns": [{"Name": column, "Type": kind} for column, kind in columns.items()],
                    "Location": f"s3://{bucket}/{staging_prefix(name)}",
                },
            },
        ),
    )


def drop_staged(s3: S3Client, glue: GlueClient, *, bucket: str, database: str, staging_table: str) -> None:
    """Remove a staging table and the one over the upload that was merged into it."""
    for name in (staging_table, upload_table(staging_table)):
        drop_staging(s3, glue, bucket=bucket, database=database, staging_table=name)
