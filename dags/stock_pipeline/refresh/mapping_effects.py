"""What a new mapping would do to the stock: the last accepted lists, matched with the old and the new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import polars as pl

from stock_pipeline.feeds.mapping import parts_of
from stock_pipeline.lake import locations
from stock_pipeline.lake.catalog import snapshot_dates
from stock_pipeline.lake.lake import Lake
from stock_pipeline.suppliers import Supplier, SuppliersFile
from stock_pipeline.verdicts import SAMPLES


@dataclass(frozen=True, slots=True)
class MappingEffect:
    """What a new mapping would do to one supplier's labels, of those that both mappings know.

    Attributes:
        supplier: its code.
        labels: known to both mappings.
        parts_changed: labels that would be made of other parts.
        to_zero, from_zero: labels that would lose, or regain, their stock by the last accepted list; None if
            there is no such list.
        samples: some of the labels with other parts: `supplier`, `custom_label`, `parts_before`, `parts_now`
            (each joined by commas).
    """

    supplier: str
    labels: int
    parts_changed: int
    to_zero: int | None = None
    from_zero: int | None = None
    samples: list[dict[str, Any]] = field(default_factory=list)


def last_accepted_codes(lake: Lake, suppliers: SuppliersFile) -> dict[str, pl.DataFrame]:
    """Fetch the codes of each supplier's last accepted list, as `record_of_codes` notes them, by supplier.

    A supplier without such a record is left out.
    """
    found = {}
    for code in suppliers.suppliers:
        days = snapshot_dates(lake, code)
        body = lake.read_or_none(locations.stock_feed_codes_key(days[-1], code)) if days else None
        if body is not None:
            found[code] = pl.read_parquet(BytesIO(body), columns=["key", "in_stock"])
    return found


def effects_of_mapping(
    new: pl.DataFrame, old: pl.DataFrame, codes: Mapping[str, pl.DataFrame], suppliers: SuppliersFile
) -> list[MappingEffect]:
    """Work out what a new mapping would do to each supplier that is in both.

    Args:
        new: `custom_label`, `part_number`, `supplier` (String each).
        old: the mapping in force, likewise.
        codes: `key`, `in_stock` (null: not known) of the last accepted lists, by supplier.
        suppliers: the suppliers file. A supplier it does not have is judged by its parts alone.
    """
    both = sorted({*new["supplier"].unique()} & {*old["supplier"].unique()})
    return [
        _effect(
            code,
            parts_of(new.lazy(), code),
            parts_of(old.lazy(), code),
            codes.get(code),
            suppliers.suppliers.get(code),
        )
        for code in both
    ]


def _effect(
    code: str, new: pl.DataFrame, old: pl.DataFrame, codes: pl.DataFrame | None, supplier: Supplier | None
) -> MappingEffect:
    labels = old.select("custom_label").unique().join(new, on="custom_label", how="semi")
    old, new = (parts.join(labels, on="custom_label", how="semi") for parts in (old, new))
    pair = ["custom_label", "key"]
    changed = (
        pl.concat([old.join(new, on=pair, how="anti"), new.join(old, on=pair, how="anti")])
        .select("custom_label")
        .unique()
    )
    some = changed.sort("custom_label").head(SAMPLES)
    samples = _parts_by_label(old, some, "parts_before").join(
        _parts_by_label(new, some, "parts_now"), on="custom_label"
    )
    counts: dict[str, int | None] = {"to_zero": None, "from_zero": None}
    # The labels of an out list are those of the stores; no mapping says which are in stock.
    if codes is not None and supplier is not None and not supplier.lists_out_of_stock:
        moved = _in_stock(old, codes, supplier, "had").join(
            _in_stock(new, codes, supplier, "has"), on="custom_label"
        )
        counts = moved.select(
            (pl.col("had") & ~pl.col("has")).sum().alias("to_zero"),
            (~pl.col("had") & pl.col("has")).sum().alias("from_zero"),
        ).row(0, named=True)
    return MappingEffect(
        code,
        labels.height,
        changed.height,
        **counts,
        samples=samples.sort("custom_label").select(pl.lit(code).alias("supplier"), pl.all()).to_dicts(),
    )


def _parts_by_label(parts: pl.DataFrame, labels: pl.DataFrame, name: str) -> pl.DataFrame:
    named = parts.join(labels, on="custom_label", how="semi").sort("custom_label", "key")
    return named.group_by("custom_label").agg(pl.col("part_number").str.join(", ").alias(name))


def _in_stock(parts: pl.DataFrame, codes: pl.DataFrame, supplier: Supplier, name: str) -> pl.DataFrame:
    """Tell which labels a list has in stock: `custom_label`, and `name`, null where it does not say."""
    absent = False if supplier.absent == "zero" else None
    listed = parts.join(codes.with_columns(listed=True), on="key", how="left")
    stock = pl.when(pl.col("listed").is_null()).then(absent).otherwise("in_stock")
    # A kit needs all its parts, unless the supplier says otherwise; what is not known leaves it open.
    combined = (
        stock.all(ignore_nulls=False) if supplier.combine == "lowest" else stock.any(ignore_nulls=False)
    )
    return listed.group_by("custom_label").agg(combined.alias(name))
