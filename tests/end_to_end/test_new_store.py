"""A store that was added as docs/suppliers.md says: its name in the file, and nothing else."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
from airflow.dag_processing.dagbag import DagBag

from stock_pipeline.lake.tables import STORE
from stock_pipeline.suppliers import OTHER_FILE
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack
from tests.support.runs.store_files import Listings, as_csv, as_workbook, read_store, row, upload

DAY = date(2024, 8, 4)


@pytest.fixture
def weekly(dag_bag: DagBag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    path = tmp_path / "suppliers.yaml"
    text = Path(os.environ[OTHER_FILE]).read_text(encoding="utf-8")
    path.write_text(text.replace("SJR]", "SJR, NEW, NEW_FPS, RTG_NEW]"), encoding="utf-8")
    monkeypatch.setenv(OTHER_FILE, str(path))
    dag = dag_bag.dags["weekly_store"]
    for task_id in ("store.create_staging_table", "store.audit"):
        cast("Any", dag.get_task(task_id)).sleep_time = 0.1
    return dag


def test_its_listings_are_taken_from_a_file_or_a_sheet(weekly: Any, stack: Stack) -> None:
    own = [row(1000 + at, f"NEW-{at:03}") for at in range(30)]
    with_name = [row(2000 + at, f"FPS-{at:03}") for at in range(30)]
    of_group = [row(3000 + at, f"RTG-{at:03}") for at in range(30)]
    upload(stack, DAY, "NEW 1.csv", as_csv(own))
    upload(stack, DAY, "NEW_FPS 1.csv", as_csv(with_name))
    upload(stack, DAY, "RTG 1.xlsx", as_workbook({"NEW": of_group}))
    stores = ["NEW", "NEW_FPS", "RTG_NEW"]
    made = LocalRun(
        weekly,
        {"run_date": str(DAY), "stores": stores, "replace_store": True, "release": [], "dry_run": False},
    ).go()
    assert made.failed == {}
    wanted = Listings().merged("NEW", own).merged("NEW_FPS", with_name).merged("RTG_NEW", of_group)
    assert read_store(stack) == wanted
    assert stack.partitions(STORE.name) == [(store, "BGA") for store in stores]
