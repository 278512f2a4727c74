"""Publishes a staged table over the one people read, a partition at a time.

The one way in which `ebay`, `store` and `product` are replaced. The staging table is complete and audited
before this starts. Each partition is one object, and an object is replaced whole, so a reader sees a store of
yesterday or of today and never a part of one; a table without partitions is a single object. Stopped
anywhere, it is simply run again.

A run publishes over what it knows or not at all: the `Fence` it comes with says what was published when the
run began, and makes sure before every change that the run still has the table's lock.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from stock_pipeline.errors import PublishRefusedError
from stock_pipeline.lake.lake import Lake, Partition
from stock_pipeline.lake.tables import Table

log = logging.getLogger(__name__)

RUN_DATE_METADATA = "run-date"
"""Metadata of a published object: the date it was made for. Where the table's date is kept."""


RUN_METADATA = "published-by"
"""Metadata of a published object: the DAG and the run that put it there."""


@dataclass(frozen=True, slots=True)
class Published:
    """What publishing did: the partitions now there, and the values of those that went."""

    partitions: list[Partition]
    removed: list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Fence:
    """What keeps a run from publishing over what it has not seen.

    Attributes:
        run: the DAG and its run; noted on every object that is published.
        planned: the version of each published object when the run began, as `published_versions` gives them.
        hold: makes sure that the run has the table's lock, or raises; called before every change.
    """

    run: str
    planned: Mapping[str, str]
    hold: Callable[[], None]

    @property
    def mark(self) -> dict[str, str]:
        """The metadata by which the run knows again what it has published."""
        return {RUN_METADATA: as_metadata(self.run)}


def publish(
    lake: Lake,
    *,
    staging_table: str,
    table: Table,
    run_date: date,
    fence: Fence,
    allow_older: bool = False,
    within: tuple[str, ...] = (),
    keep: Collection[tuple[str, ...]] = (),
) -> Published:
    """Copy each staged partition's file over the published one; drop partitions that are staged no more.

    New partitions are returned, not registered: that is the catalog operator's work.

    Args:
        lake: the bucket and the catalog.
        staging_table: what is published, partitioned as `table` is.
        table: what people read.
        run_date: the date it is made for.
        fence: of the run.
        allow_older: publish even if what is there is of a later date.
        within: the leading partition values that the staging table is about, such as one store; partitions
            of `table` with other values are neither looked at nor touched.
        keep: partition values of which the published file stays as it is.

    Raises:
        PublishRefusedError: the published table is of a later date and `allow_older` is not set, or the
            staging table is empty or gone, is about something else than `within`, or one of its partitions is
            not exactly one file; or another run has published since this one began.
        TableLockedError: another run has the table's lock.
    """
    fence.hold()
    try:
        staged = {entry.values: entry for entry in _staged(lake, staging_table, table)}
    except lake.glue.exceptions.EntityNotFoundException as error:
        raise PublishRefusedError(
            f"{staging_table} is gone: a run that published it drops it; run the day again"
        ) from error
    if not staged:
        raise PublishRefusedError(f"{staging_table} has no partition: nothing would be left of {table.name}")
    outside = sorted(values for values in staged if values[: len(within)] != within)
    if outside:
        raise PublishRefusedError(
            f"{staging_table} has the partition {'/'.join(outside[0])}, which is not of {'/'.join(within)}"
        )
    sources = {values: _only_object(lake, entry) for values, entry in staged.items() if values not in keep}
    registered = {entry.values for entry in _published(lake, table, within)}
    published = {*registered, *values_of_objects(lake, table, within)}
    _refuse_older(lake, table, published, run_date, allow_older)
    _refuse_changed(lake, table, fence, within)

    for number, (values, source) in enumerate(sorted(sources.items()), start=1):
        fence.hold()
        lake.copy(
            source, table.key(*values), metadata={RUN_DATE_METADATA: run_date.isoformat(), **fence.mark}
        )
        log.info("Published %s (%d of %d)", table.key(*values), number, len(sources))
    removed = sorted(published - staged.keys() - set(keep))
    for values in removed:
        fence.hold()
        # Entry first: a catalog entry without a file would break queries, a file without an entry is unseen.
        if values in registered:
            lake.glue.delete_partition(
                DatabaseName=lake.database, TableName=table.name, PartitionValues=list(values)
            )
        lake.delete(table.key(*values))
        log.warning("Removed %s: it is not in the new table", table.key(*values))
    return Published(
        [Partition(values, lake.location(table, *values)) for values in sorted(sources) if values], removed
    )


