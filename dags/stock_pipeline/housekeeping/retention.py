"""Decides what is old enough to go. It only looks; whatever it names is safe to delete.

A snapshot is kept for one calendar month: on 31 March those of 28 February (29 in a leap year) stay, and
those of the day before go. A supplier's newest snapshot stays however old it is: without it the next list
would be compared with nothing, and its listings would leave the table. Newest is the newest registered one
that has its file. The record of its codes is among the reports, of which nothing goes.

Only two kinds of objects can be named at all: those whose key is that of a snapshot of an old date, and those
in a folder under `staging/`. Where a catalog entry says its files are is never believed when something is to
go, only when something is to stay: what a remaining entry points to never goes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel

from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Partition
from stock_pipeline.lake.locations import date_parts
from stock_pipeline.lake.tables import SUPPLIER_STOCK, TABLES
from stock_pipeline.run_dates import month_before

STAGING_AGE = timedelta(days=3)
"""What is staged is left alone for so long: a failed or dry run of Friday can be looked at on Monday."""

STAGING_TABLE = re.compile(rf"({'|'.join(TABLES)})_staging_[0-9]{{8}}_[0-9a-z_]+")
SNAPSHOT_KEY = re.compile(
    rf"{SUPPLIER_STOCK.name}/supplier=([^/]+)/year=([^/]+)/month=([^/]+)/day=([^/]+)/.+"
)
S3_LOCATION = re.compile(r"s3[an]?://([^/]+)/*(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of the bucket."""

    key: str
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class CatalogTable:
    """A table as the catalog has it; `partitions` is None if it is not partitioned."""

    name: str
    location: str
    created: datetime
    partitions: tuple[Partition, ...] | None


class Old(BaseModel):
    """Something to delete: keys of its objects, and how many bytes they are."""

    objects: list[str] = []
    bytes: int = 0


SomeOld = TypeVar("SomeOld", bound=Old)


class OldPartition(Old):
    """A day of `supplier_stock`; `registered` says whether the catalog has it."""

    supplier: str
    day: date
    registered: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """The partition's key values."""
        return (self.supplier, *date_parts(self.day))


class OldStaging(Old):
    """A staging table, or what is left of one; `registered` says whether the catalog has it."""

    name: str
    registered: bool = False


class KeptSnapshot(BaseModel):
    """A supplier's newest snapshot that is older than a month and stays all the same."""

    supplier: str
    day: date
    age_days: int


class OldData(BaseModel):
    """What is old, by partition and staging table.

    Attributes:
        older_than: snapshots of earlier days are old.
        partitions: of `supplier_stock`, by supplier and day.
        staging: by name.
        left: sentences on what is not touched though it looks old or wrong.
        kept: snapshots that are older and stay, because they are their suppliers' newest.
    """

    older_than: date
    partitions: list[OldPartition] = []
    staging: list[OldStaging] = []
    left: list[str] = []
    kept: list[KeptSnapshot] = []

    def still_in(self, now: OldData) -> OldData:
        """This with only what a later look found as well."""
        partitions = {entry.values: entry for entry in now.partitions}
        staging = {entry.name: entry for entry in now.staging}
        return self.model_copy(
            update={
                "partitions": [
                    _common(entry, partitions[entry.values])
                    for entry in self.partitions
                    if entry.values in partitions
                ],
                "staging": [
                    _common(entry, staging[entry.name]) for entry in self.staging if entry.name in staging
                ],
            }
        )


def find_old(
    tables: Iterable[CatalogTable],
    objects: Iterable[StoredObject],
    *,
    bucket: str,
    run_date: date,
    now: datetime,
    busy: frozenset[str] = frozenset(),
) -> OldData:
    """What may go on a day.

    Args:
        tables: all tables of the catalog.
        objects: those under `supplier_stock/` and `staging/`; others are passed over.
        bucket: the bucket they are in.
        run_date: the day; snapshots older than a month on it are old.
        now: staging tables untouched for `STAGING_AGE` are old.
        busy: names of tables for which a run is staging something just now.
    """
    tables, objects = list(tables), list(objects)
    stock = next((table.partitions for table in tables if table.name == SUPPLIER_STOCK.name), None) or ()
    old = OldData(older_than=month_before(run_date))
    newest = _newest(stock, {stored.key for stored in objects})
    going = {
        entry
        for entry in stock
        if _is_old(snapshot_day(entry.values), old.older_than) and entry.values not in newest
    }
    old.kept = [
        KeptSnapshot(supplier=values[0], day=day, age_days=(run_date - day).days)
        for values, day in sorted(newest.items())
        if _is_old(day, old.older_than)
    ]
    old.staging = _old_staging(tables, objects, now - STAGING_AGE, busy)
    while True:
        keep = _Kept(bucket, tables, going, {entry.name for entry in old.staging})
        spared = {entry.name: why for entry in old.staging for why in map(keep.why, entry.objects) if why}
        if not spared:
            break
        # What is spared stays, and so do the files it points to.
        old.staging = [entry for entry in old.staging if entry.name not in spared]
        old.left += [
            f"{name} is an old staging table, but {why} points to it" for name, why in spared.items()
        ]
    old.partitions = _old_partitions(going, objects, keep, newest.keys(), old)
    old.left += [
        f"the catalog entry {'/'.join(entry.values)} of {SUPPLIER_STOCK.name} has no date"
        for entry in stock
        if snapshot_day(entry.values) is None
    ]
    old.left += [
        f"the old catalog entry {'/'.join(entry.values)} of {SUPPLIER_STOCK.name} points to "
        f"{entry.location}: what is there stays"
        for entry in sorted(going, key=lambda entry: entry.values)
        if _key_prefix(entry.location, bucket) != SUPPLIER_STOCK.key(*entry.values).rpartition("/")[0]
    ]
    return old


