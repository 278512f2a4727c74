"""How each supplier's workbook looks: the table from which the sample feeds are made.

The layouts, their oddities and their proportions are those of real feeds; every part number, description and
name is invented. Part numbers use letters and number ranges no maker was seen to use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Cell = str | int | float | None
"""A cell's value as it is stored in the workbook."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Stock as a number.

    Attributes:
        zero_share: how often it is 0.
        usual: the mean of the others.
        most: their maximum.
        below_zero_share: how often it is a negative number, down to -500.
    """

    zero_share: float
    usual: int
    most: int
    below_zero_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Words:
    """Stock as one of some words, each with its weight."""

    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """One supplier's workbook.

    Attributes:
        rows: data rows at scale 1, about 18 % of the real count.
        headers: its header rows as sent; each day takes the next one.
        cells: what is in each column, by the names in `sample_feeds.CELL_MAKERS`; anything else is a
            constant.
        patterns: shapes of its part numbers with their weights: `@` is a letter, `#` a digit.
        stock: how its stock cells read; None if it has none.
        digits_are_numbers: whether a code of digits only is a number cell rather than text.
        spellings: how every n-th code is spelled otherwise, as (n, change).
        twice_every: every n-th code is there twice, with another quantity.
        error_every: every n-th stock cell is the error #N/A.
        pinned: (code, stock) rows which are there first, unchanged, every day.
        leads: rows above the header; each day takes the next ones.
        drop_share: codes that go from one day to the next.
        add_share: codes that come.
        blank_rows: styled rows without a value below the data, at scale 1.
        blank_out_to: the last column of the styled cells without a value to the right of the data.
        stock_formula: stock cells are formulas with a cached value; `{row}` is the row's number.
    """

    rows: int
    headers: tuple[tuple[str | None, ...], ...]
    cells: tuple[Cell, ...]
    patterns: Mapping[str, float]
    stock: Counts | Words | None
    digits_are_numbers: bool = False
    spellings: tuple[tuple[int, Callable[[str], str]], ...] = ()
    twice_every: int | None = None
    error_every: int | None = None
    pinned: tuple[tuple[Cell, Cell], ...] = ()
    leads: tuple[tuple[tuple[Cell, ...], ...], ...] = field(default=((),))
    drop_share: float = 0.003
    add_share: float = 0.003
    blank_rows: int = 0
    blank_out_to: int = 0
    stock_formula: str | None = None


def _in_quotes(code: str) -> str:
    return f' "{code}"'


def _with_spaces(code: str) -> str:
    return f"{code}  "


_COMLINE_HEADERS = (("Part No.", None, "Stock"), ("Part No.", "Stock", None))
_FAI_TITLE = ("  Stock report, page 1",)

# ELR is not here: no workbook of theirs is known. It is the supplier that sends nothing.
LAYOUTS: Mapping[str, Layout] = {
    "APE": Layout(
        rows=2800,
        headers=(("Part no", "Stock"),),
        cells=("code", "stock"),
        patterns={"@@@####": 70, "@@@###": 20, "@@@###@": 8, "@@@####@@@": 2},
        stock=Words({"YES": 95, "NO": 5}),
    ),
    "BET": Layout(
        rows=2450,
        headers=(("Part", "Free Stk", "Cond Ind"),),
        cells=("code", "stock", "condition_letter"),
        patterns={"@@@####": 60, "@@####@": 20, "#@@####@@": 16, "97####": 4},
        stock=Counts(zero_share=0.75, usual=12, most=1800, below_zero_share=0.03),
        digits_are_numbers=True,
        # The first data row has no code.
        pinned=((None, 0), ("XQV0500", -500)),
    ),
    "BGA": Layout(
        rows=3300,
        headers=(("BGA REFERENCE", "Stock"),),
        cells=("code", "stock"),
        patterns={"@@####": 70, "@@####@": 14, "@######": 8, "#@@####": 8},
        stock=Counts(zero_share=0.15, usual=110, most=26_000),
        # Quantities as text, and a code that is there twice.
        pinned=(
            ("QV0001", "10+"), ("QV0002", ">10"), ("QV0003", "1,000"), ("QV0004", " 5 "),
            ("QV0005", 12), ("QV0005", 12),
        ),
        blank_rows=170,
    ),
    "COM": Layout(
        rows=1300,
        headers=_COMLINE_HEADERS,
        cells=("code", "Sample Parts Ltd", "stock"),
        patterns={"@@@####": 40, "@@@###": 30, "@@@#####": 20, "@@@####@": 10},
        stock=Counts(zero_share=0, usual=25, most=3000),
    ),
    "FAI": Layout(
        rows=2450,
        headers=(("Part No.", "Avail Stock"),),
        cells=("code", "stock"),
        patterns={"@@####": 60, "@@####@": 15, "0#-#####": 8, "9#-#####-###": 8, "95####": 9},
        stock=Counts(zero_share=0, usual=9, most=1000),
        digits_are_numbers=True,
        # The header is on row 2, then 5, then 1.
        leads=((_FAI_TITLE,), ((), _FAI_TITLE, (), ()), ()),
    ),
    "FEB": Layout(
        rows=13_500,
        headers=(("partNumber", "description", "stockAvailability"),),
        cells=("code", "text", "stock"),
        patterns={"90#####": 67, "@@@#####": 17, "@@@######": 16},
        stock=Counts(zero_share=0.27, usual=6, most=10),
        digits_are_numbers=True,
        error_every=55,
        # It looks its stock up elsewhere, as the real one does: what Excel last saw is all there is.
        stock_formula="VLOOKUP(A{row},$H:$J,3,FALSE)",
    ),
    "FIR": Layout(
        rows=9000,
        headers=(("Part Number", "Available?"),),
        cells=("code", "stock"),
        patterns={"@@@####": 85, "@@@###.##": 5, "@ ## ###": 5, "@@@####@": 5},
        stock=Words({"Y": 69, "N": 31}),
        spellings=((92, str.lower),),
    ),
    "FPS": Layout(
        rows=17_200,
        headers=(
            (
                "Product Code", "Short Description", "MFG Code", "Free Stock Available Flag",
                "String Field - WEB", "x",
            ),
        ),
        cells=("code", "code_again", "maker", "stock", None, "remark"),
        patterns={
            "@@@####": 45, "@@####": 20, "33########": 12, "0#######": 5, "##-#####": 15, "0######E##": 3,
        },
        stock=Counts(zero_share=0, usual=7, most=30),
        twice_every=400,
        drop_share=0.010,
        add_share=0.012,
        blank_rows=20_000,
    ),
    "JUR": Layout(
        rows=700,
        headers=(("Part", "Free Stk", "Cond Ind"),),
        cells=("code", "stock", "condition_number"),
        patterns={"@@@####@": 35, "@@@###": 35, "@@@####": 25, "@@/###-@###-@@": 5},
        stock=Counts(zero_share=0.2, usual=60, most=2000),
        # A pound sign in a code, and a number that means something else than a stock of 99,923.
        pinned=(("QX£1201", 5), ("QXV9001", 99_923)),
    ),
    "KLA": Layout(
        rows=2450,
        headers=(("Part Number", "Stock Balance"),),
        cells=("code", "stock"),
        patterns={"88#####": 50, "@@####@": 40, "@@@###@@": 10},
        stock=Counts(zero_share=0.44, usual=3, most=5),
        digits_are_numbers=True,
        spellings=((100, _in_quotes),),
    ),
    "KYB": Layout(
        rows=2550,
        headers=(("Part number", "Stock"),),
        cells=("code", "stock"),
        patterns={"98#####": 48, "@@####": 48, "@@-####": 4},
        stock=Words({"N": 51, "Y": 49}),
        digits_are_numbers=True,
    ),
    "MOT": Layout(
        rows=1550,
        headers=_COMLINE_HEADERS,
        cells=("code", "Sample Parts Ltd", "stock"),
        patterns={"@@@@####": 50, "@@@###": 30, "@@@@###@": 20},
        stock=Counts(zero_share=0, usual=18, most=3800),
    ),
    "RFX": Layout(
        rows=2800,
        headers=(("Part No", " Part Description", " RRP", " Stock Qty", " VAT %", " Barcode"),),
        cells=("code", "text", "price", "stock", 20, "barcode"),
        patterns={"@@ ###-@@####": 30, "@@ #######": 40, "@@##.####": 15, "@@@@ ##### ##@@": 15},
        stock=Counts(zero_share=0.44, usual=7, most=36_000),
        pinned=((None, 3),),
    ),
    "ROL": Layout(
        rows=850,
        headers=(("ROLLCO", "Type", "Comment"),),
        cells=("code", "text", "stock"),
        patterns={"@@@@###@": 30, "@@@@###": 30, "@@@####": 30, "@@@####@@": 10},
        stock=Words(
            {"In Stock": 74, "Low Stock": 11, "Out of Stock": 6, "In stock": 5, "Out of stock": 4},
        ),
        blank_out_to=99,
    ),
    "RTG": Layout(
        rows=800,
        headers=(("Custom label", "Info"),),
        cells=("code", "info"),
        patterns={"@###": 20, "@@###@": 40, "@@@####": 20, "@@###@X#": 20},
        stock=None,
        spellings=((6, str.lower), (10, _with_spaces)),
        twice_every=80,
        drop_share=0.006,
        add_share=0.008,
    ),
    "SMP": Layout(
        rows=6700,
        headers=(("PartNumber", "Desc", "SUnder", "Supercession", "SurchVal", "RRP"),),
        cells=("code", "text_padded", None, " " * 22, None, "price"),
        patterns={"96####": 12, "@@@####": 48, "@@@###": 30, "@@@@####": 10},
        stock=None,
        digits_are_numbers=True,
    ),
}  # fmt: skip
"""Each supplier's layout. The codes are those of the suppliers file."""

BAD_ON_THE_LAST_DAY = "APE"
"""The supplier whose last file has numbers where its words should be, so that it is rejected."""

INVERTED_ON_THE_LAST_DAY = "KYB"
"""The supplier whose last file has each of its two words where the other should be, so that it is held."""
