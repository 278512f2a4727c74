"""Reads the Glue catalog: which partitions a table has, and which snapshots of supplier_stock count on a day.

Only a registered partition exists. An object that no one registered is invisible here as it is to Athena.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

from stock_pipeline.lake.lake import Lake, Partition
from stock_pipeline.lake.tables import SUPPLIER_STOCK, Table
from stock_pipeline.messages import Event, Message


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The snapshots of a supplier that count on a day: the newest one, and the one before it if there is.

    Without a current one the supplier has no stock.
    """

    supplier: str
    current: date | None
    previous: date | None

    def ended(self) -> Snapshots:
        """The same once the current snapshot no longer counts."""
        return Snapshots(self.supplier, None, self.current)

    def as_dict(self) -> dict[str, str | None]:
        """Plain text values, for an XCom and for the query's template."""
        return {key: str(value) if value else None for key, value in asdict(self).items()}


def snapshot_dates(lake: Lake, supplier: str) -> list[date]:
    """The dates of a supplier's registered snapshots, oldest first."""
    found = lake.partitions(SUPPLIER_STOCK.name, f"supplier = '{supplier}'")
    return sorted(_snapshot_date(partition) for partition in found)


def snapshots_on(lake: Lake, run_date: date) -> list[Snapshots]:
    """For each supplier with a snapshot on or before `run_date`: the newest one and the one before it."""
    dates: dict[str, list[date]] = defaultdict(list)
    for partition in lake.partitions(SUPPLIER_STOCK.name):
        if (day := _snapshot_date(partition)) <= run_date:
            dates[partition.values[0]].append(day)
    newest = {supplier: sorted(days, reverse=True)[:2] for supplier, days in sorted(dates.items())}
    return [
        Snapshots(supplier, days[0], days[1] if len(days) > 1 else None) for supplier, days in newest.items()
    ]


def _snapshot_date(partition: Partition) -> date:
    _, year, month, day = partition.values
    return date(int(year), int(month), int(day))


def partitions_added(table: Table, run_date: date, added: Sequence[Sequence[str]]) -> Message:
    """The message on partitions that a run registered; `added` has the key values of each."""
    names = ", ".join(values[0] for values in added) or "none: all were registered before"
    return Message(
        event=Event.PARTITION_ADDED,
        run_date=run_date,
        subject=table.name,
        status="success",
        counts={"partitions": len(added)},
        text=f"Partitions of {run_date} added to {table.name}: {names}",
    )
