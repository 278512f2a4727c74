"""The question about a held feed shows what strangers typed as text."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from stock_pipeline.errors import NeedsPersonError
from stock_pipeline.feeds.approval import code_block, code_span, decide, printable

DAY = date(2024, 8, 1)


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
    made = decide(answered(), approved=True, run_date=DAY, supplier="BGA", sha256="0" * 64)
    assert made.release == {
        "run_date": "2024-08-01",
        "suppliers": ["BGA"],
        "release": ["BGA"],
        "release_reason": "it is right",
        "released_by": "jo",
        "release_files": {"BGA": "0" * 64},
    }


def test_a_long_reason_fits_the_form_of_the_run_that_releases() -> None:
    user = {"id": "1", "name": "j" * 9_999}
    given = answered(params_input={"why": "x" * 9_999}, responded_by_user=user)
    made = decide(given, approved=True, run_date=DAY, supplier="BGA", sha256="0" * 64)
    assert (len(made.reason), len(made.by)) == (2_000, 300)


def test_approved_needs_a_reason_and_rejected_does_not() -> None:
    blank = answered(params_input={})
    with pytest.raises(NeedsPersonError, match="Approved without a reason"):
        decide(blank, approved=True, run_date=DAY, supplier="BGA", sha256="0" * 64)
    assert decide(blank, approved=False, run_date=DAY, supplier="BGA", sha256="0" * 64).answer == "rejected"
