"""What a stock cell means: the four rules as polars expressions over whole columns of text.

An expression never guesses. A cell that does not say how much there is gives no quantity but a reason.
"""

from __future__ import annotations

import polars as pl

from stock_pipeline.spreadsheets.number_formats import meaning
from stock_pipeline.suppliers import FlagRule, ListedRule, OutListRule, QuantityRule, Supplier
from stock_pipeline.text import SPACES, fold

LARGEST_QUANTITY = 2**31 - 1
"""The `quantity` column of the tables is a Glue int."""

BLANK = "blank, or an error value such as #N/A"

# `10+` and `>10` are how suppliers say "at least"; a comma counts only where it groups thousands.
# `0,000` is no thousands: some programs write three decimals so.
DIGITS = r"(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+|[0-9]+)"
NUMBER = rf"^>?\s*([-+]?(?:{DIGITS}(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+))\s*\+?$"


def judge_stock(supplier: Supplier, raw: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """What the supplier's rule makes of its stock cells.

    Args:
        supplier: whose rule it is.
        raw: the stock cells as text (String), null where there is nothing in a cell.

    Returns:
        Two expressions: the quantity (Int32, null where the row is rejected) and the reason for rejecting the
        row (String, null where there is a quantity).
    """
    odd = meaning(raw)
    text = raw.str.strip_chars(SPACES).replace("", None)
    match supplier.rule:
        case QuantityRule(cap=cap):
            quantity, reason = _judge_number(text, cap)
        case FlagRule() as rule:
            quantity, reason = _judge_flag(text, rule)
        case ListedRule(in_quantity=quantity):
            return pl.lit(quantity, pl.Int32), pl.lit(None, pl.String)
        case OutListRule():
            return pl.lit(0, pl.Int32), pl.lit(None, pl.String)
    shown = pl.when(odd.is_not_null()).then("shown as " + odd).otherwise(reason)
    return pl.when(odd.is_null()).then(quantity), shown


def number_as_sent(supplier: Supplier, raw: pl.Expr) -> pl.Expr:
    """Read the number in a stock cell, uncapped (Float64); null if it has none or the rule reads none."""
    if not isinstance(supplier.rule, QuantityRule):
        return pl.lit(None, pl.Float64)
    return _number(raw.str.strip_chars(SPACES))


def _number(text: pl.Expr) -> pl.Expr:
    return text.str.extract(NUMBER).str.replace_all(",", "").cast(pl.Float64, strict=False)


def _judge_number(text: pl.Expr, cap: int | None) -> tuple[pl.Expr, pl.Expr]:
    number = _number(text)
    whole = number.floor().clip(lower_bound=0)
    capped = whole if cap is None else whole.clip(upper_bound=cap)
    fits = number.is_finite() & (capped <= LARGEST_QUANTITY)
    quantity = pl.when(fits).then(capped).cast(pl.Int32, strict=False)
    reason = (
        pl.when(text.is_null())
        .then(pl.lit(BLANK))
        .when(number.is_null())
        .then(pl.lit("not a number"))
        .when(~fits)
        .then(pl.lit("a number too large to be a quantity"))
    )
    return quantity, reason


def _judge_flag(text: pl.Expr, rule: FlagRule) -> tuple[pl.Expr, pl.Expr]:
    word = text.str.to_lowercase().str.replace_all(r"\s+", " ")
    meaning = {fold(token): rule.in_quantity for token in rule.in_tokens}
    meaning |= {fold(token): 0 for token in rule.out_tokens}
    quantity = word.replace_strict(list(meaning), list(meaning.values()), default=None, return_dtype=pl.Int32)
    words = ", ".join((*rule.in_tokens, *rule.out_tokens))
    reason = (
        pl.when(text.is_null())
        .then(pl.lit(BLANK))
        .when(quantity.is_null())
        .then(pl.lit(f"none of the words {words}"))
    )
    return quantity, reason
