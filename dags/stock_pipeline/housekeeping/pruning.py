"""Deletes what is old from the catalog and the bucket, and reports on it.

Catalog entries go before their files: an entry without files would break queries, files without an entry are
unseen. Stopped anywhere, it is simply run again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from stock_pipeline.errors import NotDeletedError
from stock_pipeline.housekeeping.retention import CatalogTable, OldData, OldPartition, StoredObject, find_old
from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake, Partition
from stock_pipeline.lake.tables import SUPPLIER_STOCK
from stock_pipeline.messages import Event, Message, to_look_at

log = logging.getLogger(__name__)

DAG_ID = "prune_old_data"
ENTRIES_A_CALL = 25
KEYS_A_CALL = 1000

Item = TypeVar("Item")


class PruneReport(BaseModel):
    """One run of `prune_old_data`, as it is stored in the bucket.

    Attributes:
        old: what the run found.
        deleted: whether it is gone.
        failed_tasks: names of the tasks that failed.
        concerns: sentences on what needs attention; empty if all is well.
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
        """What the topic receives once everything is deleted."""
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
        """What the topic receives at the end of the run."""
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
    lake: Lake,
    *,
    run_date: date,
    now: datetime,
    busy: frozenset[str] = frozenset(),
) -> OldData:
    """Find what is old in the catalog and the bucket; `run_date`, `now` and `busy` as for `find_old`."""
    prefixes = (f"{SUPPLIER_STOCK.name}/", locations.STAGING)
    return find_old(
        list(_tables(lake)),
        [stored for prefix in prefixes for stored in _objects(lake, prefix)],
        bucket=lake.bucket,
        run_date=run_date,
        now=now,
        busy=busy,
    )


def delete(lake: Lake, *, old: OldData) -> None:
    """Delete what was found, entries before their files; what is gone already is fine.

    Raises:
        NotDeletedError: AWS refused something. The files of an entry that stays stay as well.
    """
    refused: list[str] = []
    for batch in _batches(old.partitions, ENTRIES_A_CALL):
        stay = _delete_entries(lake, [entry for entry in batch if entry.registered])
        refused += stay.values()
        keys = [key for entry in batch if entry.values not in stay for key in entry.objects]
        refused += lake.delete_all(keys)
    for table in old.staging:
        if table.registered and not lake.drop_table(table.name):
            log.info("%s is gone already", table.name)
        refused += lake.delete_all(table.objects)
    log.info("Deleted %d partitions, %d staging tables", len(old.partitions), len(old.staging))
    if refused:
        raise NotDeletedError(f"{len(refused)} not deleted: " + "; ".join(refused[:20]))


def write_report(lake: Lake, report: PruneReport) -> str:
    """Write the report of a run; returns its location."""
    key = locations.run_report_key(DAG_ID, report.run_date, report.run_id)
    lake.put(key, report.model_dump_json(indent=2).encode())
    return lake.url(key)


def read_report(lake: Lake, run_date: date, run_id: str) -> PruneReport:
    """The report which a run wrote."""
    key = locations.run_report_key(DAG_ID, run_date, run_id)
    return PruneReport.model_validate_json(lake.read(key))


def _tables(lake: Lake) -> Iterator[CatalogTable]:
    for page in lake.glue.get_paginator("get_tables").paginate(DatabaseName=lake.database):
        for entry in page["TableList"]:
            partitions = _partitions(lake, entry["Name"]) if entry.get("PartitionKeys") else None
            location = entry.get("StorageDescriptor", {}).get("Location", "")
            yield CatalogTable(entry["Name"], location, entry["CreateTime"], partitions)


def _partitions(lake: Lake, table: str) -> tuple[Partition, ...]:
    """The table's partitions, wherever they are; none if it has just been dropped."""
    try:
        return tuple(lake.partitions(table))
    except lake.glue.exceptions.EntityNotFoundException:
        return ()


def _objects(lake: Lake, prefix: str) -> Iterator[StoredObject]:
    for entry in lake.objects(prefix):
        yield StoredObject(entry["Key"], entry["Size"], entry["LastModified"])


def _delete_entries(lake: Lake, entries: list[OldPartition]) -> dict[tuple[str, ...], str]:
    """Delete catalog entries; returns those that Glue refused, each with a sentence."""
    if not entries:
        return {}
    answer = lake.glue.batch_delete_partition(
        DatabaseName=lake.database,
        TableName=SUPPLIER_STOCK.name,
        PartitionsToDelete=[{"Values": list(entry.values)} for entry in entries],
    )
    return {
        tuple(error["PartitionValues"]): f"{'/'.join(error['PartitionValues'])}: {detail['ErrorCode']}"
        for error in answer.get("Errors", [])
        if (detail := error["ErrorDetail"])["ErrorCode"] != "EntityNotFoundException"
    }


def _batches(items: Sequence[Item], size: int) -> Iterable[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
