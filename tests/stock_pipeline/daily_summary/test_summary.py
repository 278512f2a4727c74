"""A supplier's line in the day's summary: when its stock is too old to pass unseen."""

from __future__ import annotations

from datetime import date

import pytest

from stock_pipeline.daily_summary.summary import FeedOutcome
from stock_pipeline.feeds.report import FeedReport
from stock_pipeline.verdicts import Verdict


@pytest.mark.parametrize(
    ("day", "age", "expired"),
    [
        ("2024-09-10", None, False),
        ("2024-09-10", 0, False),
        ("2024-09-10", 31, False),  # of 10 August
        ("2024-09-10", 32, True),
        ("2024-03-31", 31, False),  # of 29 February, the last of its month
        ("2024-03-31", 32, True),
        ("2024-09-10", 400, True),
    ],
)
@pytest.mark.parametrize("verdict", Verdict)
def test_stock_older_than_a_month_is_called_expired_whatever_came_today(day, age, expired, verdict):
    report = FeedReport(
        run_date=date.fromisoformat(day), supplier="COM", verdict=verdict, reason="the reason", age_days=age
    )
    line = FeedOutcome.of(report, "s3://bucket/report.json")
    assert line.expired is expired
    assert ("expired" in (line.concern() or "")) is expired
    if expired:
        assert (concern := line.concern()) is not None
        assert concern.startswith(f"COM: expired, its stock is {age} days old, more than a month")
        assert "the reason" in concern
