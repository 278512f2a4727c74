"""What strangers type is data: names of files, cells, reasons and people's names that are templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import jinja2
import openpyxl
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from stock_pipeline.feeds.release_notes import LONGEST_NAME
from stock_pipeline.lake import locations
from tests.support.rendering import rendered
from tests.support.runs.days import FEW, FIRST, SECOND, Days
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack
from tests.support.runs.store_files import as_csv, row

TYPED = "as_typed"
"""In all that is typed here. No template that is rendered may hold it."""

TEMPLATES = [
    f"{TYPED}_{{{{ 7*7 }}}}",
    f'{TYPED}_{{{{ x("%22 }}}}',
    f"{TYPED}_{{% raw %}}",
    f"{TYPED}_{{# not closed",
    f"{TYPED}_{{{{ macros }}}}{{{{ conn.aws_default.password }}}}",
    f"{TYPED}_{{% include 'ebay' %}}.sql",
    f"{TYPED}_![x](http:) <img src=x> ``` `",
]
EVERYTHING = " ".join(TEMPLATES)


@pytest.fixture(autouse=True)
def sources(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """All templates that are rendered from text; none may hold what was typed, at the end of each test."""
    seen: list[str] = []
    compiled = jinja2.Environment.from_string

    def from_string(self: jinja2.Environment, source: Any, *arguments: Any, **named: Any) -> Any:
        seen.append(str(source))
        return compiled(self, source, *arguments, **named)

    monkeypatch.setattr(jinja2.Environment, "from_string", from_string)
    yield seen
    assert [source for source in seen if TYPED in source] == []
    assert seen


def half_a_list(days: Days, *more: list[Any]) -> bytes:
    """BGA's feed of the second day without its second half, and with more rows."""
    source = days.feeds / str(SECOND) / "BGA SF.xlsx"
    rows = list(openpyxl.load_workbook(source).worksheets[0].iter_rows(values_only=True))
    book = openpyxl.Workbook()
    for cells in [*rows[: len(rows) // 2], *more]:
        book.worksheets[0].append(list(cells))
    sink = BytesIO()
    book.save(sink)
    return sink.getvalue()


def hold(stack: Stack, days: Days, name: str, *more: list[Any]) -> None:
    """Have a list of BGA's, under that name, which is to be held."""
    folder = locations.stock_feed_prefix(SECOND)
    stack.s3.delete_object(Bucket=stack.bucket, Key=f"{folder}BGA SF.xlsx")
    stack.put(f"{folder}{name}", half_a_list(days, *more))


def run_of(dag: DAG, **conf: Any) -> LocalRun:
    return LocalRun(dag, {"run_date": str(SECOND), "suppliers": list(FEW), **conf}).go()


def approval(dag_bag: DagBag, asked: Any) -> LocalRun:
    """The run that asks, with its question made."""
    run = LocalRun(dag_bag.dags["approve_feed"], asked.conf)
    assert run.perform("describe") == "success"
    return run


@pytest.mark.parametrize("typed", TEMPLATES)
def test_the_name_of_a_held_list_is_shown_as_typed(
    prepared: Stack, days: Days, daily_stock: DAG, dag_bag: DagBag, typed: str
) -> None:
    name = f"BGA_{typed}.xlsx"
    hold(prepared, days, name)
    held = run_of(daily_stock)
    assert held.states["ask_for_release", 0] == "success"
    (asked,) = held.triggered
    assert set(asked.conf) == {"run_date", "supplier", "sha256"}
    question, _ = rendered(approval(dag_bag, asked), "decide")
    assert question.subject == f"Release BGA's feed of {SECOND}?"
    assert f" {name} " in question.body
    assert f"\n{name} is held" in question.body
    assert name in prepared.feed_report(SECOND, "BGA")["reason"]


def test_what_was_answered_is_kept_as_typed(
    prepared: Stack, days: Days, daily_stock: DAG, dag_bag: DagBag
) -> None:
    typed = EVERYTHING
    name = f"jo {typed}"[:LONGEST_NAME].strip()
    hold(prepared, days, "BGA SF.xlsx")
    run = approval(dag_bag, run_of(daily_stock).triggered[0])
    run.xcoms["decide", -1, "return_value"] = {
        "chosen_options": ["Approve"],
        "params_input": {"why": typed},
        "responded_at": datetime(2024, 8, 8, 9, tzinfo=UTC).isoformat(),
        "responded_by_user": {"id": "1", "name": name},
    }
    assert run.perform("take_answer") == "success"
    assert run.perform("release") == "success"
    released = LocalRun(daily_stock, run.triggered[0].conf, run_type="operator_triggered").go()
    assert released.failed == {}
    release = prepared.feed_report(SECOND, "BGA")["release"]
    assert (release["reason"], release["by"]) == (typed, name)
    kept = prepared.json(locations.run_report_key("approve_feed", SECOND, run.dag_run.run_id))
    assert (kept["reason"], kept["by"]) == (typed, name)


def test_the_reason_of_a_rollback_is_kept_as_typed(
    prepared: Stack, daily_stock: DAG, dag_bag: DagBag
) -> None:
    typed = EVERYTHING
    assert run_of(daily_stock).failed == {}
    run = LocalRun(dag_bag.dags["rollback_ebay"], {"table_date": str(FIRST), "reason": typed}).go()
    assert run.failed == {}
    key = locations.run_report_key("rollback_ebay", run.dag_run.run_after.date(), run.dag_run.run_id)
    assert prepared.json(key)["reason"] == typed
    assert [message["subject"] for _, message in prepared.messages() if typed in message["text"]] != []


def test_cells_are_shown_as_typed(prepared: Stack, days: Days, daily_stock: DAG, dag_bag: DagBag) -> None:
    codes = [[typed, 5, 5] for typed in TEMPLATES]
    hold(prepared, days, "BGA SF.xlsx", *codes, ["P1", EVERYTHING, 5])
    held = run_of(daily_stock)
    report = prepared.feed_report(SECOND, "BGA")
    assert report["verdict"] == "held"
    assert {row["raw"] for row in report["samples"]["rejected"]} >= {EVERYTHING}
    assert {row["code"] for row in report["samples"]["unmatched"]} >= set(TEMPLATES[:-1])
    rendered(approval(dag_bag, held.triggered[0]), "decide")


def test_a_store_s_file_and_the_mapping_s_are_named_as_typed(prepared: Stack, dag_bag: DagBag) -> None:
    typed = EVERYTHING
    store = f"{locations.STORE_FEEDS}{locations.day_prefix(SECOND)}AMS_{typed}.csv"
    mapping = f"{locations.PRODUCT_FEEDS}{locations.day_prefix(SECOND)}mapping_{typed}.csv"
    prepared.put(store, as_csv([row(1, f"BGA-{typed}")]))
    header = ("custom_label", "part_number", "supplier")
    prepared.put(mapping, as_csv([dict(zip(header, (f"BGA-{typed}", typed, "BGA"), strict=True))], header))
    for dag_id in ("weekly_store", "monthly_product"):
        run = LocalRun(dag_bag.dags[dag_id], {"run_date": str(SECOND)}).go(stop="summarise")
        assert TEMPLATES[0] in str(run.xcoms), dag_id
        assert {key for key in run.failed if "read_file" in key[0]} == set()


def test_airflow_itself_asks_about_names_like_these(
    prepared: Stack, days: Days, dag_bag: DagBag, real_run: Callable[..., Any]
) -> None:
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import sync_bag_to_db

    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(dag_bag, "dags-folder", None)
    hold(prepared, days, f"BGA_{TEMPLATES[0]}.xlsx")
    other = locations.stock_feed_prefix(SECOND)
    prepared.s3.delete_object(Bucket=prepared.bucket, Key=f"{other}FPS SF.xlsx")
    prepared.put(f"{other}FPS_{TEMPLATES[1]}.xlsx", (days.feeds / str(FIRST) / "FPS SF.xlsx").read_bytes())
    run = real_run(run_date=str(SECOND), suppliers=list(FEW))
    states = {(ti.task_id, ti.map_index): ti.state for ti in run.get_task_instances()}
    assert states["ask_for_release", 0] == "success"
    assert states["publish_ebay", -1] == "success"
