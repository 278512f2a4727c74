"""The Glue catalog as Athena sees it: databases, tables, and the partitions someone registered."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from local_aws.athena.errors import QueryFailedError

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

CATALOG = "awsdatacatalog"
_BATCH = 100  # what Glue's BatchCreatePartition takes
_PARQUET_DESCRIPTOR = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    },
}


@dataclasses.dataclass(frozen=True)
class Column:
    """A column's lower-case name and Glue type."""

    name: str
    type: str


@dataclasses.dataclass(frozen=True)
class Partition:
    """A registered partition: values in the order of the table's keys, and where its objects are."""

    values: tuple[str, ...]
    location: str


@dataclasses.dataclass(frozen=True)
class Table:
    """A table as Glue describes it; `descriptor` is the StorageDescriptor new partitions inherit."""

    database: str
    name: str
    location: str
    columns: tuple[Column, ...]
    keys: tuple[Column, ...]
    descriptor: dict[str, Any] = dataclasses.field(default_factory=dict, compare=False, hash=False)

    @property
    def qualified(self) -> str:
        """The name in Athena's messages, with the catalog."""
        return f"{CATALOG}.{self.database}.{self.name}"

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """Data columns followed by the partition keys, the order of `SELECT *`."""
        return self.columns + self.keys


class Catalog:
    """Reads and writes one region's Glue catalog through its public API."""

    def __init__(self, glue: GlueClient) -> None:
        self._glue = glue

    def has_database(self, database: str) -> bool:
        """Tell whether the database is there."""
        try:
            self._glue.get_database(Name=database)
        except self._glue.exceptions.EntityNotFoundException:
            return False
        return True

    def require_database(self, database: str, position: str = "line 1:1") -> None:
        """Refuse a database that is not there.

        Raises:
            QueryFailedError: SCHEMA_NOT_FOUND.
        """
        if not self.has_database(database):
            raise QueryFailedError("SCHEMA_NOT_FOUND", f"{position}: Schema '{database}' does not exist")

    def find(self, database: str, name: str) -> Table | None:
        """Look a table up; None if there is none."""
        try:
            found: Any = self._glue.get_table(DatabaseName=database, Name=name)["Table"]
        except self._glue.exceptions.EntityNotFoundException:
            return None
        descriptor = found.get("StorageDescriptor", {})
        return Table(
            database=database,
            name=name,
            location=descriptor.get("Location", ""),
            columns=_columns(descriptor.get("Columns", [])),
            keys=_columns(found.get("PartitionKeys", [])),
            descriptor=descriptor,
        )

    def get(self, database: str, name: str, position: str = "line 1:1") -> Table:
        """Look a table up.

        Raises:
            QueryFailedError: SCHEMA_NOT_FOUND or TABLE_NOT_FOUND, naming the position in the statement.
        """
        table = self.find(database, name)
        if table is None:
            self.require_database(database, position)
            raise QueryFailedError(
                "TABLE_NOT_FOUND", f"{position}: Table '{CATALOG}.{database}.{name}' does not exist"
            )
        return table

    def partitions(self, table: Table) -> list[Partition]:
        """List the registered partitions; an unpartitioned table is one partition without values."""
        if not table.keys:
            return [Partition((), table.location)]
        pages = self._glue.get_paginator("get_partitions").paginate(
            DatabaseName=table.database, TableName=table.name
        )
        return [
            Partition(tuple(partition["Values"]), partition["StorageDescriptor"]["Location"])
            for page in pages
            for partition in page["Partitions"]
        ]

    def table_names(self, database: str) -> list[str]:
        """List a database's tables in order."""
        pages = self._glue.get_paginator("get_tables").paginate(DatabaseName=database)
        return sorted(table["Name"] for page in pages for table in page["TableList"])

    def database_names(self) -> list[str]:
        """List the databases in order."""
        pages = self._glue.get_paginator("get_databases").paginate()
        return sorted(database["Name"] for page in pages for database in page["DatabaseList"])

    def create_database(self, database: str) -> None:
        """Create a database."""
        self._glue.create_database(DatabaseInput={"Name": database})

    def create_table(
        self, table: Table, parameters: dict[str, str], buckets: Sequence[str] = (), bucket_count: int = 0
    ) -> Table:
        """Create a Parquet table's entry, laid out as Athena writes it, and give it back with its descriptor.

        Args:
            table: its names, location, columns and keys.
            parameters: table properties, such as `parquet.compression`.
            buckets: the columns it is bucketed by.
            bucket_count: how many buckets; 0 is unbucketed.
        """
        descriptor: Any = {
            **_PARQUET_DESCRIPTOR,
            "Columns": _glue_columns(table.columns),
            "Location": table.location,
            "Compressed": False,
            "NumberOfBuckets": bucket_count,
            "BucketColumns": list(buckets),
            "SortColumns": [],
            "StoredAsSubDirectories": False,
            "Parameters": {},
        }
        self._glue.create_table(
            DatabaseName=table.database,
            TableInput={
                "Name": table.name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"EXTERNAL": "TRUE", **parameters},
                "StorageDescriptor": descriptor,
                "PartitionKeys": _glue_columns(table.keys),
            },
        )
        return dataclasses.replace(table, descriptor=descriptor)

    def drop_table(self, database: str, name: str) -> None:
        """Remove a table's entry and its partitions; the objects stay, as for any external table."""
        self._glue.delete_table(DatabaseName=database, Name=name)

    def add_partitions(self, table: Table, partitions: Iterable[Partition]) -> None:
        """Register partitions, each with the table's storage descriptor and its own location."""
        pending = list(partitions)
        for start in range(0, len(pending), _BATCH):
            response = self._glue.batch_create_partition(
                DatabaseName=table.database,
                TableName=table.name,
                PartitionInputList=[
                    {
                        "Values": list(partition.values),
                        "StorageDescriptor": {**table.descriptor, "Location": partition.location},  # type: ignore[typeddict-item]
                    }
                    for partition in pending[start : start + _BATCH]
                ],
            )
            for error in response.get("Errors", []):
                # Someone registered the same partition meanwhile: what was wanted is so.
                detail = error.get("ErrorDetail", {})
                if detail.get("ErrorCode") != "AlreadyExistsException":
                    raise QueryFailedError("HIVE_METASTORE_ERROR", detail.get("ErrorMessage", "unknown"))

    def drop_partition(self, table: Table, values: Sequence[str]) -> None:
        """Remove one partition's entry; its objects stay."""
        self._glue.delete_partition(
            DatabaseName=table.database, TableName=table.name, PartitionValues=list(values)
        )


def _columns(glue_columns: Sequence[Any]) -> tuple[Column, ...]:
    return tuple(Column(column["Name"].lower(), column.get("Type", "string")) for column in glue_columns)


def _glue_columns(columns: Sequence[Column]) -> list[Any]:
    return [{"Name": column.name, "Type": column.type} for column in columns]
