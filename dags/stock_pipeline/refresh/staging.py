"""The files people upload for the refreshes of `store` and `product`, and how they get onto Athena's side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from stock_pipeline.errors import RejectedFile
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.staging import drop_staging, staging_prefix
from stock_pipeline.lake.tables import Table
from stock_pipeline.spreadsheets.lists import ENDINGS
from stock_pipeline.spreadsheets.streaming import LISTING_LIMITS


@contextmanager
def downloaded(lake: Lake, key: str, size: int) -> Iterator[Path]:
    """A copy of an upload in its own folder, for as long as it is needed.

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
        lake.download(key, path)
        yield path


def upload_table(staging_table: str) -> str:
    """The name of the table over an upload, by that of the table it is merged into."""
    return f"{staging_table}_upload"


def stage_upload(
    lake: Lake,
    *,
    name: str,
    paths: Iterable[Path],
    columns: Mapping[str, str],
    table: Table,
) -> None:
    """Put Parquet files into staging and make them a table for Athena; whatever was under that name goes.

    Args:
        lake: the bucket and the catalog.
        name: of the table.
        paths: the files.
        columns: column name to Glue type.
        table: the table whose file format it takes over.
    """
    drop_staging(lake, staging_table=name)
    for path in paths:
        lake.upload(path, staging_prefix(name) + path.name)
    entry = lake.glue.get_table(DatabaseName=lake.database, Name=table.name)["Table"]
    kept = ("InputFormat", "OutputFormat", "SerdeInfo", "Compressed")
    storage = {key: value for key, value in entry["StorageDescriptor"].items() if key in kept}
    lake.glue.create_table(
        DatabaseName=lake.database,
        TableInput=cast(
            "Any",
            {
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"classification": "parquet"},
                "StorageDescriptor": {
                    **storage,
                    "Columns": [{"Name": column, "Type": kind} for column, kind in columns.items()],
                    "Location": lake.url(staging_prefix(name)),
                },
            },
        ),
    )


def drop_staged(lake: Lake, *, staging_table: str) -> None:
    """Remove a staging table and the one over the upload that was merged into it."""
    for name in (staging_table, upload_table(staging_table)):
        drop_staging(lake, staging_table=name)
