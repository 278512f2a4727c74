"""Staging tables: their names, their place, and how they go."""

from __future__ import annotations

import hashlib
import logging
from datetime import date

from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.tables import Table

log = logging.getLogger(__name__)


def drop_staging(lake: Lake, *, staging_table: str) -> None:
    """Remove a staging table: the catalog entry, then its files. Harmless if it is not there."""
    if not lake.drop_table(staging_table):
        log.info("%s is gone already", staging_table)
    refused = lake.delete_all([entry["Key"] for entry in lake.objects(staging_prefix(staging_table))])
    if refused:
        log.warning("Left for the pruning: %s", "; ".join(refused))


def staging_table_name(table: Table, run_date: date, *distinct: str) -> str:
    """The name of a staging table, the same whenever it is asked for the same.

    Args:
        table: what it is staged for.
        run_date: the date it is made for.
        distinct: what tells it from others of the date: the run's id, the store.
    """
    digest = hashlib.sha256("\n".join(distinct).encode()).hexdigest()[:10]
    return f"{table.name}_staging_{run_date:%Y%m%d}_{digest}"


def staging_prefix(staging_table: str) -> str:
    """The folder of a staging table's files."""
    return f"{locations.STAGING}{staging_table}/"
