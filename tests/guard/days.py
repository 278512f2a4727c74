"""The right lists that wrong ones are made of: invented, or read from a folder of real workbooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

import polars as pl

from samples.feeds import SupplierList
from samples.layouts import LAYOUTS, Layout, Words
from stock_pipeline.codes import match_key
from stock_pipeline.errors import RejectedFile
from stock_pipeline.feeds.feed_reader import FeedReader
from stock_pipeline.suppliers import load_suppliers

Line = tuple[str, str | None]
ROWS = {"code": pl.String, "stock": pl.String}
UNMAPPED_IN_100 = 3
DROPPED, ELSEWHERE, SOLD = 0.002, 0.004, 0.05
"""How often a code goes, has any other stock, and sells, in a day."""
OTHER_LABELS = 4_000
"""Labels of an out list's supplier that are never on it."""


@dataclass(frozen=True)
class Lists:
    """Right lists of several suppliers.

    Attributes:
        days: by supplier and day the rows: `code`, `stock` (String each, as the cells read).
        mapping: `custom_label`, `part_number`, `supplier` (String each).
    """

    days: dict[str, dict[date, pl.DataFrame]]
    mapping: pl.DataFrame


def generated(days: Sequence[date], scale: float = 1.0, seed: int = 1) -> Lists:
    """Invent each supplier's list as it changes from day to day; only the given days are kept."""
    lists: dict[str, dict[date, pl.DataFrame]] = {}
    for code, layout in LAYOUTS.items():
        random = Random(f"{seed} {code}")  # noqa: S311 - invented stock is no secret
        lines = _first_day(layout, max(250, round(layout.rows * scale)), random)
        day = min(days)
        lists[code] = {}
        while day <= max(days):
            if day in days:
                lists[code][day] = pl.DataFrame(lines, schema=ROWS, orient="row")
            lines = _next_day(lines, layout, random)
            day += timedelta(days=1)
    return Lists(lists, _mapping(lists))


def _first_day(layout: Layout, rows: int, random: Random) -> list[Line]:
    made = SupplierList(layout, rows, random).lines
    return [
        (str(line.code), None if line.stock is None else str(line.stock))
        for line in made
        if line.code is not None
    ]


def _next_day(lines: list[Line], layout: Layout, random: Random) -> list[Line]:
    """Sell a little, deliver now and then, drop some codes: as often as real suppliers do.

    In a week of real lists 2 to 3 in 100 codes went to or from zero, and 1 to 5 in 100 doubled or halved.
    """
    words = list(layout.stock.weights) if isinstance(layout.stock, Words) else []
    pool = [stock for _, stock in lines]
    changed = []
    for code, stock in lines:
        if random.random() < DROPPED:
            continue
        changed.append((code, _tomorrow(stock, words, pool, random)))
    new = [(f"NEW{random.randrange(10**9)}", random.choice(pool)) for _ in range(len(lines) - len(changed))]
    return changed + new


def _tomorrow(stock: str | None, words: list[str], pool: list[str | None], random: Random) -> str | None:
    if stock is None:
        return None
    if random.random() < ELSEWHERE:
        return random.choice(words) if words else random.choice(pool)
    if stock.isdecimal() and int(stock) > 1 and random.random() < SOLD:
        return str(max(1, int(stock) - random.randint(1, 3)))
    return stock


def from_folder(folder: Path) -> Lists:
    """Read `FOLDER/YYYY-MM-DD/<SUPPLIER>….xlsx`; a workbook that cannot be read is left out."""
    suppliers = load_suppliers()
    lists: dict[str, dict[date, pl.DataFrame]] = {}
    with FeedReader() as reader:
        for path in sorted(folder.glob("????-??-??/*.xlsx")):
            supplier = suppliers.supplier_of_file(path.name)
            if supplier is None:
                continue
            try:
                feed = reader.read_feed(path, supplier)
            except RejectedFile:
                continue
            rows = feed.rows.select("code", stock="raw").cast(ROWS)  # type: ignore[arg-type]
            lists.setdefault(supplier.code, {})[date.fromisoformat(path.parent.name)] = rows
    return Lists(lists, _mapping(lists))


def _mapping(lists: dict[str, dict[date, pl.DataFrame]]) -> pl.DataFrame:
    """A label for nearly every code that was ever sent."""
    suppliers = load_suppliers()
    tables = []
    for code, days in lists.items():
        keys = pl.concat([rows.select(match_key(pl.col("code")).alias("key")) for rows in days.values()])
        parts = (
            keys.unique(maintain_order=True)
            .drop_nulls()
            .filter(pl.int_range(pl.len()) % 100 >= UNMAPPED_IN_100)["key"]
        )
        if suppliers.supplier(code).lists_out_of_stock:
            others = pl.Series([f"{code}-{number:06}" for number in range(OTHER_LABELS)])
            labels = pl.concat([parts, others])
            parts = labels
        else:
            labels = parts.map_elements(lambda key, code=code: f"{code}-{key}", return_dtype=pl.String)  # type: ignore[misc]
        tables.append(
            pl.DataFrame({"custom_label": labels, "part_number": parts}).with_columns(supplier=pl.lit(code))
        )
    return pl.concat(tables)
