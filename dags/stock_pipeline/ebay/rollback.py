"""Puts the ebay table back to an earlier date, from the versions the bucket keeps of each store's file.

A file that was put back says in its metadata which version it replaced. So a second look, after a crash or
the next day, still finds what the table was before, and comes to the same difference and upload files.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from io import BytesIO

import polars as pl
from pydantic import BaseModel

from stock_pipeline.ebay.upload_files import UploadFiles, write_files
from stock_pipeline.errors import RollbackRefusedError
from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.publishing import RUN_DATE_METADATA, RUN_METADATA, as_metadata, refuse_change
from stock_pipeline.lake.tables import EBAY
from stock_pipeline.spreadsheets.export import harmless_csv

log = logging.getLogger(__name__)

REPLACED_METADATA = "rolled-back-from"
"""Metadata of a file that was put back: the version it replaced, or `NO_FILE`."""

NO_FILE = "nothing"


class StoreRollback(BaseModel):
    """How one store is put back.

    Attributes:
        store: the store.
        version: the version of its file that is put back.
        replaced: the version that was current before; None if the store had no file then.
        replaced_date: the date that one was made for; None if it does not say.
        changed: listings whose quantity differs between the two.
        back: listings that only the older one has.
        gone: listings that only the newer one has: what eBay was sent of them cannot be undone.
    """

    store: str
    version: str
    replaced: str | None
    replaced_date: date | None
    changed: int = 0
    back: int = 0
    gone: int = 0


class Rollback(BaseModel):
    """What is put back: the date, the stores, and those that stay because there was no such store then."""

    table_date: date
    stores: list[StoreRollback]
    kept: list[str] = []

    @property
    def replaced_date(self) -> date:
        """The newest date of what is replaced."""
        return max((entry.replaced_date or self.table_date for entry in self.stores), default=self.table_date)

    @property
    def upload_prefix(self) -> str:
        """The folder of the upload files: the same whenever the same is put back over the same."""
        replaced = "\n".join(f"{entry.store} {entry.replaced}" for entry in self.stores)
        digest = hashlib.sha256(replaced.encode()).hexdigest()[:8]
        return locations.rollback_upload_prefix(self.table_date, self.replaced_date, digest)

    def counts(self) -> dict[str, int]:
        """Figures of all stores together."""
        return {
            "stores": len(self.stores),
            "changed": sum(entry.changed for entry in self.stores),
            "back": sum(entry.back for entry in self.stores),
            "gone": sum(entry.gone for entry in self.stores),
        }


def plan_rollback(lake: Lake, *, table_date: date, stores: list[str]) -> Rollback:
    """Find the versions to put back, and what that changes. Nothing is written.

    Of several tables published for the date the last one counts. Without stores named it is the whole table:
    a store that came into it later stays as it is, one that has left it since comes back.

    Raises:
        RollbackRefusedError: a store has no version of that date; the message names the dates there are.
    """
    histories = _histories(lake)
    unknown = sorted(set(stores) - histories.keys())
    if unknown:
        raise RollbackRefusedError(
            f"The ebay table has had no store {', '.join(unknown)}; it knows {', '.join(sorted(histories))}"
        )
    planned: list[StoreRollback] = []
    kept: list[str] = []
    dates: dict[str, set[date]] = {}
    refused: list[str] = []
    for store in sorted(set(stores) or histories):
        history = histories[store]
        dates[store] = set()
        if version := _newest_of(lake, history, table_date, dates[store]):
            planned.append(_with_difference(lake, _store_rollback(history, version)))
        elif stores or (history.current and min(dates[store], default=table_date) < table_date):
            refused.append(store)
        elif history.current:
            kept.append(store)
    if refused or not planned:
        raise RollbackRefusedError(_refusal(table_date, refused, dates))
    return Rollback(table_date=table_date, stores=planned, kept=kept)


def roll_back(
    lake: Lake,
    *,
    rollback: Rollback,
    run: str,
    hold: Callable[[], None],
    notes: dict[str, str],
) -> list[dict[str, list[str] | str]]:
    """Put each store's file back; one that is back already is left as it is.

    Args:
        lake: the bucket and the catalog.
        rollback: what to put back.
        run: the DAG and its run; noted on every file.
        hold: makes sure that the run has the table's lock, or raises; called before every change.
        notes: metadata for people, on who did it and why.

    Returns:
        The partitions to make sure of: `values` and `location`.

    Raises:
        PublishRefusedError: a store was published since the rollback was planned; nothing was changed.
        TableLockedError: another run has the table's lock.
    """
    hold()
    missing = [entry for entry in rollback.stores if _is_to_do(lake, rollback, entry, run)]
    for entry in missing:
        key = EBAY.key(entry.store)
        hold()
        lake.copy(
            key,
            key,
            version=entry.version,
            metadata={
                **{name: as_metadata(note) for name, note in notes.items()},
                RUN_METADATA: as_metadata(run),
                RUN_DATE_METADATA: rollback.table_date.isoformat(),
                REPLACED_METADATA: entry.replaced or NO_FILE,
            },
        )
        log.warning("Put %s back to %s", key, rollback.table_date)
    return [
        {"values": [entry.store], "location": lake.location(EBAY, entry.store)} for entry in rollback.stores
    ]


def write_undoing_files(lake: Lake, *, rollback: Rollback, gone_key: str) -> UploadFiles:
    """Write the upload files that tell eBay the earlier quantities, and a CSV of what they cannot undo.

    Args:
        lake: the bucket and the catalog.
        rollback: what was put back.
        gone_key: where the CSV goes; there is none if there is nothing in it.
    """
    entries = {entry.store: entry for entry in rollback.stores}
    gone: list[pl.DataFrame] = []

    def listings(store: str) -> pl.DataFrame:
        both = _both(lake, entries[store])
        gone.append(_gone(lake, entries[store], both))
        older = both.filter(~pl.col("is_gone"))
        return older.select("item_id", "quantity", changed=pl.col("is_back") | pl.col("is_changed"))

    written = write_files(
        lake,
        prefix=rollback.upload_prefix,
        zip_name=f"ebay_rollback_to_{rollback.table_date}.zip",
        day=rollback.replaced_date,
        stores=list(entries),
        listings=listings,
    )
    if rollback.counts()["gone"]:
        lake.put(gone_key, harmless_csv(pl.concat(gone)), ContentType="text/csv")
    return written


@dataclass(frozen=True, slots=True)
class _Version:
    id: str
    metadata: dict[str, str]

    @property
    def date(self) -> date | None:
        """The date the file was made for; None if it does not say."""
        text = self.metadata.get(RUN_DATE_METADATA)
        return date.fromisoformat(text) if text else None


@dataclass(frozen=True, slots=True)
class _History:
    """A store's versions, newest first, and which of them is the file now; None if it was deleted."""

    store: str
    versions: list[str]
    current: str | None


