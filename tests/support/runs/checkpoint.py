"""Puts tables back to where they were, so that tests of one module need not follow each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stock_pipeline.lake import locations
from stock_pipeline.lake.tables import EBAY, PRODUCT, STORE, SUPPLIER_STOCK, TABLES
from tests.support.runs.stack import Stack

PREFIXES = [f"{table}/" for table in TABLES] + [
    locations.STOCK_FEEDS,
    locations.EBAY_UPLOAD,
    locations.UPLOAD_LEDGER,
    locations.STAGING,
    locations.REPORTS,
    locations.STORE_FEEDS,
    locations.PRODUCT_FEEDS,
    locations.QUARANTINE,
    locations.LOCKS,
]
PUBLISHED = tuple(f"{table.name}/" for table in (EBAY, PRODUCT, STORE))
PARTITIONED = (STORE.name, SUPPLIER_STOCK.name, EBAY.name)


@dataclass
class Checkpoint:
    """Objects with their entity tags, and partitions with their locations, as they were."""

    stack: Stack
    objects: dict[str, str]
    bodies: dict[str, tuple[bytes, dict[str, str]]]
    partitions: dict[str, dict[tuple[str, ...], Any]]

    @classmethod
    def take(cls, stack: Stack) -> Checkpoint:
        objects = _objects(stack)
        bodies = {}
        for key in objects:
            answer = stack.s3.get_object(Bucket=stack.bucket, Key=key)
            bodies[key] = answer["Body"].read(), answer["Metadata"]
        return cls(stack, objects, bodies, {table: _partitions(stack, table) for table in PARTITIONED})

    def restore(self) -> None:
        """Undo whatever was done since."""
        stack = self.stack
        now = _objects(stack)
        for key in now.keys() - self.objects.keys():
            stack.s3.delete_object(Bucket=stack.bucket, Key=key)
        for key, tag in self.objects.items():
            body, metadata = self.bodies[key]
            # The day of a published object is in its metadata alone.
            if now.get(key) != tag or key.startswith(PUBLISHED):
                stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=body, Metadata=metadata)
        for name in stack.tables() - TABLES.keys():
            stack.glue.delete_table(DatabaseName=stack.database, Name=name)
        for table, before in self.partitions.items():
            where = {"DatabaseName": stack.database, "TableName": table}
            found = _partitions(stack, table)
            for values in found.keys() - before.keys():
                stack.glue.delete_partition(**where, PartitionValues=list(values))
            for values in before.keys() - found.keys():
                entry = {"Values": list(values), "StorageDescriptor": before[values]}
                stack.glue.create_partition(**where, PartitionInput=entry)
        stack.messages()


def _objects(stack: Stack) -> dict[str, str]:
    return {entry["Key"]: entry["ETag"] for prefix in PREFIXES for entry in stack.lake.objects(prefix)}


def _partitions(stack: Stack, table: str) -> dict[tuple[str, ...], Any]:
    assert table != PRODUCT.name
    pages = stack.glue.get_paginator("get_partitions").paginate(DatabaseName=stack.database, TableName=table)
    return {
        tuple(entry["Values"]): entry["StorageDescriptor"] for page in pages for entry in page["Partitions"]
    }
