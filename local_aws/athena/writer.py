"""Query rows to a table's objects: one Parquet file a partition and bucket, in the order asked for."""

# ruff: noqa: S608 - this module's work is to write SQL; names and texts are quoted by sqlglot

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from boto3.s3.transfer import TransferConfig

from local_aws.athena import objects
from local_aws.athena.catalog import Partition
from local_aws.athena.errors import QueryFailedError
from local_aws.athena.scan import NULL_PARTITION
from local_aws.athena.sql import identifier, literal

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OPEN_WRITERS = 100  # Athena's limit for one CTAS or INSERT
_BUCKET = "athena_bucket"
_ROW = "athena_row"
_HIVE_ESCAPED = set("\"#%'*/:=?\\{}[]^") | {chr(code) for code in range(32)} | {chr(127)}
# One request per object keeps an ETag the MD5 of the content; objects here are well below S3's 5 GB.
_ONE_REQUEST = TransferConfig(multipart_threshold=5 << 30, use_threads=False)


@dataclasses.dataclass(frozen=True)
class Layout:
    """How rows become files.

    Attributes:
        columns: data columns as (name, DuckDB type), in order.
        keys: partition columns, in order.
        buckets: the columns hashed over `bucket_count` files.
        bucket_count: files a partition.
        compression: the Parquet codec in DuckDB's spelling.
    """

    columns: Sequence[tuple[str, str]]
    keys: Sequence[str]
    buckets: Sequence[str] = ()
    bucket_count: int = 1
    compression: str = "gzip"


@dataclasses.dataclass(frozen=True)
class Written:
    """What a write left: the objects' addresses and the partitions they are in."""

    uris: list[str]
    partitions: list[Partition]


class TableWriter:
    """Writes one statement's rows.

    Args:
        connection: the query's DuckDB cursor.
        s3: client for the server's own S3.
        workspace: the query's folder.
        prefix: begins the objects' names; the query's id, as on Athena.
        checkpoint: called between steps; raises if the query was stopped.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        s3: S3Client,
        workspace: Path,
        prefix: str,
        checkpoint: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._s3 = s3
        self._workspace = workspace
        self._prefix = prefix
        self._checkpoint = checkpoint

    def write(
        self, select: str, layout: Layout, location: Callable[[tuple[str, ...]], str], *, ordered: bool
    ) -> Written:
        """Run the select and upload its rows.

        Args:
            select: DuckDB SQL giving the layout's columns, then its keys, under those names.
            layout: how rows become files.
            location: where a partition (by its values) or the whole table (no values) lives.
            ordered: whether the select's own order matters within a file.

        Raises:
            QueryFailedError: HIVE_TOO_MANY_OPEN_PARTITIONS, before anything is uploaded.
        """
        staged = self._stage(select, layout, ordered=ordered)
        self._checkpoint()
        groups = self._groups(staged, layout)
        if len(groups) > OPEN_WRITERS:
            raise QueryFailedError(
                "HIVE_TOO_MANY_OPEN_PARTITIONS",
                f"Exceeded limit of {OPEN_WRITERS} open writers for partitions/buckets",
            )
        uris = []
        partitions: dict[tuple[str, ...], Partition] = {}
        for number, (raw, bucket) in enumerate(groups):
            values = tuple(NULL_PARTITION if value is None else value for value in raw)
            if values not in partitions:
                partitions[values] = Partition(values, location(values))
            path = self._workspace / f"write_{number}.parquet"
            self._copy_group(staged, path, layout, raw, bucket)
            suffix = f"_bucket-{bucket:05d}" if layout.buckets else f"_{uuid.uuid4()}"
            uris.append(self._upload(path, partitions[values].location, f"{self._prefix}{suffix}"))
            path.unlink()
            self._checkpoint()
        return Written(uris, list(partitions.values()) if layout.keys else [])

    def _stage(self, select: str, layout: Layout, *, ordered: bool) -> Path:
        """Sort the rows by file, so that each file's rows are a few row groups of one local Parquet."""
        staged = self._workspace / "staged.parquet"
        extra, order = [], [identifier(key) for key in layout.keys]
        if layout.buckets:
            hashed = ", ".join(identifier(column) for column in layout.buckets)
            extra.append(f"CAST(hash({hashed}) % {layout.bucket_count} AS INTEGER) AS {_BUCKET}")
            order.append(_BUCKET)
        if ordered and order:
            # The sort by file is not stable, so the asked-for order is numbered first.
            extra.append(f"row_number() OVER () AS {_ROW}")
            order.append(_ROW)
        source = f"SELECT {', '.join(['*', *extra])} FROM ({select}) AS rows"
        if order:
            source = f"SELECT * FROM ({source}) AS numbered ORDER BY {', '.join(order)}"
        self._connection.execute(f"COPY ({source}) TO '{staged}' (FORMAT parquet, COMPRESSION lz4)")
        return staged

    def _groups(self, staged: Path, layout: Layout) -> list[tuple[tuple[str | None, ...], int]]:
        keys = [f"CAST({identifier(key)} AS VARCHAR)" for key in layout.keys]
        bucket = _BUCKET if layout.buckets else "0"
        if not layout.keys and not layout.buckets:
            return [((), 0)]
        rows = self._connection.execute(
            f"SELECT DISTINCT {', '.join([*keys, bucket])} FROM read_parquet('{staged}') "
            f"ORDER BY ALL LIMIT {OPEN_WRITERS + 1}"
        ).fetchall()
        return [(tuple(row[:-1]), row[-1]) for row in rows]

    def _copy_group(
        self, staged: Path, path: Path, layout: Layout, values: tuple[str | None, ...], bucket: int
    ) -> None:
        conditions = [
            f"CAST({identifier(key)} AS VARCHAR) = {literal(value)}"
            if value is not None
            else f"{identifier(key)} IS NULL"
            for key, value in zip(layout.keys, values, strict=True)
        ]
        if layout.buckets:
            conditions.append(f"{_BUCKET} = {bucket}")
        columns = ", ".join(
            f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in layout.columns
        )
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        self._connection.execute(
            f"COPY (SELECT {columns} FROM read_parquet('{staged}'){where}) "
            f"TO '{path}' (FORMAT parquet, COMPRESSION {layout.compression})"
        )

    def _upload(self, path: Path, location: str, name: str) -> str:
        bucket, prefix = objects.split_uri(location)
        self._s3.upload_file(str(path), bucket, prefix + name, Config=_ONE_REQUEST)
        return f"s3://{bucket}/{prefix}{name}"


def partition_folder(keys: Sequence[str], values: Sequence[str]) -> str:
    """Spell a partition's folder as Hive does, such as `ebay_store=AMS/`, with odd characters escaped."""
    return "".join(f"{key}={_escaped(value)}/" for key, value in zip(keys, values, strict=True))


def _escaped(value: str) -> str:
    return "".join(f"%{ord(char):02X}" if char in _HIVE_ESCAPED else char for char in value)
