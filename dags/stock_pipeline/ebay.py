"""Plans the ebay table of a day: which snapshots it is made of, and where it is staged."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from stock_pipeline.catalog import snapshots_on
from stock_pipeline.errors import NeedsPersonError
from stock_pipeline.publishing import staging_prefix, staging_table_name
from stock_pipeline.suppliers import SuppliersFile
from stock_pipeline.tables import EBAY

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient


def plan_table(
    glue: GlueClient, *, bucket: str, database: str, suppliers: SuppliersFile, run_date: date, run_id: str
) -> dict[str, Any]:
    """Everything the statements in include/sql/ebay need to know.

    A supplier that is no longer in the suppliers file, but still has snapshots, counts like any other.

    Returns:
        `snapshots`: `supplier`, `current`, `previous` (dates as text, previous may be None) for each supplier
        with a snapshot; `suppliers_by_mapping` and `suppliers_knowing_every_label`: those suppliers, parted
        by how their labels are known; `limits`: of the audit; `staging_table` and `staging_location`
        (`s3://…/`), of their own for each run.

    Raises:
        NeedsPersonError: no supplier has a snapshot on or before the date.
    """
    snapshots = snapshots_on(glue, database, run_date)
    if not snapshots:
        raise NeedsPersonError(
            f"no supplier has a snapshot on or before {run_date}: there is nothing to publish"
        )
    every_label = {code for code, supplier in suppliers.suppliers.items() if supplier.lists_out_of_stock}
    codes = [snapshot.supplier for snapshot in snapshots]
    staging_table = staging_table_name(EBAY, run_date, run_id)
    return {
        "snapshots": [snapshot.as_dict() for snapshot in snapshots],
        "suppliers_by_mapping": [code for code in codes if code not in every_label],
        "suppliers_knowing_every_label": [code for code in codes if code in every_label],
        "limits": suppliers.table_limits.model_dump(),
        "staging_table": staging_table,
        "staging_location": f"s3://{bucket}/{staging_prefix(staging_table)}",
    }
