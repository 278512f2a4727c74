"""The `query` command: runs a statement through Athena's API as any client would, and prints the rows."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import boto3
import botocore.config
import typer
from botocore.exceptions import BotoCoreError, ClientError
from tenacity import Retrying, retry_if_result, wait_exponential

from local_aws.environment import client_arguments, endpoint_url

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

ENDED = {"SUCCEEDED", "FAILED", "CANCELLED"}
_NUMBERS = {"tinyint", "smallint", "integer", "bigint", "float", "double", "decimal"}
_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_STEP = 1000
_CLIENT_CONFIG = botocore.config.Config(retries={"total_max_attempts": 2})  # it is there or it is not


class StatementError(Exception):
    """The statement ended FAILED or CANCELLED; the message is Athena's reason."""


@dataclasses.dataclass(frozen=True)
class Finished:
    """A statement that succeeded: its id, the seconds it took and the bytes it scanned."""

    query_id: str
    seconds: float
    scanned: int


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"


Endpoint = Annotated[str, typer.Option(help="The server's address.", envvar="AWS_ENDPOINT_URL")]


def query(
    statement: Annotated[
        str, typer.Argument(help="The SQL, a file that holds it, or - for standard input.")
    ] = "-",
    endpoint: Endpoint = endpoint_url(),  # noqa: B008 - a constant
    database: Annotated[str, typer.Option(help="Where tables without a database are.")] = "rtg_automotive",
    workgroup: Annotated[str, typer.Option(help="The workgroup the statement runs in.")] = "primary",
    output: Annotated[
        str | None, typer.Option(help="The S3 folder for the result, if the workgroup has none.")
    ] = None,
    max_rows: Annotated[int, typer.Option(help="How many rows to print; 0 for all.", min=0)] = 100,
    style: Annotated[Format, typer.Option("--format", help="How to print them.")] = Format.TABLE,
) -> None:
    """Run an Athena statement on the running server and print the rows."""
    client: AthenaClient = boto3.client("athena", config=_CLIENT_CONFIG, **client_arguments(endpoint))
    try:
        finished = execute(client, read_statement(statement), database, workgroup, output)
        header, kinds, rows = fetch(client, finished.query_id)
        shown = list(rows if max_rows == 0 else itertools.islice(rows, max_rows))
        more = next(rows, None) is not None
    except (StatementError, ClientError, BotoCoreError, OSError) as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from error
    if style is Format.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([header, *shown] if header else shown)
    else:
        typer.echo(aligned(header, kinds, shown), nl=False)
    counted = f"the first {len(shown):,} rows" if more else f"{len(shown):,} row{'s' * (len(shown) != 1)}"
    # With CSV the rows alone go to standard output, to be piped.
    summary = f"{counted}, {finished.seconds:.2f} s, {_size(finished.scanned)} scanned"
    typer.echo(summary, err=style is Format.CSV)


def read_statement(argument: str) -> str:
    """Give the SQL itself, whether it was written out, is in a file, or comes on standard input."""
    if argument == "-":
        return sys.stdin.read()
    path = Path(argument)
    is_file = len(argument) < 1000 and "\n" not in argument and path.is_file()
    return path.read_text(encoding="utf-8") if is_file else argument


def execute(
    client: AthenaClient, sql: str, database: str, workgroup: str, output: str | None = None
) -> Finished:
    """Run a statement to its end.

    Raises:
        StatementError: if it does not succeed.
        ClientError: if the call is refused.
    """
    extra: dict[str, Any] = {"ResultConfiguration": {"OutputLocation": output}} if output else {}
    query_id = client.start_query_execution(
        QueryString=sql, QueryExecutionContext={"Database": database}, WorkGroup=workgroup, **extra
    )["QueryExecutionId"]
    to_its_end = Retrying(
        retry=retry_if_result(lambda execution: execution["Status"]["State"] not in ENDED),
        wait=wait_exponential(multiplier=0.05, exp_base=1.5, max=1.0),
    )
    ended = to_its_end(lambda: client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"])
    if (state := ended["Status"]["State"]) != "SUCCEEDED":
        raise StatementError(f"{state}: {ended['Status'].get('StateChangeReason', 'no reason given')}")
    taken = ended["Statistics"]
    return Finished(query_id, taken["TotalExecutionTimeInMillis"] / 1000, taken["DataScannedInBytes"])


def fetch(client: AthenaClient, query_id: str) -> tuple[list[str], list[str], Iterator[list[str | None]]]:
    """Give a finished query's column names, their Athena types, and its rows page by page."""
    pages = iter(client.get_paginator("get_query_results").paginate(QueryExecutionId=query_id))
    first = next(pages)
    columns = first["ResultSet"]["ResultSetMetadata"].get("ColumnInfo", [])
    header = [column["Name"] for column in columns]
    rows = (
        [value.get("VarCharValue") for value in row["Data"]]
        for page in itertools.chain([first], pages)
        for row in page["ResultSet"]["Rows"]
    )
    leading = next(rows, None)
    if leading is not None and leading != header:  # SHOW and DESCRIBE have no header row
        rows = itertools.chain([leading], rows)  # type: ignore[assignment]
    return header, [column["Type"] for column in columns], rows


def aligned(header: Sequence[str], kinds: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    """Lay rows out in columns, numbers to the right, NULL as nothing."""
    if not header:
        return ""
    texts = [[value or "" for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *texts, strict=True)]
    right = [kind in _NUMBERS for kind in kinds]
    lines = [header, ["-" * width for width in widths], *texts]
    return "".join(
        "  ".join(
            value.rjust(width) if to_right else value.ljust(width)
            for value, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        + "\n"
        for line in lines
    )


def _size(count: int) -> str:
    size = float(count)
    for unit in _UNITS:
        if size < _STEP or unit == _UNITS[-1]:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= _STEP
    raise AssertionError  # the loop always returns
