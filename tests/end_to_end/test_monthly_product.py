"""Runs of monthly_product and prepare_tables: what happens to the mapping, and to a bucket of files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from io import BytesIO
from typing import Any, cast

import polars as pl
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from stock_airflow import run_helpers
from stock_pipeline.lake import locations
from stock_pipeline.lake.tables import PRODUCT, STORE, STORES
from tests.support.runs.checkpoint import Checkpoint
from tests.support.runs.crashes import Killed
from tests.support.runs.dying import dying
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack
from tests.support.runs.store_files import Listings, as_csv, as_workbook, listing, read_store, row, upload

DAY, LATER = date(2024, 8, 1), date(2024, 9, 1)
HEADER = ("custom_label", "part_number", "supplier")

Row = tuple[Any, Any, Any]
Run = Callable[..., LocalRun]

BEFORE: list[Row] = [
    *((f"BGA-{at:03}", f"{at:03}", "BGA") for at in range(300)),
    *((f"FPS-{at}", f"F{at}", "FPS") for at in range(10)),
    ("BGA-KIT", "001", "BGA"),
    ("BGA-KIT", "002", "BGA"),
]


def as_rows(rows: list[Row]) -> list[dict[str, Any]]:
    return [dict(zip(HEADER, one, strict=True)) for one in rows]


def put(stack: Stack, day: date, name: str, body: bytes) -> str:
    key = f"{locations.PRODUCT_FEEDS}{locations.day_prefix(day)}{name}"
    stack.put(key, body)
    return key


def read_product(stack: Stack) -> list[Row]:
    return pl.read_parquet(BytesIO(stack.body(PRODUCT.key()))).rows()


def in_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda one: (one[2], one[0], one[1]))


@pytest.fixture(scope="module")
def quick(dag_bag: DagBag) -> dict[str, DAG]:
    """The DAGs, which look at a statement as often as the local Athena deserves."""
    found = {name: dag_bag.dags[name] for name in ("monthly_product", "weekly_store", "prepare_tables")}
    for dag in found.values():
        for task in dag.tasks:
            if hasattr(task, "sleep_time"):
                cast("Any", task).sleep_time = 0.1
    return found


@pytest.fixture(scope="module")
def after_first_run(quick: dict[str, DAG], stack: Stack) -> Checkpoint:
    put(stack, DAY, "mapping.csv", as_csv(as_rows([*BEFORE, BEFORE[0]]), HEADER))
    assert LocalRun(quick["monthly_product"], {"run_date": str(DAY)}).go().failed == {}
    return Checkpoint.take(stack)


@pytest.fixture
def run(quick: dict[str, DAG], after_first_run: Checkpoint) -> Run:
    after_first_run.restore()
    return lambda day=LATER, **conf: LocalRun(quick["monthly_product"], {"run_date": str(day), **conf}).go()


def concerns(made: LocalRun) -> str:
    return str(made.errors.get(("conclude", -1), ""))


def report(stack: Stack) -> Any:
    return stack.json("reports/monthly_product/year=2024/month=09/day=01/product.json")


def test_the_table_is_the_file_with_each_row_once_and_sorted(run: Run, stack: Stack) -> None:
    assert read_product(stack) == in_order(BEFORE)
    assert stack.query("SELECT count(*) FROM product WHERE supplier = 'FPS'") == [["10"]]
    assert stack.keys("staging/") == []


def test_a_new_mapping_replaces_the_old_as_a_whole(run: Run, stack: Stack) -> None:
    new: list[Row] = [*BEFORE[20:], ("fps-0 ", " F0", "fps"), ("NEW-1", "007", "NEWCOMER")]
    put(stack, LATER, "mapping.xlsx", as_workbook({"Sheet1": as_rows(new)}, HEADER))
    made = run()
    assert made.failed == {}
    assert read_product(stack) == in_order([*BEFORE[20:], ("NEW-1", "007", "NEWCOMER")])
    told = report(stack)
    assert (told["verdict"], told["published"]) == ("accepted", True)
    assert told["unknown_suppliers"] == ["NEWCOMER"]
    assert told["counts"]["repeated"] == 1
    assert [event for event, _ in stack.messages()] == ["table_refreshed", "run_finished"]
    # What people read before is kept by the bucket.
    versions = stack.s3.list_object_versions(Bucket=stack.bucket, Prefix=PRODUCT.key())["Versions"]
    assert len(versions) > 1


HELD = {
    "a fifth lost": ([*BEFORE[100:]], "32.1% of what product has would go"),
    "a fifth of a supplier": (
        [*BEFORE[100:], *((f"KLA-{at}", f"K{at}", "KLA") for at in range(100))],
        "33.1% of supplier BGA's rows would go",
    ),
    "a supplier lost": (
        [one for one in BEFORE if one[2] != "FPS"],
        "supplier FPS would lose all it has, 10 rows",
    ),
    "slid one row": (
        [
            (label, BEFORE[at - 1][1] if supplier == "BGA" and at else part, supplier)
            for at, (label, part, supplier) in enumerate(BEFORE)
        ],
        "of supplier BGA's labels would have other parts, more than 5%",
    ),
    "blank fields": (
        [*BEFORE, ("L", None, "BGA"), (None, "P", "BGA"), ("M", "P", None), ("N", "P", "../x")],
        "1.3% of the file's rows have a blank or unusable field",
    ),
}


@pytest.mark.parametrize("case", HELD)
def test_what_looks_wrong_is_held_until_somebody_releases_it(run: Run, stack: Stack, case: str) -> None:
    rows, words = HELD[case]
    put(stack, LATER, "mapping.csv", as_csv(as_rows(rows), HEADER))
    made = run()
    assert list(made.failed) == [("conclude", -1)]
    assert words in concerns(made)
    assert read_product(stack) == in_order(BEFORE)
    assert [event for event, _ in stack.messages()] == ["refresh_held", "run_finished"]
    assert run(release=True, release_reason="looked at it").failed == {}
    assert read_product(stack) == in_order([one for one in rows if all(one) and one[2] != "../x"])


def test_half_a_kit_is_left_out_as_a_whole(run: Run, stack: Stack) -> None:
    put(stack, LATER, "mapping.csv", as_csv(as_rows([*BEFORE[:-1], ("BGA-KIT", " ", "BGA")]), HEADER))
    assert run().failed == {}
    assert read_product(stack) == in_order(BEFORE[:-2])
    lines = stack.body(report(stack)["rejected_rows"]).decode("utf-8-sig").splitlines()
    assert [line.split(",")[-1] for line in lines[1:]] == [
        ["another row of its custom_label cannot be used", " so the label is left out"][-1] + '"',
        "part_number is blank",
    ]


def test_a_file_with_another_header_is_rejected(run: Run, stack: Stack) -> None:
    key = put(stack, LATER, "mapping.csv", as_csv(as_rows(BEFORE), ("label", "part_number", "supplier")))
    made = run()
    assert "mapping.csv is rejected: no header" in concerns(made)
    assert read_product(stack) == in_order(BEFORE)
    assert stack.body(f"quarantine/{key}") == stack.body(key)
    assert [event for event, _ in stack.messages()] == ["refresh_rejected", "run_finished"]


def test_without_a_file_there_is_nothing_to_do_and_the_run_is_green(run: Run, stack: Stack) -> None:
    made = run(date(2024, 11, 1))
    assert (made.state, made.failed) == ("success", {})
    ((event, message),) = stack.messages()
    assert (event, message["status"]) == ("run_finished", "success")
    assert "nothing to do" in message["text"]


def test_twice_gives_the_same_and_a_dry_run_nothing(run: Run, stack: Stack) -> None:
    put(stack, LATER, "mapping.csv", as_csv(as_rows(BEFORE[5:]), HEADER))
    assert run(dry_run=True).state == "success"
    assert read_product(stack) == in_order(BEFORE)
    for _ in range(2):
        assert run().failed == {}
        assert read_product(stack) == in_order(BEFORE[5:])
    assert "later than 2024-08-01" in str(run(DAY).errors["publish_product", -1])


CRASHES: dict[str, tuple[str, str, str]] = {
    "file staged": ("read_file", "s3_client", "upload_file"),
    "table over it made": ("read_file", "glue_client", "create_table"),
    "copied": ("publish_product", "s3_client", "copy"),
    "reported": ("report_product", "s3_client", "put_object"),
    "half dropped": ("report_product", "glue_client", "delete_table"),
}


@pytest.mark.parametrize("crash", CRASHES)
def test_a_killed_run_leaves_a_whole_mapping_and_the_day_run_again_makes_it_good(
    quick: dict[str, DAG], run: Run, stack: Stack, crash: str
) -> None:
    put(stack, LATER, "mapping.csv", as_csv(as_rows(BEFORE[5:]), HEADER))
    task_id, client, method = CRASHES[crash]
    made = LocalRun(quick["monthly_product"], {"run_date": str(LATER)})
    with pytest.MonkeyPatch.context() as patch:
        order = [task.task_id for task in made.dag.topological_sort()]
        made.go(stop=order[order.index(task_id) - 1])
        dying(patch, run_helpers, client, method)
        made.go(start=task_id, stop=task_id)
    assert {type(error) for error in made.errors.values()} == {Killed}
    before = crash in {"file staged", "table over it made"}
    assert read_product(stack) == in_order(BEFORE if before else BEFORE[5:])
    assert run().failed == {}
    assert read_product(stack) == in_order(BEFORE[5:])


def triggered(run: LocalRun, task_id: str) -> tuple[str, Any]:
    """Which DAG a task would start, and with which parameters."""
    with run.supervised():
        ti = run.instance(task_id)
        ti.task = ti.task.prepare_for_execution()
        ti.render_templates(context=ti.get_template_context())
    return ti.task.trigger_dag_id, ti.task.conf


def test_the_tables_are_prepared_from_files_alone(
    quick: dict[str, DAG], after_first_run: Checkpoint, stack: Stack
) -> None:
    after_first_run.restore()
    stack.s3.delete_object(Bucket=stack.bucket, Key=PRODUCT.key())
    wanted = Listings()
    for at, store in enumerate(STORES, start=1):
        rows = [row(at * 100, f"{store}-1")]
        wanted = wanted.merged(store, rows)
        if store in {"AMS", "SJR"}:
            upload(stack, DAY, f"{store}.csv", as_csv(rows))
        else:  # someone copied it there by hand
            sink = BytesIO()
            pl.DataFrame([listing(rows[0])[1]], schema=STORE.schema).write_parquet(sink)
            stack.put(STORE.key(store, "BGA"), sink.getvalue())
    for _ in range(2):
        made = LocalRun(quick["prepare_tables"], {"run_date": str(DAY)})
        assert made.perform("plan_run") == "success"
        for task_id in ("refresh_product", "refresh_stores"):
            dag_id, conf = triggered(made, task_id)
            assert LocalRun(quick[dag_id], conf).go().failed == {}
        for task_id in ("list_partitions", "register_partitions", "check_tables"):
            assert made.perform(task_id) == "success", made.errors
        assert read_store(stack) == wanted
        assert read_product(stack) == in_order(BEFORE)


def test_what_is_missing_is_named(quick: dict[str, DAG], after_first_run: Checkpoint, stack: Stack) -> None:
    after_first_run.restore()
    stack.s3.delete_object(Bucket=stack.bucket, Key=PRODUCT.key())
    made = LocalRun(quick["prepare_tables"], {"run_date": str(DAY)})
    made.perform("check_tables")
    assert "product is empty" in str(made.errors["check_tables", -1])
    assert "store has no listings of AMS, AST" in str(made.errors["check_tables", -1])
