"""Compare a supplier's list with accepted lists: does the same code still have about the same stock?

All figures are of codes that both lists have, so that a wider range or a new mapping changes none of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from math import isnan

import polars as pl

from stock_pipeline.feeds.snapshot import Snapshot

DRIFT_DAYS = 9
"""How far back the list is that shows small changes adding up. Honest lists were measured up to here."""

COPIED_SHARE = 0.8
FEWEST_COPIED = 20
"""A list that repeats this share of what has changed since an older one, of at least so many, is that one."""

FEWEST_CODES = 100
"""Of fewer codes, chance alone moves most one way, or changes their order."""
PARTS = 10
"""A list is also compared in so many parts of consecutive rows, because damage often begins at some row."""


class Role(StrEnum):
    """Which accepted list a feed is compared with; the value ends the names of its checks."""

    LAST = ""
    DRIFT = "_nine_days"
    SAME_DAY = "_same_day"
    BEFORE = "_list_before"


@dataclass(frozen=True, slots=True)
class Baseline:
    """A list of the supplier that was accepted.

    Attributes:
        day: its date.
        table: its snapshot: `custom_label` (String), `quantity` (Int32).
        codes: its distinct codes: `key` (String), `times` (u32, how often it was listed), `matched` (bool),
            `number` (Float64, the stock as sent; null where it is no number), `in_stock` (bool; null if the
            row was rejected), `row` (u32, its sheet row). None if there is no record of them; early records
            have only the first three columns.
        released: whether a person released it.
    """

    day: date
    table: pl.DataFrame
    codes: pl.DataFrame | None
    released: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """The accepted lists a feed is compared with besides the last one of an earlier day.

    Attributes:
        drift: the oldest of the last nine days, and since the last release; None if that is the last one.
        same_day: the list that was accepted for this very day; None if there is none.
        before: the one before the last; None if there is none.
        contents: the content (as `content_of`) of each accepted list by its day, as far as it is known.
    """

    drift: Baseline | None = None
    same_day: Baseline | None = None
    before: Baseline | None = None
    contents: dict[date, str] | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a supplier before its feed is read.

    Attributes:
        parts: `custom_label`, `part_number`, `key` (String each), a row for each part of each label.
        baseline: the supplier's last accepted feed of an earlier day; None if there is none.
        past: other accepted lists.
    """

    parts: pl.DataFrame
    baseline: Baseline | None = None
    past: Past = Past()

    @property
    def last(self) -> pl.DataFrame | None:
        """`custom_label`, `quantity` of the last snapshot."""
        return self.baseline.table if self.baseline else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a list differs from an accepted one, in codes that both have.

    Attributes:
        codes: codes with usable stock in both.
        to_zero: those in stock then and not now.
        from_zero: those in stock now and not then.
        at_zero: those out of stock then.
        numbers: codes with a number above 0 in both.
        rose: of these, those with a larger number now.
        fell: those with a smaller one.
        jumped: those with more than twice or less than half of what they had.
        stepped: those that changed by the most frequent difference.
        step: that difference; None if nothing changed.
        agreement: rank correlation (Spearman) of these numbers, -1 to 1; None if all of them are equal.
        level: the median of number now by number then; None if there are no numbers.
        same_stock: how far being in stock agrees beyond chance (Cohen's kappa, -1 to 1); None if either list
            has fewer than a hundred codes in stock or out of it.
        worst: the same in the part of the list where each is worst.
    """

    codes: int
    to_zero: int
    from_zero: int
    at_zero: int
    numbers: int
    rose: int
    fell: int
    jumped: int
    stepped: int
    step: float | None
    agreement: float | None
    level: float | None
    same_stock: float | None
    worst: Worst


@dataclass(frozen=True, slots=True)
class Worst:
    """The worst figures of any tenth of a list. Each is None if no part has enough codes.

    Attributes:
        flips: the largest share of codes that went to or came back from zero.
        jumps: the largest share of codes with more than twice or less than half of what they had.
        agreement: the lowest rank correlation.
    """

    flips: float | None
    jumps: float | None
    agreement: float | None


def record_of_codes(snapshot: Snapshot) -> pl.DataFrame:
    """Note the codes of a feed for later ones, as `Baseline.codes`."""
    known = snapshot.codes.join(snapshot.unmatched, on="key", how="anti").select("key", matched=True)
    return (
        snapshot.codes.join(known, on="key", how="left")
        .select(
            "key",
            "times",
            pl.col("matched").fill_null(value=False),
            "number",
            in_stock=pl.col("quantity") > 0,
            row="row",
        )
        .sort("key")
    )


def content_of(codes: pl.DataFrame) -> str:
    """Digest what a list says, whatever the order of its rows: equal for the same codes with the same stock.

    Args:
        codes: as `Baseline.codes`.
    """
    said = codes.select("key", "times", pl.col("number").cast(pl.Float64), "in_stock").sort("key")
    digest = hashlib.sha256(said.height.to_bytes(8, "big"))
    digest.update(said.write_csv(include_header=False).encode())
    return digest.hexdigest()


def compare(codes: pl.DataFrame, past: pl.DataFrame) -> Comparison:
    """Compare a list with an accepted one; both as `Baseline.codes`."""
    both = paired(codes, past).sort("row")
    now, then = pl.col("number"), pl.col("number_then")
    stock, had = pl.col("in_stock"), pl.col("in_stock_then")
    flip, jump = stock != had, (now > 2 * then) | (2 * now < then)
    usable = both.filter(stock.is_not_null() & had.is_not_null())
    numbers = both.filter((now > 0) & (then > 0))
    counted = usable.select(
        pl.len().alias("codes"),
        (had & ~stock).sum().alias("to_zero"),
        (~had & stock).sum().alias("from_zero"),
        (~had).sum().alias("at_zero"),
    )
    moved = numbers.select(
        pl.len().alias("numbers"),
        (now > then).sum().alias("rose"),
        (now < then).sum().alias("fell"),
        jump.sum().alias("jumped"),
    )
    steps = numbers.filter(now != then).select(step=now - then)["step"].value_counts(sort=True)
    return Comparison(
        **counted.row(0, named=True),
        **moved.row(0, named=True),
        stepped=steps["count"][0] if steps.height else 0,
        step=steps["step"][0] if steps.height else None,
        agreement=_number(numbers.select(_agreement())),
        level=_number(numbers.select((now / then).median())),
        same_stock=_kappa(usable),
        worst=Worst(
            flips=_number(_by_part(usable, flip.mean()).max()),
            jumps=_number(_by_part(numbers, jump.mean()).max()),
            agreement=_number(_by_part(numbers, _agreement()).fill_nan(None).min()),
        ),
    )


def _kappa(rows: pl.DataFrame) -> float | None:
    counts = rows.select(
        pl.len().alias("codes"),
        (pl.col("in_stock") == pl.col("in_stock_then")).sum().alias("same"),
        pl.col("in_stock").sum().alias("now"),
        pl.col("in_stock_then").sum().alias("then"),
    ).row(0, named=True)
    codes, now, then = counts["codes"], counts["now"], counts["then"]
    if min(now, then, codes - now, codes - then) < FEWEST_CODES:
        return None
    chance = (now * then + (codes - now) * (codes - then)) / codes**2
    return float((counts["same"] / codes - chance) / (1 - chance))


def largest_gap(codes: pl.DataFrame, past: pl.DataFrame) -> int:
    """Count the most consecutive rows of an accepted list of which none is in this list; both as `codes`.

    What a supplier drops is scattered over its list; what is cut off was together.
    """
    if "row" not in past.columns:
        return 0
    here = codes.select("key", listed=True)
    rows = past.join(here, on="key", how="left").sort("row").select(gone=pl.col("listed").is_null())
    runs = rows.select("gone", run=pl.col("gone").rle_id()).filter("gone").group_by("run").len()
    return max(runs["len"].to_list(), default=0)


def paired(codes: pl.DataFrame, past: pl.DataFrame) -> pl.DataFrame:
    """Put the codes that two lists share side by side: `key`, `row`, `number`, `in_stock`; two `_then`."""
    return codes.select("key", "row", "number", "in_stock").join(
        with_stock(past).select("key", number_then="number", in_stock_then="in_stock"), on="key"
    )


def _agreement() -> pl.Expr:
    return pl.corr("number", "number_then", method="spearman")


def _by_part(rows: pl.DataFrame, figure: pl.Expr) -> pl.Series:
    """Work out a figure for each tenth of the rows, or for longer parts where a tenth has too few."""
    size = max(rows.height // PARTS, FEWEST_CODES)
    parts = rows.group_by(part=pl.int_range(pl.len()) // size).agg(pl.len(), figure=figure)
    return parts.filter(pl.col("len") >= FEWEST_CODES)["figure"]


def _number(found: pl.DataFrame | object) -> float | None:
    """Take a figure as a number; None if it is missing or is not one, as the correlation of equal numbers."""
    value = found.item() if isinstance(found, pl.DataFrame) else found
    return float(value) if isinstance(value, int | float) and not isnan(value) else None


def with_stock(codes: pl.DataFrame) -> pl.DataFrame:
    """Add the columns that early records of codes do not have, as nulls."""
    missing = {"number": pl.Float64, "in_stock": pl.Boolean, "row": pl.UInt32}
    return codes.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in missing.items() if name not in codes.columns
    )


def repeated_changes(codes: pl.DataFrame, older: pl.DataFrame, last: pl.DataFrame) -> tuple[int, int]:
    """Count what a list takes back of what changed between two accepted lists; all as `Baseline.codes`.

    Returns:
        How many codes changed from the older to the last list, and for how many of them this one says what
        the older one said.
    """
    changed = (
        paired(last, older)
        .filter(
            pl.col("number").ne_missing(pl.col("number_then"))
            | pl.col("in_stock").ne_missing(pl.col("in_stock_then"))
        )
        .select("key", "number_then", "in_stock_then")
        .join(codes.select("key", "number", "in_stock"), on="key")
    )
    back = changed.filter(
        pl.col("number").eq_missing(pl.col("number_then"))
        & pl.col("in_stock").eq_missing(pl.col("in_stock_then"))
    )
    return changed.height, back.height


def drift_day(days: Sequence[date], run_date: date, since: date | None) -> date | None:
    """Choose the accepted list that small changes are added up from.

    Args:
        days: of the accepted lists, in any order.
        run_date: the day of the feed.
        since: the day of the last release, from which on lists count; None if there was none.

    Returns:
        The oldest day within nine days, unless it is the last one, with which the feed is compared anyway.
    """
    earliest = run_date - timedelta(days=DRIFT_DAYS)
    near = [day for day in days if earliest <= day < run_date and (since is None or day >= since)]
    return min(near) if len(near) > 1 else None


def content_since(content: str, day: date, contents: dict[date, str]) -> date:
    """Find since when a supplier's lists say what this one says: the first day of an unbroken row of them.

    Args:
        content: of the list.
        day: its day.
        contents: of the accepted lists by day.
    """
    since = day
    for earlier in sorted((known for known in contents if known < day), reverse=True):
        if contents[earlier] != content:
            break
        since = earlier
    return since
