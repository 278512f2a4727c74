"""Statements that make or change tables: CTAS, INSERT INTO, CREATE EXTERNAL TABLE, DROP and partitions."""

# ruff: noqa: S608 - this module's work is to write SQL; names and texts are quoted by sqlglot

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from local_aws.athena import failures, objects
from local_aws.athena.catalog import CATALOG, Catalog, Column, Partition, Table
from local_aws.athena.engine import Outcome, QueryRunner, Session
from local_aws.athena.errors import QueryFailedError
from local_aws.athena.properties import CtasProperties
from local_aws.athena.sql import identifier
from local_aws.athena.statements import Statement, position
from local_aws.athena.translate import UNNAMED
from local_aws.athena.types import duckdb_type, glue_type, normal_sql_type
from local_aws.athena.writer import Layout, TableWriter, partition_folder


@dataclasses.dataclass(frozen=True)
class Target:
    """Where a statement's table belongs: what the context says of database and location.

    Attributes:
        database: what an unqualified name belongs to.
        default_location: where a CTAS without `external_location` writes.
        query_id: begins the names of the objects written.
        location_enforced: whether the workgroup refuses a CTAS that names its location.
    """

    database: str
    default_location: str
    query_id: str
    location_enforced: bool = False


def create_as_select(
    statement: Statement, runner: QueryRunner, session: Session, catalog: Catalog, s3: Any, target: Target
) -> Outcome:
    """Run CREATE TABLE ... AS SELECT: objects first, the catalog entry last.

    A failure leaves no catalog entry. Objects already uploaded stay, as Athena's documentation warns.

    Raises:
        QueryFailedError: for every refusal of Athena's.
    """
    assert statement.name is not None  # noqa: S101 - a CTAS has a name by its grammar
    tree = statement.tree
    database, name = statement.name.resolve(target.database)
    catalog.require_database(database, statement.name.position)
    if catalog.find(database, name) is not None:
        if tree.args.get("exists"):
            return Outcome()
        raise QueryFailedError(
            "TABLE_ALREADY_EXISTS",
            f"line 1:1: Destination table '{CATALOG}.{database}.{name}' already exists",
        )
    properties = CtasProperties.read(tree)
    if properties.external_location and target.location_enforced:
        raise QueryFailedError(
            "",
            "The Create Table As Select query failed because it was submitted with an 'external_location' "
            "property to an Athena Workgroup that enforces a centralized output location for all queries. "
            "Please remove the 'external_location' property and resubmit the query.",
        )
    location = properties.external_location or target.default_location
    query = tree.expression.unnest()
    sql = runner.prepare(query)
    columns = [(column.lower(), kind) for column, kind in runner.describe(sql)]
    properties.check_columns([column for column, _ in columns], UNNAMED)
    if not objects.location_is_empty(s3, location):
        raise QueryFailedError(
            "HIVE_PATH_ALREADY_EXISTS",
            f"Target directory for table '{database}.{name}' already exists: {location}. You may need to "
            f"manually clean the data at location '{location}' before retrying. Athena will not delete data "
            "in your account.",
        )
    keys = properties.partitioned_by
    data = [(column, kind) for column, kind in columns if column not in keys]
    table = Table(
        database,
        name,
        location,
        tuple(Column(column, glue_type(kind)) for column, kind in data),
        tuple(Column(column, glue_type(kind)) for column, kind in columns if column in keys),
    )
    layout = Layout(
        [(column, normal_sql_type(kind)) for column, kind in data],
        keys,
        properties.bucketed_by,
        properties.bucket_count,
        properties.compression,
    )
    writer = TableWriter(session.connection, s3, session.workspace, target.query_id, session.checkpoint)
    with failures.explained(query):
        written = writer.write(
            sql, layout, lambda values: _partition_location(table, values), ordered=_is_ordered(query)
        )
    session.checkpoint()
    parameters = {"parquet.compression": properties.compression.upper(), "has_encrypted_data": "false"}
    created = catalog.create_table(
        table, parameters, properties.bucketed_by, properties.bucket_count if properties.bucketed_by else 0
    )
    try:
        catalog.add_partitions(created, written.partitions)
    except Exception:
        catalog.drop_table(database, name)
        raise
    return Outcome(written=written.uris, scanned=runner.scanned)


