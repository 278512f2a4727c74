"""A table as DuckDB reads it: the registered partitions that can matter, as views over local files."""

# ruff: noqa: S608 - this module's work is to write SQL; names and texts are quoted by sqlglot

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import duckdb
import pyarrow.parquet as pq
from pyarrow import ArrowException
from sqlglot import exp

from local_aws.athena import objects
from local_aws.athena.analysis import Reference
from local_aws.athena.catalog import Catalog, Column, Partition
from local_aws.athena.errors import QueryFailedError
from local_aws.athena.objects import ObjectCache, StoredObject
from local_aws.athena.sql import identifier, literal
from local_aws.athena.translate import to_duckdb
from local_aws.athena.types import duckdb_type, readable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_NUMBER = "athena_partition_number"
_NESTED = "GROUP"  # stands for the physical type of an array, map or struct


@dataclasses.dataclass(frozen=True)
class Footer:
    """What a Parquet file says of itself; files whose columns are alike are equal.

    Attributes:
        columns: each column's lower-case name, physical type and logical type.
        compressed: each column's bytes in the file.
    """

    columns: tuple[tuple[str, str, str], ...]
    compressed: dict[str, int] = dataclasses.field(compare=False)

    @property
    def physical(self) -> dict[str, str]:
        """Physical type by column name."""
        return {name: physical for name, physical, _ in self.columns}


