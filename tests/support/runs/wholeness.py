"""What must hold of the published table whatever befell a run: each store whole, and a rerun completes."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pyarrow.parquet as pq
from airflow.sdk import DAG

from tests.support import oracle
from tests.support.runs.days import FEW, FIRST, SECOND, Days
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack


def new_run(daily_stock: DAG) -> LocalRun:
    """A run of the second day."""
    return LocalRun(daily_stock, {"run_date": str(SECOND), "suppliers": list(FEW)})


def by_store(table: oracle.EbayTable) -> dict[str, dict[int, tuple[Any, ...]]]:
    stores: dict[str, dict[int, tuple[Any, ...]]] = {}
    for (store, item_id), row in table.items():
        stores.setdefault(store, {})[item_id] = tuple(row)
    return stores


def object_of(stack: Stack, store: str) -> dict[int, tuple[Any, ...]]:
    body = stack.body(f"ebay/ebay_store={store}/data.parquet")
    columns = pq.ParquetFile(BytesIO(body)).read()
    names = ("item_id", "quantity", "quantity_delta", "custom_label", "supplier_store")
    rows = zip(*(columns[name].to_pylist() for name in names), strict=True)
    return {item_id: row for item_id, *row in map(tuple, rows)}  # type: ignore[misc]


def no_store_is_half(stack: Stack, days: Days) -> set[str]:
    """Check that each store is wholly old or new; returns which there are."""
    old, new = (by_store(days.table(day, *FEW)) for day in (FIRST, SECOND))
    seen = set()
    for store in new:
        rows = {item_id: tuple(row) for item_id, row in object_of(stack, store).items()}
        assert rows in (old[store], new[store]), store
        seen.add("old" if rows == old[store] else "new")
    return seen


def as_if_nothing_had_happened(stack: Stack, days: Days, undisturbed: dict[str, bytes]) -> None:
    assert stack.ebay() == days.table(SECOND, *FEW)
    assert stack.uploads(SECOND) == undisturbed
    for table in ("ebay", "supplier_stock"):
        registered = stack.partitions(table)
        assert len(registered) == len(set(registered))
    assert stack.partitions("supplier_stock") == sorted(
        (code, "2024", "08", day) for code in FEW for day in ("01", "08")
    )
