"""The files that tell eBay."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest

from stock_pipeline.ebay import upload_files
from stock_pipeline.ebay.upload_files import UploadFiles, write_upload_files
from stock_pipeline.lake.tables import EBAY, STORES
from tests.support import oracle
from tests.support.interruption import stop_at_every_call
from tests.support.lake import Lake

DAY = date(2024, 8, 8)
PREFIX = "ebay_upload/date=2024-08-08/"
ZIP = f"{PREFIX}ebay_upload_2024-08-08.zip"
HEAD = "Action,ItemID,SiteID,Currency,Quantity"

Listing = tuple[int, int, int]
"""An item with its quantity and what that changed by."""

TABLE: dict[str, list[Listing]] = {
    "AMS": [(30, 5, 5), (10, 0, -3), (20, 7, 0), (40, 1, 1)],
    "PG": [(10, 2, 2)],
    "PV": [(50, 3, 0)],
}


def put_table(lake: Lake, table: dict[str, list[Listing]]) -> None:
    for store, listings in table.items():
        rows: Iterable[dict[str, Any]] = (
            {"item_id": item, "quantity": quantity, "quantity_delta": delta, "custom_label": "=L"}
            for item, quantity, delta in listings
        )
        lake.put_rows(EBAY.key(store), EBAY.schema, rows)


@pytest.fixture
def lake(lake: Lake) -> Lake:
    put_table(lake, TABLE)
    return lake


def write(lake: Lake, stores: Iterable[str] = TABLE, *, full: bool = False) -> UploadFiles:
    return write_upload_files(lake, stores=list(stores), run_date=DAY, full=full)


def lines(lake: Lake) -> dict[str, list[str]]:
    """The CSV files by name, as lines."""
    return {
        key.removeprefix(PREFIX).removesuffix(".csv"): body.decode("ascii").removesuffix("\r\n").split("\r\n")
        for key, body in lake.bodies(PREFIX).items()
        if key.endswith(".csv")
    }


def expected(*, full: bool) -> dict[str, list[str]]:
    table = {
        (store, item): oracle.EbayRow(quantity, delta, "", "")
        for store, listings in TABLE.items()
        for item, quantity, delta in listings
    }
    return oracle.upload_lines(table, full=full)


@pytest.mark.parametrize("full", [False, True])
def test_a_store_s_file_has_its_changed_listings_or_all(lake: Lake, full):
    written = write(lake, full=full)
    assert lines(lake) == expected(full=full)
    assert written.files == [f"{PREFIX}{store}.csv" for store in expected(full=full)]
    assert written.rows == {
        store: sum(1 for _, _, delta in listings if full or delta) for store, listings in TABLE.items()
    }
    assert written.zip_key == ZIP


def test_the_lines_are_those_ebay_takes(lake: Lake):
    write(lake)
    assert lines(lake)["AMS"] == [HEAD, "Revise,10,UK,GBP,0", "Revise,30,UK,GBP,5", "Revise,40,UK,GBP,1"]


def test_the_zip_holds_the_same_bytes(lake: Lake):
    written = write(lake)
    with zipfile.ZipFile(io.BytesIO(lake.read(ZIP))) as archive:
        held = {f"{PREFIX}{name}": archive.read(name) for name in archive.namelist()}
    assert held == {key: lake.read(key) for key in written.files}


@pytest.mark.parametrize(
    ("rows_per_file", "files"),
    [
        (2, {"AMS_1": ["10", "20"], "AMS_2": ["30", "40"], "PG": ["10"], "PV": ["50"]}),
        (3, {"AMS_1": ["10", "20", "30"], "AMS_2": ["40"], "PG": ["10"], "PV": ["50"]}),
        (4, {"AMS": ["10", "20", "30", "40"], "PG": ["10"], "PV": ["50"]}),
    ],
)
def test_a_long_file_is_parted_and_no_item_is_told_twice(lake: Lake, monkeypatch, rows_per_file, files):
    monkeypatch.setattr(upload_files, "ROWS_PER_FILE", rows_per_file)
    write(lake, full=True)
    found = {name: list(csv.DictReader(text)) for name, text in lines(lake).items()}
    assert {name: [row["ItemID"] for row in rows] for name, rows in found.items()} == files


def test_the_longest_possible_file_is_below_what_ebay_takes():
    longest = f"Revise,{-(2**63)},UK,GBP,{2**31 - 1}\r\n"
    assert len(HEAD) + 2 + upload_files.ROWS_PER_FILE * len(longest) < 15_000_000


def test_files_of_an_earlier_run_that_are_not_written_again_go(lake: Lake, monkeypatch):
    lake.put("ebay_upload/date=2024-08-07/AMS.csv", b"yesterday's")
    with monkeypatch.context() as patch:
        patch.setattr(upload_files, "ROWS_PER_FILE", 1)
        write(lake, full=True)
    assert f"{PREFIX}AMS_4.csv" in lake.keys(PREFIX)
    write(lake)
    assert lake.keys("ebay_upload/") == [
        "ebay_upload/date=2024-08-07/AMS.csv",
        f"{PREFIX}AMS.csv",
        f"{PREFIX}PG.csv",
        ZIP,
    ]


def test_with_nothing_to_tell_there_are_no_files(lake: Lake):
    write(lake)
    put_table(lake, {store: [(1, 5, 0)] for store in TABLE})
    assert write(lake) == UploadFiles([], dict.fromkeys(TABLE, 0), None)
    assert lake.keys("ebay_upload/") == []


def test_the_same_table_gives_the_same_bytes(lake: Lake):
    write(lake)
    first = lake.bodies(PREFIX)
    put_table(lake, {store: listings[::-1] for store, listings in TABLE.items()})
    write(lake)
    assert lake.bodies(PREFIX) == first


def test_stopped_at_any_call_and_run_again_it_comes_to_the_same(lake: Lake):
    write(lake)
    complete = lake.bodies(PREFIX)
    stale = f"{PREFIX}PV_3.csv"

    def prepare() -> None:
        for key in lake.keys(PREFIX):
            lake.s3.delete_object(Bucket=lake.bucket, Key=key)
        lake.put(stale, b"of an earlier run")

    stops = 0
    for stops in stop_at_every_call(lake, prepare, lambda: write(lake)):  # noqa: B007 - the last counts
        assert lake.bodies(PREFIX).items() <= {**complete, stale: b"of an earlier run"}.items()
        write(lake)
        assert lake.bodies(PREFIX) == complete
    assert stops > 6


def test_the_names_of_all_stores_make_names_of_files():
    assert all(store.replace("_", "").isalnum() for store in STORES)
