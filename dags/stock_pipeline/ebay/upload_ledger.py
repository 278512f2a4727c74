"""Keeps what eBay was last sent, so that upload files no one uploaded are not lost.

The pipeline *writes* files and notes what they say; people upload them to eBay and *mark* them. Until a
store's first mark its files tell what changed since the snapshots before. From then on they tell whatever
eBay was not certainly sent already:

- *Marked* files are known to be uploaded. What they said is what eBay was sent.
- Files written later than the last marked ones are *open*: they may be uploaded and not marked yet, or never.
  So the next files repeat a listing on which any open ones say something else. Whichever of the open files
  are uploaded before them, in the order they were written, eBay then has the table's quantities.
- Files marked although later ones are marked already may have reached eBay before or after those. Where the
  two differ no one knows what eBay has: the next files tell it again.

The first mark takes the whole table of its day for told: what its files left out had not changed. Start with
a day of `full_upload` to be certain of every listing. Of a listing that is no longer in the table nothing is
told; what eBay was sent of it is remembered, should it come back.

Memory: some 200 bytes for each listing of one store. Everything here can be repeated after a crash.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from io import BytesIO

import polars as pl
from botocore.exceptions import ClientError
from pydantic import BaseModel

from stock_pipeline.errors import MarkRefusedError
from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.objects import parquet

log = logging.getLogger(__name__)

KEPT_DAYS = 14
"""For so long after their day, files can be marked as uploaded."""


@dataclass(frozen=True, slots=True)
class Written:
    """One writing of a store's files: `number` counts them for each store from 1."""

    store: str
    number: int
    day: date

    @property
    def key(self) -> str:
        """Where it is noted what the files say."""
        return f"{locations.written_prefix(self.store)}{self.number:06d}_{self.day.isoformat()}.parquet"

    @property
    def mark_key(self) -> str:
        """Where it is noted that they were uploaded."""
        return f"{locations.upload_marks_prefix(self.store)}{self.number:06d}.json"


class Mark(BaseModel):
    """Someone says that files were uploaded to eBay."""

    store: str
    run_date: date
    number: int
    by: str
    at: datetime


class StoreFiles(BaseModel):
    """A store's part in the files of a folder: which writing it is, and how many listings it tells of."""

    number: int
    rows: int


class UploadSet(BaseModel):
    """The upload files there are in a folder.

    Attributes:
        name: of the folder, below that of all upload files.
        run_date: the day of the table they tell of.
        full: whether they tell of every listing.
        stores: what they are by store, also of those with nothing to tell.
        files: keys of the CSVs.
        zip_key: key of the zip of them all; None if there is nothing to tell.
    """

    name: str
    run_date: date
    full: bool
    stores: dict[str, StoreFiles]
    files: list[str]
    zip_key: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """What eBay was sent of a store, and which writings that comes from.

    Attributes:
        rows: `item_id` (i64), `quantity` (i32, null where no one knows), by item_id; None before the first
            mark.
        marked: numbers of the writings entered because they were marked.
        doubted: numbers of those entered as perhaps uploaded, because they are too old to be marked.
    """

    rows: pl.DataFrame | None
    marked: frozenset[int] = frozenset()
    doubted: frozenset[int] = frozenset()

    @property
    def last(self) -> int:
        """The number of the last marked writing; 0 if none is."""
        return max(self.marked, default=0)

    def after(self, number: int, said: pl.DataFrame) -> Told:
        """The same once a writing is marked that said these rows (as `to_tell` gives them)."""
        if self.rows is None:
            rows = said.select("item_id", "quantity")
        elif number < self.last:
            rows = _doubted(self.rows, said.filter("in_file"))
        else:
            news = said.filter("in_file").select("item_id", "quantity")
            others = self.rows.join(news, on="item_id", how="anti")
            rows = pl.concat([others, news]).sort("item_id")
        return replace(self, rows=rows, marked=self.marked | {number})

    def doubting(self, number: int, said: pl.DataFrame) -> Told:
        """The same if a writing that said these rows may have been uploaded at any time."""
        assert self.rows is not None  # noqa: S101 - there is nothing to doubt before the first mark
        rows = _doubted(self.rows, said.filter("in_file"))
        return replace(self, rows=rows, doubted=self.doubted | {number})


