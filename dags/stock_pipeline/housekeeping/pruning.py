"""Deletes what is old from the catalog and the bucket, and reports on it.

Catalog entries go before their files: an entry without files would break queries, files without an entry are
unseen. Stopped anywhere, it is simply run again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from stock_pipeline.errors import NotDeletedError
from stock_pipeline.housekeeping.retention import CatalogTable, OldData, OldPartition, StoredObject, find_old
from stock_pipeline.lake import locations
from stock_pipeline.lake.catalog import Partition
from stock_pipeline.lake.tables import SUPPLIER_STOCK
from stock_pipeline.messages import Event, Message, to_look_at

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client

log = logging.getLogger(__name__)

DAG_ID = "prune_old_data"
ENTRIES_A_CALL = 25
KEYS_A_CALL = 1000

Item = TypeVar("Item")


class PruneReport(BaseModel):
    """One run of `prune_old_data`, as it lies in the bucket.

    Attributes:
        old: what the run found.
        deleted: whether it is gone.
        failed_tasks: names of the tasks that failed.
        concerns: sentences on what somebody has to look at; empty if all is well.
    """

    run_date: date
    run_id: str
    dry_run: bool = False
    old: OldData
    deleted: bool = False
    failed_tasks: list[str] = []
    concerns: list[str] = []

    def model_post_init(self, _context: Any) -> None:
        """Work out what needs a person."""
        self.concerns = []
        if self.old.left:
            self.concerns.append(f"{len(self.old.left)} not touched; the first: {self.old.left[0]}")
        self.concerns += [f"task {name} failed: see its log" for name in self.failed_tasks]

    def counts(self) -> dict[str, int]:
        """Figures of what is old."""
        everything = [*self.old.partitions, *self.old.staging]
        return {
            "partitions": len(self.old.partitions),
            "staging_tables": len(self.old.staging),
            "objects": sum(len(entry.objects) for entry in everything),
            "bytes": sum(entry.bytes for entry in everything),
            "kept": len(self.old.kept),
        }

    def deleted_message(self, location: str) -> Message:
        """What the topic is told once everything is deleted."""
        return Message(
            event=Event.PARTITIONS_DELETED,
            run_date=self.run_date,
            subject=SUPPLIER_STOCK.name,
            status="success",
            counts=self.counts(),
            report=location,
            text=f"Deleted: {self._what()}{self._kept()}",
        )

    def message(self, location: str | None) -> Message:
        """What the topic is told at the end of the run."""
        done = "deleted" if self.deleted else "not deleted" + (" (dry run)" if self.dry_run else "")
        text = f"{self._what()}: {done}{self._kept()}"
        text += to_look_at(self.concerns)
        return Message(
            event=Event.RUN_FINISHED,
            run_date=self.run_date,
            subject=DAG_ID,
            status="failed" if self.concerns else "success",
            counts=self.counts(),
            report=location,
            text=text,
        )

    def _kept(self) -> str:
        """Whose stock is older than a month and stays."""
        kept = ", ".join(
            f"{entry.supplier} of {entry.day} ({entry.age_days} days old)" for entry in self.old.kept
        )
        return f". Kept, because it is the supplier's newest: {kept}" if kept else ""

    def _what(self) -> str:
        counts = self.counts()
        suppliers = len({entry.supplier for entry in self.old.partitions})
        return (
            f"{counts['partitions']} partitions of {suppliers} suppliers older than {self.old.older_than}, "
            f"{counts['staging_tables']} old staging tables; {counts['objects']} objects of "
            f"{counts['bytes']:,} bytes"
        )


def look(
    s3: S3Client,
    glue: GlueClient,
    *,
    bucket: str,
    database: str,
    run_date: date,
    now: datetime,
    busy: frozenset[str] = frozenset(),
) -> OldData:
    """Find what is old in the catalog and the bucket; `run_date`, `now` and `busy` as for `find_old`."""
    prefixes = (f"{SUPPLIER_STOCK.name}/", locations.STAGING)
    return find_old(
        list(_tables(glue, database)),
        [stored for prefix in prefixes for stored in _objects(s3, bucket, prefix)],
        bucket=bucket,
        run_date=run_date,
        now=now,
        busy=busy,
    )


def delete(s3: S3Client, glue: GlueClient, *, bucket: str, database: str, old: OldData) -> None:
    """Delete what was found, entries before their files; what is gone already is fine.

    Raises:
        NotDeletedError: AWS refused something. The files of an entry that stays stay as well.
    """
    refused: list[str] = []
    for batch in _batches(old.partitions, ENTRIES_A_CALL):
        stay = _delete_entries(glue, database, [entry for entry in batch if entry.registered])
        refused += stay.values()
        keys = [key for entry in batch if entry.values not in stay for key in entry.objects]
        refused += _delete_objects(s3, bucket, keys)
    for table in old.staging:
        if table.registered:
            try:
                glue.delete_table(DatabaseName=database, Name=table.name)
            except glue.exceptions.EntityNotFoundException:
                log.info("%s is gone already", table.name)
        refused += _delete_objects(s3, bucket, table.objects)
    log.info("Deleted %d partitions, %d staging tables", len(old.partitions), len(old.staging))
    if refused:
        raise NotDeletedError(f"{len(refused)} not deleted: " + "; ".join(refused[:20]))


def write_report(s3: S3Client, bucket: str, report: PruneReport) -> str:
    """Write the report of a run; returns its location."""
    key = locations.run_report_key(DAG_ID, report.run_date, report.run_id)
    s3.put_object(Bucket=bucket, Key=key, Body=report.model_dump_json(indent=2).encode())
    return f"s3://{bucket}/{key}"


def read_report(s3: S3Client, bucket: str, run_date: date, run_id: str) -> PruneReport:
    """The report which a run wrote."""
    key = locations.run_report_key(DAG_ID, run_date, run_id)
    return PruneReport.model_validate_json(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def _tables(glue: GlueClient, database: str) -> Iterator[CatalogTable]:
    for page in glue.get_paginator("get_tables").paginate(DatabaseName=database):
        for entry in page["TableList"]:
            partitions = _partitions(glue, database, entry["Name"]) if entry.get("PartitionKeys") else None
            location = entry.get("StorageDescriptor", {}).get("Location", "")
            yield CatalogTable(entry["Name"], location, entry["CreateTime"], partitions)


def _partitions(glue: GlueClient, database: str, table: str) -> tuple[Partition, ...]:
    """The table's partitions, wherever they lie; none if it has just been dropped."""
    paginator = glue.get_paginator("get_partitions")
    try:
        return tuple(
            Partition(tuple(entry["Values"]), entry.get("StorageDescriptor", {}).get("Location", ""))
            for page in paginator.paginate(DatabaseName=database, TableName=table, ExcludeColumnSchema=True)
            for entry in page["Partitions"]
        )
    except glue.exceptions.EntityNotFoundException:
        return ()


