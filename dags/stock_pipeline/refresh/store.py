"""The stores' files: which there are, what is in them, and what Athena is to make of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stock_pipeline.errors import RejectedFile
from stock_pipeline.file_names import WORD_ENDS, shown_name
from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.staging import staging_prefix, staging_table_name
from stock_pipeline.lake.tables import STORE, STORES
from stock_pipeline.lake.uploaded import UploadedFile, quarantine_upload, recent_files
from stock_pipeline.refresh.judgement import check_listings, store_groups, stores_of_sheets
from stock_pipeline.refresh.list_reader import ListReader
from stock_pipeline.refresh.listings import UPLOAD_COLUMNS, Listings
from stock_pipeline.refresh.report import RefreshFile, RefreshReport
from stock_pipeline.refresh.staging import downloaded, stage_upload, upload_table
from stock_pipeline.spreadsheets.export import harmless_csv
from stock_pipeline.spreadsheets.streaming import LISTING_LIMITS
from stock_pipeline.suppliers import SuppliersFile
from stock_pipeline.verdicts import SAMPLES, Verdict

DAG_ID = "weekly_store"
DAYS = 7
"""A run reads the folders of so many days, so that what was uploaded on Friday counts on Sunday."""


@dataclass
class FoundLists:
    """What there is to read: for each store its file; and by name what is not read, with the reason."""

    by_store: dict[str, RefreshFile] = field(default_factory=dict)
    not_read: dict[str, str] = field(default_factory=dict)


def looked_for(run_date: date) -> str:
    """Where a run looks for files, for people."""
    folder = f"{locations.STORE_FEEDS}{locations.day_prefix(run_date)}"
    return f"{folder} or the folders of the {DAYS - 1} days before it"


def store_of_name(file_name: str) -> str | None:
    """The store, or the group of stores, that a file's name begins with; None if it is neither."""
    stem = file_name.rpartition(".")[0].upper()
    for name in sorted((*STORES, *store_groups()), key=len, reverse=True):
        if stem == name or (stem.startswith(name) and stem[len(name)] in f"{WORD_ENDS}-("):
            return name
    return None


def find_files(lake: Lake, run_date: date) -> FoundLists:
    """Find each store's newest file of the week up to `run_date`; older ones are named with it."""
    found = FoundLists()
    for file in recent_files(lake, locations.STORE_FEEDS, run_date, DAYS):
        shown = shown_name(file.key.removeprefix(locations.STORE_FEEDS))
        if file.in_subfolder:
            found.not_read[shown] = "it is in a subfolder; upload it to the day's own"
            continue
        name = store_of_name(file.name)
        if name is None:
            found.not_read[shown] = (
                "the name begins with no store; rename it to <STORE>_….xlsx or .csv and upload it again"
            )
            continue
        try:
            sheets: Iterable[tuple[str, str | None]] = (
                _stores_of_sheets(lake, file, name, found) if name in store_groups() else [(name, None)]
            )
        except RejectedFile as error:
            found.not_read[shown] = f"rejected: {error}"
            quarantine_upload(lake, file.key, found.not_read[shown])
            continue
        for store, sheet in sheets:
            if store in found.by_store:
                found.by_store[store].not_read.append(shown)
            else:
                found.by_store[store] = RefreshFile(
                    key=file.key, size=file.size, last_modified=file.last_modified, sheet=sheet
                )
    return found


def _stores_of_sheets(
    lake: Lake, file: UploadedFile, group: str, found: FoundLists
) -> Iterable[tuple[str, str | None]]:
    """The stores that the sheets of a workbook are for; sheets that are for none are noted."""
    if not file.is_workbook:
        stores = [store for store in STORES if store.startswith(f"{group}_")]
        raise RejectedFile(f"{group} stands for {', '.join(stores)}: name the file by one of them")
    with downloaded(lake, file.key, file.size) as path, ListReader() as reader:
        sheets = [sheet.name for sheet in reader.sheet_names(path, LISTING_LIMITS) if sheet.visible]
    named = stores_of_sheets(group, sheets)
    shown = shown_name(file.key.removeprefix(locations.STORE_FEEDS))
    found.not_read |= {f"{shown}, sheet {sheet}": reason for sheet, reason in named.not_read.items()}
    return list(named.stores.items())


def read_store(
    lake: Lake,
    *,
    suppliers: SuppliersFile,
    report: RefreshReport,
) -> dict[str, Any] | None:
    """Judge a store's file on its own and stage it for the merge; fills in the report.

    Args:
        lake: the bucket and the catalog.
        suppliers: for the limits, and which suppliers are known.
        report: of the store, with its file.

    Returns:
        What the statements in include/sql/store need to know: `store`, `replace_store`, `upload_table`,
        `staging_table`, `staging_location`, `limits` and `accepted` (rows); None if the file is rejected.
    """
    file = report.file
    assert file is not None  # noqa: S101 - a store is read because it has a file
    rows_key = locations.refresh_rows_key(DAG_ID, report.run_date, report.subject)
    # The rows an earlier run of the day listed are another file's.
    lake.delete(rows_key)
    staging_table = staging_table_name(STORE, report.run_date, report.run_id, report.subject)
    try:
        with (
            downloaded(lake, file.key, file.size) as path,
            TemporaryDirectory(prefix="store_") as folder,
            ListReader() as reader,
        ):
            listings = reader.read_listings(path, Path(folder), file.sheet)
            reader.close()
            _note(listings, suppliers, report)
            if listings.rejected.height:
                report.rejected_rows = rows_key
                lake.put(rows_key, harmless_csv(listings.rejected))
            report.checks = [check_listings(listings, report.subject, suppliers.store_limits)]
            stage_upload(
                lake,
                name=upload_table(staging_table),
                paths=listings.upload,
                columns=UPLOAD_COLUMNS,
                table=STORE,
            )
    except RejectedFile as error:
        report.verdict = Verdict.REJECTED
        report.reason = f"{file.name} is rejected: {error}"
        report.quarantined = quarantine_upload(lake, file.key, report.reason)
        return None
    return {
        "store": report.subject,
        "replace_store": report.replace_store,
        "accepted": report.counts["accepted"],
        "upload_table": upload_table(staging_table),
        "staging_table": staging_table,
        "staging_location": lake.url(staging_prefix(staging_table)),
        "limits": suppliers.store_limits.model_dump(),
    }


def _note(listings: Listings, suppliers: SuppliersFile, report: RefreshReport) -> None:
    report.counts = dict(listings.counts)
    report.suppliers = listings.suppliers
    report.unknown_suppliers = [code for code in listings.suppliers if code not in suppliers.suppliers]
    report.samples = {"rejected": listings.rejected.head(SAMPLES).to_dicts()}
