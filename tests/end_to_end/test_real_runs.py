"""Two days in order, each a real run of the DAG, and the second day once more."""

from __future__ import annotations

import csv
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest

from stock_pipeline.lake import locations
from tests.support import oracle
from tests.support.runs.days import FIRST, SECOND, SUPPLIERS, Days
from tests.support.runs.stack import EbayRows, Stack

MESSAGE_FIELDS = {"event", "run_date", "subject", "status", "counts", "report", "text"}


@dataclass
class Outcome:
    """What a run left behind, taken down before the next one began."""

    run: Any
    ebay: EbayRows
    messages: list[tuple[str, dict[str, Any]]]
    uploads: dict[str, bytes]
    snapshots: list[tuple[str, ...]]
    summary: dict[str, Any]
    reports: dict[str, Any] = field(default_factory=dict)

    @property
    def states(self) -> dict[tuple[str, int], str]:
        return {(ti.task_id, ti.map_index): ti.state for ti in self.run.get_task_instances()}

    def events(self) -> Counter[tuple[str, str]]:
        return Counter((event, message["subject"]) for event, message in self.messages)


def outcome(stack: Stack, run: Any, day: date) -> Outcome:
    return Outcome(
        run=run,
        ebay=stack.ebay(),
        messages=stack.messages(),
        uploads=stack.uploads(day),
        snapshots=stack.partitions("supplier_stock"),
        summary=stack.json(locations.run_summary_key(day)),
        reports={code: stack.feed_report(day, code) for code in SUPPLIERS},
    )


@pytest.fixture(scope="module")
def outcomes(stack: Stack, days: Days, real_run: Callable[..., Any]) -> dict[str, Outcome]:
    days.upload_tables(stack)
    # The older of KLA's two files, although its name comes later, is a workbook of another supplier.
    other = (days.feeds / SECOND.isoformat() / "BGA SF.xlsx").read_bytes()
    early = f"{locations.stock_feed_prefix(SECOND)}KLA_early.xlsx"
    stack.put(early, other)
    stack.age(early, timedelta(hours=1))
    stack.put(f"{locations.stock_feed_prefix(SECOND)}~$BGA SF.xlsx", b"locked")
    stack.put(f"{locations.stock_feed_prefix(SECOND)}NOBODY_stock.xlsx", other)
    days.upload_feeds(stack)
    made = {}
    for name, day in (("first", FIRST), ("second", SECOND), ("again", SECOND)):
        run = real_run(run_date=day.isoformat(), suppliers=list(SUPPLIERS), accept_first=name == "first")
        made[name] = outcome(stack, run, day)
    return made


@pytest.fixture(scope="module")
def first(outcomes: dict[str, Outcome]) -> Outcome:
    return outcomes["first"]


@pytest.fixture(scope="module")
def second(outcomes: dict[str, Outcome]) -> Outcome:
    return outcomes["second"]


@pytest.fixture(scope="module")
def again(outcomes: dict[str, Outcome]) -> Outcome:
    return outcomes["again"]


def verdicts(found: Outcome) -> dict[str, str]:
    return {code: report["verdict"] for code, report in found.reports.items()}


def expected_verdicts(days: Days, day: date) -> dict[str, str]:
    return {code: days.verdicts.get((day, code), "missing") for code in SUPPLIERS}


def differences(found: EbayRows, wanted: oracle.EbayTable) -> list[Any]:
    """The first listings in which two tables differ."""
    keys = sorted(found.keys() | wanted.keys())
    return [(key, found.get(key), wanted.get(key)) for key in keys if found.get(key) != wanted.get(key)][:5]


def test_the_samples_have_every_case(days: Days) -> None:
    assert set(expected_verdicts(days, FIRST).values()) == {"accepted", "missing"}
    assert Counter(expected_verdicts(days, SECOND).values()) == {"accepted": 6, "rejected": 1, "missing": 1}
    quantities = {row.quantity for row in days.table(SECOND).values()}
    deltas = {row.quantity_delta for row in days.table(SECOND).values()}
    assert {0, 10, 20} <= quantities
    assert min(deltas) < 0 < max(deltas)


def test_a_good_day_ends_green(first: Outcome, second: Outcome) -> None:
    assert first.run.state == "success"
    bad = {key: state for key, state in first.states.items() if state not in {"success", "skipped"}}
    assert bad == {}
    skipped = [key for key, state in first.states.items() if state == "skipped"]
    # Nothing is held, so no one is asked, and no supplier has to keep its rows.
    assert sorted(skipped) == [
        ("ask_for_release", -1),
        ("audit_again", -1),
        ("carry_over", -1),
        ("feed.wait_for_file", SUPPLIERS.index("ELR")),
        ("plan_carry_over", -1),
    ]


def test_verdicts(days: Days, first: Outcome, second: Outcome) -> None:
    assert verdicts(first) == expected_verdicts(days, FIRST)
    assert verdicts(second) == expected_verdicts(days, SECOND)


def test_the_ebay_table_equals_the_oracle_s_row_for_row(days: Days, first: Outcome, second: Outcome) -> None:
    assert differences(first.ebay, days.table(FIRST)) == []
    assert differences(second.ebay, days.table(SECOND)) == []
    assert len(second.ebay) > 1000


