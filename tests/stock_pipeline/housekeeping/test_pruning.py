"""Deleting what is old, in any order of failures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from stock_pipeline.errors import NotDeletedError
from stock_pipeline.housekeeping.pruning import PruneReport, delete, look, read_report, write_report
from stock_pipeline.housekeeping.retention import STAGING_AGE, OldData, OldPartition
from stock_pipeline.lake.tables import EBAY, SUPPLIER_STOCK
from stock_pipeline.messages import Event
from tests.support.interruption import stop_at_every_call
from tests.support.lake import Lake

TODAY = date(2024, 9, 10)
OLD = [date(2024, 8, 9), date(2024, 7, 1), date(2023, 9, 10)]
YOUNG = [date(2024, 8, 10), TODAY]
STAGED = "ebay_staging_20240901_0123456789"
LATER = datetime.now(UTC) + 2 * STAGING_AGE
"""A time at which all that these tests stage is old."""


def fill(lake: Lake) -> None:
    keys, registered = lake.keys(), lake.registered(SUPPLIER_STOCK.name)
    for supplier in ("APE", "BGA"):
        for day in OLD + YOUNG:
            values = (supplier, *str(day).split("-"))
            if SUPPLIER_STOCK.key(*values) not in keys:
                lake.put(SUPPLIER_STOCK.key(*values), b"12345")
            if values not in registered:
                lake.register(SUPPLIER_STOCK.name, values, SUPPLIER_STOCK.key(*values))
    staged = f"staging/{STAGED}/try=1/ebay_store=AMS/x"
    lake.put(staged, b"123")
    if STAGED not in tables(lake):
        lake.create_table(STAGED, EBAY)
        lake.register(STAGED, ("AMS",), staged)
    for key in (EBAY.key("AMS"), "product/data.parquet", "stock_feed/year=2023/month=01/day=01/APE.xlsx"):
        lake.put(key, b"not ours")


def tables(lake: Lake) -> set[str]:
    return {entry["Name"] for entry in lake.glue.get_tables(DatabaseName=lake.bucket)["TableList"]}


def found(lake: Lake, now: datetime = LATER) -> OldData:
    return look(lake, run_date=TODAY, now=now)


def prune(lake: Lake) -> None:
    delete(lake, old=found(lake))


def state(lake: Lake) -> tuple[set[str], set[tuple[str, ...]], set[str]]:
    return set(lake.keys()), lake.registered(SUPPLIER_STOCK.name), tables(lake)


@pytest.fixture
def lake(lake: Lake) -> Lake:
    fill(lake)
    return lake


def test_old_days_and_forgotten_staging_tables_go_and_nothing_else(lake: Lake):
    keys, entries, names = state(lake)
    old = found(lake)
    prune(lake)
    gone = {(supplier, *str(day).split("-")) for supplier in ("APE", "BGA") for day in OLD}
    assert state(lake) == (
        keys - {SUPPLIER_STOCK.key(*values) for values in gone} - set(old.staging[0].objects),
        entries - gone,
        names - {STAGED},
    )
    assert sum(entry.bytes for entry in (*old.partitions, *old.staging)) == 6 * 5 + 3
    assert found(lake) == OldData(older_than=YOUNG[0])


def test_what_is_staged_is_left_alone_for_days(lake: Lake):
    assert found(lake, datetime.now(UTC) + STAGING_AGE - timedelta(minutes=1)).staging == []


def test_stopped_at_any_call_no_entry_lacks_its_file_and_a_rerun_completes_it(lake: Lake):
    prune(lake)
    complete = state(lake)
    stops = 0
    for stops in stop_at_every_call(lake, lambda: fill(lake), lambda: prune(lake)):  # noqa: B007
        keys, entries, names = state(lake)
        assert {SUPPLIER_STOCK.key(*values) for values in entries} <= keys
        assert STAGED not in names or any(key.startswith(f"staging/{STAGED}/") for key in keys)
        assert complete[0] <= keys
        assert complete[1] <= entries
        prune(lake)
        assert state(lake) == complete
    assert stops > 10


def test_what_somebody_else_deleted_meanwhile_is_no_failure(lake: Lake):
    old = found(lake)
    prune(lake)
    complete = state(lake)
    delete(lake, old=old)
    assert state(lake) == complete


@contextmanager
def refusing(lake: Lake, service: str, operation: str, answer: dict[str, Any]) -> Iterator[list[Any]]:
    """AWS refuses; yields what it was asked."""
    asked: list[Any] = []

    def refuse(**named: Any) -> Any:
        asked.append(named["params"])
        response = type("Response", (), {"status_code": 200, "headers": {}, "content": b""})
        return response, {"ResponseMetadata": {"HTTPStatusCode": 200}, **answer}

    client: Any = {"glue": lake.glue, "s3": lake.s3}[service]
    client.meta.events.register(f"before-call.{service}.{operation}", refuse, unique_id="refusing")
    try:
        yield asked
    finally:
        client.meta.events.unregister(f"before-call.{service}.{operation}", unique_id="refusing")


def test_the_file_of_an_entry_that_glue_does_not_delete_stays(lake: Lake):
    values = ["APE", "2024", "08", "09"]
    detail = {"ErrorCode": "InternalServiceException", "ErrorMessage": "later"}
    answer = {"Errors": [{"PartitionValues": values, "ErrorDetail": detail}]}
    with (
        refusing(lake, "glue", "BatchDeletePartition", answer),
        pytest.raises(NotDeletedError, match="1 not deleted: APE/2024/08/09: InternalServiceException"),
    ):
        prune(lake)
    left = set(lake.keys(f"{SUPPLIER_STOCK.name}/"))
    prune(lake)
    assert left - set(lake.keys()) == {SUPPLIER_STOCK.key(*values)}


def test_what_s3_does_not_delete_is_named_and_goes_the_next_time(lake: Lake):
    key = SUPPLIER_STOCK.key("APE", "2024", "08", "09")
    with (
        refusing(lake, "s3", "DeleteObjects", {"Errors": [{"Key": key, "Code": "SlowDown"}]}),
        pytest.raises(NotDeletedError, match=f"{key}: SlowDown"),
    ):
        prune(lake)
    prune(lake)
    assert found(lake).partitions == []


def test_glue_is_asked_for_25_entries_a_call(lake: Lake):
    days = [TODAY - timedelta(days=number) for number in range(60)]
    partitions = [OldPartition(supplier="APE", day=day, registered=True) for day in days]
    with refusing(lake, "glue", "BatchDeletePartition", {}) as asked:
        delete(lake, old=OldData(older_than=TODAY, partitions=partitions))
    sizes = [len(json.loads(entry["body"])["PartitionsToDelete"]) for entry in asked]
    assert sizes == [25, 25, 10]


def test_the_report_names_all_that_goes_and_can_be_read_back(lake: Lake):
    report = PruneReport(run_date=TODAY, run_id="manual__2024-09-10T10:00:00+00:00", old=found(lake))
    location = write_report(lake, report)
    key = "reports/prune_old_data/year=2024/month=09/day=10/manual-2024-09-10T10-00-00-00-00.json"
    assert location == f"s3://{lake.bucket}/{key}"
    assert read_report(lake, TODAY, report.run_id) == report
    assert [entry["supplier"] for entry in lake.json(key)["old"]["partitions"]] == ["APE"] * 3 + ["BGA"] * 3
    assert report.counts() == {"partitions": 6, "staging_tables": 1, "objects": 7, "bytes": 33, "kept": 0}
    message = report.deleted_message(location)
    assert (message.event, message.subject, message.status) == (
        Event.PARTITIONS_DELETED,
        "supplier_stock",
        "success",
    )
    assert "6 partitions of 2 suppliers older than 2024-08-10" in message.text
    assert (report.concerns, report.message(location).status) == ([], "success")


def test_what_is_kept_is_told_of_with_its_age_and_needs_nobody(lake: Lake):
    for values in lake.registered(SUPPLIER_STOCK.name):
        if values[0] == "APE" and values[1:] > ("2024", "08", "09"):
            lake.glue.delete_partition(
                DatabaseName=lake.bucket, TableName=SUPPLIER_STOCK.name, PartitionValues=list(values)
            )
    report = PruneReport(run_date=TODAY, run_id="r", old=found(lake))
    message = report.message(None)
    assert (report.concerns, message.status, message.counts["kept"]) == ([], "success", 1)
    sentence = "Kept, because it is the supplier's newest: APE of 2024-08-09 (32 days old)"
    assert sentence in message.text
    assert sentence in report.deleted_message("s3://x").text


def test_what_is_left_alone_is_told_of(lake: Lake):
    lake.register(SUPPLIER_STOCK.name, ("APE", "2024", "8", "1"), "x/y")
    report = PruneReport(run_date=TODAY, run_id="r", old=found(lake), failed_tasks=["delete_old_data"])
    assert "APE/2024/8/1 of supplier_stock has no date" in report.concerns[0]
    assert report.concerns[1] == "task delete_old_data failed: see its log"
