"""Check whether a feed that can be read is this supplier's stock of today: every figure, with its limit.

Two checks reject a feed, because nothing in it can be used. All others hold it: it reads well, but is unlike
what this supplier sends, so a person looks at it first. Each looks both ways, because a supplier that
seems to have everything again costs as much as one that seems to have nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from stock_pipeline.feeds.comparison import Baseline, Known
from stock_pipeline.feeds.damage import damaged_codes, damaged_labels
from stock_pipeline.feeds.past_checks import at_most, nothing_to_compare, past_checks, since
from stock_pipeline.feeds.reading import Feed
from stock_pipeline.feeds.snapshot import Snapshot, flips
from stock_pipeline.limits import Thresholds
from stock_pipeline.messages import listed
from stock_pipeline.suppliers import QuantityRule, Supplier
from stock_pipeline.verdicts import Check, Consequence

FRACTION = r"[0-9]*\.[0-9]*[1-9]"
"""A number that is not whole, anywhere in a stock cell."""

THOUSAND = 1000
MOST_IN_THOUSANDS = 0.9
FEWEST_NUMBERS = 3
"""Of fewer numbers, conflicts or odd codes nothing is concluded."""


@dataclass(frozen=True, slots=True)
class Others:
    """How a feed looks beside the other suppliers.

    Attributes:
        matched: how many of its distinct codes each other supplier's mapping knows, most first.
        same_content: names of other suppliers' files with exactly the same content.
    """

    matched: dict[str, int]
    same_content: list[str]


def check_feed(
    feed: Feed,
    snapshot: Snapshot,
    supplier: Supplier,
    known: Known,
    others: Others,
    run_date: date,
    *,
    accept_first: bool = False,
) -> list[Check]:
    """Judge a feed by every figure; those without a figure have nothing to compare with.

    Args:
        feed: the list.
        snapshot: what it comes to.
        supplier: whose it is.
        known: its mapping and its past.
        others: how it looks beside the other suppliers.
        run_date: the day it is for.
        accept_first: whether a first list may be taken, though there is nothing to compare it with.
    """
    limits, baseline = supplier.thresholds, known.baseline
    return [
        _rejected_share(feed, limits),
        _match_rate(snapshot, supplier),
        _one_list(feed),
        _first_list(baseline, accept_first=accept_first),
        *_labels(snapshot, baseline, limits),
        *past_checks(snapshot, baseline, known.past, limits, run_date),
        *_against_last_codes(feed, snapshot, baseline, limits),
        _conflicts(snapshot, limits),
        _damaged_codes(snapshot, supplier, known),
        *([_unknown_lines(snapshot, known, limits)] if supplier.lists_out_of_stock else []),
        _fractions(feed, supplier),
        _thousands(feed, supplier),
        _other_supplier(snapshot, others, limits),
        _same_content(snapshot, others),
    ]


def looks_like(checks: list[Check], others: Others) -> str | None:
    """The supplier whose list this seems to be, if a check says that it is another's."""
    failed = {check.name for check in checks if not check.passed}
    if failed & {"other_supplier_match", "match_rate", "match_rate_fall", "same_content"}:
        return next((code for code, matched in others.matched.items() if matched), None)
    return None


def _rejected_share(feed: Feed, limits: Thresholds) -> Check:
    share, limit = feed.rejected_share, limits.max_rejected_share
    text = (
        f"{feed.rejected.height:,} of {feed.rows.height:,} rows ({share:.1%}; limit {limit:.0%}) have no "
        "usable stock"
    )
    if feed.rejected.height:
        first = feed.rejected.row(0, named=True)
        text += f"; the first, on row {first['row']}, reads {first['raw'] or ''!r}: {first['reason']}"
    return Check(
        name="rejected_share",
        value=share,
        limit=limit,
        passed=share <= limit,
        consequence=Consequence.REJECTED,
        text=text,
    )