def test_the_rejected_and_the_missing_supplier_keep_their_last_stock(days: Days, second: Outcome) -> None:
    before = {(code, *locations.date_parts(FIRST)) for code in SUPPLIERS if code != "ELR"}
    after = {(code, *locations.date_parts(SECOND)) for code in SUPPLIERS if code not in {"APE", "ELR"}}
    assert second.snapshots == sorted(before | after)
    kept = [row for row in second.ebay.values() if row[3] == "APE"]
    assert {row[0] for row in kept} == {0, 10}
    assert second.reports["APE"]["last_snapshot"] == FIRST.isoformat()
    assert second.reports["APE"]["age_days"] == (SECOND - FIRST).days


def test_the_rejected_file_is_quarantined_with_its_reason(stack: Stack, second: Outcome) -> None:
    key = locations.quarantine_key(SECOND, "APE SF.xlsx")
    assert stack.body(key) == stack.body(f"{locations.stock_feed_prefix(SECOND)}APE SF.xlsx")
    assert stack.body(f"{key}.txt").decode().strip() == second.reports["APE"]["reason"]


def test_of_two_files_the_newest_wins_and_the_other_is_named(second: Outcome) -> None:
    file = second.reports["KLA"]["file"]
    assert file["key"].endswith("/KLA SF.xlsx")
    assert file["not_read"] == ["KLA_early.xlsx"]


def test_a_lock_file_is_nobody_s(second: Outcome) -> None:
    assert second.reports["BGA"]["file"]["not_read"] == []
    assert "~$" not in json.dumps(second.summary)


def test_a_day_that_needs_a_person_ends_red_with_the_table_published(second: Outcome) -> None:
    assert second.run.state == "failed"
    red = [key for key, state in second.states.items() if state not in {"success", "skipped"}]
    assert red == [("conclude", -1)]
    assert second.summary["published"] is True
    concerns = "\n".join(second.summary["concerns"])
    assert "APE" in concerns
    assert "NOBODY_stock.xlsx" in concerns
    assert "ELR" not in concerns


def test_every_message_arrives_in_the_one_shape(first: Outcome, second: Outcome) -> None:
    for found, day in ((first, FIRST), (second, SECOND)):
        for event, message in found.messages:
            assert set(message) == MESSAGE_FIELDS
            assert message["event"] == event
            assert message["run_date"] == day.isoformat()
            assert message["text"]
            assert all(isinstance(count, int) for count in message["counts"].values())


def test_each_event_is_told_once(days: Days, first: Outcome, second: Outcome) -> None:
    names = {"accepted": "feed_processed", "rejected": "feed_rejected", "missing": "feed_missing"}
    for found, day in ((first, FIRST), (second, SECOND)):
        feeds = {(names[verdict], code): 1 for code, verdict in expected_verdicts(days, day).items()}
        tables = {
            ("partition_added", "supplier_stock"): 1,
            ("ebay_generated", "ebay"): 1,
            ("run_finished", "daily_stock"): 1,
        }
        assert found.events() == feeds | tables


def test_messages_say_how_it_ended_and_where_the_report_is(
    stack: Stack, first: Outcome, second: Outcome
) -> None:
    last = dict(second.messages)
    assert (last["run_finished"]["status"], last["run_finished"]["counts"]["rejected"]) == ("failed", 1)
    assert dict(first.messages)["run_finished"]["status"] == "success"
    for event in ("run_finished", "ebay_generated", "feed_rejected", "feed_missing", "feed_processed"):
        key = last[event]["report"].removeprefix(f"s3://{stack.bucket}/")
        assert stack.s3.head_object(Bucket=stack.bucket, Key=key)["ContentLength"] > 0


def test_upload_files_hold_what_changed(days: Days, first: Outcome, second: Outcome) -> None:
    for found, day in ((first, FIRST), (second, SECOND)):
        wanted = oracle.upload_lines(days.table(day))
        zip_name = f"ebay_upload_{day.isoformat()}.zip"
        files = {name: body.decode() for name, body in found.uploads.items() if name != zip_name}
        assert {name: text.splitlines() for name, text in files.items()} == {
            f"{store}.csv": lines for store, lines in wanted.items()
        }
        with zipfile.ZipFile(BytesIO(found.uploads[zip_name])) as bundle:
            assert bundle.testzip() is None
            assert {name: bundle.read(name).decode() for name in bundle.namelist()} == files


def test_no_item_is_in_a_file_twice(second: Outcome) -> None:
    for name, body in second.uploads.items():
        if name.endswith(".csv"):
            items = [row["ItemID"] for row in csv.DictReader(body.decode().splitlines())]
            assert len(items) == len(set(items))


def test_running_the_day_again_gives_the_same(second: Outcome, again: Outcome) -> None:
    assert again.ebay == second.ebay
    assert again.uploads == second.uploads
    assert again.snapshots == second.snapshots
    assert len(again.snapshots) == len(set(again.snapshots))
    assert verdicts(again) == verdicts(second)
    # Against the published table, which is the same by now, nothing moves.
    volatile = {"run_id", "checks", "stores"}
    assert {store["changed"] for store in again.summary["stores"]} == {0}
    assert {key: value for key, value in again.summary.items() if key not in volatile} == {
        key: value for key, value in second.summary.items() if key not in volatile
    }


def test_only_the_four_tables_are_left(stack: Stack, again: Outcome) -> None:
    assert stack.tables() == {"product", "store", "supplier_stock", "ebay"}
    assert stack.keys(locations.STAGING) == []
    assert (
        len(stack.partitions("ebay")) == len(stack.keys("ebay/")) == len({store for store, _ in again.ebay})
    )
