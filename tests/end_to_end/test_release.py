"""A feed is held, someone is asked, and the answer starts a run in which it counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import openpyxl
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG

from stock_pipeline.lake import locations
from stock_pipeline.lake.tables import SUPPLIER_STOCK
from tests.support.rendering import rendered
from tests.support.runs.checkpoint import Checkpoint
from tests.support.runs.days import FEW, FIRST, SECOND, Days
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack

Run = Callable[..., LocalRun]


class HeldRun(NamedTuple):
    """A run that held a feed, the tables after it, and the event and subject of each message it sent."""

    run: LocalRun
    after: Checkpoint
    told: set[tuple[str, str]]


@pytest.fixture
def run(daily_stock: DAG, prepared: Stack) -> Run:
    def go(suppliers: tuple[str, ...] = FEW, **conf: Any) -> LocalRun:
        return LocalRun(daily_stock, {"run_date": str(SECOND), "suppliers": list(suppliers), **conf}).go()

    return go


@pytest.fixture(scope="module")
def after_held_run(
    daily_stock: DAG, after_first_day: Checkpoint, days: Days, tmp_path_factory: pytest.TempPathFactory
) -> HeldRun:
    """The second day's run with half of BGA's list."""
    after_first_day.restore()
    stack = after_first_day.stack
    source = days.feeds / str(SECOND) / "BGA SF.xlsx"
    rows = list(openpyxl.load_workbook(source).worksheets[0].iter_rows(values_only=True))
    half = tmp_path_factory.mktemp("half") / "half.xlsx"
    book = openpyxl.Workbook()
    for row in rows[: len(rows) // 2]:
        book.worksheets[0].append(list(row))
    book.save(half)
    stack.put(f"{locations.stock_feed_prefix(SECOND)}BGA SF.xlsx", half.read_bytes())
    run = LocalRun(daily_stock, {"run_date": str(SECOND), "suppliers": list(FEW)}).go()
    told = {(event, message["subject"]) for event, message in stack.messages()}
    return HeldRun(run, Checkpoint.take(stack), told)


@pytest.fixture
def held(after_held_run: HeldRun) -> LocalRun:
    """That run, with the tables as it left them."""
    after_held_run.after.restore()
    return after_held_run.run


def answer(dag_bag: DagBag, asked: Any, **given: Any) -> LocalRun:
    """The run of `approve_feed` that was started, with its question answered."""
    approval = LocalRun(dag_bag.dags["approve_feed"], asked.conf)
    approval.xcoms["decide", -1, "return_value"] = {
        "chosen_options": [ApprovalOperator.APPROVE],
        "params_input": {"why": "they sold the other half"},
        "responded_at": datetime(2024, 8, 8, 9, tzinfo=UTC).isoformat(),
        "responded_by_user": {"id": "1", "name": "jo"},
    } | given
    return approval


def test_a_held_feed_stops_nobody_and_asks_once(
    prepared: Stack,
    days: Days,
    run: Run,
    after_held_run: HeldRun,
    held: LocalRun,
) -> None:
    bga = FEW.index("BGA")
    assert held.result("feed.process_feed", bga)["verdict"] == "held"
    assert held.states["publish_ebay", -1] == "success"
    assert held.state == "failed"
    assert "BGA: BGA SF.xlsx is held" in str(held.errors["conclude", -1])
    assert prepared.ebay() == days.table(SECOND, *FEW, without=[("BGA", SECOND)])
    assert ("feed_held", "BGA") in after_held_run.told
    (asked,) = held.triggered
    assert asked.dag_id == "approve_feed"
    assert asked.conf == {
        "run_date": str(SECOND),
        "supplier": "BGA",
        "sha256": prepared.feed_report(SECOND, "BGA")["file"]["sha256"],
    }
    # The run again asks under the same name, and Airflow has that run already.
    again = run()
    assert [entry.run_id for entry in again.triggered] == [asked.run_id]
    again.perform("ask_for_release", 0)
    assert again.states["ask_for_release", 0] == "skipped"


def test_the_question_can_be_answered_by_reading_it(dag_bag: DagBag, held: LocalRun) -> None:
    approval = LocalRun(dag_bag.dags["approve_feed"], held.triggered[0].conf)
    assert approval.perform("describe") == "success"
    question, _ = rendered(approval, "decide")
    assert question.subject == f"Release BGA's feed of {SECOND}?"
    assert "BGA SF.xlsx is held" in question.body
    assert "reports/stock_feed" in question.body
    assert question.defaults == [ApprovalOperator.REJECT]
    # Nothing is filled in for the person who answers.
    assert set(question.serialized_params) & set(dag_bag.dags["approve_feed"].params) == set()
    assert question.serialized_params["why"]["value"] == ""


def test_approved_it_counts_with_who_and_why_in_its_report(
    prepared: Stack, daily_stock: DAG, dag_bag: DagBag, held: LocalRun
) -> None:
    approval = answer(dag_bag, held.triggered[0])
    assert approval.perform("take_answer") == "success"
    assert approval.perform("release") == "success"
    (started,) = approval.triggered
    assert started.dag_id == "daily_stock"
    assert started.conf == {
        "run_date": str(SECOND),
        "suppliers": ["BGA"],
        "release": ["BGA"],
        "release_reason": "they sold the other half",
        "released_by": "jo",
        "release_files": {"BGA": held.triggered[0].conf["sha256"]},
    }
    released = LocalRun(daily_stock, started.conf, run_type="operator_triggered").go()
    assert released.failed == {}
    report = prepared.feed_report(SECOND, "BGA")
    assert (report["verdict"], report["release"]["by"]) == ("accepted", "jo")
    key = SUPPLIER_STOCK.key("BGA", *locations.date_parts(SECOND))
    assert prepared.s3.head_object(Bucket=prepared.bucket, Key=key)["Metadata"]["released"] == "true"
    by_supplier = {supplier for *_, supplier in prepared.ebay().values()}
    assert by_supplier == set(FEW)
    summary = prepared.json(locations.run_summary_key(SECOND))
    assert [line["release"]["reason"] for line in summary["feeds"]] == ["they sold the other half"]


def test_a_file_changed_since_is_judged_anew(
    prepared: Stack, days: Days, daily_stock: DAG, dag_bag: DagBag, held: LocalRun
) -> None:
    approval = answer(dag_bag, held.triggered[0])
    approval.perform("take_answer")
    approval.perform("release")
    body = prepared.body(f"{locations.stock_feed_prefix(SECOND)}BGA SF.xlsx")
    prepared.put(f"{locations.stock_feed_prefix(SECOND)}BGA SF.xlsx", body + b"\0")
    started = LocalRun(daily_stock, approval.triggered[0].conf).go()
    assert prepared.feed_report(SECOND, "BGA")["verdict"] != "accepted"
    assert started.state == "failed"
    assert prepared.ebay() == days.table(SECOND, *FEW, without=[("BGA", SECOND)])


@pytest.mark.parametrize("given", [{}, None, {"why": ""}, {"why": " \n"}])
def test_nothing_is_released_without_a_reason(dag_bag: DagBag, held: LocalRun, given: Any) -> None:
    approval = answer(dag_bag, held.triggered[0], params_input=given)
    assert approval.perform("take_answer") == "failed"
    assert "Approved without a reason, so nothing was released" in str(approval.errors["take_answer", -1])


@pytest.mark.parametrize(
    ("user", "words", "kept"),
    [
        ({"id": "1", "name": "jo"}, {"why": "half is missing"}, ("rejected", "jo", "half is missing")),
        (None, {}, ("lapsed", "no one: the time to answer was up", "")),
    ],
)
def test_rejected_it_leaves_all_as_it_is_and_the_reason_is_kept(
    prepared: Stack, dag_bag: DagBag, held: LocalRun, user: Any, words: Any, kept: tuple[str, ...]
) -> None:
    before = Checkpoint.take(prepared).objects
    approval = answer(
        dag_bag,
        held.triggered[0],
        chosen_options=[ApprovalOperator.REJECT],
        params_input=words,
        responded_by_user=user,
    )
    assert approval.perform("take_answer") == "skipped"
    key = locations.run_report_key("approve_feed", SECOND, approval.dag_run.run_id)
    decision = prepared.json(key)
    assert (decision["answer"], decision["by"], decision["reason"]) == kept
    assert (decision["supplier"], decision["sha256"]) == ("BGA", held.triggered[0].conf["sha256"])
    after = Checkpoint.take(prepared).objects
    assert after.keys() - before.keys() == {key}
    assert {name: body for name, body in after.items() if name != key} == before


def test_what_is_held_no_more_is_not_asked_about(
    prepared: Stack, daily_stock: DAG, dag_bag: DagBag, held: LocalRun
) -> None:
    asked = held.triggered[0]
    another = LocalRun(dag_bag.dags["approve_feed"], {**asked.conf, "sha256": "0" * 64})
    assert another.perform("describe") == "skipped"
    approval = answer(dag_bag, asked)
    approval.perform("take_answer")
    approval.perform("release")
    LocalRun(daily_stock, approval.triggered[0].conf).go()
    late = LocalRun(dag_bag.dags["approve_feed"], asked.conf)
    assert late.perform("describe") == "skipped"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"supplier": "{{ 7*7 }}"}, "param supplier"),
        ({"supplier": "BGA/../KLA"}, "param supplier"),
        ({"sha256": "{{ 7*7 }}"}, "param sha256"),
        ({"sha256": "0" * 64 + "\n"}, "param sha256"),
        ({"sha256": None}, "param sha256"),
        ({"run_date": "{{ 7*7 }}"}, "param run_date"),
        ({"run_date": "2999-01-01"}, "2999-01-01"),
        ({"reason": "typed"}, "No parameter reason"),
        ({"supplier": "KYB"}, "There is no report"),
    ],
)
def test_a_reference_that_is_none_ends_the_asking_at_once(
    prepared: Stack, dag_bag: DagBag, wrong: dict[str, Any], words: str
) -> None:
    conf = {"run_date": str(SECOND), "supplier": "BGA", "sha256": "0" * 64, **wrong}
    approval = LocalRun(dag_bag.dags["approve_feed"], conf)
    with pytest.raises(Exception, match=words):  # noqa: PT012 - Airflow refuses some before the task begins
        assert approval.perform("describe") == "failed"
        raise approval.errors["describe", -1]


@pytest.mark.parametrize(
    ("conf", "words"),
    [
        ({"release": ["BGA"]}, "Give a reason for the release"),
        ({"release": ["BGA"], "release_reason": " "}, "Give a reason for the release"),
        ({"release": ["APE"], "release_reason": "it is right"}, "release names APE"),
        (
            {"release": ["BGA"], "release_reason": "it is right", "release_files": {"FPS": "0" * 64}},
            "release_files must have a checksum for each supplier",
        ),
        ({"accept_changes": ["Mars"]}, "accept_changes names Mars"),
    ],
)
def test_a_release_says_of_what_and_why(run: Run, conf: dict[str, Any], words: str) -> None:
    made = run(**conf)
    assert words in str(made.errors["plan_run", -1])
    assert made.states["plan_run", -1] == "failed"


@pytest.mark.parametrize(
    "conf",
    [{"release_files": {"BGA": "{{ 7*7 }}"}}, {"release_reason": "x" * 2_001}, {"released_by": "x" * 301}],
)
def test_what_cannot_be_a_parameter_is_refused_before_anything_runs(run: Run, conf: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"Invalid input for param {next(iter(conf))}"):
        run(**conf)


def test_a_change_the_audit_stops_can_be_accepted(prepared: Stack, days: Days, run: Run) -> None:
    everything_out(prepared, days)
    stopped = run(suppliers=("BGA", "RTG"))
    assert list(stopped.failed) == [("conclude", -1)]
    summary = prepared.json(locations.run_summary_key(SECOND))
    assert "would go to zero" in summary["kept_suppliers"]["FPS"]
    let_through = run(suppliers=("BGA", "RTG"), accept_changes=["FPS"])
    assert let_through.failed == {}
    assert {row[0] for row in prepared.ebay().values() if row[3] == "FPS"} == {0}


def everything_out(stack: Stack, days: Days) -> None:
    """Put a snapshot of FPS by hand that has nothing in stock, as no feed could."""
    key = SUPPLIER_STOCK.key("FPS", *locations.date_parts(SECOND))
    stack.put_snapshot(key, dict.fromkeys(days.history["FPS"][FIRST], 0), SECOND)
    stack.register(SUPPLIER_STOCK.name, ["FPS", *locations.date_parts(SECOND)], key)


def test_what_the_final_message_says_of_a_held_feed(held: LocalRun) -> None:
    told = json.loads(held.result("summarise", key="message"))
    assert (told["status"], told["counts"]["held"]) == ("failed", 1)
    assert "BGA SF.xlsx is held" in told["text"]