def _match_rate(snapshot: Snapshot, supplier: Supplier) -> Check:
    codes, matched = snapshot.codes.height, snapshot.matched
    text = f"{matched:,} of its {codes:,} codes are known for {supplier.code}"
    if not matched:
        text = (
            f"no usable row: none of its {codes:,} codes is known for {supplier.code} "
            f"({snapshot.table.height:,} labels are)"
        )
    return Check(
        name="match_rate",
        value=matched / codes,
        passed=matched > 0,
        consequence=Consequence.REJECTED,
        text=text,
    )


def _one_list(feed: Feed) -> Check:
    text = "; ".join(feed.doubts) or "the sheet holds one list"
    return Check(name="one_list", passed=not feed.doubts, text=text)


def _first_list(baseline: Baseline | None, *, accept_first: bool) -> Check:
    if baseline is not None:
        return Check(name="first_list", passed=True, text=f"it is compared with the list of {baseline.day}")
    text = "first list of this supplier: nothing to compare with"
    return Check(name="first_list", passed=accept_first, text=text)


def _labels(snapshot: Snapshot, baseline: Baseline | None, limits: Thresholds) -> list[Check]:
    names = ("labels_to_zero", "labels_from_zero")
    if baseline is None:
        return [nothing_to_compare(name) for name in names]
    known = snapshot.table.height
    count = flips(snapshot.table, baseline.table)
    to_zero, from_zero, when = count["to_zero"], count["from_zero"], since(baseline)
    return [
        at_most(
            names[0],
            to_zero / known,
            limits.max_share_to_zero,
            f"{to_zero:,} of {known:,} known labels went to zero {when}",
        ),
        at_most(
            names[1],
            from_zero / known,
            limits.max_share_from_zero,
            f"{from_zero:,} of {known:,} known labels came back from zero {when}",
        ),
    ]


def _against_last_codes(
    feed: Feed, snapshot: Snapshot, baseline: Baseline | None, limits: Thresholds
) -> list[Check]:
    names = ("row_count_change", "codes_kept", "match_rate_fall")
    if baseline is None or baseline.codes is None:
        return [nothing_to_compare(name) for name in names]
    last = baseline.codes
    rows, last_rows = feed.rows.height, int(last["times"].sum())
    kept = last.join(snapshot.codes, on="key", how="semi").height
    share_kept, least = kept / last.height, limits.min_codes_kept
    rate, last_rate = snapshot.matched / snapshot.codes.height, int(last["matched"].sum()) / last.height
    return [
        at_most(
            names[0],
            abs(rows / last_rows - 1),
            limits.max_row_count_change,
            f"{rows:,} rows after {last_rows:,} on {baseline.day}",
        ),
        Check(
            name=names[1],
            value=share_kept,
            limit=least,
            passed=share_kept >= least,
            text=f"{kept:,} of the {last.height:,} codes of {baseline.day} are still listed "
            f"({share_kept:.1%}; limit {least:.0%})",
        ),
        at_most(
            names[2],
            max(0.0, 1 - rate / last_rate) if last_rate else 0.0,
            limits.max_match_rate_fall,
            f"{rate:.1%} of the codes have a label, after {last_rate:.1%} on {baseline.day}",
        ),
    ]


def _conflicts(snapshot: Snapshot, limits: Thresholds) -> Check:
    differing = snapshot.codes.filter(pl.col("quantities") > 1)
    codes = snapshot.codes.height
    text = f"{differing.height:,} of {codes:,} codes are listed twice with different stock"
    if differing.height:
        text += f" (the first is {differing['code'][0]!r})"
    return at_most(
        "conflicts",
        differing.height / codes,
        limits.max_conflicts,
        text,
        few=differing.height < FEWEST_NUMBERS,
    )


def _damaged_codes(snapshot: Snapshot, supplier: Supplier, known: Known) -> Check:
    nothing = pl.Series(dtype=pl.String)
    usual = known.baseline.codes["key"] if known.baseline and known.baseline.codes is not None else nothing
    # What an out list does not name stays on sale, so there each damaged line counts.
    limit, fewest = supplier.thresholds.max_damaged_codes, FEWEST_NUMBERS
    if supplier.lists_out_of_stock:
        limit, fewest = 0.0, 1
        found = damaged_labels(snapshot.unmatched, known.parts["key"], usual)
    else:
        found = damaged_codes(snapshot.unmatched, known.parts, snapshot.codes["key"], usual)
    text = (
        f"{found.height:,} of {snapshot.codes.height:,} codes match nothing, but look like damaged known ones"
    )
    if found.height:
        code, meant = found.select("code", "meant").row(0)
        text += f", such as {code!r}" + (f" for {meant!r}" if meant else "")
        text += "; was the list opened in another program and saved again?"
    share = found.height / snapshot.codes.height
    return at_most("damaged_codes", share, limit, text, few=found.height < fewest)


