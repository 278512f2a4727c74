"""Unmatched items: labels that no store lists, and listings whose label no supplier has.

Athena finds both and leaves each as a CSV among its results. Here they become lists for staff, counted by
supplier, in which no cell can act as a formula. (Codes of a feed without a label are in the feed's own list.)
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

import polars as pl
from pydantic import BaseModel

from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake
from stock_pipeline.spreadsheets.export import harmless_csv

LISTS = ("labels_without_listing", "listings_without_stock")
"""Names of the statements in include/sql/ebay, of their tasks (after `list_`) and of the CSV files."""


class UnmatchedList(BaseModel):
    """A list for staff.

    Attributes:
        name: what is in it, one of `LISTS`.
        key: where the CSV is.
        labels: rows by supplier; a row is a label.
    """

    name: str
    key: str
    labels: dict[str, int]


def write_lists(lake: Lake, folder: str, queries: Mapping[str, str | None]) -> list[UnmatchedList]:
    """Make the lists of a run from the results of its queries.

    Args:
        lake: the bucket and the catalog.
        folder: where the lists go.
        queries: name of a list to the id of the Athena query that found it; None if that did not succeed.

    The rows are held in memory: some 100 bytes each, and there are fewer than the labels of all stores.
    """
    made = []
    for name, query_id in queries.items():
        if query_id is None:
            continue
        body = lake.read(f"{locations.ATHENA_RESULTS}{query_id}.csv")
        rows = pl.read_csv(BytesIO(body), infer_schema=False)
        key = f"{folder}{name}.csv"
        lake.put(key, harmless_csv(rows))
        labels = dict(rows.group_by("supplier").len().sort("supplier").rows())
        made.append(UnmatchedList(name=name, key=key, labels=labels))
    return made
