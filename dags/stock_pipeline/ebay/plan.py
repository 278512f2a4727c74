"""Plans the ebay table of a day: which snapshots it is made of, and where it is staged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from stock_pipeline.errors import MissingTableError, NeedsPersonError
from stock_pipeline.feeds.snapshot_files import RELEASED_METADATA, counts_as_zero, snapshot_metadata
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
        `snapshots`: `supplier`, `current`, `previous` (dates as text, either may be None) for each supplier
        the table is made for; `zeroed`: those of them without a current one, because theirs has expired;
        `lost`: why each supplier is left out whose snapshot is not in the bucket; `suppliers_by_mapping` and
        `suppliers_knowing_every_label`: the suppliers, parted by how their labels are known; `limits`: of the
        audit; `waived`: suppliers and stores it lets through, because their feed was released, their changes
        were accepted, or they are zeroed; `staging_table` and `staging_location` (`s3://…/`), which no other
        run has.

    Raises:
        NeedsPersonError: no supplier has a snapshot on or before the date.
    """
    found = snapshots_on(lake, run_date)
    if not found:
        raise NeedsPersonError(
            f"no supplier has a snapshot on or before {run_date}: there is nothing to publish"
        )
    snapshots: list[Snapshots] = []
    lost: dict[str, str] = {}
    waived = set(accept_changes)
    for entry in found:
        try:
            if _is_released(lake, entry):
                waived.add(entry.supplier)
        except MissingTableError as error:
            lost[entry.supplier] = str(error)
            continue
        rules = suppliers.suppliers.get(entry.supplier)
        ended = rules is not None and counts_as_zero(lake, rules, entry.current, run_date)
        snapshots.append(entry.ended() if ended else entry)
    zeroed = [entry.supplier for entry in snapshots if entry.current is None]
    every_label = {code for code, supplier in suppliers.suppliers.items() if supplier.lists_out_of_stock}
    codes = [snapshot.supplier for snapshot in snapshots]
    return {
        "snapshots": [snapshot.as_dict() for snapshot in snapshots],
        "zeroed": zeroed,
        "lost": lost,
        "suppliers_by_mapping": [code for code in codes if code not in every_label],
        "suppliers_knowing_every_label": [code for code in codes if code in every_label],
        "limits": suppliers.table_limits.model_dump(),
        "waived": sorted({*waived, *zeroed}),
        **staging(lake, run_date, run_id),
    }


def staging(lake: Lake, run_date: date, *distinct: str) -> dict[str, str]:
    """Where a table is staged: `staging_table` and `staging_location`, for the statements."""
    name = staging_table_name(EBAY, run_date, *distinct)
    return {"staging_table": name, "staging_location": lake.url(staging_prefix(name))}


def _is_released(lake: Lake, snapshots: Snapshots) -> bool:
    """Whether a person released the current snapshot; makes sure that both are there."""
    metadata = [
        snapshot_metadata(lake, snapshots.supplier, day)
        for day in (snapshots.current, snapshots.previous)
        if day
    ]
    return RELEASED_METADATA in metadata[0]
