"""Reads a store's list of listings and judges every row. A row that is not beyond doubt changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from stock_pipeline.errors import RejectedFile
from stock_pipeline.lake.tables import STORE
from stock_pipeline.spreadsheets.lists import BEYOND, not_text, read_list
from stock_pipeline.spreadsheets.number_formats import without_mark
from stock_pipeline.suppliers import SUPPLIER

HEADER = (
    "item_id", "brand", "custom_label", "current_quantity", "title", "current_price", "prefix", "uk_rtg",
    "fps_wds_dir", "payment_profile_name", "shipping_profile_name", "return_profile_name",
)  # fmt: skip
"""The columns of a store's file, in their order."""

UPLOAD_COLUMNS = {**STORE.columns, "supplier": "string", "accepted": "boolean"}
"""What is merged: each listing of the file with its supplier, and whether its row is to be used."""

OWN_SUPPLIER = "RTG"
"""The supplier of what the seller has in stock itself."""


MOST_SUPPLIERS = 90
"""In one file. Athena writes a hundred partitions at once, those that the store has besides among them."""

DEAREST = 1_000_000
PRICE = r"^£?\s*((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?)$"
SHOWN = ("row", "reason", "item_id_cell", "custom_label", "price_cell", "prefix", "uk_rtg", "title")
MOST_SHOWN, SHOWN_CHARACTERS = 100_000, 200
"""How many rejected rows are kept for staff, and how much of each cell: a twentieth of two million rows."""

REPEATED = "the same row is there before"


@dataclass(frozen=True, slots=True)
class Listings:
    """A store's file, every row judged.

    Attributes:
        upload: Parquet files with `UPLOAD_COLUMNS`: accepted listings, each once, and the rejected rows that
            name a listing, whose old state is to be kept.
        rejected: `row`, `reason` and the cells in question as text, for staff; the first `MOST_SHOWN` rows.
        counts: `rows`, `accepted`, `rejected`, and `repeated` (rows that are there twice, alike).
        suppliers: accepted listings by supplier, by code.
    """

    upload: tuple[Path, ...]
    rejected: pl.DataFrame
    counts: dict[str, int]
    suppliers: dict[str, int]

    @property
    def rejected_share(self) -> float:
        """Rejected rows over all, between 0 and 1."""
        return self.counts["rejected"] / self.counts["rows"]


def read_listings(path: Path, folder: Path, sheet: str | None = None) -> Listings:
    """Read a store's file.

    Args:
        path: the workbook or CSV.
        folder: an empty one, for what is made of it.
        sheet: which sheet of the workbook is the store's; the first one if it is None.

    Raises:
        RejectedFile: it cannot be read, has no such header, or no row or too many suppliers.
    """
    judged = []
    for number, block in enumerate(read_list(path, HEADER, sheet)):
        judged.append(folder / f"judged_{number:04}.parquet")
        _judge(block).write_parquet(judged[-1], compression="lz4")
    again = _repeats(judged)
    counts = dict.fromkeys(("rows", "accepted", "rejected", "repeated"), 0)
    suppliers: Counter[str] = Counter()
    rejected, upload = [], []
    for part in judged:
        rows = pl.read_parquet(part).join(again, on="row", how="left")
        rows = rows.with_columns(reason=pl.coalesce("reason", "again")).drop("again")
        part.unlink()
        alike = (pl.col("reason") == REPEATED).fill_null(value=False)
        refused = rows.filter(pl.col("reason").is_not_null() & ~alike)
        shown = refused.head(max(0, MOST_SHOWN - counts["rejected"])).select(*SHOWN)
        rejected.append(shown.with_columns(pl.col(pl.String).str.head(SHOWN_CHARACTERS)))
        upload.append(folder / part.name.replace("judged", "upload"))
        listed = rows.filter(pl.col("item_id").is_not_null() & ~alike)
        accepted = listed.with_columns(accepted=pl.col("reason").is_null()).select(*UPLOAD_COLUMNS)
        accepted.write_parquet(upload[-1], compression="zstd")
        found = Counter(accepted.filter("accepted")["supplier"].to_list())
        suppliers += found
        counts["rows"] += rows.height
        counts["rejected"] += refused.height
        counts["accepted"] += found.total()
    counts["repeated"] = counts["rows"] - counts["rejected"] - counts["accepted"]
    if not counts["rows"]:
        raise RejectedFile("there is no row below the header")
    if len(suppliers) > MOST_SUPPLIERS:
        raise RejectedFile(
            f"its listings are of {len(suppliers):,} suppliers, more than {MOST_SUPPLIERS}: "
            "something else than a supplier is in the column prefix"
        )
    table = pl.concat(rejected).rename({"item_id_cell": "item_id", "price_cell": "current_price"})
    return Listings(tuple(upload), table, counts, dict(sorted(suppliers.items())))


