from __future__ import annotations

from datetime import UTC, datetime

import pytest

from frontend.start.runs import Wishes, release_parameters, run_parameters
from stock_pipeline.errors import NeedsPersonError
from stock_pipeline.feeds.report import FeedFile, FeedReport
from stock_pipeline.verdicts import Verdict
from tests.support.pages.day import DAY


def held(supplier: str = "APE", verdict: Verdict = Verdict.HELD) -> FeedReport:
    file = FeedFile(
        key="k", size=1, last_modified=datetime(2024, 8, 8, tzinfo=UTC), sha256=f"sha of {supplier}"
    )
    return FeedReport(run_date=DAY, supplier=supplier, verdict=verdict, reason="why", file=file)


def test_a_release_is_for_exactly_the_file_that_was_looked_at_and_says_who_and_why() -> None:
    assert release_parameters([held()], "  they moved ", "ann@seller.example") == {
        "run_date": "2024-08-08",
        "suppliers": ["APE"],
        "release": ["APE"],
        "release_reason": "they moved",
        "released_by": "ann@seller.example",
        "release_files": {"APE": "sha of APE"},
    }


@pytest.mark.parametrize(
    ("reports", "reason", "words"),
    [
        ([held()], "   ", "Give a reason"),
        ([held(verdict=Verdict.ACCEPTED)], "they moved", "Nothing is held any more"),
        ([], "they moved", "Nothing is held any more"),
    ],
)
def test_nothing_is_released_without_a_reason_or_without_a_held_feed(
    reports: list[FeedReport], reason: str, words: str
) -> None:
    with pytest.raises(NeedsPersonError, match=words):
        release_parameters(reports, reason, "ann")


def test_the_page_asks_for_no_parameter_that_the_dag_does_not_have(dag_bag) -> None:
    known = set(dag_bag.dags["daily_stock"].params)
    assert set(run_parameters(DAY, Wishes())) <= known
    assert set(release_parameters([held()], "they moved", "ann")) <= known
