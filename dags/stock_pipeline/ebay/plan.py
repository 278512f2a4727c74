"""Plans the ebay table of a day: which snapshots it is made of, and where it is staged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from stock_pipeline.errors import NeedsPersonError
from stock_pipeline.feeds.snapshot_files import RELEASED_METADATA, snapshot_metadata
from stock_pipeline.lake.catalog import Snapshots, snapshots_on
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.staging import staging_prefix, staging_table_name
from stock_pipeline.lake.tables import EBAY
from stock_pipeline.suppliers import SuppliersFile


def plan_table(
    lake: Lake,
    *,
    suppliers: SuppliersFile,
    run_date: date,
    run_id: str,
    accept_changes: Sequence[str] = (),
) -> dict[str, Any]:
    """Everything the statements in include/sql/ebay need to know.

    A supplier that is no longer in the suppliers file, but still has snapshots, counts like any other.

    Args:
        lake: the bucket and the catalog.
        suppliers: the suppliers file.
        run_date: the day the table is for.
        run_id: of the run.
        accept_changes: suppliers and stores which the audit is to let through however much they change.

    Returns:
        `snapshots`: `supplier`, `current`, `previous` (dates as text, previous may be None) for each supplier
        with a snapshot; `suppliers_by_mapping` and `suppliers_knowing_every_label`: those suppliers, parted
        by how their labels are known; `limits`: of the audit; `waived`: suppliers and stores it lets through,
        because their feed was released or their changes accepted; `staging_table` and `staging_location`
        (`s3://…/`), of their own for each run.

    Raises:
        NeedsPersonError: no supplier has a snapshot on or before the date.
        MissingTableError: a registered snapshot is not in the bucket; Athena would take it for an empty one.
    """
    snapshots = snapshots_on(lake, run_date)
    if not snapshots:
        raise NeedsPersonError(
            f"no supplier has a snapshot on or before {run_date}: there is nothing to publish"
        )
    released = [entry.supplier for entry in snapshots if _is_released(lake, entry)]
    every_label = {code for code, supplier in suppliers.suppliers.items() if supplier.lists_out_of_stock}
    codes = [snapshot.supplier for snapshot in snapshots]
    staging_table = staging_table_name(EBAY, run_date, run_id)
    return {
        "snapshots": [snapshot.as_dict() for snapshot in snapshots],
        "suppliers_by_mapping": [code for code in codes if code not in every_label],
        "suppliers_knowing_every_label": [code for code in codes if code in every_label],
        "limits": suppliers.table_limits.model_dump(),
        "waived": sorted({*released, *accept_changes}),
        "staging_table": staging_table,
        "staging_location": lake.url(staging_prefix(staging_table)),
    }


def _is_released(lake: Lake, snapshots: Snapshots) -> bool:
    """Whether a person released the current snapshot; makes sure that both are there."""
    metadata = [
        snapshot_metadata(lake, snapshots.supplier, day)
        for day in (snapshots.current, snapshots.previous)
        if day
    ]
    return RELEASED_METADATA in metadata[0]
