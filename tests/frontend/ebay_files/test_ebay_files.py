"""The files for eBay as the page sees them."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import boto3
import polars as pl
import pytest
from botocore.exceptions import ClientError
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT

from frontend.ebay_files.files import Folder, body_of, changed_listings, narrowed, newest_folders, table_date
from local_aws.environment import client_arguments
from local_aws.server import LocalAws
from stock_pipeline.ebay.upload_files import write_upload_files
from stock_pipeline.ebay.upload_ledger import forget_files, mark_uploaded
from stock_pipeline.lake import locations
from stock_pipeline.lake.tables import EBAY
from tests.support.lake import Lake

DAY = date(2024, 8, 8)
_numbers = itertools.count()
LISTINGS = {
    "AMS": [(30, 5, 5, "L-30", "BGA"), (10, 0, -3, "L-10", "FEB"), (20, 7, 0, "L-20", "BGA")],
    "PG": [(10, 2, 0, "L-10", "FEB")],
}


@pytest.fixture
def lake(local_aws: LocalAws, tmp_path: Path) -> Lake:
    """Two stores' tables and the day's files."""
    arguments = client_arguments(local_aws.endpoint_url)
    s3, glue = boto3.client("s3", **arguments), boto3.client("glue", **arguments)
    lake = Lake.named(f"files-{next(_numbers)}", s3, glue, tmp_path).create()
    for store, rows in LISTINGS.items():
        names = ("item_id", "quantity", "quantity_delta", "custom_label", "supplier_store")
        lake.put_rows(EBAY.key(store), EBAY.schema, (dict(zip(names, row, strict=True)) for row in rows))
        body = lake.read(EBAY.key(store))
        metadata = {"run-date": DAY.isoformat()}
        lake.s3.put_object(Bucket=lake.bucket, Key=EBAY.key(store), Body=body, Metadata=metadata)
    write_upload_files(lake, stores=list(LISTINGS), run_date=DAY)
    return lake


def aged(lake: Lake, key: str, hours: float) -> None:
    """Have an object been put so many hours earlier than it was."""
    get_backend("s3")[ACCOUNT]["aws"].buckets[lake.bucket].keys[key].last_modified -= timedelta(hours=hours)


def newest(lake: Lake) -> Folder:
    return newest_folders(lake, 5)[0]


def mark(lake: Lake, *stores: str) -> None:
    noted = newest(lake).noted
    assert noted is not None
    mark_uploaded(
        lake,
        numbers={store: noted.stores[store].number for store in stores},
        by="ann",
        at=datetime(2024, 8, 8, 12, tzinfo=UTC),
    )


def test_a_folder_has_its_files_and_how_much_they_tell(lake: Lake):
    folder = newest(lake)
    assert (folder.title, folder.rows, folder.kind) == ("2024-08-08", 2, "changes")
    assert [file.name for file in folder.files] == ["AMS.csv", "ebay_upload_2024-08-08.zip"]
    assert folder.zip is not None
    assert folder.zip.size == len(lake.read(folder.zip.key))


@pytest.mark.parametrize(
    ("stores", "uploaded", "unmarked"),
    [((), "no", ["AMS", "PG"]), (("PG",), "1 of 2 stores", ["AMS"]), (("AMS", "PG"), "yes", [])],
)
def test_a_folder_says_how_much_of_it_is_uploaded(lake: Lake, stores, uploaded, unmarked):
    mark(lake, *stores)
    folder = newest(lake)
    assert (folder.uploaded, folder.unmarked) == (uploaded, unmarked)


def test_files_written_again_since_they_were_marked_are_not_uploaded(lake: Lake):
    mark(lake, "AMS", "PG")
    write_upload_files(lake, stores=list(LISTINGS), run_date=DAY, full=True)
    folder = newest(lake)
    assert (folder.uploaded, folder.rows, folder.kind) == ("no", 4, "every listing")


def test_files_that_are_being_written_say_so(lake: Lake):
    forget_files(lake, "date=2024-08-08")
    folder = newest(lake)
    assert (folder.uploaded, folder.noted, folder.unmarked) == ("being written", None, [])


def test_the_set_that_was_written_last_comes_first_whatever_its_day(lake: Lake):
    sets = {"date=2024-08-07": 3, "rollback_to=2024-08-06_from=2024-08-07_abc": 1, "date=2023-12-31": 2}
    for name, hours in sets.items():
        lake.put(f"ebay_upload/{name}/AMS.csv", b"")
        aged(lake, f"ebay_upload/{name}/AMS.csv", hours)
    aged(lake, "ebay_upload/date=2024-08-08/AMS.csv", 5)
    aged(lake, "ebay_upload/date=2024-08-08/ebay_upload_2024-08-08.zip", 5)
    aged(lake, locations.upload_set_key("date=2024-08-08"), 2.5)
    folders = newest_folders(lake, 3)
    assert [folder.title for folder in folders] == [
        "Back to 2024-08-06 from 2024-08-07",
        "2023-12-31",
        "2024-08-08",
    ]
    written = [folder.written for folder in folders]
    assert written == sorted(written, reverse=True)


def test_a_set_with_nothing_to_tell_has_its_place_too(lake: Lake):
    for key in lake.keys("ebay_upload/"):
        lake.s3.delete_object(Bucket=lake.bucket, Key=key)
    folder = newest(lake)
    assert (folder.title, folder.files, folder.zip) == ("2024-08-08", [], None)


def test_a_file_s_listings_come_with_what_the_table_knows_of_them(lake: Lake):
    [csv] = [file for file in newest(lake).files if file.is_of("AMS")]
    assert changed_listings(lake, csv, "AMS").rows() == [
        (10, 0, 3, "L-10", "FEB"),
        (30, 5, 0, "L-30", "BGA"),
    ]
    assert changed_listings(lake, csv, None).rows() == [(10, 0), (30, 5)]


def test_a_file_that_was_written_again_is_not_taken_for_the_one_on_the_page(lake: Lake):
    [csv] = [file for file in newest(lake).files if file.is_of("AMS")]
    lake.put(csv.key, b"another")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        body_of(lake, csv)


def test_a_store_s_files_are_not_another_s(lake: Lake):
    lake.put("ebay_upload/date=2024-08-08/RTG_FPS_2.csv", b"")
    [file] = [file for file in newest(lake).files if file.name == "RTG_FPS_2.csv"]
    assert (file.is_of("RTG_FPS"), file.is_of("RTG"), file.is_of("FPS")) == (True, False, False)


def test_the_table_s_date_is_known_by_store(lake: Lake):
    assert table_date(lake, "AMS") == DAY
    assert table_date(lake, "PV") is None


ALL = pl.DataFrame(
    [(10, 0, 3, "L-10", "FEB"), (30, 5, 0, "L-30", "BGA"), (31, 5, 4, "k=1", "BGA")],
    schema=["item_id", "quantity", "before", "custom_label", "supplier_store"],
    orient="row",
)


@pytest.mark.parametrize(
    ("search", "suppliers", "way", "items"),
    [
        ("", [], "All", [10, 30, 31]),
        ("l-3", [], "All", [30]),
        ("K=", [], "All", [31]),
        (" 3", [], "All", [30, 31]),
        ("", ["FEB"], "All", [10]),
        ("", [], "Gone to 0", [10]),
        ("", [], "Back in stock", [30]),
    ],
)
def test_listings_are_narrowed_down(search, suppliers, way, items):
    assert narrowed(ALL, search, suppliers, way)["item_id"].to_list() == items


def test_without_the_table_only_items_and_quantities_can_be_asked():
    told = ALL.select("item_id", "quantity")
    assert narrowed(told, "3", [], "All")["item_id"].to_list() == [30, 31]
    assert narrowed(told, "", [], "Back in stock").is_empty()
