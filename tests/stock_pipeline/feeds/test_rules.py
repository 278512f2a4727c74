"""What a stock cell means, and how codes and labels are compared."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stock_pipeline.codes import clean_code, label, match_key
from stock_pipeline.feeds.rules import BLANK, judge_stock
from stock_pipeline.suppliers import FlagRule, Supplier, load_suppliers
from stock_pipeline.text import fold
from tests.support import oracle

SUPPLIERS = load_suppliers()
BGA, KLA, APE, ROL = map(SUPPLIERS.supplier, ("BGA", "KLA", "APE", "ROL"))

Judged = tuple[int | None, str | None]


def judge(supplier: Supplier, text: str | None) -> Judged:
    """The quantity and the reason a supplier's rule gives for a cell."""
    quantity, reason = judge_stock(supplier, pl.col("raw"))
    frame = pl.DataFrame({"raw": [text]}, schema={"raw": pl.String})
    return frame.select(quantity.alias("quantity"), reason.alias("reason")).row(0)


def apply(expression: pl.Expr, text: str | None) -> str | None:
    """What an expression over the column `text` makes of one value."""
    return pl.DataFrame({"text": [text]}, schema={"text": pl.String}).select(expression).item()


@pytest.mark.parametrize(
    ("text", "capped", "uncapped"),
    [
        ("0", 0, 0),
        ("5", 5, 5),
        (" 7 ", 7, 7),
        ("\u00a07\u2003", 7, 7),
        ("007", 7, 7),
        ("10", 10, 10),
        ("11", 10, 11),
        ("10+", 10, 10),
        ("10 +", 10, 10),
        (">10", 10, 10),
        ("> 10", 10, 10),
        (">10+", 10, 10),
        ("+3", 3, 3),
        ("-500", 0, 0),
        ("-0.5", 0, 0),
        ("0.5", 0, 0),
        ("9.99", 9, 9),
        ("3.", 3, 3),
        (".5", 0, 0),
        ("1,000", 10, 1000),
        ("12,345,678", 10, 12_345_678),
        ("1,000.75", 10, 1000),
        ("1e3", 10, 1000),
        ("1.5E3", 10, 1500),
        ("1e-3", 0, 0),
        ("1e0001", 10, 10),
        ("2147483647", 10, 2_147_483_647),
    ],
)
def test_text_that_is_a_number(text, capped, uncapped):
    assert judge(BGA, text) == (capped, None)
    assert judge(KLA, text) == (uncapped, None)


@pytest.mark.parametrize("text", ["2147483648", "5,000,000,000", "1e300", "9" * 300])
def test_what_is_too_large_for_the_table_is_the_cap_or_rejected(text):
    assert judge(BGA, text) == (10, None)
    assert judge(KLA, text) == (None, "a number too large to be a quantity")


@pytest.mark.parametrize("text", ["1e400", "-1e400", "9" * 400])
def test_what_is_too_large_for_any_stock_figure_is_rejected(text):
    assert judge(BGA, text)[0] is None
    assert judge(KLA, text)[0] is None


@pytest.mark.parametrize(
    "text",
    [
        "#N/A", "N/A", "nan", "NaN", "inf", "-inf", "Infinity", "10,5", "1,0000", ",5", "1,00", "10,000,00",
        "1.000,50", "1 000", "\u0663", "\u0661\u0660", "\u00b2", "5 pcs", "pcs 5", "5-10", "5 or 6", "0x10",
        "1_000", "1e", "e3", "--5", "++5", "<10", "10>", "=5", "5++", "+", "-", ">", "YES", "2024-08-01",
        "5%",
        "\u00a35", "5\u200b5",
    ],
)  # fmt: skip
def test_text_that_is_no_number(text):
    assert judge(BGA, text) == (None, "not a number")


@pytest.mark.parametrize("supplier", [BGA, KLA, APE, ROL], ids=lambda supplier: supplier.code)
@pytest.mark.parametrize("text", [None, "", "  ", "\u00a0", "\ufeff", "\t\n"])
def test_a_blank_is_rejected(supplier, text):
    assert judge(supplier, text) == (None, BLANK)


@pytest.mark.parametrize(
    ("supplier", "text", "quantity"),
    [
        (APE, "YES", 10),
        (APE, "yes", 10),
        (APE, " Yes\u00a0", 10),
        (APE, "NO", 0),
        (APE, "no ", 0),
        (APE, "Y", None),
        (APE, "YES!", None),
        (APE, "YESNO", None),
        (APE, "NO STOCK", None),
        (APE, "1", None),
        (APE, "0", None),
        (APE, "true", None),
        (ROL, "In Stock", 10),
        (ROL, "IN STOCK", 10),
        (ROL, "in  stock", 10),
        (ROL, "In\u00a0Stock", 10),
        (ROL, "Out Of Stock", 0),
        (ROL, "low stock", 0),
        (ROL, "Not In Stock", None),
        (ROL, "In Stock Soon", None),
        (ROL, "InStock", None),
        (ROL, "Stock", None),
    ],
)
def test_a_flag_is_one_of_its_words_and_nothing_else(supplier, text, quantity):
    reason = f"none of the words {'YES, NO' if supplier is APE else 'In Stock, Out of Stock, Low Stock'}"
    assert judge(supplier, text) == (quantity, None if quantity is not None else reason)