def published_versions(lake: Lake, table: Table, within: tuple[str, ...] = ()) -> dict[str, str]:
    """The version of each of a table's objects by its key; `within` as for `publish`."""
    versions = lake.versions(table.folder(*within))
    return {entry["Key"]: entry["VersionId"] for entry in versions if entry["IsLatest"]}


def refuse_of_others(lake: Lake, table: Table, published: Iterable[tuple[str, ...]], run: str) -> None:
    """Make sure that published partitions still are those that a run has published.

    Raises:
        PublishRefusedError: another run has published one of them since.
    """
    for values in published:
        refuse_change(lake, table, values, "this run published it", run)


def refuse_change(
    lake: Lake,
    table: Table,
    values: tuple[str, ...],
    since: str,
    run: str,
    then: str = "run the day again",
) -> None:
    """Refuse to go on because a partition's object has changed, unless the run itself put it there.

    Args:
        lake: the bucket and the catalog.
        table: the table.
        values: of the partition.
        since: when it was another one, as the sentence has it.
        run: the DAG and its run.
        then: what to do after a look at the table.

    Raises:
        PublishRefusedError: the message says who changed it, and when.
    """
    key = table.key(*values)
    found = lake.head(key)
    by, moment = "a run that removed it", ""
    if found:
        by = found["Metadata"].get(RUN_METADATA, "someone who left no name")
        moment = f" at {found['LastModified']:%Y-%m-%d %H:%M:%S} UTC"
        if by == as_metadata(run):
            return
    raise PublishRefusedError(
        f"{table.name} was changed by {by}{moment} ({key}) since {since}, and is left as it is: look at the "
        f"table, then {then}"
    )


def as_metadata(text: str) -> str:
    """Text as an object's metadata can hold it: one line of ASCII, not long."""
    return " ".join(text.split()).encode("ascii", "replace").decode()[:300]


def published_date(lake: Lake, table: Table, values: tuple[str, ...]) -> date | None:
    """The date a published partition was made for; None if there is no such partition or it has no date."""
    head = lake.head(table.key(*values))
    text = head["Metadata"].get(RUN_DATE_METADATA) if head else None
    return date.fromisoformat(text) if text else None


def published_dates(lake: Lake, table: Table) -> dict[str, int]:
    """How many of a table's partitions were made for each date, as text; empty for those without one.

    More than one date: publishing was stopped midway, and has to be done again. Nothing is put back, because
    each partition is whole and right for its date, and those that were copied are the better ones.
    """
    values = sorted(values_of_objects(lake, table, ()))
    dates = [published_date(lake, table, entry) for entry in values]
    return dict(sorted(Counter(day.isoformat() if day else "" for day in dates).items()))


def _staged(lake: Lake, staging_table: str, table: Table) -> list[Partition]:
    """What is staged; a table without partitions is its own only one, of no values."""
    if table.partition_keys:
        return lake.partitions(staging_table)
    entry = lake.glue.get_table(DatabaseName=lake.database, Name=staging_table)["Table"]
    return [Partition((), entry["StorageDescriptor"]["Location"])]


def _published(lake: Lake, table: Table, within: tuple[str, ...]) -> list[Partition]:
    if not table.partition_keys:
        return []
    keys = zip(table.partition_keys, within, strict=False)
    return lake.partitions(table.name, " AND ".join(f"{key} = '{value}'" for key, value in keys))


def values_of_objects(lake: Lake, table: Table, within: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Partition values of the table's objects, whether their partition is registered or not."""
    for entry in lake.objects(table.folder(*within)):
        if (values := table.values_of(entry["Key"])) is not None:
            yield values


def _refuse_changed(lake: Lake, table: Table, fence: Fence, within: tuple[str, ...]) -> None:
    """Refuse if another run has published since. What is gone is no reason: nothing would be overwritten."""
    versions = published_versions(lake, table, within)
    for values in sorted(values_of_objects(lake, table, within)):
        if versions.get(key := table.key(*values)) != fence.planned.get(key):
            refuse_change(lake, table, values, "this run began", fence.run)


def _refuse_older(
    lake: Lake,
    table: Table,
    published: set[tuple[str, ...]],
    run_date: date,
    allow_older: bool,
) -> None:
    dates = {day for values in sorted(published) if (day := published_date(lake, table, values))}
    newest = max(dates, default=run_date)
    if newest > run_date and not allow_older:
        raise PublishRefusedError(
            f"{table.name} was published for {newest}, which is later than {run_date}: to put the older day "
            "back, run that day again with 'publish older date'"
        )


def _only_object(lake: Lake, partition: Partition) -> str:
    found = lake.files_of(partition)
    if len(found) != 1:
        raise PublishRefusedError(
            f"{partition.location} holds {len(found)} files instead of one; run the day again"
        )
    return found[0]
