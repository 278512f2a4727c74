"""The four tables: their columns, partition keys and where they are. The only home of these facts.

The infrastructure template declares the same tables to AWS; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

from stock_pipeline.suppliers import load_suppliers

if TYPE_CHECKING:
    import polars as pl

POLARS_TYPES = {"string": "String", "bigint": "Int64", "int": "Int32", "double": "Float64", "date": "Date"}
"""Glue's type names and the names of the column types from which polars writes them to Parquet."""


FILE_NAME = "data.parquet"
"""What the one file of each partition is called."""


@dataclass(frozen=True, slots=True)
class Table:
    """A Glue table over Parquet objects, one `data.parquet` for each partition.

    Attributes:
        name: the table's name; also its prefix in the bucket.
        columns: column name to Glue type, in order, without the partition keys.
        partition_keys: names of the partition keys (all Glue type `string`), outermost first.
        description: what a row of it is, in a few words.
        meanings: what each column and partition key means, for the data dictionary.
    """

    name: str
    columns: dict[str, str]
    partition_keys: tuple[str, ...] = ()
    description: str = ""
    meanings: dict[str, str] = field(default_factory=dict)

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
        return f"{self.folder(*values)}{FILE_NAME}"

    def folder(self, *values: str) -> str:
        """The folder of the partitions whose leading values are these, e.g. `ebay/ebay_store=AMS/`."""
        parts = (f"{key}={value}/" for key, value in zip(self.partition_keys, values, strict=False))
        return "".join((f"{self.name}/", *parts))

    def values_of(self, key: str) -> tuple[str, ...] | None:
        """The partition values in the key of a partition's file; None for any other object's key."""
        values = tuple(part.partition("=")[2] for part in key.split("/")[1:-1])
        return values if len(values) == len(self.partition_keys) and self.key(*values) == key else None


PRODUCT = Table(
    name="product",
    columns={"custom_label": "string", "part_number": "string", "supplier": "string"},
    description="Which parts of which supplier make up which label of the seller",
    meanings={
        "custom_label": "The seller's name of an article. One with several parts (a kit) has a row for each.",
        "part_number": "The supplier's code of a part. Compared with feeds trimmed and in upper case.",
        "supplier": "The supplier's code.",
    },
)

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
    description="The listings of the eBay stores",
    meanings={
        "item_id": "eBay's number of the listing; there once in a store.",
        "custom_label": "The seller's label of what is listed, trimmed and in upper case.",
        "title": "The listing's title.",
        "current_price": "Its price in pounds.",
        "prefix": "As exported. The text after its last `-` is the supplier; blank is RTG.",
        "uk_rtg": "As exported. RTG means that the seller has it in its own warehouse.",
        "fps_wds_dir": "As exported; the pipeline does not use it.",
        "payment_profile_name": "eBay's business policy on payment.",
        "shipping_profile_name": "eBay's business policy on shipping.",
        "return_profile_name": "eBay's business policy on returns.",
        "ebay_store": "The store; one of `STORES`.",
        "supplier": "Whose stock decides about the listing.",
    },
)

SUPPLIER_STOCK = Table(
    name="supplier_stock",
    columns={
        "custom_label": "string",
        "part_number": "string",
        "quantity": "int",
        "updated_date": "date",
    },
    partition_keys=("supplier", "year", "month", "day"),
    description="One snapshot for each supplier and day",
    meanings={
        "custom_label": "A label that the supplier's mapping knows; every one of them is there, once.",
        "part_number": "The part that decided about the quantity; of several, the first that did.",
        "quantity": "How many there are, by the supplier's rule. 0 for a label its list leaves out.",
        "updated_date": "The day of the snapshot.",
        "supplier": "The supplier's code.",
        "year": "Of the snapshot's day.",
        "month": "The same.",
        "day": "The same.",
    },
)

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
    description="What eBay should show, one row for each listing",
    meanings={
        "item_id": "eBay's number of the listing; there once in a store.",
        "quantity_delta": "`quantity` less what it was in the supplier's snapshot before.",
        "quantity": "How many eBay should offer.",
        "custom_label": "The seller's label of what is listed.",
        "supplier_store": "The supplier whose snapshot decided, as the store table has it.",
        "ebay_store": "The store; one of `STORES`.",
    },
)

TABLES = {table.name: table for table in (PRODUCT, STORE, SUPPLIER_STOCK, EBAY)}


class _Stores(Sequence[str]):
    """The stores in the suppliers file as it is whenever they are asked for."""

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        return load_suppliers().stores[index]

    def __len__(self) -> int:
        return len(load_suppliers().stores)

    def __iter__(self) -> Iterator[str]:
        return iter(load_suppliers().stores)

    def __repr__(self) -> str:
        return repr(load_suppliers().stores)


STORES: Sequence[str] = _Stores()
"""The eBay stores: the values of the partition key `ebay_store`. They are in the suppliers file."""
