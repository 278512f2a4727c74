"""Whether a feed that can be read is to be believed: every figure it is judged by, with its limit.

Two checks reject a feed, because nothing in it can be used. All others hold it: it reads well, but is unlike
what this supplier sends, so a person has to look at it first. Each looks both ways, because a supplier that
seems to have everything again costs as much as one that seems to have nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from stock_pipeline.feeds.reading import Feed
from stock_pipeline.feeds.snapshot import Snapshot, flips
from stock_pipeline.messages import listed
from stock_pipeline.suppliers import QuantityRule, Supplier, Thresholds
from stock_pipeline.verdicts import Check, Consequence

FRACTION = r"[0-9]*\.[0-9]*[1-9]"
"""A number that is not whole, anywhere in a stock cell."""

FEWEST_LABELS = 100
"""Of fewer labels, chance alone moves most one way."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The supplier's last accepted feed of an earlier day.

    Attributes:
        day: its date.
        table: its snapshot: `custom_label` (String), `quantity` (Int32).
        codes: its distinct codes: `key` (String), `times` (u32, how often it was listed), `matched` (bool);
            None if there is no record of them.
    """

    day: date
    table: pl.DataFrame
    codes: pl.DataFrame | None


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
    feed: Feed, snapshot: Snapshot, supplier: Supplier, baseline: Baseline | None, others: Others
) -> list[Check]:
    """Every check's figure; those without a figure have nothing to compare with."""
    limits = supplier.thresholds
    return [
        _rejected_share(feed, limits),
        _match_rate(snapshot, supplier),
        *_flips(snapshot, baseline, limits),
        *_against_last_codes(feed, snapshot, baseline, limits),
        _fractions(feed, supplier),
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
        f"{feed.rejected.height:,} of {feed.rows.height:,} rows ({share:.1%}) have no usable stock; "
        f"at most {limit:.0%} may"
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


def _flips(snapshot: Snapshot, baseline: Baseline | None, limits: Thresholds) -> list[Check]:
    names = ("labels_to_zero", "labels_from_zero", "stock_lost", "one_sided_change")
    if baseline is None:
        return [_nothing_to_compare(name) for name in names]
    known = snapshot.table.height
    count = flips(snapshot.table, baseline.table)
    since = f"since {baseline.day}"
    to_zero, from_zero, had_stock = count["to_zero"], count["from_zero"], count["had_stock"]
    return [
        _at_most(
            names[0],
            to_zero / known,
            limits.max_share_to_zero,
            f"{to_zero:,} of {known:,} known labels went to zero {since}",
        ),
        _at_most(
            names[1],
            from_zero / known,
            limits.max_share_from_zero,
            f"{from_zero:,} of {known:,} known labels came back from zero {since}",
        ),
        _at_most(
            names[2],
            to_zero / had_stock if had_stock else 0.0,
            limits.max_stock_lost,
            f"{to_zero:,} of the {had_stock:,} labels that were in stock on {baseline.day} have none now",
        ),
        _one_sided(names[3], count, limits, since),
    ]


def _one_sided(name: str, count: dict[str, int], limits: Thresholds, since: str) -> Check:
    """Real stock rises here and falls there; another column of numbers moves nearly all one way."""
    kept, rose, fell = count["kept_stock"], count["rose"], count["fell"]
    if kept < FEWEST_LABELS:
        return _nothing_to_compare(name, f"fewer than {FEWEST_LABELS} labels were in stock both times")
    return _at_most(
        name,
        abs(rose - fell) / kept,
        limits.max_one_sided_change,
        f"of {kept:,} labels in stock both times {rose:,} have more and {fell:,} less {since}, "
        "if nearly all move one way it may be another column",
    )


def _against_last_codes(
    feed: Feed, snapshot: Snapshot, baseline: Baseline | None, limits: Thresholds
) -> list[Check]:
    names = ("row_count_change", "codes_kept", "match_rate_fall")
    if baseline is None or baseline.codes is None:
        return [_nothing_to_compare(name) for name in names]
    last = baseline.codes
    rows, last_rows = feed.rows.height, int(last["times"].sum())
    kept = last.join(snapshot.codes, on="key", how="semi").height
    share_kept, least = kept / last.height, limits.min_codes_kept
    rate, last_rate = snapshot.matched / snapshot.codes.height, int(last["matched"].sum()) / last.height
    return [
        _at_most(
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
            f"({share_kept:.1%}; at least {least:.0%} must be)",
        ),
        _at_most(
            names[2],
            max(0.0, 1 - rate / last_rate) if last_rate else 0.0,
            limits.max_match_rate_fall,
            f"{rate:.1%} of the codes have a label, after {last_rate:.1%} on {baseline.day}",
        ),
    ]


def _fractions(feed: Feed, supplier: Supplier) -> Check:
    if not isinstance(supplier.rule, QuantityRule):
        return _nothing_to_compare("fraction_share", "no rule of this supplier reads numbers")
    fractions = feed.rows.filter(pl.col("quantity").is_not_null() & pl.col("raw").str.contains(FRACTION))
    text = f"{fractions.height:,} of {feed.rows.height:,} rows have a fraction as their stock"
    if fractions.height:
        first = fractions.row(0, named=True)
        text += f" (the first, on row {first['row']}, reads {first['raw']!r}), as prices have"
    return _at_most(
        "fraction_share", fractions.height / feed.rows.height, supplier.thresholds.max_fraction_share, text
    )


def _other_supplier(snapshot: Snapshot, others: Others, limits: Thresholds) -> Check:
    name = "other_supplier_match"
    code, matched = next(iter(others.matched.items()), (None, 0))
    if not code:
        return _nothing_to_compare(name, "no other supplier knows any of its codes")
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
    """Whoever knows its codes best owns a file that lies there under two names; nobody does in a tie."""
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


def _at_most(name: str, value: float, limit: float, text: str) -> Check:
    return Check(
        name=name,
        value=value,
        limit=limit,
        passed=value <= limit,
        text=f"{text} ({value:.1%}; at most {limit:.0%} is believed)",
    )


def _nothing_to_compare(name: str, why: str = "no accepted feed of an earlier day to compare with") -> Check:
    return Check(name=name, passed=True, text=why)
