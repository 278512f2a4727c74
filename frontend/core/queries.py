"""Runs statements on Athena for someone who waits: they are told how far it is, and can cancel it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import polars as pl
from botocore.exceptions import ClientError

from stock_pipeline.errors import NeedsPersonError

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_s3 import S3Client

TYPES: dict[str, type[pl.DataType]] = {
    "bigint": pl.Int64,
    "integer": pl.Int32,
    "double": pl.Float64,
    "date": pl.Date,
    "varchar": pl.String,
}
"""Athena's names for the types of a result. They differ from Glue's."""

FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")


class QueryError(NeedsPersonError):
    """Athena did not answer a question; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a query is: Athena's state, the seconds it took and bytes it read so far, why it failed."""

    state: str
    seconds: float
    scanned: int
    reason: str
    location: str

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL

    @property
    def in_vain(self) -> bool:
        """Whether it has ended without an answer."""
        return self.done and self.state != "SUCCEEDED"


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query that has succeeded."""

    rows: pl.DataFrame
    seconds: float
    scanned: int


class Queries:
    """Athena in one workgroup and database."""

    def __init__(self, athena: AthenaClient, s3: S3Client, *, workgroup: str, database: str) -> None:
        self._athena = athena
        self._s3 = s3
        self._workgroup = workgroup
        self._database = database

    def start(self, statement: Statement) -> str:
        """Send a statement; returns the query's id."""
        parameters = {"ExecutionParameters": list(statement.parameters)} if statement.parameters else {}
        return self._athena.start_query_execution(
            QueryString=statement.sql,
            QueryExecutionContext={"Database": self._database},
            WorkGroup=self._workgroup,
            **parameters,  # type: ignore[arg-type]  # left out when there are none, as Athena demands
        )["QueryExecutionId"]

    def progress(self, query_id: str) -> Progress:
        """How far a query is."""
        found = self._athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
        status, statistics = found["Status"], found.get("Statistics", {})
        return Progress(
            state=status["State"],
            seconds=statistics.get("TotalExecutionTimeInMillis", 0) / 1000,
            scanned=statistics.get("DataScannedInBytes", 0),
            reason=status.get("StateChangeReason", ""),
            location=found.get("ResultConfiguration", {}).get("OutputLocation", ""),
        )

    def cancel(self, query_id: str) -> None:
        """Call a query off; one that has ended stays as it is."""
        self._athena.stop_query_execution(QueryExecutionId=query_id)

    def answer(self, query_id: str) -> Answer:
        """The rows of a query that has ended.

        Raises:
            QueryError: it did not succeed, or its result has expired.
        """
        progress = self.progress(query_id)
        if progress.state != "SUCCEEDED":
            raise QueryError(_failure(progress))
        metadata = self._athena.get_query_results(QueryExecutionId=query_id, MaxResults=1)["ResultSet"]
        columns = metadata["ResultSetMetadata"]["ColumnInfo"]
        schema = {column["Name"]: TYPES.get(column["Type"], pl.String) for column in columns}
        bucket, _, key = progress.location.removeprefix("s3://").partition("/")
        try:
            # The result as Athena wrote it: one request, where its own API takes one for each 1,000 rows.
            body = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise QueryError(
                f"the result at {progress.location} cannot be read: ask again ({error})"
            ) from error
        return Answer(pl.read_csv(BytesIO(body), schema=schema), progress.seconds, progress.scanned)

    def ask(self, statement: Statement, timeout_seconds: float = 60.0) -> Answer:
        """Run a small query to its end; cancelled when it takes longer.

        Raises:
            QueryError: it did not succeed in time.
        """
        query_id = self.start(statement)
        ends = time.monotonic() + timeout_seconds
        pause = 0.05
        while not self.progress(query_id).done:
            if time.monotonic() > ends:
                self.cancel(query_id)
                raise QueryError(
                    f"Athena took longer than {timeout_seconds:.0f} seconds; ask again in a while"
                )
            time.sleep(pause)
            pause = min(1.0, pause * 1.5)
        return self.answer(query_id)


def size(count: int) -> str:
    """Bytes for people: 1,234 is 1.2 kB."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:,.1f} {unit}"
        amount /= 1000
    raise AssertionError  # the loop always returns


def _failure(progress: Progress) -> str:
    if progress.state == "CANCELLED":
        if "cutoff" in progress.reason.lower() or "limit" in progress.reason.lower():
            return f"Athena stopped the query, as it would read too much: add a filter ({progress.reason})"
        return "the query was cancelled"
    return f"Athena could not answer: {progress.reason or progress.state}"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement for Athena and the literals for its `?`, in order."""

    sql: str
    parameters: tuple[str, ...] = ()
