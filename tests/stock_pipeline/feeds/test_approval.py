"""The question about a held feed shows what strangers typed as text, and the answer is kept."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import NeedsPersonError, NothingToAskError
from stock_pipeline.feeds.approval import (
    code_block,
    code_span,
    decide,
    printable,
    question,
)
from stock_pipeline.feeds.report import FeedFile, FeedReport
from stock_pipeline.lake.locations import stock_feed_prefix, stock_feed_report_key
from stock_pipeline.verdicts import Verdict
from tests.support.memory_s3 import memory_lake

DAY = date(2024, 8, 1)
SHA256 = "0" * 64


def asked(page: str | None = None, sha256: str | None = SHA256, **changed: Any) -> str:
    """The question about BGA's file, of which there is a report."""
    file = FeedFile(
        key=f"{stock_feed_prefix(DAY)}BGA `new` list.xlsx",
        size=12_345,
        last_modified=datetime(2024, 8, 1, 7, 30, tzinfo=UTC),
        sha256=sha256,
    )
    held = FeedReport(
        run_date=DAY,
        supplier="BGA",
        verdict=Verdict.HELD,
        reason="looks like\n# ![BET](http://a)",
        file=file,
        counts={"labels": 4_000, "changed": 1_500, "to_zero": 1_400},
    )
    report = held.model_copy(update=changed)
    lake = memory_lake(Path())
    lake.put(stock_feed_report_key(DAY, "BGA"), report.model_dump_json().encode())
    return question(lake, run_date=DAY, supplier="BGA", sha256=SHA256, page=page)


def test_the_question_says_what_is_held_and_why_and_what_a_release_changes() -> None:
    assert asked("https://stock.example").split("\n\n")[:-1] == [
        "**The file:** `` BGA `new` list.xlsx ``, 12,345 bytes, uploaded 2024-08-01 07:30 UTC.",
        "**Why it is held:**",
        "```text\nlooks like\\n# ![BET](http://a)\n```",
        "**If it is released:** 1,500 of 4,000 labels change, 1,400 go to 0, 0 come back from 0.",
        "**The report:** ` s3://memory/reports/stock_feed/year=2024/month=08/day=01/BGA.json `",
        "[Look at it on the page for staff](https://stock.example/start?day=2024-08-01)",
    ]


@pytest.mark.parametrize("page", [None, "", "stock.example", "javascript:alert(1)"])
def test_the_question_has_no_link_without_the_address_of_a_page(page: str | None) -> None:
    assert "](" not in asked(page).replace("![BET](http://a)", "")


def test_a_list_that_could_not_be_compared_is_asked_about_without_figures() -> None:
    assert "If it is released" not in asked(counts={"rows": 4_000})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sha256": "1" * 64}, "BGA has another file"),
        ({"file": None}, "BGA has another file"),
        ({"verdict": Verdict.ACCEPTED}, "is accepted by now"),
        ({"verdict": Verdict.REJECTED}, "is rejected by now"),
    ],
)
def test_what_is_held_no_more_is_no_question(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(NothingToAskError, match=words):
        asked(**changed)


def test_without_a_report_there_is_nothing_to_show() -> None:
    lake = memory_lake(Path())
    with pytest.raises(NeedsPersonError, match="run daily_stock for 2024-08-01 and BGA"):
        question(lake, run_date=DAY, supplier="BGA", sha256=SHA256)


@pytest.mark.parametrize(
    ("typed", "span"),
    [
        ("BGA SF.xlsx", "` BGA SF.xlsx `"),
        ("a`b", "`` a`b ``"),
        ("```", "```` ``` ````"),
        ("![x](http://a)", "` ![x](http://a) `"),
        ("a\nb\r\tc", r"` a\nb\r\tc `"),
        ("\u202egnp", r"` \u202egnp `"),
        ("\ud800", r"` \ud800 `"),
        ("Ä€ 部品", "` Ä€ 部品 `"),
    ],
)
def test_a_code_span_shows_the_text_and_cannot_be_left(typed: str, span: str) -> None:
    assert code_span(typed) == span


def test_a_code_block_shows_the_text_in_one_line_and_cannot_be_left() -> None:
    assert code_block("one\n```\n# two") == "````text\none\\n```\\n# two\n````"


def test_what_is_too_long_is_cut() -> None:
    assert printable("x" * 301, 300) == "x" * 299 + "…"
    assert printable("x" * 300, 300) == "x" * 300
    assert len(code_block("\n" * 5_000)) < 4_100


def answered(**given: Any) -> dict[str, Any]:
    return {
        "params_input": {"why": " it is right "},
        "responded_by_user": {"id": "1", "name": "jo"},
        "responded_at": "2024-08-01T09:00:00Z",
    } | given


def test_the_release_carries_who_why_and_which_file() -> None:
    made = decide(answered(), approved=True, run_date=DAY, supplier="BGA", sha256=SHA256)
    assert made.release == {
        "run_date": "2024-08-01",
        "suppliers": ["BGA"],
        "release": ["BGA"],
        "release_reason": "it is right",
        "released_by": "jo",
        "release_files": {"BGA": SHA256},
    }


def test_a_long_reason_fits_the_form_of_the_run_that_releases() -> None:
    user = {"id": "1", "name": "j" * 9_999}
    given = answered(params_input={"why": "x" * 9_999}, responded_by_user=user)
    made = decide(given, approved=True, run_date=DAY, supplier="BGA", sha256=SHA256)
    assert (len(made.reason), len(made.by)) == (2_000, 300)


def test_approved_needs_a_reason_and_rejected_does_not() -> None:
    blank = answered(params_input={})
    with pytest.raises(NeedsPersonError, match="Approved without a reason"):
        decide(blank, approved=True, run_date=DAY, supplier="BGA", sha256=SHA256)
    assert decide(blank, approved=False, run_date=DAY, supplier="BGA", sha256=SHA256).answer == "rejected"
