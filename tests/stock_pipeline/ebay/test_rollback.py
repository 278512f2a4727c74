"""Putting the ebay table back: any order of days, failures and repeats gives the same table and files."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from io import BytesIO
from typing import Any

import polars as pl
import pytest

from stock_pipeline.ebay.rollback import Rollback, plan_rollback, roll_back, write_undoing_files
from stock_pipeline.ebay.upload_files import UploadFiles
from stock_pipeline.errors import NeedsPersonError, PublishRefusedError, RollbackRefusedError
from stock_pipeline.lake.publishing import published_date
from stock_pipeline.lake.tables import EBAY
from tests.support.interruption import stop_at_every_call
from tests.support.lake import Lake

FIRST, SECOND, THIRD, FOURTH = (date(2024, 8, day) for day in (1, 2, 3, 4))
RUN = "rollback_ebay, run now"
GONE_KEY = "reports/gone.csv"
HEAD = "Action,ItemID,SiteID,Currency,Quantity"

Stores = dict[str, dict[int, int]]
"""Quantities of items by store."""

OLDER: Stores = {"AMS": {1: 5, 2: 0, 3: 7}, "PG": {10: 1}, "PV": {20: 4}}
NEWER: Stores = {"AMS": {1: 0, 3: 7, 4: 9}, "PG": {10: 1}, "SJR": {30: 2}}


def publish(lake: Lake, day: date | None, stores: Stores) -> None:
    """Publish a table as the daily run does: a store it does not have goes."""
    for store, items in stores.items():
        rows = [
            {
                "item_id": item,
                "quantity": quantity,
                "quantity_delta": 1,
                "custom_label": f"=L{item}",
                "supplier_store": "APE",
            }
            for item, quantity in items.items()
        ]
        sink = BytesIO()
        pl.DataFrame(rows, schema=EBAY.schema).write_parquet(sink)
        metadata = {"run-date": str(day)} if day else {}
        lake.s3.put_object(Bucket=lake.bucket, Key=EBAY.key(store), Body=sink.getvalue(), Metadata=metadata)
    for key in lake.keys("ebay/"):
        if key not in {EBAY.key(store) for store in stores}:
            lake.s3.delete_object(Bucket=lake.bucket, Key=key)


def table(lake: Lake) -> Stores:
    return {
        key.split("=")[1].split("/")[0]: dict(
            pl.read_parquet(BytesIO(body)).select("item_id", "quantity").rows()
        )
        for key, body in lake.bodies("ebay/").items()
    }


def plan(lake: Lake, day: date = FIRST, stores: Iterable[str] = ()) -> Rollback:
    return plan_rollback(lake, table_date=day, stores=list(stores))


def put_back(lake: Lake, planned: Rollback) -> list[dict[str, Any]]:
    notes = {"rolled-back-by": "Zoë", "rolled-back-reason": "wrong\r\nfeed £"}
    return roll_back(lake, rollback=planned, run=RUN, hold=lambda: None, notes=notes)


def run(lake: Lake, day: date = FIRST, stores: Iterable[str] = ()) -> UploadFiles:
    planned = plan(lake, day, stores)
    put_back(lake, planned)
    return write_undoing_files(lake, rollback=planned, gone_key=GONE_KEY)


def told(lake: Lake, written: UploadFiles) -> dict[str, dict[int, int]]:
    """What the upload files say, by store."""
    found: dict[str, dict[int, int]] = {}
    for key in written.files:
        head, *lines = lake.read(key).decode().splitlines()
        assert head == HEAD
        store = key.rpartition("/")[2].removesuffix(".csv")
        found[store] = {int(line.split(",")[1]): int(line.split(",")[4]) for line in lines}
    return found


def metadata(lake: Lake, store: str) -> dict[str, str]:
    return lake.s3.head_object(Bucket=lake.bucket, Key=EBAY.key(store))["Metadata"]


@pytest.fixture
def lake(lake: Lake) -> Lake:
    """A lake in which two tables were published, on different days."""
    lake.s3.put_bucket_versioning(Bucket=lake.bucket, VersioningConfiguration={"Status": "Enabled"})
    publish(lake, FIRST, OLDER)
    publish(lake, SECOND, NEWER)
    return lake


def test_the_table_is_the_earlier_one_and_a_later_store_stays(lake: Lake):
    assert plan(lake).kept == ["SJR"]
    run(lake)
    assert table(lake) == {**OLDER, "SJR": NEWER["SJR"]}


def test_the_files_tell_ebay_whatever_differs(lake: Lake):
    written = run(lake)
    assert told(lake, written) == {"AMS": {1: 5, 2: 0}, "PV": {20: 4}}
    assert written.zip_key is not None
    assert written.zip_key.startswith("ebay_upload/rollback_to=2024-08-01_from=2024-08-02_")
    assert written.zip_key.endswith("/ebay_rollback_to_2024-08-01.zip")


def test_what_would_change_is_counted_by_store_and_nothing_is_written(lake: Lake):
    before = lake.bodies()
    planned = plan(lake)
    figures = {entry.store: (entry.changed, entry.back, entry.gone) for entry in planned.stores}
    assert figures == {"AMS": (1, 1, 1), "PG": (0, 0, 0), "PV": (0, 1, 0)}
    assert planned.counts() == {"stores": 3, "changed": 1, "back": 2, "gone": 1}
    assert lake.bodies() == before


def test_what_cannot_be_undone_is_in_a_list_for_people_without_formulas(lake: Lake):
    run(lake)
    lines = lake.read(GONE_KEY).decode("utf-8-sig").splitlines()
    assert lines == ["ebay_store,item_id,quantity,custom_label,supplier_store", "AMS,4,9,'=L4,APE"]
    lake.s3.delete_object(Bucket=lake.bucket, Key=GONE_KEY)
    run(lake, stores=["PG", "PV"])
    assert GONE_KEY not in lake.keys("reports/")


def test_only_the_stores_named_are_put_back(lake: Lake):
    written = run(lake, stores=["AMS"])
    assert table(lake) == {**NEWER, "AMS": OLDER["AMS"]}
    assert told(lake, written) == {"AMS": {1: 5, 2: 0}}


def test_the_file_says_its_date_who_put_it_back_and_why(lake: Lake):
    replaced = lake.s3.head_object(Bucket=lake.bucket, Key=EBAY.key("AMS"))["VersionId"]
    run(lake)
    assert metadata(lake, "AMS") == {
        "run-date": "2024-08-01",
        "rolled-back-from": replaced,
        "rolled-back-by": "Zo?",
        "rolled-back-reason": "wrong feed ?",
        "published-by": RUN,
    }
    assert metadata(lake, "PV")["rolled-back-from"] == "nothing"
    assert published_date(lake, EBAY, ("AMS",)) == FIRST
    assert metadata(lake, "SJR") == {"run-date": "2024-08-02"}


def test_the_partitions_are_those_of_the_stores_put_back(lake: Lake):
    assert put_back(lake, plan(lake))[1:] == [
        {"values": ["PG"], "location": f"s3://{lake.bucket}/ebay/ebay_store=PG/"},
        {"values": ["PV"], "location": f"s3://{lake.bucket}/ebay/ebay_store=PV/"},
    ]


def test_run_twice_it_gives_the_same_table_and_the_same_files(lake: Lake):
    first, bodies = run(lake), lake.bodies()
    assert run(lake) == first
    assert lake.bodies() == bodies
    assert plan(lake).counts() == {"stores": 3, "changed": 1, "back": 2, "gone": 1}


def test_stopped_at_any_call_and_run_again_it_comes_to_the_same(lake: Lake):
    stores = ["AMS", "PV"]
    complete = told(lake, run(lake, stores=stores))
    planned: list[Rollback] = []

    def prepare() -> None:
        publish(lake, SECOND, NEWER)
        planned[:] = [plan(lake, stores=stores)]

    def attempt() -> None:
        put_back(lake, planned[0])
        write_undoing_files(lake, rollback=planned[0], gone_key=GONE_KEY)

    stops = 0
    for stops in stop_at_every_call(lake, prepare, attempt):  # noqa: B007 - the last counts
        for store, items in table(lake).items():
            assert items in (OLDER.get(store), NEWER.get(store))
        written = run(lake, stores=stores)
        assert written.zip_key is not None
        assert set(lake.keys(planned[0].upload_prefix)) == {*written.files, written.zip_key}
        assert told(lake, written) == complete
        assert table(lake) == {**NEWER, "AMS": OLDER["AMS"], "PV": OLDER["PV"]}
    assert stops > 15


def test_of_several_tables_of_a_date_the_last_counts_and_back_is_possible_too(lake: Lake):
    publish(lake, FIRST, {"AMS": {1: 6}})
    publish(lake, THIRD, {"AMS": {1: 3}})
    assert told(lake, run(lake, FIRST, ["AMS"])) == {"AMS": {1: 6}}
    assert told(lake, run(lake, THIRD)) == {"AMS": {1: 3}}
    assert table(lake) == {"AMS": {1: 3}}


def test_a_later_table_over_one_put_back_is_what_the_next_rollback_undoes(lake: Lake):
    first = run(lake, FIRST, ["AMS"])
    publish(lake, THIRD, {"AMS": {1: 8, 2: 0, 3: 7}})
    second = run(lake, FIRST, ["AMS"])
    assert told(lake, second) == {"AMS": {1: 5}}
    assert told(lake, first) == {"AMS": {1: 5, 2: 0}}, "files of the rollback before are left as they were"


def test_a_table_that_is_of_that_date_already_needs_nothing(lake: Lake):
    bodies = lake.bodies("ebay/")
    written = run(lake, SECOND)
    assert (written.files, written.zip_key) == ([], None)
    assert lake.bodies("ebay/") == bodies
    assert "rolled-back-from" not in metadata(lake, "AMS")


@pytest.mark.parametrize(
    ("day", "stores", "message"),
    [
        (
            FOURTH,
            [],
            r"No ebay table of 2024-08-04 is kept for AMS, PG, SJR\. There are: 2024-08-01 \(2 of 3",
        ),
        (FOURTH, ["PG"], r"for PG\. There are: 2024-08-01 \(1 of 1 stores\), 2024-08-02 \(1 of 1 stores\)"),
        (FIRST, ["AMS", "SJR"], r"of 2024-08-01 is kept for SJR\. There are: 2024-08-02"),
        (date(2024, 7, 1), [], r"for any store\. There are: 2024-08-01 \(3 of 4 stores\), 2024-08-02"),
        (FIRST, ["XXX"], "has had no store XXX; it knows AMS, PG, PV, SJR"),
    ],
)
def test_without_such_a_table_it_says_which_there_are_and_changes_nothing(lake: Lake, day, stores, message):
    bodies = lake.bodies()
    with pytest.raises(RollbackRefusedError, match=message):
        run(lake, day, stores)
    assert lake.bodies() == bodies
    assert issubclass(RollbackRefusedError, NeedsPersonError)


def test_a_table_of_which_a_store_is_missing_is_not_put_back_by_halves(lake: Lake):
    """The run of the third day was killed after its first store, and the fourth day's came through."""
    publish(lake, THIRD, {"AMS": {1: 1}})
    publish(lake, FOURTH, NEWER)
    with pytest.raises(RollbackRefusedError, match=r"for PG, SJR\..*or name only stores that have it"):
        run(lake, THIRD)
    assert told(lake, run(lake, THIRD, ["AMS"])) == {"AMS": {1: 1}}


