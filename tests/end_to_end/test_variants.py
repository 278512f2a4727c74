"""What parameters, bad data and failures do to a run. Each test begins after the first day."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyarrow as pa
import pytest
import yaml
from airflow.sdk import DAG

from aws_operators.athena import AthenaCheckOperator
from stock_pipeline.feeds import processing
from stock_pipeline.lake import locations
from stock_pipeline.lake.tables import EBAY, STORE, SUPPLIER_STOCK
from stock_pipeline.suppliers import OTHER_FILE
from tests.support import oracle
from tests.support.runs.days import FEW, FIRST, SECOND, Days
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack

Run = Callable[..., LocalRun]


@pytest.fixture
def run(daily_stock: DAG, prepared: Stack) -> Run:
    def go(day: date = SECOND, suppliers: tuple[str, ...] = FEW, **conf: Any) -> LocalRun:
        return LocalRun(daily_stock, {"run_date": str(day), "suppliers": list(suppliers), **conf}).go()

    return go


def published(stack: Stack, table: oracle.EbayTable) -> bool:
    return stack.ebay() == table


def concerns(made: LocalRun) -> str:
    """What a person is told to look at; nothing if the run is green."""
    return str(made.errors.get(("conclude", -1), ""))


def unchanged(stack: Stack, days: Days) -> bool:
    return published(stack, days.table(FIRST, *FEW))


def test_a_good_run(prepared: Stack, days: Days, run: Run) -> None:
    made = run()
    assert made.failed == {}
    assert made.state == "success"
    assert published(prepared, days.table(SECOND, *FEW))


def test_a_dry_run_publishes_nothing(prepared: Stack, days: Days, run: Run) -> None:
    made = run(dry_run=True)
    assert made.state == "success"
    assert {made.states[task, -1] for task in ("publish_ebay", "register_ebay", "write_upload_files")} == {
        "skipped"
    }
    assert unchanged(prepared, days)
    assert prepared.uploads(SECOND) == {}
    events = dict(prepared.messages())
    assert "ebay_generated" not in events
    assert "dry run" in events["run_finished"]["text"]
    # What it would have published is there to look at.
    table = made.result("plan_table")["staging_table"]
    assert prepared.query(f"SELECT count(*) FROM {table}") == [[str(len(days.table(SECOND, *FEW)))]]


def test_an_older_day_is_not_published_over_a_newer_one(prepared: Stack, days: Days, run: Run) -> None:
    run()
    made = run(FIRST)
    assert made.states["publish_ebay", -1] == "failed"
    assert str(SECOND) in str(made.errors["publish_ebay", -1])
    assert "publish_older_date" in str(made.errors["publish_ebay", -1]).replace(" ", "_")
    assert made.state == "failed"
    assert published(prepared, days.table(SECOND, *FEW))


def test_an_older_day_is_published_if_that_is_meant(prepared: Stack, days: Days, run: Run) -> None:
    run()
    made = run(FIRST, publish_older_date=True)
    assert made.failed == {}
    assert unchanged(prepared, days)


def test_full_upload_files_hold_every_listing(prepared: Stack, days: Days, run: Run) -> None:
    run(full_upload=True)
    wanted = oracle.upload_lines(days.table(SECOND, *FEW), full=True)
    files = {
        name.removesuffix(".csv"): body.decode().splitlines()
        for name, body in prepared.uploads(SECOND).items()
        if name.endswith(".csv")
    }
    assert files == wanted


@pytest.mark.parametrize("supplier", FEW)
def test_a_run_for_one_supplier_leaves_the_others_in_force(
    prepared: Stack, days: Days, run: Run, supplier: str
) -> None:
    made = run(suppliers=(supplier,))
    assert made.failed == {}
    history = {code: {FIRST: days.history[code][FIRST]} for code in FEW}
    history[supplier][SECOND] = days.history[supplier][SECOND]
    wanted = oracle.ebay_rows(days.store, days.product, *oracle.newest_two(history, SECOND))
    assert published(prepared, wanted)
    events = [(event, message["subject"]) for event, message in prepared.messages()]
    assert [subject for event, subject in events if event.startswith("feed")] == [supplier]


def test_a_day_without_any_feed_is_built_of_what_is_in_force(prepared: Stack, days: Days, run: Run) -> None:
    day = FIRST + timedelta(days=1)
    made = run(day)
    assert made.failed == {}
    assert dict(prepared.messages())["partition_added"]["counts"] == {"partitions": 0}
    assert unchanged(prepared, days)


def test_stale_stock_turns_the_run_red_with_the_table_published(
    prepared: Stack, days: Days, run: Run
) -> None:
    day = FIRST + timedelta(days=20)
    made = run(day)
    assert list(made.failed) == [("conclude", -1)]
    for supplier in FEW:
        assert re.search(rf"{supplier}: STALE, its stock is 20 days old", concerns(made))
    assert unchanged(prepared, days)


def test_a_worse_file_of_the_day_keeps_its_accepted_snapshot(prepared: Stack, days: Days, run: Run) -> None:
    run()
    prepared.put(f"{locations.stock_feed_prefix(SECOND)}BGA_worse.xlsx", b"no workbook")
    made = run()
    assert list(made.failed) == [("conclude", -1)]
    assert "BGA_worse.xlsx" in concerns(made)
    assert published(prepared, days.table(SECOND, *FEW))


def test_a_feed_task_that_fails_stops_nobody_else(
    prepared: Stack, days: Days, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = processing.process_feed

    def broken(*arguments: Any, **named: Any) -> Any:
        if named["supplier"].code == "FPS":
            raise OSError("the disk is full")
        return process(*arguments, **named)

    monkeypatch.setattr(processing, "process_feed", broken)
    made = run()
    assert set(made.failed) == {("feed.process_feed", FEW.index("FPS")), ("conclude", -1)}
    assert "feed.process_feed of FPS" in concerns(made)
    assert "FPS: its task failed without a verdict" in concerns(made)
    history = {code: dict(days.history[code]) for code in FEW}
    del history["FPS"][SECOND]
    wanted = oracle.ebay_rows(days.store, days.product, *oracle.newest_two(history, SECOND))
    assert published(prepared, wanted)
    summary = prepared.json(made.result("summarise")["report"].split("/", 3)[3])
    assert {feed["supplier"]: feed["verdict"] for feed in summary["feeds"]} == {
        "BGA": "accepted",
        "FPS": None,
        "RTG": "accepted",
    }


def test_no_feed_task_at_all_publishes_nothing(
    prepared: Stack, days: Days, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise OSError("S3 is away")

    monkeypatch.setattr(processing, "process_feed", broken)
    made = run()
    assert made.state == "failed"
    assert unchanged(prepared, days)
    assert dict(prepared.messages())["run_finished"]["status"] == "failed"


def test_parameters_nobody_has_end_the_run_before_anything_happens(
    prepared: Stack, days: Days, run: Run
) -> None:
    made = run(dry="yes")
    assert made.state == "failed"
    assert "No parameter dry" in str(made.errors["plan_run", -1])
    assert unchanged(prepared, days)
    assert prepared.partitions("supplier_stock") == sorted((code, "2024", "08", "01") for code in FEW)


def refused_by_the_audit(prepared: Stack, days: Days, made: LocalRun, *names: str) -> None:
    assert made.states["audit", -1] == "failed"
    message = str(made.errors["audit", -1])
    assert [name for name in names if name not in message] == []
    assert made.states["publish_ebay", -1] == "upstream_failed"
    assert made.state == "failed"
    assert "task audit failed" in concerns(made)
    assert unchanged(prepared, days)
    assert prepared.uploads(SECOND) == {}
    assert dict(prepared.messages())["run_finished"]["status"] == "failed"


def test_a_listing_that_is_there_twice_is_not_published(prepared: Stack, days: Days, run: Run) -> None:
    one = next(row for row in days.store if row.supplier == "BGA" and row.custom_label.endswith("-QV0001"))
    key = STORE.key(one.ebay_store, "BGA")
    other = f"{key.removesuffix('data.parquet')}again.parquet"
    table = pa.table({"item_id": pa.array([one.item_id]), "custom_label": [one.custom_label]})
    prepared.put_parquet(other, table)
    refused_by_the_audit(prepared, days, run(), "listings_repeated", "ebay")


def put_by_hand(prepared: Stack, supplier: str, quantities: dict[str, int]) -> None:
    """Register a snapshot of the second day that a feed would not have got through."""
    key = SUPPLIER_STOCK.key(supplier, *locations.date_parts(SECOND))
    prepared.put_snapshot(key, quantities, SECOND)
    prepared.register(SUPPLIER_STOCK.name, [supplier, *locations.date_parts(SECOND)], key)


def table_of(prepared: Stack) -> oracle.EbayTable:
    return {key: oracle.EbayRow(*row) for key, row in prepared.ebay().items()}


def rows_of(table: oracle.EbayTable, *suppliers: str) -> oracle.EbayTable:
    return {key: row for key, row in table.items() if row.supplier_store in suppliers}


def without(table: oracle.EbayTable, *suppliers: str) -> oracle.EbayTable:
    return {key: row for key, row in table.items() if row.supplier_store not in suppliers}


def kept_its_rows(prepared: Stack, days: Days, made: LocalRun, supplier: str) -> None:
    """Whether all others are published as the oracle has them, and one keeps what was there."""
    wanted = without(days.table(SECOND, *FEW), supplier) | rows_of(days.table(FIRST, *FEW), supplier)
    assert published(prepared, wanted)
    assert f"{supplier} failed the table's audit and keeps its published rows" in concerns(made)
    assert made.states["audit_again", -1] == "success"
    assert dict(prepared.messages())["run_finished"]["status"] == "failed"
    # Nothing is left of either staging table.
    assert [name for name in prepared.tables() if name.startswith("ebay_staging")] == []


def test_a_supplier_that_goes_to_zero_keeps_its_rows_and_stops_nobody(
    prepared: Stack, days: Days, run: Run
) -> None:
    put_by_hand(prepared, "FPS", dict.fromkeys(days.history["FPS"][FIRST], 0))
    made = run(suppliers=("BGA", "RTG"))
    assert list(made.failed) == [("conclude", -1)]
    kept_its_rows(prepared, days, made, "FPS")
    assert "would go to zero (limit 25%)" in concerns(made)
    assert "accept_changes" in concerns(made)
    page = prepared.body(locations.run_page_key(SECOND)).decode()
    assert "keeps its published rows" in page


def test_the_change_is_published_once_a_person_accepts_it(prepared: Stack, days: Days, run: Run) -> None:
    put_by_hand(prepared, "FPS", dict.fromkeys(days.history["FPS"][FIRST], 0))
    run(suppliers=("BGA", "RTG"))
    made = run(suppliers=("BGA", "RTG"), accept_changes=["FPS"])
    assert made.failed == {}
    assert made.states["carry_over", -1] == "skipped"
    assert {row.quantity for row in rows_of(table_of(prepared), "FPS").values()} == {0}


@pytest.mark.parametrize("registered", [True, False], ids=["object_gone", "partition_gone_too"])
def test_a_supplier_whose_snapshot_is_lost_keeps_its_rows(
    prepared: Stack, days: Days, run: Run, registered: bool
) -> None:
    values = ["FPS", *locations.date_parts(FIRST)]
    prepared.s3.delete_object(Bucket=prepared.bucket, Key=SUPPLIER_STOCK.key(*values))
    if not registered:
        prepared.glue.delete_partition(
            DatabaseName=prepared.database, TableName=SUPPLIER_STOCK.name, PartitionValues=values
        )
    made = run(suppliers=("BGA", "RTG"))
    assert list(made.failed) == [("conclude", -1)]
    kept_its_rows(prepared, days, made, "FPS")
    assert ("is gone" if registered else "would leave the table") in concerns(made)


def test_a_store_in_trouble_keeps_its_published_file(
    prepared: Stack, days: Days, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every change is too much for this store alone, so small are the limits of its listings.
    store = "AMS"
    before = prepared.body(EBAY.key(store))
    check = AthenaCheckOperator.execute

    def strict(self: AthenaCheckOperator, context: Any) -> Any:
        rows = check(self, context)
        for row in rows:
            if (row["check_name"], row["subject"]) == ("share_changed_by_store", store):
                row["passed"] = "false"
        context["ti"].xcom_push(key="checks", value=rows)
        return rows

    monkeypatch.setattr(AthenaCheckOperator, "execute", strict)
    made = run()
    assert list(made.failed) == [("conclude", -1)]
    assert f"{store} failed the table's audit and keeps its published file" in concerns(made)
    assert prepared.body(EBAY.key(store)) == before
    first, second = days.table(FIRST, *FEW), days.table(SECOND, *FEW)
    wanted = {key: row for key, row in second.items() if key[0] != store}
    wanted |= {key: row for key, row in first.items() if key[0] == store}
    assert published(prepared, wanted)
    assert f"{store}.csv" not in prepared.uploads(SECOND)


def test_stock_that_has_expired_ends_if_the_supplier_says_so(
    prepared: Stack, days: Days, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rules = yaml.safe_load(Path(os.environ[OTHER_FILE]).read_text())
    rules["suppliers"]["FPS"]["expired"] = "zero"
    (tmp_path / "suppliers.yaml").write_text(yaml.safe_dump(rules))
    monkeypatch.setenv(OTHER_FILE, str(tmp_path / "suppliers.yaml"))
    made = run(FIRST + timedelta(days=40))
    table = table_of(prepared)
    assert {row.quantity for row in rows_of(table, "FPS").values()} == {0}
    assert without(table, "FPS") == without(days.table(FIRST, *FEW), "FPS")
    assert "FPS: expired, its stock is 40 days old, more than a month, and counts as 0" in concerns(made)
    assert "BGA: expired, its stock is 40 days old, more than a month, and stays in force" in concerns(made)


def test_a_store_that_has_vanished_goes(prepared: Stack, days: Days, run: Run) -> None:
    gone = max({row.ebay_store for row in days.store})
    for values in prepared.partitions("store"):
        if values[0] == gone:
            prepared.glue.delete_partition(
                DatabaseName=prepared.database, TableName="store", PartitionValues=list(values)
            )
    made = run()
    assert made.failed == {}
    wanted = {key: row for key, row in days.table(SECOND, *FEW).items() if key[0] != gone}
    assert published(prepared, wanted)
    assert (gone,) not in prepared.partitions("ebay")
    assert [key for key in prepared.keys("ebay/") if f"={gone}/" in key] == []
    assert f"{gone}.csv" not in prepared.uploads(SECOND)


def test_a_run_cleared_that_fails_before_it_publishes_does_not_say_it_did(
    prepared: Stack, days: Days, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run()
    assert made.state == "success"

    def broken(*_: Any, **__: Any) -> Any:
        raise OSError("Athena is away")

    monkeypatch.setattr("aws_operators.athena.AthenaCheckOperator.execute", broken)
    # Cleared from here on: what later tasks returned the first time is still there.
    made.go("create_staging_table")
    assert made.states["publish_ebay", -1] == "upstream_failed"
    assert "was not published" in concerns(made)
    assert any(name.startswith("ebay_staging") for name in prepared.tables())


def test_stock_of_a_supplier_that_is_no_longer_in_the_file_is_told(prepared: Stack, run: Run) -> None:
    key = SUPPLIER_STOCK.key("OLD", "2024", "08", "01")
    prepared.put(key, prepared.body(SUPPLIER_STOCK.key("BGA", "2024", "08", "01")))
    prepared.register(SUPPLIER_STOCK.name, ["OLD", "2024", "08", "01"], key)
    made = run()
    assert "OLD is no longer in the suppliers file" in concerns(made)


def test_a_run_for_some_suppliers_keeps_what_earlier_runs_of_the_day_found(prepared: Stack, run: Run) -> None:
    run(suppliers=("BGA", "FPS"))
    run(suppliers=("RTG",))
    summary = prepared.json(locations.run_summary_key(SECOND))
    assert [feed["supplier"] for feed in summary["feeds"]] == ["RTG"]
    assert [(feed["supplier"], feed["verdict"]) for feed in summary["other_feeds"]] == [
        ("BGA", "accepted"),
        ("FPS", "accepted"),
    ]


def test_a_dry_run_leaves_the_day_s_summary(prepared: Stack, run: Run) -> None:
    run()
    morning = prepared.body(locations.run_summary_key(SECOND))
    dry = run(dry_run=True)
    assert prepared.body(locations.run_summary_key(SECOND)) == morning
    assert dry.result("summarise")["report"] != f"s3://{prepared.bucket}/{locations.run_summary_key(SECOND)}"


def test_the_page_says_what_happened_and_the_task_links_it(prepared: Stack, run: Run) -> None:
    made = run()
    summary = made.result("summarise")
    page = prepared.body(locations.run_page_key(SECOND)).decode()
    for words in ("Stock of 2024-08-08", "published", "BGA", "RTG_RTG", "Nothing needs a person"):
        assert words in page
    assert summary["page"] == f"s3://{prepared.bucket}/{locations.run_page_key(SECOND)}"
    # No one has said where the page for staff is, and here is no console.
    linked = httpx.get(made.rendered["summarise", -1].report_address)
    assert (linked.status_code, linked.text) == (200, page)


def test_the_report_is_linked_on_the_page_for_staff(
    prepared: Stack, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_STOCK_FRONT_END", "https://stock.seller.example/")
    link = run().rendered["summarise", -1].report_address
    assert link == f"https://stock.seller.example/report?day={SECOND}"
    dry = run(dry_run=True)
    link = dry.rendered["summarise", -1].report_address
    asked = parse_qs(urlsplit(link).query)
    assert asked == {"day": [str(SECOND)], "run": [dry.dag_run.run_id]}


def test_what_does_not_meet_is_counted_and_listed(prepared: Stack, days: Days, run: Run) -> None:
    made = run()
    summary = prepared.json(locations.run_summary_key(SECOND))
    listed = {(row.supplier, row.custom_label) for row in days.store}
    lists = {entry["name"]: entry for entry in summary["lists"]}
    labels = {(row.supplier, row.custom_label) for row in days.product if row.supplier in FEW}
    assert lists["labels_without_listing"]["labels"] == dict(
        Counter(supplier for supplier, label in labels if (supplier, label) not in listed)
    )
    counts = json.loads(made.result("summarise", key="message"))["counts"]
    assert counts["parts_without_label"] == summary["parts_without_label"] > 0
    for name, entry in lists.items():
        rows = prepared.body(entry["key"]).decode("utf-8-sig").splitlines()
        assert len(rows) - 1 == sum(entry["labels"].values()) == counts[name]
