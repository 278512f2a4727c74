"""Runs of weekly_store: what happens to the stores' files and to the table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, cast

import polars as pl
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from stock_pipeline.lake.tables import STORE
from tests.support.runs.checkpoint import Checkpoint
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack
from tests.support.runs.store_files import Listings, as_csv, as_workbook, read_store, row, upload

DAY = date(2024, 8, 4)  # a Sunday
LATER = DAY + timedelta(days=7)
AMS = [row(100 + at, f"AMS-{at:03}", ("UKD-BGA", "UKD-FPS", None)[at % 3]) for at in range(30)]
PV = [row(500 + at, f"PV-{at:03}") for at in range(20)]
BEFORE = Listings().merged("AMS", AMS).merged("PV", PV)

Run = Callable[..., LocalRun]


@pytest.fixture(scope="module")
def weekly_store(dag_bag: DagBag) -> DAG:
    dag = dag_bag.dags["weekly_store"]
    for task_id in ("store.create_staging_table", "store.audit"):
        cast("Any", dag.get_task(task_id)).sleep_time = 0.1
    return dag


@pytest.fixture(scope="module")
def after_first_run(weekly_store: DAG, stack: Stack) -> Checkpoint:
    """The table with two stores in it, as a run of the first Sunday left it."""
    upload(stack, DAY, "AMS.csv", as_csv(AMS))
    upload(stack, DAY, "PV.xlsx", as_workbook({"Listings": PV}))
    assert go(weekly_store, DAY).failed == {}
    return Checkpoint.take(stack)


@pytest.fixture
def run(weekly_store: DAG, after_first_run: Checkpoint) -> Run:
    after_first_run.restore()
    return lambda day=LATER, **conf: go(weekly_store, day, **conf)


def go(dag: DAG, day: date, **conf: Any) -> LocalRun:
    return LocalRun(dag, {"run_date": str(day), **conf}).go()


def concerns(made: LocalRun) -> str:
    return str(made.errors.get(("conclude", -1), ""))


def report(stack: Stack, store: str, day: date = LATER) -> Any:
    return stack.json(f"reports/weekly_store/year=2024/month=08/day={day:%d}/{store}.json")


def test_the_first_run_fills_the_table(run: Run, stack: Stack) -> None:
    assert read_store(stack) == BEFORE
    assert stack.partitions(STORE.name) == [("AMS", "BGA"), ("AMS", "FPS"), ("AMS", "RTG"), ("PV", "BGA")]
    assert stack.query("SELECT count(*) FROM store WHERE ebay_store = 'AMS'") == [["30"]]
    assert stack.tables() == {"product", "store", "supplier_stock", "ebay"}
    assert stack.keys("staging/") == []


def test_a_list_of_changes_adds_replaces_and_moves_and_leaves_the_rest(run: Run, stack: Stack) -> None:
    changes = [
        row(
            100, " ams-000 new ", "UKD-FPS", title="New", current_price=1.5
        ),  # another supplier, label and price
        row(101, "AMS-001", "UKD-FPS", title=None),
        row(900, "AMS-900", "UKD-BGA"),
        row(901, "AMS-901", "UKD-BGA", uk_rtg="RTG"),
        row(902, "AMS-902", "UKD-NEWCOMER"),
    ]
    upload(stack, LATER, "AMS_changes.csv", as_csv(changes))
    pv = stack.body(STORE.key("PV", "BGA"))
    made = run()
    assert made.failed == {}
    assert read_store(stack) == BEFORE.merged("AMS", changes)
    assert stack.body(STORE.key("PV", "BGA")) == pv
    told = report(stack, "AMS")
    assert (told["verdict"], told["published"], told["replace_store"]) == ("accepted", True, False)
    assert told["unknown_suppliers"] == ["NEWCOMER"]
    assert {name: told["counts"][name] for name in ("listings_before", "listings", "added", "moved")} == {
        "listings_before": 30,
        "listings": 33,
        "added": 3,
        "moved": 1,
    }
    events = [(event, message["subject"], message["status"]) for event, message in stack.messages()]
    assert events == [("table_refreshed", "AMS", "accepted"), ("run_finished", "weekly_store", "success")]


def test_a_full_list_removes_what_it_does_not_name(run: Run, stack: Stack) -> None:
    upload(stack, LATER, "AMS.csv", as_csv(AMS[3:]))
    assert run(replace_store=True).failed == {}
    assert read_store(stack) == BEFORE.merged("AMS", AMS[3:], full=True)


def test_every_file_is_sorted_by_label(run: Run, stack: Stack) -> None:
    shuffled = [row(1000 + at, f"AMS-{at * 7919 % 1000:04}") for at in range(1000)]
    upload(stack, LATER, "AMS.csv", as_csv(shuffled))
    assert run().failed == {}
    body = stack.body(STORE.key("AMS", "BGA"))
    labels = pl.read_parquet(body, columns=["custom_label"])["custom_label"]
    assert len(labels) == 1010
    assert labels.is_sorted()


HELD = {
    "a fifth lost": (AMS[:20], True, "33.3% of what AMS has would go"),
    "a supplier lost": (
        [
            row(one["item_id"], one["custom_label"], "UKD-BGA") if one["prefix"] == "UKD-FPS" else one
            for one in AMS
        ],
        False,
        "supplier FPS would lose all it has, 10 rows",
    ),
    "moved": ([one | {"prefix": None} for one in AMS[:21]], False, "would change supplier"),
    "slid one row": (
        [
            one | {"custom_label": other["custom_label"]}
            for one, other in zip(AMS, [AMS[-1], *AMS[:-1]], strict=True)
        ],
        False,
        "would change their custom label",
    ),
    "another store's": (PV, False, "in another store already"),
}


@pytest.mark.parametrize("case", HELD)
def test_what_looks_wrong_is_held_until_somebody_releases_it(run: Run, stack: Stack, case: str) -> None:
    rows, full, words = HELD[case]
    upload(stack, LATER, "AMS.csv", as_csv(rows))
    made = run(replace_store=full)
    assert made.state == "failed"
    assert words in concerns(made)
    assert read_store(stack) == BEFORE
    assert stack.keys("staging/") == []
    told = report(stack, "AMS")
    assert (told["verdict"], told["published"], told["release"]) == ("held", False, None)
    assert stack.messages()[0][0] == "refresh_held"
    if case == "another store's":
        return
    made = run(replace_store=full, release=["AMS"], release_reason="they sold a third")
    assert made.failed == {}
    assert read_store(stack) == BEFORE.merged("AMS", rows, full=full)
    told = report(stack, "AMS")
    assert told["release"]["reason"] == "they sold a third"
    assert told["release"]["run_id"] == made.dag_run.run_id
    if case == "a supplier lost":
        assert told["removed"] == ["AMS/FPS"]
        assert ("AMS", "FPS") not in stack.partitions(STORE.name)
        assert stack.keys("store/ebay_store=AMS/supplier=FPS/") == []


def test_a_bad_file_stops_nobody_else(run: Run, stack: Stack) -> None:
    key = upload(stack, LATER, "AMS.csv", as_csv(AMS, header=["listing", *list(AMS[0])[1:]]))
    more = [row(600, "PV-600")]
    upload(stack, LATER, "PV.csv", as_csv(more))
    made = run()
    assert list(made.failed) == [("conclude", -1)]
    assert "AMS.csv is rejected: no header" in concerns(made)
    assert read_store(stack) == BEFORE.merged("PV", more)
    assert stack.body(f"quarantine/{key}") == stack.body(key)
    assert b"no header" in stack.body(f"quarantine/{key}.txt")
    events = {message["subject"]: event for event, message in stack.messages()}
    assert events == {"AMS": "refresh_rejected", "PV": "table_refreshed", "weekly_store": "run_finished"}


def test_a_rejected_row_leaves_its_listing_as_it_is(run: Run, stack: Stack) -> None:
    good = [*AMS[:28], *(row(2000 + at, f"NEW-{at}") for at in range(40))]
    upload(
        stack, LATER, "AMS.csv", as_csv([*good, row(128, "AMS-128", current_price="=cmd()"), row("x", "Y")])
    )
    assert run(replace_store=True).failed == {}
    wanted = BEFORE.merged("AMS", [*good, AMS[28]], full=True)
    assert read_store(stack) == wanted
    told = report(stack, "AMS")
    assert told["counts"]["rejected"] == 2
    lines = stack.body(told["rejected_rows"]).decode("utf-8-sig").splitlines()
    assert lines[0] == "row,reason,item_id,custom_label,current_price,prefix,uk_rtg,title"
    assert [line.split(",")[:5] for line in lines[1:]] == [
        ["70", "current_price is not a price: =cmd()", "128", "AMS-128", "'=cmd()"],
        ["71", "item_id is not a number: x", "x", "Y", "12.99"],
    ]


def test_a_workbook_of_several_stores_has_a_sheet_for_each(run: Run, stack: Stack) -> None:
    fps, umd = [row(3000, "F-1")], [row(3100, "U-1")]
    upload(stack, LATER, "RTG week 32.xlsx", as_workbook({"FPS": fps, "rtg_umd": umd, "Notes": []}))
    made = run()
    assert read_store(stack) == BEFORE.merged("RTG_FPS", fps).merged("RTG_UMD", umd)
    assert "there is no store RTG_NOTES" in concerns(made)


def test_the_newest_file_of_the_week_counts(run: Run, stack: Stack) -> None:
    friday = LATER - timedelta(days=2)
    upload(stack, friday - timedelta(days=1), "AMS_1.csv", as_csv([row(700, "OLD")]))
    upload(stack, friday, "AMS_2.csv", as_csv([row(701, "NEW")]))
    assert run(stores=["AMS"]).failed == {}
    assert read_store(stack) == BEFORE.merged("AMS", [row(701, "NEW")])
    assert [name.rpartition("/")[2] for name in report(stack, "AMS")["file"]["not_read"]] == ["AMS_1.csv"]


def test_without_a_file_there_is_nothing_to_do_and_the_run_is_green(run: Run, stack: Stack) -> None:
    made = run(LATER + timedelta(days=1))
    assert (made.state, made.failed) == ("success", {})
    (finished,) = stack.messages()
    assert (finished[0], finished[1]["status"]) == ("run_finished", "success")
    assert "nothing to do" in finished[1]["text"]
    assert read_store(stack) == BEFORE


def test_a_store_asked_for_by_name_must_have_a_file(run: Run, stack: Stack) -> None:
    upload(stack, LATER, "AMS.csv", as_csv(AMS))
    made = run(stores=["AMS", "DPW"])
    assert "DPW: no file in store_feed/year=2024/month=08/day=11/" in concerns(made)
    assert read_store(stack) == BEFORE


def test_a_dry_run_changes_nothing_and_leaves_its_result_to_look_at(run: Run, stack: Stack) -> None:
    upload(stack, LATER, "AMS.csv", as_csv([row(700, "NEW")]))
    made = run(dry_run=True)
    assert made.state == "success"
    assert read_store(stack) == BEFORE
    table = made.result("store.read_file", 0)["staging_table"]
    assert stack.query(f"SELECT count(*) FROM {table}") == [["31"]]
    assert [event for event, _ in stack.messages()] == ["refresh_held", "run_finished"]
    assert run().failed == {}
    assert read_store(stack) == BEFORE.merged("AMS", [row(700, "NEW")])


def test_twice_gives_the_same_and_an_older_day_is_not_put_over_a_newer(run: Run, stack: Stack) -> None:
    upload(stack, LATER, "AMS.csv", as_csv([row(100, "CHANGED")]))
    for _ in range(2):
        assert run().failed == {}
        assert read_store(stack) == BEFORE.merged("AMS", [row(100, "CHANGED")])
    made = run(DAY)
    assert set(made.failed) == {("store.publish_store", 0), ("conclude", -1)}
    assert "later than 2024-08-04" in str(made.errors["store.publish_store", 0])
    assert read_store(stack) == BEFORE.merged("AMS", [row(100, "CHANGED")])


@pytest.mark.parametrize(
    ("conf", "words"),
    [
        ({"release": ["AMS"]}, "Give a reason for the release"),
        ({"release": ["AMS"], "release_reason": " "}, "Give a reason for the release"),
        ({"stores": ["AMZ"]}, "No store AMZ"),
        ({"store": ["AMS"]}, "No parameter store"),
    ],
)
def test_wrong_parameters_fail_at_once(run: Run, stack: Stack, conf: dict[str, Any], words: str) -> None:
    made = run(**conf)
    assert words in str(made.errors["plan_run", -1])
    assert read_store(stack) == BEFORE


def test_airflow_itself_decides_the_same(
    weekly_store: DAG, real_run_of: Callable[..., Any], run: Run, stack: Stack
) -> None:
    """What skips, what runs all the same, and what an instance of the group gets of another."""
    more = [row(600, "PV-600")]
    upload(stack, LATER, "AMS.csv", b"no list")
    upload(stack, LATER, "PV.csv", as_csv(more))
    made = real_run_of(weekly_store, run_date=str(LATER))
    states = {(ti.task_id, ti.map_index): str(ti.state) for ti in made.get_task_instances()}
    assert [
        states[f"store.{name}", 0] for name in ("read_file", "audit", "publish_store", "register_store")
    ] == ["skipped"] * 4
    assert states["store.report_store", 0] == states["store.report_store", 1] == "success"
    assert states["store.register_store", 1] == "success"
    assert [key for key, state in states.items() if state == "failed"] == [("conclude", -1)]
    assert read_store(stack) == BEFORE.merged("PV", more)
    stack.messages()
    nothing = real_run_of(weekly_store, run_date=str(LATER + timedelta(days=20)))
    assert str(nothing.state) == "success"
    assert [event for event, _ in stack.messages()] == ["run_finished"]