@dataclass(frozen=True, slots=True)
class StoreLedger:
    """What is known of a store: what eBay was sent, and all writings that are kept, oldest first."""

    store: str
    told: Told
    writings: list[Written]

    @property
    def open(self) -> list[Written]:
        """The writings that may be uploaded without having been marked."""
        closed = self.told.doubted
        return [
            entry for entry in self.writings if entry.number > self.told.last and entry.number not in closed
        ]


def read_ledger(lake: Lake, store: str, run_date: date) -> StoreLedger:
    """A store's ledger, once the marks that are new have been entered into it."""
    writings = list(_writings(lake, store))
    found = told = _read_told(lake, store)
    for writing in _newly_marked(lake, writings, told):
        told = told.after(writing.number, _said(lake, writing))
    too_old = [entry for entry in writings[:-1] if entry.day < run_date - timedelta(days=KEPT_DAYS)]
    for writing in too_old:
        # Not marked, and perhaps uploaded all the same. Kept open it would be read every day for ever.
        if told.rows is not None and writing in StoreLedger(store, told, writings).open:
            told = told.doubting(writing.number, _said(lake, writing))
    if told is not found:
        _write_told(lake, store, told)
    for writing in too_old:
        lake.delete(writing.key)
    return StoreLedger(store, told, [entry for entry in writings if entry not in too_old])


def to_tell(lake: Lake, table: pl.DataFrame, ledger: StoreLedger, *, full: bool) -> pl.DataFrame:
    """What a store's files have to tell eBay.

    Args:
        lake: the bucket and the catalog.
        table: the store's listings: `item_id` (i64), `quantity` (i32), `changed` (bool, whether to tell of it
            as long as there is no mark).
        ledger: of the store.
        full: every listing, whatever eBay was sent.

    Returns:
        `item_id`, `quantity`, `in_file` (bool) of the listings, by item_id.
    """
    listings = table.rename({"changed": "in_file"})
    if full:
        listings = listings.with_columns(in_file=pl.lit(value=True))
    elif ledger.told.rows is not None:
        told = ledger.told.rows.rename({"quantity": "told"})
        listings = listings.join(told, on="item_id", how="left").with_columns(
            in_file=pl.col("told").ne_missing(pl.col("quantity"))
        )
        for writing in ledger.open:
            said = _said(lake, writing).filter("in_file").select("item_id", said="quantity")
            listings = (
                listings.join(said, on="item_id", how="left")
                .with_columns(
                    in_file=pl.col("in_file") | (pl.col("said") != pl.col("quantity")).fill_null(False)
                )
                .drop("said")
            )
    return listings.select("item_id", "quantity", "in_file").sort("item_id")


def note_written(lake: Lake, day: date, listings: pl.DataFrame, ledger: StoreLedger) -> Written:
    """Note what a store's files say, before they are written; the same ones again are no new writing.

    Args:
        lake: the bucket and the catalog.
        day: of the table they tell of.
        listings: what `to_tell` gave.
        ledger: of the store.
    """
    # The first mark needs the whole table of its day; later only what the files say matters.
    rows = listings if ledger.told.rows is None else listings.filter("in_file")
    newest = ledger.writings[-1] if ledger.writings else None
    if newest and newest.day == day and newest in ledger.open and _said(lake, newest).equals(rows):
        return newest
    writing = Written(ledger.store, max(newest.number if newest else 0, ledger.told.last) + 1, day)
    lake.put(writing.key, parquet(rows))
    return writing


def note_files(lake: Lake, files: UploadSet) -> None:
    """Note that all files of a folder are there: from now on they can be marked."""
    body = files.model_dump_json(indent=2).encode()
    lake.put(locations.upload_set_key(files.name), body)


def forget_files(lake: Lake, name: str) -> None:
    """Note that the files of a folder are being written: until all are there no one can mark them."""
    lake.delete(locations.upload_set_key(name))


