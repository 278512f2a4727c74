"""Reads a mapping of labels to suppliers' part numbers and judges every row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from stock_pipeline.codes import clean_code
from stock_pipeline.errors import RejectedFile
from stock_pipeline.spreadsheets.lists import BEYOND, not_text, read_list
from stock_pipeline.spreadsheets.number_formats import without_mark
from stock_pipeline.suppliers import SUPPLIER

HEADER = ("custom_label", "part_number", "supplier")
MOST_REJECTED = 100_000
"""Rows that cannot be used: of more, the file is wrong and not its rows."""

HALF = "another row of its custom_label cannot be used, so the label is left out"


@dataclass(frozen=True, slots=True)
class MappingFile:
    """A mapping as it was sent, every row judged.

    Attributes:
        rows: how many rows the file has.
        mapping: `custom_label`, `part_number`, `supplier`, each usable row once.
        rejected: of the rows that are not in it `row`, their cells and the `reason`.
    """

    rows: int
    mapping: pl.DataFrame
    rejected: pl.DataFrame


def read_mapping_file(path: Path) -> MappingFile:
    """Read a mapping and judge every row.

    A label one of whose rows cannot be used is left out with all its rows: half of a kit's parts would be a
    wrong quantity, and no label at all only keeps its listings from being told.

    Raises:
        RejectedFile: it cannot be read, has no such header or no row, or too many rows that cannot be used.
    """
    usable, unusable = [], []
    for block in read_list(path, HEADER):
        judged = _judge(block)
        usable.append(judged.filter(pl.col("reason").is_null()).select("row", *HEADER))
        unusable.append(judged.filter(pl.col("reason").is_not_null()))
        if sum(part.height for part in unusable) > MOST_REJECTED:
            first = pl.concat(unusable).row(0, named=True)
            raise RejectedFile(
                f"more than {MOST_REJECTED:,} rows cannot be used; the first is row {first['row']:,}: "
                f"{first['reason']}"
            )
    if not any(block.height for block in (*usable, *unusable)):
        raise RejectedFile("there is no row below the header")
    good, bad = pl.concat(usable), pl.concat(unusable)
    rows = good.height + bad.height
    del usable, unusable
    broken = bad["custom_label"].drop_nulls().unique()
    if len(broken):
        halves = good.filter(pl.col("custom_label").is_in(broken.implode()))
        good = good.filter(~pl.col("custom_label").is_in(broken.implode()))
        bad = pl.concat([bad, halves.with_columns(reason=pl.lit(HALF))]).sort("row")
    # To compare a million rows takes twice their memory; their hashes say which few have to be compared.
    row = pl.struct(HEADER)
    again = good.filter(row.hash().is_duplicated()).filter(~row.is_first_distinct())["row"]
    mapping = good.filter(~pl.col("row").is_in(again.implode())).select(HEADER)
    return MappingFile(rows, mapping, bad)


def _judge(block: pl.DataFrame) -> pl.DataFrame:
    """The rows with cleaned cells: `row`, `HEADER`, and in `reason` why one cannot be used."""
    odd = pl.coalesce(not_text(name) for name in HEADER)
    block = block.with_columns(without_mark(pl.exclude("row")), odd=odd)
    cells = block.with_columns(
        pl.col("custom_label").str.to_uppercase(),
        clean_code(pl.col("part_number")),
        pl.col("supplier").str.to_uppercase(),
    )
    reason = (
        pl.when(pl.col(BEYOND).is_not_null())
        .then(pl.lit("it has more cells than the header: is a text with a comma not in quotation marks?"))
        .when(pl.col("odd").is_not_null())
        .then("odd")
        .when(pl.col("custom_label").is_null())
        .then(pl.lit("custom_label is blank"))
        .when(pl.col("part_number").is_null())
        .then(pl.lit("part_number is blank"))
        .when(pl.col("supplier").is_null())
        .then(pl.lit("supplier is blank"))
        .when(~pl.col("supplier").str.contains(SUPPLIER))
        .then(pl.lit("supplier is no supplier's code"))
    )
    return cells.select("row", *HEADER, reason=reason)
