"""The `query` command: runs a statement through Athena's API as any client would, and prints the rows."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import itertools
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.config
from botocore.exceptions import BotoCoreError, ClientError

from local_aws.environment import client_arguments, endpoint_url

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

_FIRST_POLL_SECONDS = 0.05
_LONGEST_POLL_SECONDS = 1.0
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "statement",
        nargs="?",
        default="-",
        help="the SQL, a file that holds it, or - for standard input (default)",
    )
    parser.add_argument(
        "--endpoint",
        default=os.environ.get("AWS_ENDPOINT_URL", endpoint_url()),
        help="the server's address (default %(default)s)",
    )
    parser.add_argument("--database", default="rtg_automotive", help="default %(default)s")
    parser.add_argument("--workgroup", default="primary", help="default %(default)s")
    parser.add_argument("--output", help="S3 folder for the result, if the workgroup has none")
    parser.add_argument(
        "--max-rows", type=int, default=100, help="rows printed (default %(default)s; 0 for all)"
    )
    parser.add_argument("--format", choices=("table", "csv"), default="table", help="default %(default)s")


def run(options: argparse.Namespace) -> int:
    """Run the command and give its exit code: 1 if the statement failed or the server is not there."""
    client: AthenaClient = boto3.client("athena", config=_CLIENT_CONFIG, **client_arguments(options.endpoint))
    try:
        finished = execute(
            client, read_statement(options.statement), options.database, options.workgroup, options.output
        )
        header, kinds, rows = fetch(client, finished.query_id)
        shown = list(rows if options.max_rows == 0 else itertools.islice(rows, options.max_rows))
        more = next(rows, None) is not None
    except (StatementError, ClientError, BotoCoreError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if options.format == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([header, *shown] if header else shown)
    else:
        print(aligned(header, kinds, shown), end="")
    counted = f"the first {len(shown):,} rows" if more else f"{len(shown):,} row{'s' * (len(shown) != 1)}"
    # With CSV the rows alone go to standard output, to be piped.
    summary = f"{counted}, {finished.seconds:.2f} s, {_size(finished.scanned)} scanned"
    print(summary, file=sys.stderr if options.format == "csv" else sys.stdout)
    return 0


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
    pause = _FIRST_POLL_SECONDS
    while True:
        execution = client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
        state = execution["Status"]["State"]
        if state in {"FAILED", "CANCELLED"}:
            raise StatementError(
                f"{state}: {execution['Status'].get('StateChangeReason', 'no reason given')}"
            )
        if state == "SUCCEEDED":
            statistics = execution["Statistics"]
            seconds = statistics["TotalExecutionTimeInMillis"] / 1000
            return Finished(query_id, seconds, statistics["DataScannedInBytes"])
        time.sleep(pause)
        pause = min(_LONGEST_POLL_SECONDS, pause * 1.5)


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
