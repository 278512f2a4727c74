"""The four tables: their columns, partition keys and where they lie. The only home of these facts.

The infrastructure template declares the same tables to AWS; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

POLARS_TYPES = {"string": "String", "bigint": "Int64", "int": "Int32", "double": "Float64", "date": "Date"}
"""Glue's type names and the names of the column types from which polars writes them to Parquet."""


@dataclass(frozen=True, slots=True)
class Table:
    """A Glue table over Parquet objects, one `data.parquet` for each partition.

    Attributes:
        name: the table's name; also its prefix in the bucket.
        columns: column name to Glue type, in order, without the partition keys.
        partition_keys: names of the partition keys (all Glue type `string`), outermost first.
    """

    name: str
    columns: dict[str, str]
    partition_keys: tuple[str, ...] = ()

    @property
    def schema(self) -> pl.Schema:
        """The columns of the table's Parquet files."""
        # Here, because DAG files import this module, and polars takes half a second.
        import polars as pl  # noqa: PLC0415

        return pl.Schema({name: getattr(pl, POLARS_TYPES[kind]) for name, kind in self.columns.items()})

    def key(self, *values: str) -> str:
        """The object key of one partition's file, e.g. `ebay/ebay_store=AMS/data.parquet`."""
        if len(values) != len(self.partition_keys):
            raise ValueError(f"{self.name} is partitioned by {self.partition_keys}, got {values}")
        parts = [f"{key}={value}/" for key, value in zip(self.partition_keys, values, strict=True)]
        return f"{self.name}/{''.join(parts)}data.parquet"


PRODUCT = Table(
    name="product",
    columns={"custom_label": "string", "part_number": "string", "supplier": "string"},
)
"""Which parts of which supplier make up which label of the seller."""

STORE = Table(
    name="store",
    columns={
        "item_id": "bigint",
        "custom_label": "string",
        "title": "string",
        "current_price": "double",
        "prefix": "string",
        "uk_rtg": "string",
        "fps_wds_dir": "string",
        "payment_profile_name": "string",
        "shipping_profile_name": "string",
        "return_profile_name": "string",
    },
    partition_keys=("ebay_store", "supplier"),
)
"""The listings of the eBay stores."""

SUPPLIER_STOCK = Table(
    name="supplier_stock",
    columns={
        "custom_label": "string",
        "part_number": "string",
        "quantity": "int",
        "updated_date": "date",
    },
    partition_keys=("supplier", "year", "month", "day"),
)
"""One snapshot for each supplier and day: every label the supplier's mapping knows, with its quantity."""

EBAY = Table(
    name="ebay",
    columns={
        "item_id": "bigint",
        "quantity_delta": "int",
        "quantity": "int",
        "custom_label": "string",
        "supplier_store": "string",
    },
    partition_keys=("ebay_store",),
)
"""What eBay should be told: one row for each listing."""

TABLES = {table.name: table for table in (PRODUCT, STORE, SUPPLIER_STOCK, EBAY)}

STORES = (
    "AMS", "AST", "CPO_FPS", "CPO_RTG", "CPO_UKD", "DPW", "GCP", "MFD",
    "OR", "PG", "PV", "RTG_FPS", "RTG_RTG", "RTG_UKD", "RTG_UMD", "SJR",
)  # fmt: skip
"""The eBay stores: the values of the partition key `ebay_store`."""
