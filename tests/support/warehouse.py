"""A way to run statements on a server as any client would."""

from __future__ import annotations

import dataclasses
import io
import itertools
import time
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq

from local_aws import client_arguments

BUCKET = "warehouse"
DATABASE = "rtg_automotive"
OUTPUT = f"s3://{BUCKET}/athena-results/"
DEADLINE_SECONDS = 300
_numbers = itertools.count()


@dataclasses.dataclass(frozen=True)
class Done:
    """A query that has ended."""

    execution: dict[str, Any]
    header: list[str]
    kinds: list[str]
    rows: list[list[str | None]]

    @property
    def state(self) -> str:
        return self.execution["Status"]["State"]

    @property
    def reason(self) -> str:
        return self.execution["Status"].get("StateChangeReason", "")

    @property
    def scanned(self) -> int:
        return self.execution["Statistics"]["DataScannedInBytes"]


class Warehouse:
    """Clients of a running server."""

    def __init__(self, endpoint: str) -> None:
        arguments = client_arguments(endpoint)
        self.endpoint = endpoint
        self.s3 = boto3.client("s3", **arguments)
        self.glue = boto3.client("glue", **arguments)
        self.athena = boto3.client("athena", **arguments)

    def start(self, sql: str, **extra: Any) -> str:
        request: dict[str, Any] = {
            "QueryExecutionContext": {"Database": DATABASE},
            "ResultConfiguration": {"OutputLocation": OUTPUT},
            **extra,
        }
        return self.athena.start_query_execution(QueryString=sql, **request)["QueryExecutionId"]

    def wait(self, query_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            execution = self.athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            if execution["Status"]["State"] not in {"QUEUED", "RUNNING"}:
                return execution
            time.sleep(0.005)
        raise AssertionError(f"query {query_id} did not end in {DEADLINE_SECONDS} s")

    def run(self, sql: str, **extra: Any) -> Done:
        query_id = self.start(sql, **extra)
        execution = self.wait(query_id)
        if execution["Status"]["State"] != "SUCCEEDED":
            return Done(execution, [], [], [])
        result = self.athena.get_query_results(QueryExecutionId=query_id)["ResultSet"]
        columns = result["ResultSetMetadata"]["ColumnInfo"]
        rows = [[value.get("VarCharValue") for value in row["Data"]] for row in result["Rows"]]
        header = [column["Name"] for column in columns]
        if rows and rows[0] == header:
            rows = rows[1:]
        return Done(execution, header, [column["Type"] for column in columns], rows)

    def query(self, sql: str, **extra: Any) -> list[list[str | None]]:
        done = self.run(sql, **extra)
        assert done.state == "SUCCEEDED", done.reason
        return done.rows

    def put(self, key: str, table: pa.Table) -> pq.FileMetaData:
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=buffer.getvalue())
        return pq.read_metadata(buffer)

    def keys(self, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def read(self, key: str) -> pa.Table:
        return pq.read_table(io.BytesIO(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()))

    def new_name(self) -> str:
        return f"t{next(_numbers)}"

    def new_table(self, columns: str, keys: str = "", name: str | None = None) -> str:
        """Create an empty external table and give its name; its objects belong below that name."""
        name = name or self.new_name()
        partitioned = f"PARTITIONED BY ({keys})" if keys else ""
        self.query(
            f"CREATE EXTERNAL TABLE {name} ({columns}) {partitioned} STORED AS PARQUET "
            f"LOCATION 's3://{BUCKET}/{name}/'"
        )
        return name

    def register(self, name: str, *values: str) -> str:
        """Register a partition at its usual place and give that place's key prefix."""
        keys = self.glue.get_table(DatabaseName=DATABASE, Name=name)["Table"]["PartitionKeys"]
        parts = "".join(f"{key['Name']}={value}/" for key, value in zip(keys, values, strict=True))
        self.glue.create_partition(
            DatabaseName=DATABASE,
            TableName=name,
            PartitionInput={
                "Values": list(values),
                "StorageDescriptor": {"Location": f"s3://{BUCKET}/{name}/{parts}"},
            },
        )
        return f"{name}/{parts}"
