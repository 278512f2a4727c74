"""The template's resources on a local AWS, the clients for them, and what tests read out of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT

from aws_operators.glue_partitions import PartitionInput, ensure_partitions
from local_aws.environment import REGION, client_arguments
from local_aws.query import execute, fetch
from local_aws.template import TEMPLATE_PATH, create_resources
from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake

CLIENTS: tuple[Any, ...] = ("s3", "glue", "athena", "sqs")
EBAY_COLUMNS = "ebay_store, item_id, quantity, quantity_delta, custom_label, supplier_store"

EbayRows = dict[tuple[str, int], tuple[int, int, str, str]]
"""The ebay table as the oracle has it: quantity, delta, label and supplier by store and item."""


@dataclass(frozen=True)
class Stack:
    """One set of resources; names and values as the template's outputs give them."""

    endpoint: str
    bucket: str
    database: str
    workgroup: str
    topic_arn: str
    queue_url: str
    s3: Any = field(repr=False)
    glue: Any = field(repr=False)
    athena: Any = field(repr=False)
    sqs: Any = field(repr=False)

    @classmethod
    def create(cls, endpoint: str, name: str) -> Stack:
        """Make the template's resources under their own names."""
        dashed, underscored = name.replace("_", "-"), name.replace("-", "_")
        outputs = create_resources(
            TEMPLATE_PATH,
            endpoint,
            {
                "BucketName": dashed,
                "DatabaseName": underscored,
                "TopicName": dashed,
                "QueueName": dashed,
                "WorkgroupName": dashed,
            },
        )
        return cls(
            endpoint=endpoint,
            bucket=outputs["BucketName"],
            database=outputs["DatabaseName"],
            workgroup=outputs["WorkgroupName"],
            topic_arn=outputs["TopicArn"],
            queue_url=outputs["QueueUrl"],
            **{name: boto3.client(name, **client_arguments(endpoint)) for name in CLIENTS},
        )

    @property
    def lake(self) -> Lake:
        """The bucket and the catalog, as the pipeline has them."""
        return Lake(self.s3, self.glue, self.bucket, self.database)

    def outputs(self) -> dict[str, str]:
        """What the template gives out, as far as anybody needs it."""
        return {
            "BucketName": self.bucket,
            "DatabaseName": self.database,
            "WorkgroupName": self.workgroup,
            "TopicArn": self.topic_arn,
            "QueueUrl": self.queue_url,
        }

    def airflow_settings(self) -> dict[str, str]:
        """The environment variables by which Airflow's tasks work on these resources."""
        connection = {
            "conn_type": "aws",
            "login": "local",
            "password": "local",
            "extra": {"endpoint_url": self.endpoint, "region_name": REGION},
        }
        return {
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
            "AIRFLOW_VAR_STOCK_BUCKET": self.bucket,
            "AIRFLOW_VAR_STOCK_DATABASE": self.database,
            "AIRFLOW_VAR_STOCK_WORKGROUP": self.workgroup,
            "AIRFLOW_VAR_STOCK_TOPIC_ARN": self.topic_arn,
            "AIRFLOW_VAR_STOCK_DEADLINE": "09:00",
        }

    def query(self, sql: str) -> list[list[str | None]]:
        """Rows of a query, as Athena gives them."""
        finished = execute(self.athena, sql, self.database, self.workgroup)
        return list(fetch(self.athena, finished.query_id)[2])

    def ebay(self) -> EbayRows:
        """The published table through Athena; a listing that is there twice is an error."""
        rows = self.query(f"SELECT {EBAY_COLUMNS} FROM ebay")
        table = {
            (str(store), int(item or 0)): (int(quantity or 0), int(delta or 0), str(label), str(supplier))
            for store, item, quantity, delta, label, supplier in rows
        }
        assert len(table) == len(rows)
        return table

    def ebay_versions(self) -> dict[str, str]:
        """What each store's object holds: key to entity tag."""
        return {entry["Key"]: entry["ETag"] for entry in self.lake.objects("ebay/")}

    def partitions(self, table: str) -> list[tuple[str, ...]]:
        """The values of a table's registered partitions, in order, repeats and all."""
        return sorted(entry.values for entry in self.lake.partitions(table))

    def tables(self) -> set[str]:
        """The names in the catalog."""
        return {table["Name"] for table in self.glue.get_tables(DatabaseName=self.database)["TableList"]}

    def keys(self, prefix: str) -> list[str]:
        return [entry["Key"] for entry in self.lake.objects(prefix)]

    def body(self, key: str) -> bytes:
        return self.lake.read(key)

    def json(self, key: str) -> Any:
        return json.loads(self.body(key))

    def feed_report(self, day: date, supplier: str) -> Any:
        return self.json(locations.stock_feed_report_key(day, supplier))

    def put(self, key: str, body: bytes) -> None:
        self.lake.put(key, body)

    def age(self, key: str, by: timedelta) -> None:
        """Have an object been put earlier than it was; S3's own times are no finer than a second."""
        account = get_backend("s3")[ACCOUNT]["aws"]
        account.buckets[self.bucket].keys[key].last_modified -= by

    def put_parquet(self, key: str, table: pa.Table) -> None:
        sink = BytesIO()
        pq.write_table(table, sink)
        self.put(key, sink.getvalue())

    def put_snapshot(self, key: str, quantities: Mapping[str, int], day: date) -> None:
        """Write a snapshot whose parts are called as its labels are."""
        labels = sorted(quantities)
        columns = {
            "custom_label": labels,
            "part_number": labels,
            "quantity": pa.array([quantities[label] for label in labels], pa.int32()),
            "updated_date": [day] * len(labels),
        }
        self.put_parquet(key, pa.table(columns))

    def register(self, table: str, values: list[str], key: str) -> None:
        """Register the folder of an object as a partition."""
        entry: PartitionInput = {
            "values": values,
            "location": self.lake.url(f"{key.rpartition('/')[0]}/"),
        }
        ensure_partitions(self.glue, self.database, table, [entry])

    def uploads(self, day: date) -> dict[str, bytes]:
        """The upload files of a day, by name."""
        return {
            key.rpartition("/")[2]: self.body(key) for key in self.keys(locations.ebay_upload_prefix(day))
        }

    def messages(self) -> list[tuple[str, dict[str, Any]]]:
        """Take everything off the front end's queue: the attribute `event` and the message of each."""
        taken: list[tuple[str, dict[str, Any]]] = []
        while True:
            answer = self.sqs.receive_message(
                QueueUrl=self.queue_url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=0,
                MessageAttributeNames=["All"],
            )
            entries = answer.get("Messages", [])
            if not entries:
                return taken
            for entry in entries:
                attribute = entry["MessageAttributes"]["event"]["StringValue"]
                taken.append((attribute, json.loads(entry["Body"])))
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=entry["ReceiptHandle"])
