"""Where everything but the tables is in the bucket. The only home of these prefixes."""

from __future__ import annotations

import re
from datetime import date

from stock_pipeline.file_names import copy_key, copy_name

STOCK_FEEDS = "stock_feed/"
STORE_FEEDS = "store_feed/"
PRODUCT_FEEDS = "product_feed/"
STAGING = "staging/"
QUARANTINE = "quarantine/"
REPORTS = "reports/"
EBAY_UPLOAD = "ebay_upload/"
UPLOAD_LEDGER = "upload_ledger/"
ATHENA_RESULTS = "athena-results/"
LOCKS = "locks/"


def date_parts(day: date) -> tuple[str, str, str]:
    """The zero-padded (year, month, day) that name a day in keys and in partitions."""
    return f"{day:%Y}", f"{day:%m}", f"{day:%d}"


def day_prefix(day: date) -> str:
    """`year=YYYY/month=MM/day=DD/`."""
    return "year={}/month={}/day={}/".format(*date_parts(day))


def stock_feed_prefix(run_date: date) -> str:
    """The folder into which staff upload the feeds of a day."""
    return STOCK_FEEDS + day_prefix(run_date)


def stock_feed_report_key(run_date: date, supplier: str) -> str:
    """The JSON report on one supplier's feed."""
    return f"{REPORTS}stock_feed/{day_prefix(run_date)}{supplier}.json"


def stock_feed_rows_key(run_date: date, supplier: str) -> str:
    """The CSV of a feed's unmatched and rejected rows."""
    return f"{REPORTS}stock_feed/{day_prefix(run_date)}{supplier}_rows.csv"


def stock_feed_codes_key(run_date: date, supplier: str) -> str:
    """The codes of an accepted feed, which later feeds are compared with."""
    return f"{REPORTS}stock_feed/{day_prefix(run_date)}{supplier}_codes.parquet"


def run_summary_folder(run_date: date, run_id: str | None = None) -> str:
    """Where the runs of a day are summed up; a dry run has its own subfolder."""
    own = "" if run_id is None else f"run={_file_name(run_id)}/"
    return f"{REPORTS}daily_stock/{day_prefix(run_date)}{own}"


def release_note_key(run_date: date, supplier: str, sha256: str) -> str:
    """Key of the page's note on who releases a held file."""
    return f"{REPORTS}releases/{day_prefix(run_date)}{supplier}_{sha256}.json"


def run_summary_key(run_date: date, run_id: str | None = None) -> str:
    """The JSON summary of a run; see `run_summary_folder`."""
    return f"{run_summary_folder(run_date, run_id)}summary.json"


def run_page_key(run_date: date, run_id: str | None = None) -> str:
    """The same as a page for people."""
    return f"{run_summary_folder(run_date, run_id)}summary.html"


def run_report_key(dag_id: str, run_date: date, run_id: str, ending: str = ".json") -> str:
    """The report of a run of another DAG, and with another ending what is beside it."""
    return f"{REPORTS}{dag_id}/{day_prefix(run_date)}{_file_name(run_id)}{ending}"


def quarantine_key(run_date: date, file_name: str) -> str:
    """Where the copy of a rejected feed goes; its reason is beside it under the same name plus `.txt`."""
    return f"{QUARANTINE}stock_feed/{day_prefix(run_date)}{copy_name(file_name)}"


def ebay_upload_prefix(run_date: date) -> str:
    """The folder of the upload files of a day."""
    return f"{EBAY_UPLOAD}date={run_date.isoformat()}/"


def rollback_upload_prefix(table_date: date, replaced_date: date, digest: str) -> str:
    """The folder of the upload files that undo a table; `digest` tells apart what was replaced."""
    return f"{EBAY_UPLOAD}rollback_to={table_date}_from={replaced_date}_{digest}/"


def told_key(store: str) -> str:
    """What eBay was last sent of a store's listings."""
    return f"{UPLOAD_LEDGER}told/ebay_store={store}/data.parquet"


def written_prefix(store: str) -> str:
    """What the upload files of a store told, an object for each time they were written."""
    return f"{UPLOAD_LEDGER}written/ebay_store={store}/"


def upload_set_key(name: str) -> str:
    """Which upload files there are in the folder of that name; there only once all of them are."""
    return f"{UPLOAD_LEDGER}files/{name}.json"


def upload_marks_prefix(store: str = "") -> str:
    """Who said when that which files were uploaded, of one store or of all."""
    return f"{UPLOAD_LEDGER}marked/" + (f"ebay_store={store}/" if store else "")


def lock_key(table: str) -> str:
    """The lock of a table: there only while a run works on it."""
    return f"{LOCKS}{table}.json"


def _file_name(run_id: str) -> str:
    return re.sub("[^A-Za-z0-9]+", "-", run_id)


def refresh_report_key(dag_id: str, run_date: date, name: str) -> str:
    """A report of a refresh of `store` or `product`: JSON, under the store's or the table's name."""
    return f"{REPORTS}{dag_id}/{day_prefix(run_date)}{name}.json"


def refresh_rows_key(dag_id: str, run_date: date, name: str) -> str:
    """The CSV of the rows that a refresh rejected."""
    return f"{REPORTS}{dag_id}/{day_prefix(run_date)}{name}_rows.csv"


def quarantined_key(upload: str) -> str:
    """Where the copy of a rejected upload goes, by its key; the reason is beside it, plus `.txt`."""
    return f"{QUARANTINE}{copy_key(upload)}"