def insert(
    statement: Statement, runner: QueryRunner, session: Session, catalog: Catalog, s3: Any, target: Target
) -> Outcome:
    """Run INSERT INTO: new objects beside the old, new partitions registered.

    Raises:
        QueryFailedError: TYPE_MISMATCH if the query's columns are not the table's; and the writer's refusals.
    """
    assert statement.name is not None  # noqa: S101 - an INSERT has a name by its grammar
    database, name = statement.name.resolve(target.database)
    table = catalog.get(database, name, statement.name.position)
    query = statement.tree.expression.unnest()
    sql = runner.prepare(query)
    given = runner.describe(sql)
    names = _insert_columns(statement.tree.this, table)
    by_name = {column.name: column for column in table.all_columns}
    if len(names) != len(given) or any(
        not _insertable(kind, by_name[column].type) for column, (_, kind) in zip(names, given, strict=True)
    ):
        wanted = ", ".join(by_name[column].type for column in names)
        found = ", ".join(glue_type(kind) for _, kind in given)
        raise QueryFailedError(
            "TYPE_MISMATCH",
            f"line 1:1: Insert query has mismatched column types: Table: [{wanted}], Query: [{found}]",
        )
    selected = ", ".join(
        f"CAST({identifier(column.name) if column.name in names else 'NULL'} AS {duckdb_type(column.type)}) "
        f"AS {identifier(column.name)}"
        for column in table.all_columns
    )
    positional = ", ".join(identifier(column) for column in names)
    registered = {partition.values: partition.location for partition in catalog.partitions(table)}
    descriptor = table.descriptor
    layout = Layout(
        [(column.name, duckdb_type(column.type)) for column in table.columns],
        [key.name for key in table.keys],
        [column.lower() for column in descriptor.get("BucketColumns", [])],
        max(1, descriptor.get("NumberOfBuckets", 0)),
    )
    writer = TableWriter(session.connection, s3, session.workspace, target.query_id, session.checkpoint)
    with failures.explained(query):
        written = writer.write(
            f"SELECT {selected} FROM ({sql}) AS rows({positional})",
            layout,
            lambda values: registered.get(values) or _partition_location(table, values),
            ordered=_is_ordered(query),
        )
    session.checkpoint()
    catalog.add_partitions(
        table, [partition for partition in written.partitions if partition.values not in registered]
    )
    return Outcome(written=written.uris, scanned=runner.scanned)


def create_external_table(statement: Statement, catalog: Catalog, target: Target) -> Outcome:
    """Run CREATE EXTERNAL TABLE for Parquet at a location.

    Raises:
        QueryFailedError: if the table exists, is not external, has no location, or is not Parquet.
    """
    assert statement.name is not None  # noqa: S101 - a CREATE TABLE has a name by its grammar
    tree = statement.tree
    database, name = statement.name.resolve(target.database)
    catalog.require_database(database, statement.name.position)
    properties = tree.args.get("properties") or exp.Properties()
    external = properties.find(exp.ExternalProperty)
    location = properties.find(exp.LocationProperty)
    file_format = properties.find(exp.FileFormatProperty)
    if external is None or location is None:
        raise QueryFailedError("NOT_SUPPORTED", "only CREATE EXTERNAL TABLE with a LOCATION runs locally")
    if file_format is None or file_format.this.name.upper() != "PARQUET":
        raise QueryFailedError("NOT_SUPPORTED", "only STORED AS PARQUET runs locally")
    if catalog.find(database, name) is not None:
        if tree.args.get("exists"):
            return Outcome()
        raise QueryFailedError(
            "", f"FAILED: Execution Error: AlreadyExistsException: Table {name} already exists"
        )
    partitioned = properties.find(exp.PartitionedByProperty)
    table = Table(
        database,
        name,
        location.this.name,
        _defined_columns(tree.this.expressions),
        _defined_columns(partitioned.this.expressions) if partitioned is not None else (),
    )
    parameters = {
        item.name.strip("'\""): item.args["value"].name
        for item in properties.expressions
        if type(item) is exp.Property
    }
    catalog.create_table(table, parameters)
    return Outcome()