def _unknown_lines(snapshot: Snapshot, known: Known, limits: Thresholds) -> Check:
    """Count the new lines of an out list that are no label: what they mean stays on sale."""
    new, unknown = snapshot.codes, snapshot.unmatched.unique("key", maintain_order=True)
    if known.baseline and known.baseline.codes is not None:
        earlier = known.baseline.codes
        new = new.join(earlier, on="key", how="anti")
        unknown = unknown.join(earlier, on="key", how="anti", maintain_order="left")
    text = f"{unknown.height:,} of {new.height:,} new lines are no label of any store"
    if unknown.height:
        text += f" (the first is {unknown['code'][0]!r}); what they mean stays on sale"
    share = unknown.height / max(new.height, 1)
    return at_most(
        "unknown_lines", share, limits.max_unknown_lines, text, few=unknown.height < FEWEST_NUMBERS
    )


def _fractions(feed: Feed, supplier: Supplier) -> Check:
    if not isinstance(supplier.rule, QuantityRule):
        return nothing_to_compare("fraction_share", "no rule of this supplier reads numbers")
    fractions = feed.rows.filter(pl.col("quantity").is_not_null() & pl.col("raw").str.contains(FRACTION))
    text = f"{fractions.height:,} of {feed.rows.height:,} rows have a fraction as their stock"
    if fractions.height:
        first = fractions.row(0, named=True)
        text += f" (the first, on row {first['row']}, reads {first['raw']!r}), as prices have"
    return at_most(
        "fraction_share", fractions.height / feed.rows.height, supplier.thresholds.max_fraction_share, text
    )


def _thousands(feed: Feed, supplier: Supplier) -> Check:
    """Recognise quantities with three decimals, which some programs write with a comma: `1,000` is one."""
    name = "thousands"
    if not isinstance(supplier.rule, QuantityRule):
        return nothing_to_compare(name, "no rule of this supplier reads numbers")
    numbers = feed.rows.filter(pl.col("number") > 0)["number"]
    if numbers.len() < FEWEST_NUMBERS:
        return nothing_to_compare(name, f"fewer than {FEWEST_NUMBERS} rows have a number above 0")
    whole = int((numbers % THOUSAND == 0).sum())
    return at_most(
        name,
        whole / numbers.len(),
        MOST_IN_THOUSANDS,
        f"{whole:,} of {numbers.len():,} quantities above 0 are whole thousands: are they written with three "
        "decimals?",
    )


def _other_supplier(snapshot: Snapshot, others: Others, limits: Thresholds) -> Check:
    name = "other_supplier_match"
    code, matched = next(iter(others.matched.items()), (None, 0))
    if not code:
        return nothing_to_compare(name, "no other supplier knows any of its codes")
    ratio, limit = matched / max(snapshot.matched, 1), limits.max_other_supplier_ratio
    return Check(
        name=name,
        value=ratio,
        limit=limit,
        passed=ratio <= limit,
        text=f"{matched:,} of its {snapshot.codes.height:,} codes are known for {code}, "
        f"{snapshot.matched:,} for this supplier",
    )


def _same_content(snapshot: Snapshot, others: Others) -> Check:
    """Judge a file that is there under two names: it is that supplier's who knows most of its codes."""
    theirs = next(iter(others.matched.values()), 0)
    owned = snapshot.matched > theirs
    same = listed(others.same_content)
    text = f"it has the same content as {same}" if same else "no other supplier's file has the same content"
    if same and owned:
        text += ", but its codes are this supplier's"
    return Check(
        name="same_content",
        value=float(len(others.same_content)),
        limit=0.0,
        passed=owned or not others.same_content,
        text=text,
    )
