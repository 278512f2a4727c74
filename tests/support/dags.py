"""The DAGs there are."""

from __future__ import annotations

import pytest

DAG_IDS = {
    "approve_feed",
    "daily_stock",
    "monthly_product",
    "prepare_tables",
    "prune_old_data",
    "rollback_ebay",
    "weekly_store",
}


every_dag = pytest.mark.parametrize("dag_id", sorted(DAG_IDS))
