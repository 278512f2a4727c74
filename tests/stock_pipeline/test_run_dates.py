from __future__ import annotations

import re
from datetime import date

import pytest

from stock_pipeline.errors import NeedsPersonError
from stock_pipeline.run_dates import EARLIEST, check_day, date_pattern

TODAY = date(2026, 10, 2)


@pytest.mark.parametrize("text", ["2024-01-01", "2024-02-29", "2025-12-31", "2026-10-01", "2026-10-02"])
def test_days_up_to_today_can_be(text: str) -> None:
    assert check_day(text, TODAY) == date.fromisoformat(text)
    assert re.search(date_pattern(TODAY), text)


BY_THE_FORM_TOO = [
    "0001-01-01", "1970-01-01", "1999-12-31", "2023-12-31", "2027-01-01", "2027-10-02", "9999-12-31",
    "", " 2026-10-02", "20261002", "2026-W40-5", "2026-1-1", "02/10/2026", "2026-10-02T00:00:00", "yesterday",
    "-2026-10-02", "\u0662\u0660\u0662\u0666-\u0661\u0660-\u0660\u0662",
]  # fmt: skip


@pytest.mark.parametrize("text", BY_THE_FORM_TOO)
def test_what_is_out_of_reason_is_refused_by_the_form_too(text: str) -> None:
    assert not re.search(date_pattern(TODAY), text)
    with pytest.raises(NeedsPersonError, match=f"give a day from {EARLIEST} to today, {TODAY}"):
        check_day(text, TODAY)


@pytest.mark.parametrize("text", ["2026-10-03", "2026-12-31", "2025-02-29", "2026-13-01", "2026-10-02\n"])
def test_what_a_pattern_cannot_see_is_refused_when_the_run_is_planned(text: str) -> None:
    with pytest.raises(NeedsPersonError, match=f"give a day from {EARLIEST} to today, {TODAY}"):
        check_day(text, TODAY)


def test_the_message_says_which_date_and_why() -> None:
    with pytest.raises(NeedsPersonError, match="The table_date 2026-10-03 is in the future"):
        check_day("2026-10-03", TODAY, "table_date")
    with pytest.raises(NeedsPersonError, match="The run date 0001-01-01 is too long ago"):
        check_day("0001-01-01", TODAY)