def _histories(lake: Lake) -> dict[str, _History]:
    """The histories of all stores the table has had for as long as versions are kept."""
    versions: dict[str, list[str]] = defaultdict(list)
    current: dict[str, str] = {}
    for entry in lake.versions(EBAY.folder()):
        if values := EBAY.values_of(entry["Key"]):
            (store,) = values
            versions[store].append(entry["VersionId"])
            if entry["IsLatest"]:
                current[store] = entry["VersionId"]
    return {store: _History(store, found, current.get(store)) for store, found in versions.items()}


def _newest_of(lake: Lake, history: _History, table_date: date, dates: set[date]) -> _Version | None:
    """The newest version made for a date; adds the dates it has seen until then."""
    for identity in history.versions:
        _, metadata = _head(lake, EBAY.key(history.store), identity)
        version = _Version(identity, metadata)
        if version.date == table_date:
            return version
        if version.date:
            dates.add(version.date)
    return None


def _store_rollback(history: _History, version: _Version) -> StoreRollback:
    replaced = history.current
    if version.id == history.current:
        # It is back already: what it replaced then counts, or nothing if it came there by being published.
        replaced = version.metadata.get(REPLACED_METADATA, version.id)
    return StoreRollback(
        store=history.store,
        version=version.id,
        replaced=None if replaced == NO_FILE else replaced,
        replaced_date=None,
    )


