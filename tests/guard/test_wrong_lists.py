"""The guard against wrong lists, on invented ones; `python -m tests.guard` measures it on more of them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from stock_pipeline.verdicts import Verdict
from tests.guard.days import generated
from tests.guard.kinds import KINDS
from tests.guard.trial import DISASTROUS, Trials

FIRST = date(2026, 1, 5)
SHIFTED = [
    "stock_shuffled",
    "stock_sorted_up",
    "stock_upside_down",
    "stock_moved_by_1_rows",
    "stock_moved_by_10_rows",
    "stock_of_a_sister_branch",
]
CHANGED = [
    "24_percent_of_stock_zeroed",
    "24_percent_zeroed_and_24_percent_restocked",
    "first_80_percent_of_rows",
    "lookup_failed_as_zero_on_20_percent",
    "20_percent_of_flags_inverted",
    "20_percent_of_codes_twice_with_different_stock",
    "stock_times_10",
    "two_labels_in_each_cell",
    "unseen_letter_in_two_tenths",
]


@pytest.fixture(scope="module")
def trials() -> Trials:
    """Every supplier's list of a Monday, of the Monday after, and of the day after that."""
    return Trials(generated([FIRST, FIRST + timedelta(days=7), FIRST + timedelta(days=8)], scale=0.25))


def test_no_honest_list_is_held(trials: Trials) -> None:
    outcomes = [outcome for _, outcome in trials.honest()]
    assert len(outcomes) > 40
    assert [outcome for outcome in outcomes if outcome.verdict is not Verdict.ACCEPTED] == []


@pytest.mark.parametrize("kind", [*SHIFTED, *CHANGED])
def test_a_wrong_list_does_not_change_stock_silently(trials: Trials, kind: str) -> None:
    outcomes = list(trials.cases([kind]))
    assert outcomes
    assert [outcome for outcome in outcomes if outcome.silent] == []


def test_few_of_all_kinds_are_silent_and_next_to_none_is_a_disaster(trials: Trials) -> None:
    assert len(KINDS) >= 80
    # Every third kind is enough for a test; all of them take a minute.
    outcomes = list(trials.cases(sorted(KINDS)[::3]))
    silent = [outcome for outcome in outcomes if outcome.silent]
    assert len(silent) < 0.12 * len(outcomes)
    assert len([outcome for outcome in silent if outcome.wrong > DISASTROUS]) < 0.01 * len(outcomes)


@pytest.mark.parametrize(
    ("kind", "stopped_by"),
    [
        ("24_percent_of_stock_zeroed", 1),
        ("10_percent_of_stock_zeroed", 2),
    ],
)
def test_little_by_little_is_stopped(trials: Trials, kind: str, stopped_by: int) -> None:
    """Each day a little more is wrong; the list of nine days ago shows what it adds up to."""
    days = [FIRST + timedelta(days=number) for number in range(6)]
    for code in ("BGA", "COM", "FAI", "RFX"):
        right = trials.lists.days[code][FIRST]
        verdicts = trials.sequence(code, kind, [right] * 6, days)
        assert Verdict.HELD in verdicts[:stopped_by], (code, verdicts)
        assert Verdict.ACCEPTED not in verdicts[stopped_by:], (code, verdicts)


def test_the_same_stock_of_last_week_sent_again_is_held(trials: Trials) -> None:
    """The list before the one in force, whether byte for byte or saved once more."""
    for code in ("BGA", "FPS", "APE", "RTG"):
        days = trials.lists.days[code]
        first, second = (trials.accepted(code, days[day], day) for day in sorted(days)[:2])
        last = FIRST + timedelta(days=9)
        assert trials.judge(code, days[FIRST], [first, second], last).verdict is Verdict.HELD, code
        assert trials.judge(code, days[second.day], [first, second], last).verdict is Verdict.ACCEPTED, code


def test_a_second_file_of_a_day_is_compared_with_the_accepted_one(trials: Trials) -> None:
    for code in ("BGA", "KYB"):
        days = trials.lists.days[code]
        first, second = (trials.accepted(code, days[day], day) for day in sorted(days)[:2])
        judgement = trials.judge(code, days[second.day], [first, second], second.day)
        assert judgement.verdict is Verdict.ACCEPTED
        assert any(check.name == "flips_same_day" and check.value == 0 for check in judgement.checks)
        worse = days[second.day].head(days[second.day].height * 9 // 10)
        judgement = trials.judge(code, worse, [first, second], second.day)
        assert "gap_same_day" in {check.name for check in judgement.checks if not check.passed}


def test_the_true_list_after_a_release_by_mistake_says_so(trials: Trials) -> None:
    from dataclasses import replace

    code = "BGA"
    days = trials.lists.days[code]
    good = trials.accepted(code, days[FIRST], FIRST)
    wrong_rows = days[FIRST].reverse().with_columns(code=days[FIRST]["code"])
    wrong = replace(trials.accepted(code, wrong_rows, FIRST + timedelta(days=1), good), released=True)
    judgement = trials.judge(code, days[FIRST], [good, wrong], FIRST + timedelta(days=2))
    assert judgement.verdict is Verdict.HELD
    assert "before the release of 2026-01-06: was the release a mistake?" in judgement.reason
