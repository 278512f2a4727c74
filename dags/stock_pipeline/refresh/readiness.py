"""Whether the tables that the daily run needs are there: their entries, their files, their partitions."""

from __future__ import annotations

import re
from typing import Any

from stock_pipeline.errors import TablesMissingError
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.publishing import values_of_objects
from stock_pipeline.lake.tables import PRODUCT, STORE, STORES, TABLES
from stock_pipeline.suppliers import SUPPLIER


def check_catalog(lake: Lake) -> None:
    """Check that the catalog has the four tables.

    Raises:
        TablesMissingError: it has not.
    """
    missing = []
    for name in TABLES:
        try:
            lake.glue.get_table(DatabaseName=lake.database, Name=name)
        except lake.glue.exceptions.EntityNotFoundException:
            missing.append(name)
    if missing:
        raise TablesMissingError(
            f"the database {lake.database} has no table {', '.join(missing)}: "
            "create the resources from infrastructure/template.yaml first"
        )


def store_partitions(lake: Lake) -> list[dict[str, Any]]:
    """The partitions that the files of the store table make up, for the catalog operator."""
    return [
        {"values": list(values), "location": lake.location(STORE, *values)}
        for values in sorted(values_of_objects(lake, STORE, ()))
        if values[0] in STORES and re.fullmatch(SUPPLIER, values[1])
    ]


def what_is_missing(lake: Lake) -> list[str]:
    """Sentences on what the daily run lacks; none if it can run."""
    faults = []
    if lake.head(PRODUCT.key()) is None:
        faults.append("product is empty: upload the mapping to product_feed/ and run again")
    listed = {entry.values[0] for entry in lake.partitions(STORE.name)}
    if without := [store for store in STORES if store not in listed]:
        faults.append(
            f"store has no listings of {', '.join(without)}: upload their files to store_feed/ and run again"
        )
    return faults