def _with_difference(lake: Lake, entry: StoreRollback) -> StoreRollback:
    """The same with the date of what is replaced, and figures."""
    replaced_date = None
    if entry.replaced:
        identity, metadata = _head(lake, EBAY.key(entry.store), entry.replaced)
        if identity is None:
            raise RollbackRefusedError(
                f"{entry.store} was put back more than 30 days ago, and what it was before is no longer kept"
            )
        replaced_date = _Version(identity, metadata).date
    counts = _both(lake, entry).select("is_changed", "is_back", "is_gone").sum().row(0)
    changed, back, gone = counts
    return entry.model_copy(
        update={"replaced_date": replaced_date, "changed": changed, "back": back, "gone": gone}
    )


def _both(lake: Lake, entry: StoreRollback) -> pl.DataFrame:
    """The listings of both versions.

    Returns:
        `item_id` (i64), `quantity` and `replaced_quantity` (i32, null where it is not there), `is_changed`,
        `is_back`, `is_gone` (bool, at most one is true), by item_id.
    """
    older = _read(lake, entry.store, entry.version, "item_id", "quantity")
    newer = _read(lake, entry.store, entry.replaced, "item_id", "quantity")
    in_older, in_newer = pl.col("in_older").is_not_null(), pl.col("in_newer").is_not_null()
    return (
        older.with_columns(in_older=pl.lit(value=True))
        .join(
            newer.select("item_id", replaced_quantity="quantity", in_newer=pl.lit(value=True)),
            on="item_id",
            how="full",
            coalesce=True,
        )
        .with_columns(
            is_changed=in_older & in_newer & (pl.col("quantity") != pl.col("replaced_quantity")),
            is_back=~in_newer,
            is_gone=~in_older,
        )
        .drop("in_older", "in_newer")
        .sort("item_id")
    )


def _gone(lake: Lake, entry: StoreRollback, both: pl.DataFrame) -> pl.DataFrame:
    """The rows that only the newer version has: `ebay_store`, then the table's columns but the delta."""
    wanted = both.filter("is_gone").select("item_id")
    columns = ("item_id", "quantity", "custom_label", "supplier_store")
    rows = _read(lake, entry.store, entry.replaced if wanted.height else None, *columns)
    found = rows.join(wanted, on="item_id", how="semi").sort("item_id")
    return found.select(pl.lit(entry.store).alias("ebay_store"), *columns)


def _read(lake: Lake, store: str, version: str | None, *columns: str) -> pl.DataFrame:
    if version is None:
        return pl.DataFrame(schema=EBAY.schema).select(columns)
    return pl.read_parquet(BytesIO(lake.read(EBAY.key(store), VersionId=version)), columns=list(columns))


def _head(lake: Lake, key: str, version: str | None = None) -> tuple[str | None, dict[str, str]]:
    """The version and metadata of a file, or of a version of it; (None, {}) if there is none."""
    found = lake.head(key, **({"VersionId": version} if version else {}))
    return (found["VersionId"], found["Metadata"]) if found else (None, {})


def _is_to_do(lake: Lake, rollback: Rollback, entry: StoreRollback, run: str) -> bool:
    """Whether a store is still to be put back; refuses if it is not what was looked at."""
    key = EBAY.key(entry.store)
    identity, metadata = _head(lake, key)
    if identity == entry.version or _is_back(metadata, rollback.table_date, entry):
        log.info("%s is back already", key)
        return False
    if identity != entry.replaced:
        refuse_change(
            lake,
            EBAY,
            (entry.store,),
            "this rollback was planned",
            run,
            then="roll it back again if it is still wrong",
        )
    return True


def _is_back(metadata: dict[str, str], table_date: date, entry: StoreRollback) -> bool:
    return metadata.get(RUN_DATE_METADATA) == table_date.isoformat() and metadata.get(REPLACED_METADATA) == (
        entry.replaced or NO_FILE
    )


def _refusal(table_date: date, refused: list[str], dates: dict[str, set[date]]) -> str:
    """Which dates there are, of the stores refused or of all."""
    of = refused or sorted(dates)
    there = Counter(day for store in of for day in dates[store])
    known = ", ".join(f"{day} ({there[day]} of {len(of)} stores)" for day in sorted(there)) or "none"
    text = (
        f"No ebay table of {table_date} is kept for {', '.join(refused) or 'any store'}. There are: {known}"
    )
    if refused:
        text += ". Choose another date, or name only stores that have it"
    return text
