"""The files that tell eBay: a CSV of listings and new quantities for each store, and a zip of them all.

Which listings they tell of is up to `upload_ledger`.
"""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from stock_pipeline.ebay import upload_ledger
from stock_pipeline.ebay.upload_ledger import StoreFiles, UploadSet
from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.tables import EBAY

log = logging.getLogger(__name__)

ROWS_PER_FILE = 300_000
"""eBay takes files of up to 15 MB. The longest possible row has 47 bytes, so this many stay under 14.2 MB."""


@dataclass(frozen=True, slots=True)
class UploadFiles:
    """Keys of the CSVs, rows by store, and the key of the zip (None if there was nothing to tell)."""

    files: list[str]
    rows: dict[str, int]
    zip_key: str | None


def write_upload_files(lake: Lake, *, stores: list[str], run_date: date, full: bool = False) -> UploadFiles:
    """Write the upload files of a day from the published table, and remove those an earlier run left.

    Args:
        lake: the bucket and the catalog.
        stores: the stores to write for.
        run_date: names the folder.
        full: every listing, instead of only those that eBay has to be sent.

    Stores are read one at a time and only in the columns needed, so memory stays at some 200 bytes for each
    listing of the largest store.
    """
    with TemporaryDirectory(prefix="ebay_") as folder:
        path = Path(folder) / "store.parquet"
        return write_files(
            lake,
            prefix=locations.ebay_upload_prefix(run_date),
            zip_name=f"ebay_upload_{run_date.isoformat()}.zip",
            day=run_date,
            stores=stores,
            listings=lambda store: _listings(lake, store, path),
            full=full,
        )


def write_files(
    lake: Lake,
    *,
    prefix: str,
    zip_name: str,
    day: date,
    stores: Iterable[str],
    listings: Callable[[str], pl.DataFrame],
    full: bool = False,
) -> UploadFiles:
    """Write a CSV of each store's listings and a zip of them all, and remove what else is in the folder.

    While that happens there is no `UploadSet` of the folder: no one can mark other files as uploaded than
    those that are noted.

    Args:
        lake: the bucket and the catalog.
        prefix: the folder of the files, which is theirs alone.
        zip_name: of the zip in it.
        day: whose table it is; the date of the files within the zip.
        stores: the stores to write for; one with nothing to tell gets no file.
        listings: gives all listings of a store: `item_id` (i64, each once), `quantity` (i32), `changed`
            (bool, whether eBay has to be sent it as long as the ledger has nothing on the store).
        full: tell every listing.
    """
    zip_key = prefix + zip_name
    name = prefix.removeprefix(locations.EBAY_UPLOAD).rstrip("/")
    written: list[str] = []
    noted: dict[str, StoreFiles] = {}
    upload_ledger.forget_files(lake, name)
    with TemporaryDirectory(prefix="ebay_upload_") as folder:
        bundle = Path(folder) / "all.zip"
        with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for store in stores:
                ledger = upload_ledger.read_ledger(lake, store, day)
                rows = upload_ledger.to_tell(lake, listings(store), ledger, full=full)
                writing = upload_ledger.note_written(lake, day, rows, ledger)
                told = rows.filter("in_file")
                noted[store] = StoreFiles(number=writing.number, rows=told.height)
                for file, body in _csv_files(store, told):
                    lake.put(prefix + file, body, ContentType="text/csv")
                    written.append(prefix + file)
                    # Not today's date: the same rows give the same zip.
                    entry = zipfile.ZipInfo(file, (day.year, day.month, day.day, 0, 0, 0))
                    archive.writestr(entry, body, zipfile.ZIP_DEFLATED)
                log.info("%s: %s rows", store, f"{told.height:,}")
        if written:
            lake.upload(bundle, zip_key)
    _remove_others(lake, prefix, {*written, zip_key} if written else set())
    files = UploadSet(
        name=name,
        run_date=day,
        full=full,
        stores=noted,
        files=written,
        zip_key=zip_key if written else None,
    )
    upload_ledger.note_files(lake, files)
    return UploadFiles(files.files, {store: found.rows for store, found in noted.items()}, files.zip_key)


def _listings(lake: Lake, store: str, path: Path) -> pl.DataFrame:
    """The listings of a store: `item_id` (i64), `quantity` (i32), `changed` (bool)."""
    lake.download(EBAY.key(store), path)
    changed = pl.col("quantity_delta") != 0
    return pl.scan_parquet(path).select("item_id", "quantity", changed=changed).collect()


def _csv_files(store: str, listings: pl.DataFrame) -> Iterator[tuple[str, bytes]]:
    """File names and contents: one file, or numbered parts where eBay would not take one."""
    parts = list(listings.iter_slices(ROWS_PER_FILE)) if listings.height else []
    for number, part in enumerate(parts, start=1):
        name = f"{store}.csv" if len(parts) == 1 else f"{store}_{number}.csv"
        columns = part.select(
            pl.lit("Revise").alias("Action"),
            pl.col("item_id").alias("ItemID"),
            pl.lit("UK").alias("SiteID"),
            pl.lit("GBP").alias("Currency"),
            pl.col("quantity").alias("Quantity"),
        )
        yield name, columns.write_csv(line_terminator="\r\n").encode()


def _remove_others(lake: Lake, prefix: str, keep: set[str]) -> None:
    for entry in lake.objects(prefix):
        if entry["Key"] not in keep:
            lake.delete(entry["Key"])