def _judge(cells: pl.DataFrame) -> pl.DataFrame:
    """The columns of the store table, with `reason` where a row is rejected and what tells rows apart."""
    odd = pl.coalesce(not_text(name) for name in ("item_id", "custom_label", "prefix", "uk_rtg"))
    cells = cells.with_columns(without_mark(pl.exclude("row")), odd=odd)
    cells = cells.with_columns(pl.col("item_id").str.replace(r"\.0+$", ""))
    price = pl.col("current_price").str.extract(PRICE).str.replace_all(",", "").cast(pl.Float64)
    # eBay's have twelve digits; of more than fifteen a spreadsheet makes others.
    whole = pl.col("item_id").str.contains("^0*[1-9][0-9]{0,14}$")
    own = (pl.col("uk_rtg").str.to_uppercase() == OWN_SUPPLIER).fill_null(value=False)
    named = pl.col("prefix").str.to_uppercase().str.extract("([^-]*)$").str.strip_chars(" ")
    supplier = pl.when(own | pl.col("prefix").is_null()).then(pl.lit(OWN_SUPPLIER)).otherwise(named)
    reason = (
        pl.when(pl.col(BEYOND).is_not_null())
        .then(pl.lit("it has more cells than the header: is a text with a comma not in quotation marks?"))
        .when(pl.col("odd").is_not_null())
        .then("odd")
        .when(~whole.fill_null(value=False))
        .then(pl.format("item_id is not a number: {}", pl.col("item_id").fill_null("blank").str.head(40)))
        .when(pl.col("custom_label").is_null())
        .then(pl.lit("custom_label is blank"))
        .when(~((price > 0) & (price < DEAREST)).fill_null(value=False))
        .then(
            pl.format(
                "current_price is not a price: {}", pl.col("current_price").fill_null("blank").str.head(40)
            )
        )
        .when(~supplier.str.contains(SUPPLIER).fill_null(value=False))
        .then(pl.lit("there is no supplier's code after the last - of prefix"))
    )
    return cells.select(
        "row",
        pl.when(whole).then(pl.col("item_id")).cast(pl.Int64).alias("item_id"),
        pl.col("custom_label").str.to_uppercase(),
        "title",
        price.alias("current_price"),
        *("prefix", "uk_rtg", "fps_wds_dir"),
        *("payment_profile_name", "shipping_profile_name", "return_profile_name"),
        supplier.alias("supplier"),
        reason.alias("reason"),
        pl.struct(*HEADER, BEYOND).hash().alias("content"),
        pl.col("item_id").alias("item_id_cell"),
        pl.col("current_price").alias("price_cell"),
    )


def _repeats(judged: Iterable[Path]) -> pl.DataFrame:
    """The rows whose item_id is there more than once: `row`, and in `again` what that makes of them."""
    keys = pl.concat(pl.read_parquet(part, columns=["row", "item_id", "content"]) for part in judged)
    keys = keys.drop_nulls("item_id").sort("item_id", "row")
    same_as_before = pl.col("item_id") == pl.col("item_id").shift(1)
    same_as_next = pl.col("item_id") == pl.col("item_id").shift(-1)
    return (
        keys.filter((same_as_before | same_as_next).fill_null(value=False))
        .with_columns(differing=pl.col("content").n_unique().over("item_id") > 1)
        .filter(pl.col("differing") | ~pl.col("item_id").is_first_distinct())
        .select(
            "row",
            pl.when("differing")
            .then(pl.lit("its item_id is there more than once, with different cells"))
            .otherwise(pl.lit(REPEATED))
            .alias("again"),
        )
    )