def upload_set(lake: Lake, name: str) -> UploadSet | None:
    """The upload files in a folder; None if there are none, or they are being written."""
    body = lake.read_or_none(locations.upload_set_key(name))
    return UploadSet.model_validate_json(body) if body is not None else None


def read_marks(lake: Lake, numbers: dict[str, int]) -> dict[str, Mark]:
    """The marks of writings given by store, as far as they are marked."""
    found = {
        store: lake.read_or_none(f"{locations.upload_marks_prefix(store)}{number:06d}.json")
        for store, number in numbers.items()
    }
    return {store: Mark.model_validate_json(body) for store, body in found.items() if body}


def mark_uploaded(lake: Lake, *, numbers: dict[str, int], by: str, at: datetime) -> dict[str, Mark]:
    """Note that files were uploaded to eBay; what was noted before stays.

    Args:
        lake: the bucket and the catalog.
        numbers: the writing that was uploaded, by store, as `UploadSet` had it when the files were fetched.
        by: who says so.
        at: when, with a time zone.

    Returns:
        The marks of these files, by store.

    Raises:
        MarkRefusedError: files of the day are too old, or there are none of that store and number.
    """
    writings = [_find(lake, store, number) for store, number in sorted(numbers.items())]
    for writing in writings:
        mark = Mark(store=writing.store, run_date=writing.day, number=writing.number, by=by, at=at)
        body = mark.model_dump_json().encode()
        try:
            lake.put(writing.mark_key, body, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise
            log.info("%s was marked before", writing.key)
    return read_marks(lake, numbers)


def _find(lake: Lake, store: str, number: int) -> Written:
    found = [entry for entry in _writings(lake, store) if entry.number == number]
    if not found:
        raise MarkRefusedError(
            f"the files of {store} (writing {number}) cannot be marked: there are none, or they are older "
            f"than {KEPT_DAYS} days; nothing was marked. Run daily_stock with full_upload and upload those "
            "files to be certain of what eBay has"
        )
    return found[0]


def _doubted(told: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """What eBay was sent if it may have been told these rows before or after: where they differ, null."""
    said = rows.select("item_id", said="quantity")
    certain = pl.col("said").is_null() | (pl.col("said") == pl.col("quantity"))
    return told.join(said, on="item_id", how="left", maintain_order="left").select(
        "item_id", pl.when(certain).then("quantity")
    )


def _writings(lake: Lake, store: str) -> Iterator[Written]:
    for entry in lake.objects(locations.written_prefix(store)):
        number, _, day = entry["Key"].rpartition("/")[2].removesuffix(".parquet").partition("_")
        yield Written(store, int(number), date.fromisoformat(day))


def _newly_marked(lake: Lake, writings: list[Written], told: Told) -> list[Written]:
    """The writings that were marked since, in the order in which they were."""
    marks = {
        writing: Mark.model_validate_json(body)
        for writing in writings
        if writing.number not in told.marked and (body := lake.read_or_none(writing.mark_key))
    }
    return sorted(marks, key=lambda writing: (marks[writing].at, writing.number))


def _said(lake: Lake, writing: Written) -> pl.DataFrame:
    return pl.read_parquet(BytesIO(lake.read(writing.key)))


def _read_told(lake: Lake, store: str) -> Told:
    found = lake.read_with_metadata(locations.told_key(store))
    if found is None:
        return Told(None)
    body, noted = found
    marked, doubted = (
        frozenset(int(number) for number in noted.get(name, "").split(",") if number)
        for name in ("marked", "doubted")
    )
    return Told(pl.read_parquet(BytesIO(body)), marked, doubted)


def _write_told(lake: Lake, store: str, told: Told) -> None:
    """Write the rows and where they come from as one object, so that neither is ever without the other."""
    assert told.rows is not None  # noqa: S101 - written once there is a mark
    # Metadata may have 2 kB; no one asks for numbers of which no writing is kept any more.
    numbers = {
        name: ",".join(str(number) for number in sorted(found)[-100:])
        for name, found in (("marked", told.marked), ("doubted", told.doubted))
        if found
    }
    lake.put(locations.told_key(store), parquet(told.rows), Metadata=numbers)