@pytest.mark.parametrize(("code", "quantity"), [("SMP", 10), ("RTG", 0)])
@pytest.mark.parametrize("text", [None, "anything"])
def test_in_a_list_without_stock_cells_every_row_counts(code, quantity, text):
    assert judge(SUPPLIERS.supplier(code), text) == (quantity, None)


@pytest.mark.parametrize(
    ("text", "code", "key"),
    [
        ("AB-1", "AB-1", "AB-1"),
        (' "CN362J"', "CN362J", "CN362J"),
        ("'K-17' ", "K-17", "K-17"),
        ("\u201cK-17\u201d", "K-17", "K-17"),
        ("\u00a0AB 22-1001 \ufeff", "AB 22-1001", "AB 22-1001"),
        ("\u200eK-17\u202c", "K-17", "K-17"),
        ("AB  22", "AB  22", "AB  22"),
        ("low9", "low9", "LOW9"),
        ("007", "007", "007"),
        ("04-0016", "04-0016", "04-0016"),
        ("1000.0", "1000.0", "1000.0"),
        ("0986479E00", "0986479E00", "0986479E00"),
        ("UNIT \u00a315", "UNIT \u00a315", "UNIT \u00a315"),
        ("\u00e4\u00f6-1", "\u00e4\u00f6-1", "\u00c4\u00d6-1"),
        ('5"', "5", "5"),
        ('""', None, None),
        ("  ", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_a_code_is_text_without_spaces_and_quotes_around_it(text, code, key):
    assert apply(clean_code(pl.col("text")), text) == code
    assert apply(match_key(pl.col("text")), text) == key


@pytest.mark.parametrize(
    ("text", "expected"), [(" a71x2 ", "A71X2"), ("'A'", "'A'"), ("A287+A288", "A287+A288"), (" ", None)]
)
def test_a_label_is_trimmed_and_upper_cased(text, expected):
    assert apply(label(pl.col("text")), text) == expected


ODD_TEXT = st.text(
    st.sampled_from("0123456789,.+->eE#N/A\u00a3%\u00a0\u2003\u0663 \t\n\ufeffxyes\u2212"), max_size=9
) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
NUMERALS = st.sampled_from(
    ["{}", " {} ", "{}+", ">{}", "> {} +", "\u00a0{}", "{}.0", "{}.99", "{:,}", "{:e}", "{:+}", "0{}"]
)


@given(ODD_TEXT, st.sampled_from([BGA, KLA]))
@example("1e0005", KLA)
@example("1e-4000", KLA)
@example(".5e3", KLA)
@example("5+\u2003", BGA)
def test_a_quantity_is_in_bounds_or_has_a_reason_and_agrees_with_plain_python(text, supplier):
    cap = supplier.rule.model_dump()["cap"]
    quantity, reason = judge(supplier, text)
    assert (quantity is None) != (reason is None)
    assert quantity is None or 0 <= quantity <= (cap or 2**31 - 1)
    assert oracle.quantity_of(text, cap) == (oracle.REJECTED if quantity is None else quantity)


@given(st.integers(-(10**6), 10**6), NUMERALS)
def test_an_integer_is_read_however_it_is_written(number, form):
    if form.startswith((">", "0")) and number < 0:
        number = -number
    expected = max(number, 0) if form != "{}.99" or number >= 0 else 0
    assert judge(BGA, form.format(number)) == (min(expected, 10), None)
    assert judge(KLA, form.format(number)) == (expected, None)


@given(
    st.text(max_size=4), st.sampled_from(["YES", "NO", "yes", "In Stock", "Low Stock"]), st.text(max_size=4)
)
def test_a_flag_never_matches_by_containing(before, word, after):
    text = before + word + after
    for supplier in (APE, ROL):
        assert isinstance(supplier.rule, FlagRule)
        tokens = {fold(token) for token in supplier.rule.in_tokens + supplier.rule.out_tokens}
        assert judge(supplier, text)[0] is None or fold(text) in tokens


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.text("ab\u00e4 \"'\u00a0\u201d\t", max_size=8)
)
def test_cleaning_a_code_again_changes_nothing(text):
    for expression in (clean_code, match_key, label):
        once = apply(expression(pl.col("text")), text)
        assert once != ""
        assert apply(expression(pl.col("text")), once) == once
