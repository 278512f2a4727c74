"""What goes wrong with a supplier's list, each kind as a function of the right rows.

A kind takes the rows of a day and returns those sent instead, or None where it does not apply to the
supplier. Rows are frames of `code` and `stock` (String each, as the cells read), in the list's order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import polars as pl

from stock_pipeline.feeds.rules import NUMBER
from stock_pipeline.suppliers import FlagRule, OutListRule, QuantityRule, Supplier


@dataclass(frozen=True)
class Context:
    """What a kind may draw on.

    Attributes:
        supplier: whose list it is.
        random: the same for the same case.
        other: the rows of another supplier's list of that day.
        earlier: the supplier's rows of the day in force.
    """

    supplier: Supplier
    random: Random
    other: pl.DataFrame
    earlier: pl.DataFrame


Kind = Callable[[pl.DataFrame, Context], pl.DataFrame | None]
KINDS: dict[str, Kind] = {}
INVISIBLE = "\u00ad"


def kind(function: Kind) -> Kind:
    """Add a function to the catalogue, under its name."""
    KINDS[function.__name__] = function
    return function


def add(name: str, function: Kind) -> None:
    """Add one of a family to the catalogue."""
    KINDS[name] = function


def counts(context: Context) -> bool:
    return isinstance(context.supplier.rule, QuantityRule)


def out_of_stock(context: Context) -> str | None:
    """What the supplier writes for nothing in stock; None if its list has no such word."""
    match context.supplier.rule:
        case QuantityRule():
            return "0"
        case FlagRule(out_tokens=tokens):
            return tokens[0]
    return None


def in_stock(context: Context) -> str | None:
    match context.supplier.rule:
        case QuantityRule():
            return "10"
        case FlagRule(in_tokens=tokens):
            return tokens[0]
    return None


def some(rows: pl.DataFrame, share: float, context: Context, among: pl.Series | None = None) -> pl.Series:
    """Choose a share of the rows, or of those among which it is chosen, at random."""
    places = list(range(rows.height)) if among is None else among.arg_true().to_list()
    chosen = set(context.random.sample(places, round(share * len(places))))
    return pl.Series([place in chosen for place in range(rows.height)], dtype=pl.Boolean)


def with_stock(rows: pl.DataFrame, where: pl.Series, stock: pl.Series | str) -> pl.DataFrame:
    new = pl.lit(stock) if isinstance(stock, str) else stock
    return rows.with_columns(stock=pl.when(where).then(new).otherwise("stock"))


def holds_stock(rows: pl.DataFrame, context: Context) -> pl.Series:
    """Which rows are in stock."""
    match context.supplier.rule:
        case QuantityRule():
            return (
                rows["stock"].str.extract(NUMBER).str.replace_all(",", "").cast(pl.Float64, strict=False) >= 1
            ).fill_null(value=False)
        case FlagRule(in_tokens=tokens):
            return (
                rows["stock"]
                .str.strip_chars()
                .str.to_lowercase()
                .is_in([token.lower() for token in tokens])
                .fill_null(value=False)
            )
    return pl.Series([True] * rows.height)


def shuffled(values: pl.Series, context: Context) -> pl.Series:
    order = list(range(values.len()))
    context.random.shuffle(order)
    return values.gather(order)


# The stock column is no longer beside its codes.


def _reordered(change: Callable[[pl.Series, Context], pl.Series]) -> Kind:
    def apply(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
        if out_of_stock(context) is None:
            return None
        return rows.with_columns(stock=change(rows["stock"], context))

    return apply


def _moved(by: int) -> Callable[[pl.Series, Context], pl.Series]:
    return lambda stock, _: pl.concat([stock[-by:], stock[:-by]])


def _part(
    first: float, last: float, change: Callable[[pl.Series, Context], pl.Series]
) -> Callable[[pl.Series, Context], pl.Series]:
    def apply(stock: pl.Series, context: Context) -> pl.Series:
        start, end = round(first * stock.len()), round(last * stock.len())
        return pl.concat([stock[:start], change(stock[start:end], context), stock[end:]])

    return apply


def _in_blocks(size: int) -> Callable[[pl.Series, Context], pl.Series]:
    def apply(stock: pl.Series, context: Context) -> pl.Series:
        return pl.concat([shuffled(stock[at : at + size], context) for at in range(0, stock.len(), size)])

    return apply


def _as_numbers(stock: pl.Series) -> pl.Series:
    return stock.str.extract(NUMBER).str.replace_all(",", "").cast(pl.Float64, strict=False)


def _sorted(*, descending: bool) -> Callable[[pl.Series, Context], pl.Series]:
    def apply(stock: pl.Series, context: Context) -> pl.Series:
        frame = stock.alias("stock").to_frame().with_columns(number=_as_numbers(stock))
        return frame.sort("number", "stock", descending=descending, nulls_last=True)["stock"]

    return apply


add("stock_shuffled", _reordered(shuffled))
add("stock_sorted_up", _reordered(_sorted(descending=False)))
add("stock_sorted_down", _reordered(_sorted(descending=True)))
add("stock_upside_down", _reordered(lambda stock, _: stock.reverse()))
for _by in (1, 2, 10, 100, -1):
    add(f"stock_moved_by_{_by}_rows", _reordered(_moved(_by)))
add(
    "stock_halves_swapped",
    _reordered(lambda stock, _: pl.concat([stock[stock.len() // 2 :], stock[: stock.len() // 2]])),
)
for _first, _last in ((0.0, 0.5), (0.5, 1.0), (0.6, 1.0), (0.7, 1.0), (0.8, 1.0)):
    _name = f"{round(100 * (_last - _first))}_percent"
    add(f"stock_moved_by_1_row_in_{_name}_from_{_first}", _reordered(_part(_first, _last, _moved(1))))
    add(f"stock_shuffled_in_{_name}_from_{_first}", _reordered(_part(_first, _last, shuffled)))
for _size in (2, 10, 1000):
    add(f"stock_shuffled_in_blocks_of_{_size}", _reordered(_in_blocks(_size)))


@kind
def stock_of_a_sister_branch(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
    """Each code has some stock, as likely as before, but of another warehouse."""
    if out_of_stock(context) is None:
        return None
    pool = rows["stock"].to_list()
    return rows.with_columns(stock=pl.Series([context.random.choice(pool) for _ in pool], dtype=pl.String))


# Stock that went or came.


def _zeroed(share: float) -> Kind:
    def apply(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
        word = out_of_stock(context)
        if word is None:
            return None
        return with_stock(rows, some(rows, share, context, holds_stock(rows, context)), word)

    return apply


def _restocked(share: float) -> Kind:
    def apply(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
        word, held = in_stock(context), holds_stock(rows, context)
        if word is None or held.all():
            return None
        return with_stock(rows, some(rows, share, context, ~held), word)

    return apply


for _share in (10, 15, 24, 30, 50, 80):
    add(f"{_share}_percent_of_stock_zeroed", _zeroed(_share / 100))
    add(f"{_share}_percent_of_what_was_out_restocked", _restocked(_share / 100))


def _both(share: float) -> Kind:
    def apply(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
        zeroed = _zeroed(share)(rows, context)
        if zeroed is None:
            return None
        word, held = in_stock(context), holds_stock(rows, context)
        return with_stock(zeroed, some(rows, share, context, ~held), str(word))

    return apply


for _share in (12, 24):
    add(f"{_share}_percent_zeroed_and_{_share}_percent_restocked", _both(_share / 100))


def _lookup_failed(share: float, text: str | None) -> Kind:
    def apply(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
        word = out_of_stock(context)
        if word is None:
            return None
        return with_stock(rows, some(rows, share, context), word if text is None else text)

    return apply


add("lookup_failed_as_zero_on_20_percent", _lookup_failed(0.2, None))
add("lookup_failed_as_error_on_20_percent", _lookup_failed(0.2, "#N/A"))
add("blank_on_20_percent", _lookup_failed(0.2, ""))


def _zeroed_range(first: float, last: float) -> Kind:
    def apply(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
        word = out_of_stock(context)
        if word is None:
            return None
        start, end = round(first * rows.height), round(last * rows.height)
        return with_stock(rows, pl.Series([start <= at < end for at in range(rows.height)]), word)

    return apply


add("first_20_percent_of_rows_zeroed", _zeroed_range(0, 0.2))
add("last_20_percent_of_rows_zeroed", _zeroed_range(0.8, 1))
add("all_out_of_stock", _zeroed_range(0, 1))


@kind
def all_in_stock(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
    word = in_stock(context)
    return None if word is None else rows.with_columns(stock=pl.lit(word))


def _inverted(share: float) -> Kind:
    def apply(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
        if not isinstance(context.supplier.rule, FlagRule):
            return None
        held = holds_stock(rows, context)
        other = pl.select(
            pl.when(held).then(pl.lit(out_of_stock(context))).otherwise(pl.lit(in_stock(context)))
        ).to_series()
        return with_stock(rows, some(rows, share, context), other)

    return apply


for _share in (10, 20, 50, 100):
    add(f"{_share}_percent_of_flags_inverted", _inverted(_share / 100))


# Rows that are not there, or are there twice.


def _first_rows(share: int) -> Kind:
    return lambda rows, _: rows.head(rows.height * share // 100)


def _last_rows(share: int) -> Kind:
    return lambda rows, _: rows.tail(rows.height * share // 100)


for _share in (50, 80, 90):
    add(f"first_{_share}_percent_of_rows", _first_rows(_share))
    add(f"last_{_share}_percent_of_rows", _last_rows(_share))
add("every_second_row", lambda rows, _: rows.gather_every(2))
add("every_fifth_row_missing", lambda rows, _: rows.filter(pl.int_range(pl.len()) % 5 != 0))
add(
    "only_rows_in_stock",
    lambda rows, context: rows.filter(holds_stock(rows, context)) if out_of_stock(context) else None,
)
add(
    "only_rows_out_of_stock",
    lambda rows, context: (
        rows.filter(~holds_stock(rows, context))
        if out_of_stock(context) and not holds_stock(rows, context).all()
        else None
    ),
)


def _twice(share: float) -> Kind:
    """Some codes are listed a second time below, with the stock of others."""

    def apply(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
        if out_of_stock(context) is None:
            return None
        again = rows.filter(some(rows, share, context))
        return pl.concat([rows, again.with_columns(stock=shuffled(again["stock"], context))])

    return apply


for _share in (5, 20, 100):
    add(f"{_share}_percent_of_codes_twice_with_different_stock", _twice(_share / 100))


# Another column of numbers where the stock was.


def _numbers(change: Callable[[pl.Series, Context], pl.Series]) -> Kind:
    def apply(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
        if not counts(context):
            return None
        number = _as_numbers(rows["stock"])
        changed = change(number, context)
        text = pl.select(
            pl.when(changed == changed.floor())
            .then(changed.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(changed.cast(pl.String))
        ).to_series()
        return rows.with_columns(
            stock=pl.select(pl.when(number.is_null()).then(rows["stock"]).otherwise(text)).to_series()
        )

    return apply


def _invented(draw: Callable[[Random], float]) -> Callable[[pl.Series, Context], pl.Series]:
    return lambda stock, context: pl.Series(
        [draw(context.random) for _ in range(stock.len())], dtype=pl.Float64
    )


add("prices_as_stock", _numbers(_invented(lambda random: round(random.uniform(2, 300), 2))))
add("whole_prices_as_stock", _numbers(_invented(lambda random: float(random.randint(2, 300)))))
add("pack_sizes_as_stock", _numbers(_invented(lambda random: float(random.choice([1, 1, 1, 1, 2, 4, 10])))))
add("barcodes_as_stock", _numbers(_invented(lambda random: float(random.randint(10**11, 10**12)))))
add("on_order_as_stock", _numbers(_invented(lambda random: float(random.choice([0, 0, 0, 5, 10, 20, 50])))))
add("row_numbers_as_stock", _numbers(lambda stock, _: pl.Series(range(2, stock.len() + 2), dtype=pl.Float64)))
add("a_year_as_stock", _numbers(lambda stock, _: stock * 0 + 2024))
add("all_ones", _numbers(lambda stock, _: stock * 0 + 1))
add("all_fives", _numbers(lambda stock, _: stock * 0 + 5))
add("in_stock_as_one", _numbers(lambda stock, _: (stock > 0).cast(pl.Float64)))
for _factor in (2, 10, 12, 100):
    add(f"stock_times_{_factor}", _numbers(lambda stock, _, factor=_factor: stock * factor))  # type: ignore[misc]
for _factor in (2, 3, 10):
    add(f"stock_divided_by_{_factor}", _numbers(lambda stock, _, factor=_factor: (stock / factor).floor()))  # type: ignore[misc]
for _more in (1, 5, -1, -5):
    add(f"stock_plus_{_more}", _numbers(lambda stock, _, more=_more: (stock + more).clip(lower_bound=0)))  # type: ignore[misc]
add("stock_negative", _numbers(lambda stock, _: -stock))
add("last_digit_lost", _numbers(lambda stock, _: (stock / 10).floor()))
add("only_the_last_digit", _numbers(lambda stock, _: stock.abs() % 10))
add("thousandfold", _numbers(lambda stock, _: stock * 1000))
add("ten_less_what_is_there", _numbers(lambda stock, _: (10 - stock).clip(lower_bound=0)))


# Codes that a program changed, or of someone else.


def _codes(change: Callable[[pl.Expr], pl.Expr]) -> Kind:
    def apply(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
        new = rows.with_columns(code=change(pl.col("code")))
        return None if new["code"].equals(rows["code"]) else new

    return apply


def _excel(code: pl.Expr) -> pl.Expr:
    """What is left of a code after its CSV was opened in Excel and saved as a workbook."""
    bare = code.str.strip_chars()
    power = bare.str.contains(r"^(?i)[0-9]+e[0-9]{1,3}$")
    digits = bare.str.contains(r"^[0-9]{1,11}$")
    long = bare.str.contains(r"^[0-9]{12,}$")
    day = bare.str.contains(r"^(?:0?[1-9]|1[0-2])[-/](?:0?[1-9]|1[0-9]|2[0-9])$")
    return (
        pl.when(power)
        .then(bare.str.replace(r"^0*([0-9])([0-9]*)(?i:e)0*([0-9]*)$", "$1.$2E+1$3"))
        .when(digits)
        .then(bare.str.replace(r"^0+(.)", "$1"))
        .when(long)
        .then(
            bare.str.slice(0, 1)
            + "."
            + bare.str.slice(1, 5)
            + "E+"
            + (bare.str.len_chars() - 1).cast(pl.String)
        )
        .when(day)
        .then(pl.lit("2024-") + bare.str.replace("/", "-"))
        .otherwise(code)
    )


add("opened_in_excel_and_saved", _codes(_excel))
add("zeros_in_front_lost", _codes(lambda code: code.str.replace(r"^0+", "")))
add("hyphens_lost", _codes(lambda code: code.str.replace_all("-", "")))
add("letters_o_for_zeros", _codes(lambda code: code.str.replace_all("0", "O")))
add(
    "decimals_behind_numbers",
    _codes(lambda code: pl.when(code.str.contains("^[0-9]+$")).then(code + ".0").otherwise(code)),
)
add("codes_cut_to_6_letters", _codes(lambda code: code.str.slice(0, 6)))
add("prefix_before_codes", _codes(lambda code: pl.lit("ZZ-") + code))
add("last_letter_lost", _codes(lambda code: code.str.head(-1)))
add("two_tenths_of_codes_changed", lambda rows, context: with_codes(rows, 0.2, context, pl.col("code") + "X"))
add(
    "unseen_letter_in_two_tenths",
    lambda rows, context: with_codes(
        rows, 0.2, context, pl.col("code").str.slice(0, 2) + INVISIBLE + pl.col("code").str.slice(2)
    ),
)


def with_codes(rows: pl.DataFrame, share: float, context: Context, change: pl.Expr) -> pl.DataFrame:
    return rows.with_columns(code=pl.when(some(rows, share, context)).then(change).otherwise("code"))


@kind
def codes_moved_by_one_row_against_stock_in_a_fifth(
    rows: pl.DataFrame, context: Context
) -> pl.DataFrame | None:
    start = rows.height * 2 // 5
    end = rows.height * 3 // 5
    codes = rows["code"]
    return (
        rows.with_columns(code=pl.concat([codes[:start], _moved(1)(codes[start:end], context), codes[end:]]))
        if out_of_stock(context)
        else None
    )


@kind
def another_suppliers_list(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
    return context.other


@kind
def another_suppliers_list_below(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
    return pl.concat([rows, context.other])


@kind
def half_of_it_another_suppliers(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
    return pl.concat([rows.head(rows.height // 2), context.other.head(rows.height // 2)])


@kind
def stock_of_another_suppliers_list(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
    if not counts(context) or context.other["stock"].null_count() == context.other.height:
        return None
    other = context.other["stock"].to_list()
    return rows.with_columns(
        stock=pl.Series([other[at % len(other)] for at in range(rows.height)], dtype=pl.String)
    )


# Out lists.


def _out_list(change: Kind) -> Kind:
    def apply(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
        return change(rows, context) if isinstance(context.supplier.rule, OutListRule) else None

    return apply


@_out_list
def _two_in_a_cell(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
    first, second = rows["code"].gather_every(2), rows["code"].gather_every(2, 1)
    joined = [f"{one}\n{other}" for one, other in zip(first, second, strict=False)]
    return pl.DataFrame({"code": joined, "stock": [None] * len(joined)}, schema=rows.schema)


add("two_labels_in_each_cell", _two_in_a_cell)


def _last_tenth_joined(rows: pl.DataFrame, context: Context) -> pl.DataFrame | None:
    tenth = _two_in_a_cell(rows.tail(rows.height // 10), context)
    return None if tenth is None else pl.concat([rows.head(rows.height - rows.height // 10), tenth])


add("a_tenth_of_out_lines_two_in_a_cell", _out_list(_last_tenth_joined))