def drop_table(statement: Statement, catalog: Catalog, target: Target) -> Outcome:
    """Run DROP TABLE: the entry goes, the objects stay.

    Raises:
        QueryFailedError: if it is not there and IF EXISTS was not said.
    """
    assert statement.name is not None  # noqa: S101 - a DROP TABLE has a name by its grammar
    database, name = statement.name.resolve(target.database)
    if catalog.find(database, name) is None:
        if statement.tree.args.get("exists"):
            return Outcome()
        raise QueryFailedError(
            "", f"FAILED: SemanticException [Error 10001]: Table not found {database}.{name}"
        )
    catalog.drop_table(database, name)
    return Outcome()


def alter_partitions(statement: Statement, catalog: Catalog, target: Target) -> Outcome:
    """Run ALTER TABLE ADD or DROP PARTITION."""
    assert statement.name is not None  # noqa: S101 - an ALTER TABLE has a name by its grammar
    database, name = statement.name.resolve(target.database)
    table = catalog.get(database, name, statement.name.position)
    registered = {partition.values for partition in catalog.partitions(table)}
    for action in statement.tree.args["actions"]:
        tolerant = bool(action.args.get("exists"))
        specifications = action.expressions if isinstance(action, exp.DropPartition) else [action.this]
        for specification in specifications:
            values = _partition_values(specification, table)
            if isinstance(action, exp.DropPartition):
                if values in registered:
                    catalog.drop_partition(table, values)
                elif not tolerant:
                    raise QueryFailedError("", f"FAILED: SemanticException: Partition not found {values}")
            elif values not in registered:
                location = action.find(exp.LocationProperty)
                uri = location.this.name if location is not None else _partition_location(table, values)
                catalog.add_partitions(table, [Partition(values, uri)])
            elif not tolerant:
                raise QueryFailedError("", f"FAILED: Execution Error: Partition already exists {values}")
    return Outcome()


def _partition_values(specification: exp.Expr, table: Table) -> tuple[str, ...]:
    given = {
        equality.this.name.lower(): equality.expression.name for equality in specification.find_all(exp.EQ)
    }
    if set(given) != {key.name for key in table.keys}:
        raise QueryFailedError(
            "", f"FAILED: ValidationException: partition specification does not match keys of {table.name}"
        )
    return tuple(given[key.name] for key in table.keys)


def _partition_location(table: Table, values: Sequence[str]) -> str:
    root = table.location.rstrip("/") + "/"
    return root + partition_folder([key.name for key in table.keys], values)


def _insert_columns(target: exp.Expr, table: Table) -> list[str]:
    if not isinstance(target, exp.Schema):
        return [column.name for column in table.all_columns]
    known = {column.name for column in table.all_columns}
    for column in target.expressions:
        if column.name.lower() not in known:
            raise QueryFailedError(
                "COLUMN_NOT_FOUND",
                f"{position(column)}: Insert column name does not exist in target table: {column.name}",
            )
    return [column.name.lower() for column in target.expressions]


def _insertable(kind: Any, wanted: str) -> bool:
    """Trino widens numbers on INSERT and converts nothing else."""
    found = glue_type(kind)
    order = ["tinyint", "smallint", "int", "bigint", "decimal", "float", "double"]
    base, wanted_base = (text.split("(")[0] for text in (found, wanted))
    if kind.id == "null" or base == wanted_base:
        return True
    if base in order and wanted_base in order:
        return order.index(base) <= order.index(wanted_base)
    return {base, wanted_base} <= {"string", "varchar", "char"} or (base, wanted_base) == (
        "date",
        "timestamp",
    )


def _defined_columns(definitions: Sequence[exp.Expr]) -> tuple[Column, ...]:
    return tuple(
        Column(definition.name.lower(), definition.args["kind"].sql(dialect="hive").lower())
        for definition in definitions
    )


def _is_ordered(query: exp.Expr) -> bool:
    return query.args.get("order") is not None
