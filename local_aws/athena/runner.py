"""From an execution to its outcome: parses the statement, sends it to what runs it, puts results in S3."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from local_aws.athena import objects, results, statements, tables
from local_aws.athena.catalog import Catalog, Table
from local_aws.athena.engine import Engine, Outcome, QueryRunner, Session, run_select
from local_aws.athena.errors import QueryFailedError
from local_aws.athena.executions import Execution
from local_aws.athena.objects import ObjectCache
from local_aws.athena.statements import Statement
from local_aws.athena.tables import Target
from local_aws.athena.writer import partition_folder

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclasses.dataclass(frozen=True)
class Services:
    """What a query works with: the server's S3 and Glue, the object cache, DuckDB, and a folder for rows."""

    s3: S3Client
    catalog: Catalog
    cache: ObjectCache
    engine: Engine
    results: Path


def run(execution: Execution, services: Services) -> None:
    """Run an execution to its end; its outcome, type and locations are set.

    Raises:
        QueryFailedError: whatever Athena would refuse or fail.
        QueryCancelledError: if it was stopped.
    """
    statement = statements.parse(execution.sql, execution.parameters)
    execution.statement_type = statement.type
    execution.substatement_type = statement.substatement_type
    if statement.type != "DML" and statement.kind != "ctas":
        execution.location = f"{execution.output}{execution.query_id}.txt"
    with services.engine.session(execution.query_id) as session:
        execution.attach(session)
        session.checkpoint()
        outcome = _dispatch(statement, execution, services, session)
        session.checkpoint()
        _store(statement, execution, services, session, outcome)
        execution.outcome = outcome


def _dispatch(statement: Statement, execution: Execution, services: Services, session: Session) -> Outcome:
    catalog, s3 = services.catalog, services.s3
    tables_folder = f"{execution.output}tables/{execution.query_id}"
    target = Target(execution.database, f"{tables_folder}/", execution.query_id, execution.enforced_output)
    queries = QueryRunner(session, catalog, s3, services.cache, execution.database)
    rows = services.results / f"{execution.query_id}.parquet"
    match statement.kind:
        case "select":
            return run_select(queries, session, statement.tree, rows)
        case "ctas":
            execution.location = tables_folder
            return tables.create_as_select(statement, queries, session, catalog, s3, target)
        case "insert":
            return tables.insert(statement, queries, session, catalog, s3, target)
        case "create_table":
            return tables.create_external_table(statement, catalog, target)
        case "drop_table":
            return tables.drop_table(statement, catalog, target)
        case "alter_partitions":
            return tables.alter_partitions(statement, catalog, target)
        case "create_database":
            return _create_database(statement, catalog)
    names_and_types, lines = _listing(statement, catalog, execution.database)
    return Outcome(results=results.texts(names_and_types, lines, rows))


def _create_database(statement: Statement, catalog: Catalog) -> Outcome:
    name = statement.tree.this.db.lower() or statement.tree.this.name.lower()
    if not catalog.has_database(name):
        catalog.create_database(name)
    elif not statement.tree.args.get("exists"):
        raise QueryFailedError("", f"FAILED: Execution Error: Database {name} already exists")
    return Outcome()


def _listing(
    statement: Statement, catalog: Catalog, default_database: str
) -> tuple[list[tuple[str, str]], list[list[str]]]:
    if statement.kind == "show_databases":
        return [("database_name", "string")], [[name] for name in catalog.database_names()]
    assert statement.name is not None  # noqa: S101 - the other listings are about a table or a database
    database, name = statement.name.resolve(default_database)
    if statement.kind == "show_tables":
        catalog.require_database(database)
        return [("tab_name", "string")], [[table] for table in catalog.table_names(database)]
    table = catalog.get(database, name, statement.name.position)
    if statement.kind == "show_partitions":
        return [("partition", "string")], _partition_lines(table, catalog)
    columns = [[column.name, column.type, ""] for column in table.all_columns]
    return [("col_name", "string"), ("data_type", "string"), ("comment", "string")], columns


def _partition_lines(table: Table, catalog: Catalog) -> list[list[str]]:
    if not table.keys:
        raise QueryFailedError(
            "", f"FAILED: Execution Error: {table.database}.{table.name} is not a partitioned table"
        )
    keys = [key.name for key in table.keys]
    return sorted([partition_folder(keys, part.values).rstrip("/")] for part in catalog.partitions(table))


def _store(
    statement: Statement, execution: Execution, services: Services, session: Session, outcome: Outcome
) -> None:
    path = session.workspace / "result"
    if statement.kind in {"ctas", "insert"}:
        folder = f"{execution.output}tables/" if statement.kind == "ctas" else execution.output
        execution.manifest = f"{folder}{execution.query_id}-manifest.csv"
        _put_lines(services, execution.manifest, outcome.written)
        return
    if statement.kind == "select":
        results.write_csv(outcome.results, path)
    else:
        results.write_text(outcome.results, path)
    bucket, key = _split(execution.location)
    services.s3.upload_file(str(path), bucket, key)


def _put_lines(services: Services, uri: str, lines: Sequence[str]) -> None:
    bucket, key = _split(uri)
    services.s3.put_object(Bucket=bucket, Key=key, Body="".join(f"{line}\n" for line in lines).encode())


def _split(uri: str) -> tuple[str, str]:
    bucket, prefix = objects.split_uri(uri)
    return bucket, prefix.rstrip("/")