def test_a_file_put_there_by_hand_has_no_date_and_can_be_undone(lake: Lake):
    publish(lake, None, {**NEWER, "AMS": {1: 99}})
    planned = plan(lake, SECOND, ["AMS"])
    assert (planned.stores[0].replaced_date, planned.counts()["changed"]) == (None, 1)
    assert told(lake, run(lake, SECOND, ["AMS"])) == {"AMS": {1: 0, 3: 7, 4: 9}}


def test_what_is_published_meanwhile_is_not_overwritten(lake: Lake):
    planned = plan(lake)
    newest = {**NEWER, "PG": {10: 3}}
    publish(lake, THIRD, newest)
    with pytest.raises(PublishRefusedError, match=r"ebay was changed by .* since this rollback was planned"):
        put_back(lake, planned)
    assert table(lake) == newest


def test_what_is_removed_meanwhile_is_not_put_back_unseen(lake: Lake):
    planned = plan(lake)
    lake.s3.delete_object(Bucket=lake.bucket, Key=EBAY.key("PG"))
    before = table(lake)
    with pytest.raises(PublishRefusedError, match="ebay was changed by a run that removed it"):
        put_back(lake, planned)
    assert table(lake) == before


def test_when_what_was_replaced_is_kept_no_more_it_says_so(lake: Lake):
    run(lake)
    replaced = metadata(lake, "AMS")["rolled-back-from"]
    lake.s3.delete_object(Bucket=lake.bucket, Key=EBAY.key("AMS"), VersionId=replaced)
    with pytest.raises(RollbackRefusedError, match="AMS was put back more than 30 days ago"):
        run(lake)


def test_its_files_can_be_marked_as_uploaded(lake: Lake):
    written = run(lake)
    (key,) = lake.keys("upload_ledger/files/")
    assert lake.json(key)["files"] == written.files
    assert lake.json(key)["run_date"] == str(SECOND), "the date of what was replaced, or it would be too old"
