"""Turns a judged feed into a snapshot: one quantity for every label the supplier's mapping knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from stock_pipeline.feeds.reading import Feed
from stock_pipeline.suppliers import OutListRule, Supplier

NO_LABEL = "no label is known for this code"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a feed comes to.

    Attributes:
        table: a row for each known label, sorted by it, in the columns of `supplier_stock`.
        unmatched: rows of the feed whose code no label is known for (columns as `Feed.rows`).
        codes: a row for each distinct code of the feed: `key`, `code`, `quantity` (lowest), `rejected`
            (bool), `times` (u32, how often it is listed), `quantities` (u32, how many different ones),
            `number` (Float64, the lowest stock as sent; null where it is no number), `row` (u32, its first
            sheet row).
    """

    table: pl.DataFrame
    unmatched: pl.DataFrame
    codes: pl.DataFrame

    @property
    def matched(self) -> int:
        """How many distinct codes of the feed have a label."""
        return self.codes.height - self.unmatched["key"].n_unique()


def build_snapshot(
    feed: Feed, mapping: pl.DataFrame, last: pl.DataFrame | None, supplier: Supplier, run_date: date
) -> Snapshot:
    """Apply the supplier's rules for duplicates, kits, rejected rows and absent codes.

    A part whose quantity is not known (its row was rejected, or an `absent: keep` supplier does not list it)
    makes its label fall back on the last accepted snapshot. A kit is worth its scarcest part, so there the
    lowest known quantity counts too: a kit of which one part is out is out.

    Args:
        feed: the feed.
        mapping: `custom_label`, `part_number`, `key` (String each), a row for each part of each label.
        last: `custom_label`, `quantity` of the last accepted snapshot, or None if there is none.
        supplier: whose feed it is.
        run_date: the day it is for.
    """
    codes = feed.rows.group_by("key").agg(
        pl.col("code").first(),
        pl.col("quantity").min(),
        pl.col("reason").is_not_null().any().alias("rejected"),
        pl.len().alias("times"),
        pl.col("quantity").drop_nulls().n_unique().alias("quantities"),
        pl.col("number").min(),
        pl.col("row").min(),
    )
    absent = supplier.rule.in_quantity if isinstance(supplier.rule, OutListRule) else 0
    listed = pl.col("times").is_not_null()
    keeps = supplier.absent == "keep"
    parts = mapping.join(codes, on="key", how="left", maintain_order="left").select(
        "custom_label",
        "part_number",
        pl.when(listed | keeps).then("quantity").otherwise(absent).alias("known"),
        pl.when(listed).then("rejected").otherwise(keeps).alias("unknown"),
    )
    combined = {"lowest": pl.col("known").min(), "max": pl.col("known").max(), "sum": pl.col("known").sum()}
    label = parts["custom_label"]
    # Mostly a label has one part and the mapping is sorted; sorting text is the dearest step here.
    if not label.is_sorted() or label.n_unique() < parts.height:
        # The part that decides comes first, so that the snapshot can name it.
        descending = [False, supplier.combine == "max", False]
        parts = parts.sort("custom_label", "known", "part_number", descending=descending, nulls_last=True)
    labels = parts.group_by("custom_label", maintain_order=True).agg(
        pl.col("part_number").first(), combined[supplier.combine].alias("known"), pl.col("unknown").any()
    )
    if last is None:
        last = pl.DataFrame(schema={"custom_label": pl.String, "quantity": pl.Int32})
    kept = pl.col("quantity").fill_null(0)
    if supplier.combine == "lowest":
        kept = pl.min_horizontal(kept, "known")
    table = labels.join(
        last.select("custom_label", "quantity"), on="custom_label", how="left", maintain_order="left"
    ).select(
        "custom_label",
        "part_number",
        pl.when("unknown").then(kept).otherwise("known").cast(pl.Int32).alias("quantity"),
        pl.lit(run_date, pl.Date).alias("updated_date"),
    )
    unmatched = feed.rows.join(mapping.select("key").unique(), on="key", how="anti")
    return Snapshot(table, unmatched, codes)


def movement(table: pl.DataFrame, last: pl.DataFrame | None) -> dict[str, int]:
    """How a snapshot differs from the last one, in labels.

    Returns:
        `labels`, `in_stock`, and against the last snapshot (absent there is 0) `changed`, `to_zero`,
        `from_zero`.
    """
    before = pl.col("before").fill_null(0)
    now = pl.col("quantity")
    last = table.clear() if last is None else last
    both = table.join(last.select("custom_label", before="quantity"), on="custom_label", how="left")
    counts = both.select(
        pl.len().alias("labels"),
        (now > 0).sum().alias("in_stock"),
        (now != before).sum().alias("changed"),
        ((now == 0) & (before > 0)).sum().alias("to_zero"),
        ((now > 0) & (before == 0)).sum().alias("from_zero"),
    )
    return counts.row(0, named=True)


def flips(table: pl.DataFrame, last: pl.DataFrame) -> dict[str, int]:
    """How many labels lost or regained all their stock since the last snapshot, and how the others moved.

    A label which only one of the two knows did not flip: the mapping changed, not the supplier's stock.

    Returns:
        `to_zero`, `from_zero`, `had_stock` (known labels that were in stock), and of the labels in stock both
        times (`kept_stock`) how many have more (`rose`) and less (`fell`).
    """
    now, before = pl.col("quantity"), pl.col("before")
    both = table.join(last.select("custom_label", before="quantity"), on="custom_label")
    counts = both.select(
        ((now == 0) & (before > 0)).sum().alias("to_zero"),
        ((now > 0) & (before == 0)).sum().alias("from_zero"),
        (before > 0).sum().alias("had_stock"),
        ((now > 0) & (before > 0)).sum().alias("kept_stock"),
        ((before > 0) & (now > before)).sum().alias("rose"),
        ((now > 0) & (now < before)).sum().alias("fell"),
    )
    return counts.row(0, named=True)
