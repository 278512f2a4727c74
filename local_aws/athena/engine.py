"""DuckDB as the engine: one instance, a session for each statement, queries bound to the catalog."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from local_aws.athena import failures, results
from local_aws.athena.analysis import analyse, bind_tables
from local_aws.athena.catalog import Catalog, Table
from local_aws.athena.errors import QueryCancelledError
from local_aws.athena.objects import ObjectCache
from local_aws.athena.results import Results
from local_aws.athena.scan import Scanner
from local_aws.athena.sql import literal
from local_aws.athena.statements import Name
from local_aws.athena.translate import name_columns, to_duckdb
from local_aws.athena.types import DOUBLE_MACROS
from local_aws.environment import DEFAULT_MEMORY

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_THREADS = 2
_INTERRUPT_SECONDS = 0.05


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a statement gave.

    Attributes:
        results: its rows, if it has any.
        written: addresses of the objects it wrote.
        scanned: bytes Athena would charge for.
    """

    results: Results = dataclasses.field(default_factory=Results)
    written: Sequence[str] = ()
    scanned: int = 0


class Engine:
    """One DuckDB instance for all queries, so that its memory limit holds for them together.

    Args:
        directory: for the queries' folders and what does not fit in memory.
        memory: DuckDB's memory limit, such as `4GB`.
    """

    def __init__(self, directory: Path, memory: str = DEFAULT_MEMORY) -> None:
        self._queries = directory / "queries"
        spill = directory / "spill"
        for folder in (self._queries, spill):
            folder.mkdir(parents=True, exist_ok=True)
        self._root = duckdb.connect(
            config={
                "threads": _THREADS,
                "memory_limit": memory,
                "temp_directory": str(spill),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self._root.execute("SET GLOBAL TimeZone = 'UTC'")
        self._root.execute("SET GLOBAL lambda_syntax = 'ENABLE_SINGLE_ARROW'")  # Trino's own
        for macro in DOUBLE_MACROS:
            self._root.execute(macro)
        # A statement sees tables of the catalog and nothing else: no other file, and no network.
        self._root.execute(f"SET allowed_directories = [{literal(str(directory))}]")
        self._root.execute("SET enable_external_access = false")

    @contextlib.contextmanager
    def session(self, query_id: str) -> Iterator[Session]:
        """Open a query's connection and folder; both are gone afterwards."""
        workspace = self._queries / query_id
        workspace.mkdir()
        session = Session(self._root.cursor(), workspace)
        try:
            yield session
        finally:
            session.close()
            shutil.rmtree(workspace, ignore_errors=True)

    def close(self) -> None:
        """Close DuckDB."""
        self._root.close()


@dataclasses.dataclass
class Session:
    """One query's DuckDB connection and folder; `stop` may be called from another thread."""

    connection: duckdb.DuckDBPyConnection
    workspace: Path
    _stopped: threading.Event = dataclasses.field(default_factory=threading.Event)
    _closed: threading.Event = dataclasses.field(default_factory=threading.Event)

    def stop(self) -> None:
        """Interrupt what runs, and let nothing more begin."""
        self._stopped.set()
        threading.Thread(target=self._interrupt, name="athena-stop", daemon=True).start()

    def close(self) -> None:
        """End the session; its connection is closed."""
        self._closed.set()
        self.connection.close()

    def _interrupt(self) -> None:
        # DuckDB forgets an interrupt that arrives just before a statement begins, hence again and again.
        with contextlib.suppress(duckdb.ConnectionException):
            self.connection.interrupt()
            while not self._closed.wait(_INTERRUPT_SECONDS):
                self.connection.interrupt()

    def checkpoint(self) -> None:
        """Raise if the query was stopped.

        Raises:
            QueryCancelledError: if so.
        """
        if self._stopped.is_set():
            raise QueryCancelledError


class QueryRunner:
    """Runs queries of one statement in a session.

    Args:
        session: the statement's connection and folder.
        catalog: Glue.
        s3: client for the server's own S3.
        cache: local copies of objects.
        database: what unqualified names belong to.
    """

    def __init__(
        self, session: Session, catalog: Catalog, s3: S3Client, cache: ObjectCache, database: str
    ) -> None:
        self._session = session
        self._catalog = catalog
        self._s3 = s3
        self._cache = cache
        self._database = database
        self.scanned = 0

    def prepare(self, query: exp.Expr) -> str:
        """Bind a query's tables, create their views, and give its DuckDB SQL; counts the bytes scanned."""
        named = name_columns(query)
        original = named.copy()
        references = bind_tables(named, self._lookup)
        types = analyse(named, references)
        scanner = Scanner(
            self._session.connection,
            self._s3,
            self._catalog,
            self._cache,
            self._session.workspace,
            self._session.checkpoint,
        )
        sql = to_duckdb(named.copy(), types)
        for reference in references:
            self.scanned += scanner.create_view(reference)
        self._session.checkpoint()
        with failures.explained(original):
            self._session.connection.sql(sql)
        return sql

    def describe(self, sql: str) -> list[tuple[str, Any]]:
        """Give a prepared query's columns as (name, DuckDB type)."""
        relation = self._session.connection.sql(sql)
        return list(zip(relation.columns, relation.types, strict=True))

    def _lookup(self, name: Name) -> Table:
        database, table = name.resolve(self._database)
        return self._catalog.get(database, table, name.position)


def run_select(runner: QueryRunner, session: Session, query: exp.Expr, path: Path) -> Outcome:
    """Run a query and keep its rows in a Parquet file of texts at `path`."""
    sql = runner.prepare(query)
    with failures.explained(query):
        rows = results.collect(session.connection, sql, path)
    return Outcome(results=rows, scanned=runner.scanned)
