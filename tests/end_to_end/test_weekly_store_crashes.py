"""A run of weekly_store is killed in the middle of each task; then it is cleared, or the day run again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, cast

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from aws_operators.athena import AthenaCheckOperator, AthenaReplaceTableOperator
from stock_airflow import run_helpers
from stock_pipeline.lake import publishing
from stock_pipeline.lake.tables import STORE
from tests.support.runs.checkpoint import Checkpoint
from tests.support.runs.crashes import Killed, afterwards, in_register_snapshots
from tests.support.runs.dying import dying
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack
from tests.support.runs.store_files import Listings, as_csv, read_store, row, upload

DAY = date(2024, 8, 4)
LATER = DAY + timedelta(days=7)
AMS = [row(100 + at, f"AMS-{at:03}", ("UKD-BGA", "UKD-FPS", "UKD-KLA")[at % 3]) for at in range(30)]
# Every listing gets another label, one supplier comes and one goes.
CHANGES = [
    one | {"custom_label": f"{one['custom_label']}-X", "prefix": one["prefix"].replace("KLA", "KYB")}
    for one in AMS
]
BEFORE = Listings().merged("AMS", AMS)
AFTER = Listings().merged("AMS", CHANGES)
RELEASE = {"release": ["AMS"], "release_reason": "KYB makes them now"}

Patch = pytest.MonkeyPatch


def in_client(client: str, method: str) -> Callable[[Patch], None]:
    return lambda patch: dying(patch, run_helpers, client, method)


CRASHES: dict[str, tuple[str, Callable[[Patch], None]]] = {
    "file staged": ("store.read_file", in_client("s3_client", "upload_file")),
    "table over it made": ("store.read_file", in_client("glue_client", "create_table")),
    "merged": (
        "store.create_staging_table",
        lambda patch: patch.setattr(
            AthenaReplaceTableOperator, "execute", afterwards(AthenaReplaceTableOperator.execute)
        ),
    ),
    "audited": (
        "store.audit",
        lambda patch: patch.setattr(AthenaCheckOperator, "execute", afterwards(AthenaCheckOperator.execute)),
    ),
    "one file copied": ("store.publish_store", in_client("s3_client", "copy")),
    "an entry gone": ("store.publish_store", in_client("glue_client", "delete_partition")),
    "published": (
        "store.publish_store",
        lambda patch: patch.setattr(publishing, "publish", afterwards(publishing.publish)),
    ),
    "one registered": ("store.register_store", in_register_snapshots),
    "reported": ("store.report_store", in_client("s3_client", "put_object")),
    "half dropped": ("store.report_store", in_client("glue_client", "delete_table")),
    "summed up": ("summarise", in_client("s3_client", "put_object")),
}
UNCHANGED = {"file staged", "table over it made", "merged", "audited"}


@pytest.fixture(scope="module")
def weekly_store(dag_bag: DagBag) -> DAG:
    dag = dag_bag.dags["weekly_store"]
    for task_id in ("store.create_staging_table", "store.audit"):
        cast("Any", dag.get_task(task_id)).sleep_time = 0.1
    return dag


def new_run(dag: DAG) -> LocalRun:
    return LocalRun(dag, {"run_date": str(LATER), **RELEASE})


@pytest.fixture(scope="module")
def after_first_run(weekly_store: DAG, stack: Stack) -> Checkpoint:
    upload(stack, DAY, "AMS.csv", as_csv(AMS))
    assert LocalRun(weekly_store, {"run_date": str(DAY)}).go().failed == {}
    upload(stack, LATER, "AMS.csv", as_csv(CHANGES))
    return Checkpoint.take(stack)


def as_if_nothing_had_happened(stack: Stack) -> None:
    assert read_store(stack) == AFTER
    assert stack.partitions(STORE.name) == [("AMS", code) for code in ("BGA", "FPS", "KYB")]
    assert stack.keys("store/") == [STORE.key("AMS", code) for code in ("BGA", "FPS", "KYB")]


@pytest.mark.parametrize(
    ("crash", "way"),
    [(crash, "run again") for crash in CRASHES]
    + [(crash, "cleared") for crash in ("merged", "one file copied", "an entry gone", "half dropped")],
)
def test_a_killed_run_leaves_whole_partitions_and_is_made_good(
    weekly_store: DAG, after_first_run: Checkpoint, stack: Stack, crash: str, way: str
) -> None:
    after_first_run.restore()
    task_id, arrange = CRASHES[crash]
    order = [task.task_id for task in weekly_store.topological_sort()]
    run = new_run(weekly_store).go(stop=order[order.index(task_id) - 1])
    with pytest.MonkeyPatch.context() as patch:
        arrange(patch)
        run.go(start=task_id, stop=task_id)
    assert {type(error) for error in run.errors.values()} == {Killed}
    # Athena can read what there is: each registered partition has its file, wholly old or wholly new.
    for code, rows in by_supplier(read_parts(stack)).items():
        assert rows in (by_supplier(BEFORE).get(code), by_supplier(AFTER).get(code)), code
    assert stack.query("SELECT count(*) FROM store WHERE custom_label IS NULL") == [["0"]]
    if crash in UNCHANGED:
        assert read_store(stack) == BEFORE
    if way == "cleared":
        run.go(start=task_id)
    else:
        run = new_run(weekly_store).go()
    assert run.failed == {}
    as_if_nothing_had_happened(stack)


def read_parts(stack: Stack) -> Listings:
    """The table as it is, a listing once for each supplier it is under."""
    found: dict[tuple[str, int], Any] = {}
    for store, supplier in stack.partitions(STORE.name):
        part = read_store(stack, only=(store, supplier))
        found |= {(f"{store}/{supplier}", key[1]): value for key, value in part.rows.items()}
    return Listings(found)


def by_supplier(table: Listings) -> dict[str, dict[int, Any]]:
    parts: dict[str, dict[int, Any]] = {}
    for (_, item_id), (supplier, columns) in table.rows.items():
        parts.setdefault(supplier, {})[item_id] = columns
    return parts