class Scanner:
    """Builds one query's views.

    Args:
        connection: the query's DuckDB cursor; the views are temporary in it.
        s3: client for the server's own S3.
        catalog: where partitions are registered.
        cache: local copies of the objects.
        workspace: the query's folder; the files read are linked below it.
        checkpoint: called between objects; raises if the query was stopped.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        s3: S3Client,
        catalog: Catalog,
        cache: ObjectCache,
        workspace: Path,
        checkpoint: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._s3 = s3
        self._catalog = catalog
        self._cache = cache
        self._workspace = workspace
        self._checkpoint = checkpoint

    def create_view(self, reference: Reference) -> int:
        """Create the DuckDB view of one table reference.

        Returns:
            The bytes Athena would charge for: the compressed chunks of the columns needed, in the files of
            the partitions needed.

        Raises:
            QueryFailedError: if an object cannot be read as the catalog describes it.
        """
        partitions = self._catalog.partitions(reference.table)
        if reference.of_partitions:
            self._create_partitions_view(reference, partitions)
            return 0
        needed = self._prune(reference, partitions)
        scanned = 0
        groups: dict[Footer, list[Path]] = {}
        for number, (partition, stored) in enumerate(self._objects(reference, needed)):
            self._checkpoint()
            path = self._link(reference, partition, stored, number)
            footer = _read_footer(path, stored)
            _check_types(reference, footer, stored)
            groups.setdefault(footer, []).append(path)
            scanned += sum(
                size
                for column, size in footer.compressed.items()
                if reference.columns is None or column in reference.columns
            )
        selects = [_select(reference, footer, paths) for footer, paths in groups.items()]
        self._create(reference, " UNION ALL ".join(selects) if selects else _select_nothing(reference))
        return scanned

    def _create(self, reference: Reference, select: str) -> None:
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {reference.view} AS {select}")

    def _create_partitions_view(self, reference: Reference, partitions: list[Partition]) -> None:
        keys = reference.table.keys
        if not keys:
            raise QueryFailedError(
                "TABLE_NOT_FOUND", f"line 1:1: Table '{reference.table.qualified}$partitions' does not exist"
            )
        rows = [f"({', '.join(_literals(partition, keys))})" for partition in partitions]
        names = ", ".join(identifier(key.name) for key in keys)
        self._create(
            reference,
            f"SELECT * FROM (VALUES {', '.join(rows)}) AS rows({names})"
            if rows
            else _select_nothing(reference),
        )

    def _prune(self, reference: Reference, partitions: list[Partition]) -> list[Partition]:
        keys = reference.table.keys
        if not keys or not reference.conditions or not partitions:
            return partitions
        kept = set(range(len(partitions)))
        # The last row stands for what an outer join puts where a row is missing: a condition it meets
        # proves nothing.
        null_row = len(partitions)
        values = [
            *(_literals(partition, keys) for partition in partitions),
            [f"CAST(NULL AS {duckdb_type(key.type)})" for key in keys],
        ]
        rows = ", ".join(f"({', '.join(row)}, {number})" for number, row in enumerate(values))
        names = ", ".join([*(identifier(key.name) for key in keys), _NUMBER])
        for condition in reference.conditions:
            query = exp.select(_NUMBER).from_("partition_values").where(condition)
            try:
                found = self._connection.execute(
                    f"WITH partition_values AS (SELECT * FROM (VALUES {rows}) AS rows({names})) "
                    f"{to_duckdb(query, {})}"
                ).fetchall()
            except duckdb.Error:
                continue  # not decided by the values alone; the query itself will say what is wrong
            numbers = {number for (number,) in found}
            if null_row not in numbers:
                kept &= numbers
        return [partition for number, partition in enumerate(partitions) if number in kept]

    def _objects(
        self, reference: Reference, partitions: list[Partition]
    ) -> list[tuple[Partition, StoredObject]]:
        root = reference.table.location.rstrip("/") + "/"
        inside = [partition for partition in partitions if partition.location.startswith(root)]
        if len(inside) < 8:
            return [
                (partition, stored)
                for partition in partitions
                for stored in objects.list_objects(self._s3, partition.location)
            ]
        by_prefix = {objects.split_uri(partition.location)[1]: partition for partition in inside}
        found = []
        for stored in objects.list_objects(self._s3, root):
            for prefix in _folders(stored.key):
                if prefix in by_prefix:
                    found.append((by_prefix[prefix], stored))
                    break
        found += [
            (partition, stored)
            for partition in partitions
            if not partition.location.startswith(root)
            for stored in objects.list_objects(self._s3, partition.location)
        ]
        return found

    def _link(self, reference: Reference, partition: Partition, stored: StoredObject, number: int) -> Path:
        folder = self._workspace / reference.view
        for key, value in zip(reference.table.keys, partition.values, strict=True):
            folder /= f"{key.name}={quote(value, safe='')}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{number}.parquet"
        self._cache.link(stored, path)
        return path


def _read_footer(path: Path, stored: StoredObject) -> Footer:
    try:
        metadata = pq.read_metadata(path)
        types = {field.name.lower(): str(field.type) for field in metadata.schema.to_arrow_schema()}
    except (ArrowException, OSError) as error:
        raise QueryFailedError("HIVE_BAD_DATA", f"Not valid Parquet file: {stored.uri}: {error}") from error
    compressed = dict.fromkeys(types, 0)
    physical = dict.fromkeys(types, _NESTED)
    for number in range(metadata.num_columns):
        column = metadata.schema.column(number)
        name = column.path.split(".")[0].lower()
        if column.path == column.name:
            physical[name] = column.physical_type
        for group in range(metadata.num_row_groups):
            compressed[name] += metadata.row_group(group).column(number).total_compressed_size
    return Footer(tuple((name, physical[name], types[name]) for name in types), compressed)


def _check_types(reference: Reference, footer: Footer, stored: StoredObject) -> None:
    for column in _misread(reference, footer):
        if reference.columns is None or column.name in reference.columns:
            raise QueryFailedError(
                "HIVE_BAD_DATA",
                f"Field {column.name}'s type {footer.physical[column.name]} in parquet file {stored.uri} "
                f"is incompatible with type {_athena_spelling(column.type)} defined in table schema",
            )


def _misread(reference: Reference, footer: Footer) -> list[Column]:
    physical = footer.physical
    return [
        column
        for column in reference.table.columns
        if column.name in physical and not readable(physical[column.name], column.type)
    ]


def _select(reference: Reference, footer: Footer, paths: list[Path]) -> str:
    # A column that a file has in another type is left out: no one asked for it, or the check above refused.
    misread = {column.name for column in _misread(reference, footer)}
    present = footer.physical
    columns = [
        f"CAST({identifier(column.name) if column.name in present else 'NULL'} "
        f"AS {duckdb_type(column.type)}) AS {identifier(column.name)}"
        for column in reference.table.columns
        if column.name not in misread
    ]
    columns += [
        f"CAST({identifier(key.name)} AS {duckdb_type(key.type)}) AS {identifier(key.name)}"
        for key in reference.table.keys
    ]
    files = ", ".join(literal(str(path)) for path in paths)
    return (
        f"SELECT {', '.join(columns)} FROM read_parquet([{files}], binary_as_string = true, "
        f"hive_partitioning = {bool(reference.table.keys)}, hive_types_autocast = false)"
    )


def _select_nothing(reference: Reference) -> str:
    columns = ", ".join(
        f"CAST(NULL AS {duckdb_type(column.type)}) AS {identifier(column.name)}"
        for column in reference.shown_columns
    )
    return f"SELECT {columns} WHERE false"


def _literals(partition: Partition, keys: tuple[Column, ...]) -> list[str]:
    texts = ["NULL" if value == NULL_PARTITION else literal(value) for value in partition.values]
    return [f"CAST({text} AS {duckdb_type(key.type)})" for text, key in zip(texts, keys, strict=True)]


def _folders(key: str) -> list[str]:
    """Give every folder prefix of a key, the longest first."""
    parts = key.split("/")
    return ["/".join(parts[:length]) + "/" for length in range(len(parts) - 1, 0, -1)]


def _athena_spelling(glue_type: str) -> str:
    return {"int": "integer", "string": "varchar", "float": "real", "binary": "varbinary"}.get(
        glue_type, glue_type
    )