def _objects(s3: S3Client, bucket: str, prefix: str) -> Iterator[StoredObject]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            yield StoredObject(entry["Key"], entry["Size"], entry["LastModified"])


def _delete_entries(
    glue: GlueClient, database: str, entries: list[OldPartition]
) -> dict[tuple[str, ...], str]:
    """Delete catalog entries; returns those that Glue refused, each with a sentence."""
    if not entries:
        return {}
    answer = glue.batch_delete_partition(
        DatabaseName=database,
        TableName=SUPPLIER_STOCK.name,
        PartitionsToDelete=[{"Values": list(entry.values)} for entry in entries],
    )
    return {
        tuple(error["PartitionValues"]): f"{'/'.join(error['PartitionValues'])}: {detail['ErrorCode']}"
        for error in answer.get("Errors", [])
        if (detail := error["ErrorDetail"])["ErrorCode"] != "EntityNotFoundException"
    }


def _delete_objects(s3: S3Client, bucket: str, keys: list[str]) -> list[str]:
    """Delete objects, of which the versioned bucket keeps the last version; returns what S3 refused."""
    refused = []
    for batch in _batches(keys, KEYS_A_CALL):
        answer = s3.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
        )
        refused += [f"{error['Key']}: {error['Code']}" for error in answer.get("Errors", [])]
    return refused


def _batches(items: Sequence[Item], size: int) -> Iterable[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
