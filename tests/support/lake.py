"""A bucket and a catalog with the four tables, and what tests put there and read out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from stock_pipeline.feeds.snapshot_files import RELEASED_METADATA
from stock_pipeline.lake import lake, locations
from stock_pipeline.lake.tables import PRODUCT, STORE, SUPPLIER_STOCK, TABLES, Table
from tests.support.workbooks.making import Rows, write_rows

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Lake(lake.Lake):
    """A bucket of a test's own with its Glue database, both of one name.

    Attributes:
        folder: where workbooks are made.
    """

    folder: Path

    @classmethod
    def named(cls, name: str, s3: S3Client, glue: GlueClient, folder: Path) -> Lake:
        """The lake of that name, which need not be there yet."""
        return cls(s3=s3, glue=glue, bucket=name, database=name, folder=folder)

    def create(self) -> Lake:
        self.s3.create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
        )
        self.glue.create_database(DatabaseInput={"Name": self.database})
        for table in TABLES.values():
            self.create_table(table.name, table)
        return self

    def create_table(self, name: str, like: Table) -> None:
        self.glue.create_table(
            DatabaseName=self.database,
            TableInput={
                "Name": name,
                "PartitionKeys": [{"Name": key, "Type": "string"} for key in like.partition_keys],
                "StorageDescriptor": {
                    "Columns": [{"Name": column, "Type": kind} for column, kind in like.columns.items()],
                    "Location": self.url(f"{name}/"),
                },
            },
        )

    def register(self, table: str, values: Sequence[str], key: str) -> None:
        """Make the folder of an object a partition."""
        self.glue.create_partition(
            DatabaseName=self.database,
            TableName=table,
            PartitionInput={
                "Values": list(values),
                "StorageDescriptor": {"Location": self.url(f"{key.rpartition('/')[0]}/")},
            },
        )

    def registered(self, table: str) -> set[tuple[str, ...]]:
        return {entry.values for entry in self.partitions(table)}

    def put_rows(self, key: str, schema: pl.Schema, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows as Parquet; what a row leaves out is null."""
        sink = BytesIO()
        pl.DataFrame(list(rows), schema=schema).write_parquet(sink)
        self.put(key, sink.getvalue())

    def json(self, key: str) -> Any:
        return json.loads(self.read(key))

    def keys(self, prefix: str = "") -> list[str]:
        return [entry["Key"] for entry in self.objects(prefix)]

    def bodies(self, prefix: str = "") -> dict[str, bytes]:
        return {key: self.read(key) for key in self.keys(prefix)}

    def workbook(self, rows: Rows) -> bytes:
        path = self.folder / "made.xlsx"
        write_rows(path, rows)
        return path.read_bytes()

    def upload_feed(self, day: date, name: str, content: Rows | bytes) -> str:
        """Put a feed where staff put it; returns its key."""
        key = locations.stock_feed_prefix(day) + name
        self.put(key, content if isinstance(content, bytes) else self.workbook(content))
        return key

    def put_product(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Write the product table: labels, parts and suppliers."""
        names = PRODUCT.schema.names()
        self.put_rows(PRODUCT.key(), PRODUCT.schema, (dict(zip(names, row, strict=True)) for row in rows))

    def put_listings(self, store: str, supplier: str, labels: Iterable[str]) -> None:
        """Write and register a partition of the store table."""
        key = STORE.key(store, supplier)
        self.put_rows(
            key, STORE.schema, ({"item_id": at, "custom_label": label} for at, label in enumerate(labels))
        )
        self.register(STORE.name, (store, supplier), key)

    def put_snapshot(
        self, supplier: str, day: date, quantities: Mapping[str, int], *, released: bool = False
    ) -> str:
        """Write and register a snapshot; returns its key."""
        values = (supplier, *locations.date_parts(day))
        key = SUPPLIER_STOCK.key(*values)
        rows = ({"custom_label": label, "quantity": quantity} for label, quantity in quantities.items())
        self.put_rows(key, SUPPLIER_STOCK.schema, rows)
        if released:
            self.put(key, self.read(key), Metadata={RELEASED_METADATA: "true"})
        if values not in self.registered(SUPPLIER_STOCK.name):
            self.register(SUPPLIER_STOCK.name, values, key)
        return key

    def quantities_told(self, key: str) -> dict[int, int | None]:
        """What an object of the upload ledger says."""
        table = pl.read_parquet(BytesIO(self.read(key)))
        return dict(table.select("item_id", "quantity").rows())

    def quantities(self, key: str) -> dict[str, int]:
        """What a snapshot says."""
        table = pl.read_parquet(BytesIO(self.read(key)))
        return dict(table.select("custom_label", "quantity").rows())
