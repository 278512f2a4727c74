"""Which days a run can be for. The only home of this fact, for forms, tasks and pages."""

from __future__ import annotations

from datetime import date, timedelta

from stock_pipeline.errors import NeedsPersonError

EARLIEST = date(2024, 1, 1)
"""The first day there can be data of: the oldest feeds in the layouts known here are of that year. An earlier
date is a typing error, and a run for it would leave folders and partitions that sort before all others."""


def date_pattern(today: date) -> str:
    """A regular expression for the dates of the years from `EARLIEST` to this one, as a form can check them.

    It changes once a year, because Airflow takes a form that changes for a new version of its DAG. What it
    lets through, tomorrow for one, `check_day` refuses.
    """
    years = "|".join(str(year) for year in range(EARLIEST.year, today.year + 1))
    return f"^({years})-[0-9]{{2}}-[0-9]{{2}}$"


def allowed_days(today: date | None = None) -> str:
    """Which days there are, for people."""
    return f"from {EARLIEST} to today" + (f", {today}" if today else "")


def check_day(text: str, today: date, what: str = "run date") -> date:
    """The day that a text names.

    Args:
        text: as `YYYY-MM-DD`.
        today: the last day that can be.
        what: what to call it in a message.

    Raises:
        NeedsPersonError: it is no date in that form, or not a day from `EARLIEST` to today.
    """
    try:
        day = date.fromisoformat(text)
    except (TypeError, ValueError):
        day = None
    # Python also reads 20241002 and 2024-W40-3, which no folder and no statement is named by.
    if day is None or day.isoformat() != text:
        raise NeedsPersonError(
            f"The {what} {text!r} is not a date such as {today}; give a day {allowed_days(today)}"
        )
    if not EARLIEST <= day <= today:
        when = "in the future" if day > today else "too long ago"
        raise NeedsPersonError(f"The {what} {day} is {when}; give a day {allowed_days(today)}")
    return day


def month_before(day: date) -> date:
    """The same day of the month before, or that month's last if it has no such day."""
    last = day.replace(day=1) - timedelta(days=1)
    return last.replace(day=min(day.day, last.day))
