"""What happened to a run: a red one is no failure of the demo if it is red because a person is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any, cast

import pytest
from rich.console import Console

from demo.airflow_api import AirflowApi
from demo.options import AIRFLOW, FRONT_END, LOCAL_AWS
from demo.runs import Outcome, outcome
from demo.show import missing_feeds, show_attention, show_places
from stock_pipeline.daily_summary.summary import FeedOutcome, RunSummary
from stock_pipeline.verdicts import Verdict

DAY = date(2024, 8, 8)
WELL = Outcome("daily_stock", DAY, "http://127.0.0.1:8080/run", "success")


class Api:
    """As much of Airflow as says what happened to a run."""

    def __init__(self, tasks: dict[str, str], xcoms: dict[tuple[str, str, int], Any]) -> None:
        self._tasks = tasks
        self._xcoms = xcoms

    def tasks(self, _dag_id: str, _run_id: str) -> list[dict[str, Any]]:
        found = []
        for name, state in self._tasks.items():
            task_id, _, of = name.partition(" ")
            found.append(
                {
                    "task_id": task_id,
                    "state": state,
                    "map_index": 3 if of else -1,
                    "rendered_map_index": of or None,
                }
            )
        return found

    def xcom(self, _dag_id: str, _run_id: str, task_id: str, key: str, map_index: int = -1) -> Any:
        return self._xcoms.get((task_id, key, map_index))

    def run_address(self, _dag_id: str, _run_id: str) -> str:
        return "http://127.0.0.1:8080/run"


def ended(state: str, tasks: dict[str, str], **summary: list[str]) -> Outcome:
    xcoms: dict[tuple[str, str, int], Any] = {
        ("summarise", "return_value", -1): summary,
        ("audit", "checks", -1): [{"passed": "false"}],
        ("store.audit", "checks", 3): [{"passed": "false"}],
    }
    return outcome(cast("AirflowApi", Api(tasks, xcoms)), "daily_stock", "run", DAY, state)


@pytest.mark.parametrize(
    ("tasks", "broken"),
    [
        ({"conclude": "failed"}, []),
        ({"audit": "failed", "publish_ebay": "upstream_failed", "conclude": "failed"}, []),
        ({"store.audit AMS": "failed", "conclude": "failed"}, []),
        # It came to no figures, so it was Athena that failed.
        ({"labels.audit": "failed", "conclude": "failed"}, ["labels.audit"]),
        ({"feed.process_feed APE": "failed", "conclude": "failed"}, ["feed.process_feed of APE"]),
        ({"publish_ebay": "failed", "conclude": "failed"}, ["publish_ebay"]),
        ({"plan_run": "failed", "summarise": "success", "conclude": "failed"}, ["plan_run"]),
        ({}, ["none of its tasks was run"]),
    ],
)
def test_only_what_should_not_have_failed_is_broken(tasks: dict[str, str], broken: list[str]) -> None:
    run = ended("failed", tasks, concerns=["APE: held"], failed_tasks=[])
    assert run.broken == broken
    assert run.attention == ["APE: held", *(f"task {name} failed: see its log" for name in broken)]
    assert ("a person is needed" in run.words) == (not broken)


def test_what_the_run_tells_itself_is_told_once() -> None:
    told = ended(
        "failed",
        {"publish_ebay": "failed", "conclude": "failed"},
        concerns=["task publish_ebay failed: see its log"],
        failed_tasks=["publish_ebay"],
    )
    assert told.attention == ["task publish_ebay failed: see its log"]


def test_a_run_that_ended_well_needs_nothing() -> None:
    run = ended("success", {"conclude": "success"}, concerns=[])
    assert (run.attention, run.broken, run.words) == ([], [], "ended well")


def shown(show: Callable[[Console], None]) -> str:
    console = Console(width=110, highlight=False, soft_wrap=True)
    with console.capture() as capture:
        show(console)
    return capture.get()


def test_what_needs_attention_is_listed_by_run() -> None:
    held = replace(WELL, state="failed", attention=["APE: held", "no file came from ELR"])
    text = shown(lambda console: show_attention(console, [replace(WELL, dag_id="weekly_store"), held]))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    assert lines == [
        "Needs attention",
        "daily_stock for 2024-08-08: http://127.0.0.1:8080/run",
        "- APE: held",
        "- no file came from ELR",
    ]
    assert "Nothing needs attention." in shown(lambda console: show_attention(console, [WELL]))


@pytest.mark.parametrize(
    "text", ["[bold]KYB[/bold].xlsx", "[/]", "[link=http://x]y[/link]", "\\[red]", "naïve 名.xlsx"]
)
def test_a_file_s_name_is_only_text(text: str) -> None:
    run = replace(WELL, attention=[text])
    assert f"- {text}\n" in shown(lambda console: show_attention(console, [run]))


def test_a_file_s_name_cannot_steer_the_terminal() -> None:
    run = replace(WELL, attention=["\x1b[2J\r\nA\u202e.xlsx"])
    text = shown(lambda console: show_attention(console, [run]))
    assert "- \N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}A" in text
    assert text.count("\N{REPLACEMENT CHARACTER}") == 4


def test_missing_suppliers_are_named() -> None:
    feeds = [
        FeedOutcome(supplier=code, verdict=verdict)
        for code, verdict in {"APE": Verdict.ACCEPTED, "ELR": Verdict.MISSING, "KYB": Verdict.MISSING}.items()
    ]
    (sentence,) = missing_feeds(RunSummary(run_date=DAY, run_id="x", feeds=feeds))
    assert sentence.startswith("no file came from ELR, KYB:")
    assert missing_feeds(RunSummary(run_date=DAY, run_id="x", feeds=feeds[:1])) == []


def test_places_lead_to_the_newest_day_and_carry_ports_that_are_not_the_usual_ones() -> None:
    usual = {AIRFLOW: 8080, LOCAL_AWS: 5555, FRONT_END: 8501}
    moved = {AIRFLOW: 18080, LOCAL_AWS: 15555, FRONT_END: 18501}
    text = shown(lambda console: show_places(console, usual, WELL, "the-bucket"))
    assert "http://127.0.0.1:8501/?day=2024-08-08 " in text
    assert 'make sql Q="SELECT * FROM ebay LIMIT 10"\n' in text
    text = shown(lambda console: show_places(console, moved, WELL, "the-bucket"))
    assert "http://127.0.0.1:18501/?day=2024-08-08 " in text
    assert "http://127.0.0.1:18080 " in text
    assert 'make sql Q="SELECT * FROM ebay LIMIT 10" AWS_PORT=15555\n' in text
