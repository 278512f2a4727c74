from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from frontend.core.airflow import Run
from frontend.today.day import FEED_TASK, WAIT_TASK, Facts, State, Stored, StoredSummary, Upload, picture
from stock_pipeline.daily_summary.summary import RunSummary
from stock_pipeline.feeds.report import FeedReport
from stock_pipeline.verdicts import Verdict
from tests.support.pages.day import DAY, at

SUPPLIERS = ("APE", "BET", "COM")


def run(state: str = "running", suppliers: list[str] | None = None, **tasks: str | None) -> Run:
    """A run that began at five, with states of BET's two tasks (and others by their own names)."""
    index = (suppliers or list(SUPPLIERS)).index("BET")
    names = {"wait": (WAIT_TASK, index), "feed": (FEED_TASK, index)}
    return Run(
        dag_id="daily_stock",
        run_id="manual__1",
        state=state,
        run_date=DAY,
        started=at(5),
        ended=None,
        conf={"run_date": str(DAY), "suppliers": suppliers or []},
        link="",
        tasks={names.get(name, (name, -1)): task for name, task in tasks.items()},
    )


def stored(verdict: str, written: datetime) -> Stored:
    report = FeedReport(run_date=DAY, supplier="BET", verdict=Verdict(verdict), reason="as it is")
    return Stored(report, written)


def facts(report: Stored | None = None, upload: datetime | None = None, *runs: Run) -> Facts:
    uploads = {"BET": Upload("BET_1.xlsx", upload)} if upload else {}
    return Facts(uploads, {"BET": report} if report else {}, None, runs)


ENDED = run("success")
CASES: list[tuple[str, Facts, State]] = [
    ("nothing is there", facts(), State.ABSENT),
    ("a file is there", facts(None, at(4)), State.UPLOADED),
    ("a run has judged the file", facts(stored("accepted", at(6)), at(4), ENDED), State.ACCEPTED),
    ("a run has held the file", facts(stored("held", at(6)), at(4), ENDED), State.HELD),
    ("a run has rejected the file", facts(stored("rejected", at(6)), at(4), ENDED), State.REJECTED),
    ("a run found no file", facts(stored("missing", at(9)), None, ENDED), State.MISSING),
    ("a newer file came after the verdict", facts(stored("rejected", at(6)), at(7), ENDED), State.UPLOADED),
    ("a file came after it was missing", facts(stored("missing", at(9)), at(10), ENDED), State.UPLOADED),
    ("a run has only begun", facts(None, None, run()), State.WAITING),
    ("a run waits for the file", facts(None, None, run(wait="deferred")), State.WAITING),
    ("a run has the file", facts(None, at(4), run(wait="success", feed="scheduled")), State.PROCESSING),
    ("a run judges the file", facts(None, at(4), run(wait="success", feed="running")), State.PROCESSING),
    ("the wait ended without a file", facts(None, None, run(wait="skipped")), State.PROCESSING),
    (
        "the report is there before Airflow has noted the end",
        facts(stored("held", at(5, 1)), at(4), run(wait="success", feed="running")),
        State.HELD,
    ),
    (
        "a run judges again what was held",
        facts(stored("held", at(4, 30)), at(4), run(wait="success", feed="running")),
        State.PROCESSING,
    ),
    ("its task failed", facts(None, at(4), run(wait="success", feed="failed")), State.FAILED),
]


@pytest.mark.parametrize(("known", "state"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_where_a_feed_is(known: Facts, state: State) -> None:
    line = picture(DAY, SUPPLIERS, known).suppliers[1]
    assert (line.supplier, line.state) == ("BET", state)
    assert line.text


def test_a_run_for_other_suppliers_leaves_a_verdict_as_it_is() -> None:
    others = Run("daily_stock", "1", "running", DAY, at(7), None, {"suppliers": ["APE"]}, "")
    found = picture(DAY, SUPPLIERS, facts(stored("held", at(6)), at(4), others, ENDED))
    assert found.suppliers[1].state is State.HELD
    assert found.suppliers[0].state is State.WAITING
    assert found.suppliers[2].state is State.ABSENT


def test_the_tasks_of_a_run_for_some_suppliers_are_counted_in_the_order_they_were_named() -> None:
    some = run(suppliers=["COM", "BET"], wait="success", feed="running")
    states = {
        line.supplier: line.state for line in picture(DAY, SUPPLIERS, facts(None, at(4), some)).suppliers
    }
    assert states == {"APE": State.ABSENT, "BET": State.PROCESSING, "COM": State.WAITING}


@pytest.mark.parametrize(
    ("summary", "runs", "words"),
    [
        (None, [], "No run has made"),
        ({"published": True, "changed": {"AMS": 1200, "PG": 34}}, [], "1,234 listings"),
        ({"published": False}, [], "NOT published"),
        ({"published": False, "dry_run": True}, [], "dry run"),
        ({"published": True}, [run(create_staging_table="running")], "building the table"),
        ({"published": True}, [run(audit="running")], "checking the table"),
        (None, [run(feed="running")], "at work on the feeds"),
    ],
)
def test_where_the_table_is(summary: dict[str, Any] | None, runs: list[Run], words: str) -> None:
    stored = summary and StoredSummary(RunSummary(run_date=DAY, run_id="1", feeds=[], **summary), at(7))
    assert words in picture(DAY, SUPPLIERS, Facts({}, {}, stored or None, runs)).table


def test_an_active_run_is_shown_before_a_newer_one_that_has_ended() -> None:
    active = run()
    assert picture(DAY, SUPPLIERS, facts(None, None, ENDED, active)).run is active
    assert picture(DAY, SUPPLIERS, facts(None, None, ENDED)).run is ENDED