def snapshot_day(values: tuple[str, ...]) -> date | None:
    """The day of a partition of `supplier_stock`; None unless it is written exactly as days are."""
    try:
        _, year, month, day = values
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if date_parts(found) == (year, month, day) else None


def _is_old(day: date | None, older_than: date) -> bool:
    return day is not None and day < older_than


def _old_partitions(
    going: set[Partition],
    objects: list[StoredObject],
    keep: _Kept,
    newest: Collection[tuple[str, ...]],
    old: OldData,
) -> list[OldPartition]:
    """The old entries and the objects of old days, registered or not; says in `old.left` which must stay.

    Whatever belongs to a supplier's newest snapshot stays, and nothing has to be said of it.
    """
    found: dict[tuple[str, ...], OldPartition] = {}

    def partition(values: tuple[str, ...], day: date) -> OldPartition:
        return found.setdefault(values, OldPartition(supplier=values[0], day=day))

    for entry in going:
        if day := snapshot_day(entry.values):
            partition(entry.values, day).registered = True
    for stored in objects:
        match = SNAPSHOT_KEY.fullmatch(stored.key)
        day = snapshot_day(match.groups()) if match else None
        if match and day and day < old.older_than and match.groups() not in newest:
            if why := keep.why(stored.key):
                old.left.append(f"{stored.key} is of an old day, but {why} points to it")
            else:
                _add(partition(match.groups(), day), stored)
    return [found[values] for values in sorted(found)]


def _old_staging(
    tables: list[CatalogTable], objects: list[StoredObject], before: datetime, busy: frozenset[str]
) -> list[OldStaging]:
    """Staging tables and folders that nothing was done with since `before`."""
    found: dict[str, OldStaging] = {}
    touched: dict[str, datetime] = {}
    for table in tables:
        if STAGING_TABLE.fullmatch(table.name):
            found[table.name] = OldStaging(name=table.name, registered=True)
            touched[table.name] = table.created
    others = {table.name for table in tables} - found.keys()
    for stored in objects:
        name, inside, _ = stored.key.removeprefix(locations.STAGING).partition("/")
        if stored.key.startswith(locations.STAGING) and name and inside and name not in others:
            _add(found.setdefault(name, OldStaging(name=name)), stored)
            touched[name] = max(stored.modified, touched.get(name, stored.modified))
    return [
        entry
        for name, entry in sorted(found.items())
        if touched[name] < before and name.partition("_staging_")[0] not in busy
    ]


def _newest(stock: Iterable[Partition], keys: Collection[str]) -> dict[tuple[str, ...], date]:
    """The values and the day of each supplier's newest registered snapshot that has its file."""
    newest: dict[str, tuple[date, tuple[str, ...]]] = {}
    for entry in stock:
        day = snapshot_day(entry.values)
        if day and SUPPLIER_STOCK.key(*entry.values) in keys:
            supplier, found = entry.values[0], (day, entry.values)
            newest[supplier] = max(found, newest.get(supplier, found))
    return {values: day for day, values in newest.values()}


class _Kept:
    """Where the files of entries lie that stay."""

    def __init__(
        self, bucket: str, tables: list[CatalogTable], going: set[Partition], going_tables: set[str]
    ) -> None:
        self._owners: dict[str, str] = {}
        for table in tables:
            if table.name in going_tables:
                continue
            if table.partitions is None:
                self._add(bucket, table.location, f"the table {table.name}")
            for entry in table.partitions or ():
                if table.name != SUPPLIER_STOCK.name or entry not in going:
                    name = "/".join(entry.values)
                    self._add(bucket, entry.location, f"the partition {name} of {table.name}")

    def _add(self, bucket: str, location: str, owner: str) -> None:
        prefix = _key_prefix(location, bucket)
        if prefix is not None:
            self._owners[prefix] = owner

    def why(self, key: str) -> str | None:
        """Which entry an object belongs to that stays; None if there is none."""
        parts = key.split("/")
        above = ("/".join(parts[:number]) for number in range(len(parts), -1, -1))
        return next((self._owners[prefix] for prefix in above if prefix in self._owners), None)


def _key_prefix(location: str, bucket: str) -> str | None:
    """The key of the folder or object a location names, without a slash at its end; None if elsewhere."""
    match = S3_LOCATION.fullmatch(location.strip())
    return match.group(2).rstrip("/") if match and match.group(1) == bucket else None


def _add(old: Old, stored: StoredObject) -> None:
    old.objects.append(stored.key)
    old.bytes += stored.size


def _common(listed: SomeOld, now: SomeOld) -> SomeOld:
    keys = set(now.objects)
    return listed.model_copy(update={"objects": [key for key in listed.objects if key in keys]})
