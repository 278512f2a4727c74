"""Which labels a supplier's mapping knows, and which of its parts they are made of."""

from __future__ import annotations

from io import BytesIO

import polars as pl

from stock_pipeline.codes import label, match_key
from stock_pipeline.errors import MissingTableError
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.tables import PRODUCT, STORE
from stock_pipeline.suppliers import Supplier


def read_mapping(lake: Lake, *, supplier: Supplier) -> pl.DataFrame:
    """The parts of every label the supplier's mapping knows.

    For most suppliers that is the product table. An out list names labels themselves, so there every label
    of the supplier in the store table is known, and is its own part.

    Returns:
        `custom_label`, `part_number`, `key` (String each), a row for each part of each label, by label.

    Raises:
        MissingTableError: the product table has no data.
    """
    if supplier.lists_out_of_stock:
        return _store_labels(lake, supplier.code)
    return parts_of(product_table(lake), supplier.code)


def parts_of(product: pl.LazyFrame, supplier: str) -> pl.DataFrame:
    """Pick the parts of each label of a supplier from the product table, as `read_mapping` returns them."""
    return _parts(product.filter(pl.col("supplier") == supplier), "part_number")


def labels_as_parts(labels: pl.DataFrame) -> pl.DataFrame:
    """Make a mapping of `custom_label`s in which each label is its own part, as for an out list."""
    return _parts(labels.lazy(), "custom_label")


def known_elsewhere(product: pl.LazyFrame, supplier: Supplier, keys: pl.Series) -> dict[str, int]:
    """Count the codes of a feed that the mappings of other suppliers know.

    Makers' part numbers are shared to some degree (more than half of one supplier's are another's too), so a
    figure means something only beside the supplier's own.

    Args:
        product: `part_number`, `supplier` (String each) of all suppliers.
        supplier: whose feed it is.
        keys: the distinct codes, as `match_key` gives them.

    Returns:
        Supplier to count, most first; those that know none are left out.
    """
    found = (
        product.filter(pl.col("supplier") != supplier.code)
        .select("supplier", match_key(pl.col("part_number")).alias("key"))
        .join(keys.alias("key").to_frame().lazy(), on="key", how="semi")
        .group_by("supplier")
        .agg(pl.col("key").n_unique().alias("codes"))
        .sort("codes", "supplier", descending=[True, False])
        .collect()
    )
    return dict(found.rows())


def product_table(lake: Lake) -> pl.LazyFrame:
    """Fetch the product table: `custom_label`, `part_number`, `supplier` (String each).

    Raises:
        MissingTableError: it has no data.
    """
    body = lake.read_or_none(PRODUCT.key())
    if body is None:
        raise MissingTableError(f"{lake.url(PRODUCT.key())} is missing: load the product table first")
    return pl.scan_parquet(BytesIO(body))


def _store_labels(lake: Lake, supplier: str) -> pl.DataFrame:
    """The labels which the stores list for a supplier; store by store, so that one at a time is in memory."""
    labels = pl.DataFrame(schema={"custom_label": pl.String, "part_number": pl.String, "key": pl.String})
    for partition in lake.partitions(STORE.name, f"supplier = '{supplier}'"):
        for key in lake.files_of(partition):
            found = _parts(pl.scan_parquet(BytesIO(lake.read(key))), "custom_label")
            labels = pl.concat([labels, found]).unique(maintain_order=True)
    return labels


def _parts(table: pl.LazyFrame, part: str) -> pl.DataFrame:
    return (
        table.select(
            label(pl.col("custom_label")).alias("custom_label"),
            pl.col(part).alias("part_number"),
            match_key(pl.col(part)).alias("key"),
        )
        .drop_nulls("custom_label")
        # A part no one can name makes its label unknown: the others alone are no kit.
        .filter(pl.col("key").is_not_null().all().over("custom_label"))
        .unique(["custom_label", "key"], maintain_order=True)
        .collect()
    )
