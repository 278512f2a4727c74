"""The checks of a feed against lists that were accepted before: is this still the same supplier's stock?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import polars as pl

from stock_pipeline.feeds.comparison import (
    COPIED_SHARE,
    DRIFT_DAYS,
    FEWEST_CODES,
    FEWEST_COPIED,
    Baseline,
    Comparison,
    Past,
    Role,
    compare,
    content_of,
    largest_gap,
    record_of_codes,
    repeated_changes,
)
from stock_pipeline.feeds.snapshot import Snapshot, flips
from stock_pipeline.limits import Thresholds
from stock_pipeline.verdicts import Check

FEWEST_FLIPS = 5
"""Fewer codes than this may come and go in a list of any length."""


def past_checks(
    snapshot: Snapshot, baseline: Baseline | None, past: Past, limits: Thresholds, run_date: date
) -> list[Check]:
    """Compare a feed with every accepted list that is known, by each figure.

    Args:
        snapshot: what the feed comes to.
        baseline: the last accepted list of an earlier day.
        past: other accepted lists.
        limits: the supplier's.
        run_date: the day of the feed.
    """
    codes = record_of_codes(snapshot)
    checks = [*_against(snapshot, codes, baseline, Role.LAST, limits, run_date)]
    for role, other in ((Role.DRIFT, past.drift), (Role.SAME_DAY, past.same_day)):
        if other:
            checks += _against(snapshot, codes, other, role, limits, run_date)
    checks.append(_older_list(codes, baseline, past))
    if hint := _mistaken_release(snapshot, codes, baseline, past, checks, limits, run_date):
        checks.append(hint)
    return checks


def nothing_to_compare(name: str, why: str = "no accepted list of an earlier day to compare with") -> Check:
    """Note that a figure could not be had."""
    return Check(name=name, passed=True, text=why)


def at_most(name: str, value: float, limit: float, text: str, *, few: bool = False) -> Check:
    """Hold a share against its limit.

    Args:
        name: of the check.
        value: the share.
        limit: the most it may be.
        text: the figure as a sentence, without its limit.
        few: whether it is of so few that it passes all the same.
    """
    return Check(
        name=name,
        value=value,
        limit=limit,
        passed=few or value <= limit,
        text=f"{text} ({value:.1%}; limit {100 * limit:g}%)",
    )


def since(baseline: Baseline, role: Role = Role.LAST) -> str:
    """Name the list that a feed is compared with, as the end of a sentence."""
    match role:
        case Role.DRIFT:
            return f"since {baseline.day}, the oldest accepted list of the last {DRIFT_DAYS} days"
        case Role.SAME_DAY:
            return "since the list accepted earlier for this day"
        case _:
            return f"since {baseline.day}"


def _against(
    snapshot: Snapshot,
    codes: pl.DataFrame,
    baseline: Baseline | None,
    role: Role,
    limits: Thresholds,
    run_date: date,
) -> Iterator[Check]:
    """Compare with one list: its labels first, then its codes."""
    names = (
        "stock_lost",
        "gap",
        "agreement",
        "level",
        "same_stock",
        "flips",
        "jumps",
        "stock_returned",
        "one_sided_change",
        "same_step",
        "worst_part",
    )
    if baseline is None:
        yield from (nothing_to_compare(f"{name}{role}") for name in names)
        return
    yield _stock_lost(snapshot, baseline, role, limits)
    if baseline.codes is None or "in_stock" not in baseline.codes.columns:
        why = f"there is no record of the stock as it was sent on {baseline.day}"
        yield from (nothing_to_compare(f"{name}{role}", why) for name in names[1:])
        return
    found = compare(codes, baseline.codes)
    old = (run_date - baseline.day).days > DRIFT_DAYS
    when = since(baseline, role)
    yield _gap(codes, baseline, role, limits, when)
    yield _agreement(found, role, limits, when)
    yield _level(found, role, limits, when)
    yield _same_stock(found, role, limits.min_same_stock_old if old else limits.min_same_stock, when)
    yield _flips(found, role, limits.max_flips_old if old else limits.max_flips, when)
    yield _jumps(found, role, limits.max_jumps_old if old else limits.max_jumps, when)
    yield _stock_returned(found, role, limits, when)
    yield _one_sided(found, role, limits, when)
    yield _same_step(found, role, limits, when)
    if old:
        yield nothing_to_compare(
            f"worst_part{role}", f"the list of {baseline.day} is too old to compare parts"
        )
    else:
        yield _worst_part(found, role, limits, when)


def _stock_lost(snapshot: Snapshot, baseline: Baseline, role: Role, limits: Thresholds) -> Check:
    count = flips(snapshot.table, baseline.table)
    had, lost = count["had_stock"], count["to_zero"]
    text = f"{lost:,} of the {had:,} labels that were in stock have none now, {since(baseline, role)}"
    share = lost / had if had else 0.0
    return at_most(f"stock_lost{role}", share, limits.max_stock_lost, text, few=lost < FEWEST_FLIPS)


def _agreement(found: Comparison, role: Role, limits: Thresholds, when: str) -> Check:
    name = f"agreement{role}"
    if found.numbers < FEWEST_CODES or found.agreement is None:
        return nothing_to_compare(name, f"fewer than {FEWEST_CODES} codes have numbers to compare {when}")
    return Check(
        name=name,
        value=found.agreement,
        limit=limits.min_agreement,
        passed=found.agreement >= limits.min_agreement,
        text=f"the stock of {found.numbers:,} codes agrees by a rank correlation of {found.agreement:.2f} "
        f"{when} (limit {limits.min_agreement:.2f}); below it, the stock may be beside the wrong codes",
    )


def _level(found: Comparison, role: Role, limits: Thresholds, when: str) -> Check:
    """Most codes change little in a week, so the middle one tells whether all have been multiplied."""
    name = f"level{role}"
    if found.numbers < FEWEST_CODES or not found.level:
        return nothing_to_compare(name, f"fewer than {FEWEST_CODES} codes have numbers to compare {when}")
    times = max(found.level, 1 / found.level)
    return Check(
        name=name,
        value=times,
        limit=limits.max_level,
        passed=times <= limits.max_level,
        text=f"the middle one of {found.numbers:,} codes has {found.level:.2f} times its stock "
        f"{when} (limit {limits.max_level:g} times, up or down)",
    )


def _same_stock(found: Comparison, role: Role, limit: float, when: str) -> Check:
    name = f"same_stock{role}"
    if found.same_stock is None:
        return nothing_to_compare(name, f"fewer than {FEWEST_CODES} codes are in stock, or out of it, {when}")
    return Check(
        name=name,
        value=found.same_stock,
        limit=limit,
        passed=found.same_stock >= limit,
        text=f"which of {found.codes:,} codes are in stock agrees by a kappa of {found.same_stock:.2f} "
        f"{when} (limit {limit:.2f})",
    )


def _flips(found: Comparison, role: Role, limit: float, when: str) -> Check:
    count = found.to_zero + found.from_zero
    return at_most(
        f"flips{role}",
        count / found.codes if found.codes else 0.0,
        limit,
        f"of {found.codes:,} codes in both lists {found.to_zero:,} went out of stock and {found.from_zero:,} "
        f"came back {when}",
        few=count < FEWEST_FLIPS,
    )


def _jumps(found: Comparison, role: Role, limit: float, when: str) -> Check:
    name = f"jumps{role}"
    if found.numbers < FEWEST_CODES:
        return nothing_to_compare(name, f"fewer than {FEWEST_CODES} codes have numbers to compare {when}")
    return at_most(
        name,
        found.jumped / found.numbers,
        limit,
        f"{found.jumped:,} of {found.numbers:,} codes have over twice or under half their stock {when}",
    )


def _stock_returned(found: Comparison, role: Role, limits: Thresholds, when: str) -> Check:
    name = f"stock_returned{role}"
    if found.at_zero < FEWEST_CODES:
        return nothing_to_compare(name, f"fewer than {FEWEST_CODES} codes were out of stock {when}")
    return at_most(
        name,
        found.from_zero / found.at_zero,
        limits.max_stock_returned,
        f"{found.from_zero:,} of the {found.at_zero:,} codes that were out of stock are back {when}",
    )


def _one_sided(found: Comparison, role: Role, limits: Thresholds, when: str) -> Check:
    """Real stock rises here and falls there; another column of numbers moves nearly all one way."""
    name = f"one_sided_change{role}"
    if found.numbers < FEWEST_CODES:
        return nothing_to_compare(name, f"fewer than {FEWEST_CODES} codes have numbers to compare {when}")
    return at_most(
        name,
        abs(found.rose - found.fell) / found.numbers,
        limits.max_one_sided_change,
        f"of {found.numbers:,} codes in stock both times {found.rose:,} have more and {found.fell:,} less "
        f"{when}; if nearly all move one way, it may be another column",
    )


def _same_step(found: Comparison, role: Role, limits: Thresholds, when: str) -> Check:
    """Real stock changes by this and by that; a formula adds the same to each."""
    name = f"same_step{role}"
    if found.numbers < FEWEST_CODES or found.step is None:
        return nothing_to_compare(name, f"fewer than {FEWEST_CODES} codes have numbers to compare {when}")
    text = (
        f"{found.stepped:,} of {found.numbers:,} codes in stock both times changed by {found.step:+g} {when}"
    )
    return at_most(name, found.stepped / found.numbers, limits.max_same_step, text)


def _gap(codes: pl.DataFrame, baseline: Baseline, role: Role, limits: Thresholds, when: str) -> Check:
    assert baseline.codes is not None  # noqa: S101 - for mypy: the caller has looked
    gap = largest_gap(codes, baseline.codes)
    return at_most(
        f"gap{role}",
        gap / baseline.codes.height,
        limits.max_gap,
        f"{gap:,} consecutive rows of {baseline.codes.height:,} are missing {when}; was the list cut off?",
        few=gap < FEWEST_FLIPS,
    )


def _worst_part(found: Comparison, role: Role, limits: Thresholds, when: str) -> Check:
    """Look at the parts of a list: something that went wrong from some row on is small in the whole."""
    name, worst = f"worst_part{role}", found.worst
    figures = [
        (worst.flips, limits.max_flips_in_part, "codes that went out of stock or came back"),
        (worst.jumps, limits.max_jumps_in_part, "codes with twice or half the stock"),
        (
            None if worst.agreement is None else 1 - worst.agreement,
            1 - limits.min_agreement_in_part,
            "disorder (1 less the rank correlation of the stock)",
        ),
    ]
    known = [
        (value / limit if limit else 0.0, value, limit, what)
        for value, limit, what in figures
        if value is not None
    ]
    if not known:
        return nothing_to_compare(name, f"fewer than {FEWEST_CODES} codes to compare {when}")
    ratio, value, limit, what = max(known)
    return Check(
        name=name,
        value=ratio,
        limit=1.0,
        passed=ratio <= 1,
        text=f"in the worst tenth of the rows {value:.1%} {what} {when} (limit {100 * limit:g}%); something "
        "may have gone wrong from some row on",
    )


def _older_list(codes: pl.DataFrame, baseline: Baseline | None, past: Past) -> Check:
    """Recognise a list that is older than the one in force, by its rows: the file of last week sent again."""
    name = "older_list"
    if baseline is None or baseline.codes is None:
        return nothing_to_compare(name)
    content = content_of(codes)
    contents = past.contents or {}
    if content == contents.get(baseline.day):
        return Check(
            name=name, value=0.0, limit=COPIED_SHARE, passed=True, text=f"it says what {baseline.day} said"
        )
    same = [day for day, digest in contents.items() if digest == content and day < baseline.day]
    if same:
        return _old(1.0, f"it is the list of {max(same)} again, older than the one of {baseline.day}")
    share, text = 0.0, f"it is not an older list than that of {baseline.day}"
    for older in (past.before, past.drift):
        if older is None or older.codes is None or "in_stock" not in older.codes.columns:
            continue
        changed, back = repeated_changes(codes, older.codes, baseline.codes)
        if changed >= FEWEST_COPIED and back / changed > max(share, COPIED_SHARE):
            share = back / changed
            text = (
                f"of {changed:,} codes that changed between {older.day} and {baseline.day}, {back:,} are "
                f"as they were on {older.day}: it seems to be the older list"
            )
    return _old(share, text)


def _old(share: float, text: str) -> Check:
    return Check(name="older_list", value=share, limit=COPIED_SHARE, passed=share <= COPIED_SHARE, text=text)


def _mistaken_release(
    snapshot: Snapshot,
    codes: pl.DataFrame,
    baseline: Baseline | None,
    past: Past,
    checks: list[Check],
    limits: Thresholds,
    run_date: date,
) -> Check | None:
    """Say so where a feed differs from a released list and agrees with the one before it."""
    if baseline is None or not baseline.released or past.before is None:
        return None
    if all(check.passed for check in checks):
        return None
    earlier = [*_against(snapshot, codes, past.before, Role.BEFORE, limits, run_date)]
    if not all(check.passed for check in earlier):
        return None
    return Check(
        name="before_release",
        passed=False,
        text=f"it agrees with the list of {past.before.day}, before the release of {baseline.day}: was the "
        "release a mistake?",
    )
