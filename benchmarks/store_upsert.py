"""A file of changes into the store table, by the statements of weekly_store, beside polars doing the same.

`PYTHONPATH=.:dags:plugins python -m benchmarks.store_upsert [--listings N] [--changes N] [--stores N]` makes
the table, by default of twelve million rows, uploads a file of changes for one store, a million by default,
and prints as JSON what reading the file took (seconds, most memory), what Athena took (seconds, bytes
scanned), and whether the published store equals, row for row, what polars computes from the files, which
knows nothing of the statements.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import polars as pl

from benchmarks.figures import Figure
from local_aws.query import execute, fetch
from local_aws.server import LocalAws
from stock_pipeline.lake.publishing import Fence, publish, published_versions
from stock_pipeline.lake.staging import staging_prefix
from stock_pipeline.lake.tables import STORE, STORES
from stock_pipeline.refresh.listings import HEADER, UPLOAD_COLUMNS
from stock_pipeline.refresh.staging import stage_upload
from stock_pipeline.suppliers import load_suppliers
from tests.support.runs.stack import Stack

REPOSITORY = Path(__file__).resolve().parents[1]
SUPPLIERS = ("APE", "BGA", "FAI", "FPS", "KYB", "RTG")
CHANGED = STORES[0]

READING = """
import json, sys, time
from pathlib import Path
sys.path[:0] = sys.argv[1].split(":")
from tests.support.judging import peak_megabytes
from stock_pipeline.refresh.listings import read_listings
before = peak_megabytes()
began = time.perf_counter()
listings = read_listings(Path(sys.argv[2]), Path(sys.argv[3]))
seconds = time.perf_counter() - began
print(json.dumps({"seconds": seconds, "before_mb": before, "peak_mb": peak_megabytes(),
                  "counts": listings.counts, "upload": [str(path) for path in listings.upload]}))
"""


@dataclass
class Measured:
    """What it took. Bytes are those that Athena would charge for."""

    listings: int
    changes: int
    read_seconds: float
    read_before_mb: int
    read_peak_mb: int
    merge_seconds: float
    merge_bytes: int
    audit_seconds: float
    audit_bytes: int
    publish_seconds: float
    polars_seconds: float
    equal: bool
    sorted: bool


def listings(store: int, first: int, count: int, *, changed: bool = False) -> pl.DataFrame:
    """Listings as they are in the table, with their supplier; changed ones have another price and title."""
    number = pl.int_range(first, first + count, dtype=pl.Int64, eager=True).alias("number")
    # Every tenth changed listing has moved to the next supplier.
    moved = pl.when((number % 10 == 0) & changed).then(1).otherwise(0)
    supplier = ((number + moved) % len(SUPPLIERS)).replace_strict(
        dict(enumerate(SUPPLIERS)), return_dtype=pl.String
    )
    return number.to_frame().select(
        item_id=100_000_000_000 + store * 10_000_000_000 + number * 7_919,
        custom_label=pl.format("UKD-{}-{}", supplier, number.hash(3) % 9_000_000 + 1_000_000),
        title=pl.format("Brake disc for model {} {}", number, pl.lit("new" if changed else "front axle")),
        current_price=(number % 20_000).cast(pl.Float64) / 100 + (5.99 if changed else 4.99),
        prefix=pl.when(supplier != "RTG").then(pl.format("UKD-{}", supplier)),
        uk_rtg=pl.when(supplier == "RTG").then(pl.lit("RTG")).otherwise(pl.lit("UK")),
        fps_wds_dir=pl.lit("FPS"),
        payment_profile_name=pl.lit("Payment A"),
        shipping_profile_name=pl.lit("Post 24 h"),
        return_profile_name=pl.lit("Return 30 days"),
        supplier=supplier,
    )


def fill(stack: Stack, folder: Path, per_store: int, stores: int) -> None:
    """Write and register the whole table, in no order within its files."""
    for at, store in enumerate(STORES[:stores]):
        table = listings(at, 0, per_store)
        for (supplier,), rows in table.partition_by("supplier", as_dict=True, include_key=False).items():
            path = folder / "part.parquet"
            rows.match_to_schema(STORE.schema).write_parquet(path, compression="zstd")
            key = STORE.key(store, str(supplier))
            stack.s3.upload_file(str(path), stack.bucket, key)
            stack.register(STORE.name, [store, str(supplier)], key)


def write_changes(path: Path, per_store: int, changes: int) -> None:
    """A file that changes the last nine tenths of `changes` listings there are, and adds one tenth."""
    added = changes // 10
    table = listings(0, per_store - (changes - added), changes, changed=True)
    columns = [pl.col(name) if name in table.columns else pl.lit("1").alias(name) for name in HEADER]
    table.select(columns).write_csv(path)


def expected(stack: Stack, changes: Path) -> pl.DataFrame:
    """The changed store as it must be: from the files before, and the file of changes, read with csv."""
    before = pl.concat(
        pl.read_parquet(BytesIO(stack.body(STORE.key(store, supplier)))).with_columns(
            supplier=pl.lit(supplier)
        )
        for store, supplier in stack.partitions(STORE.name)
        if store == CHANGED
    )
    with changes.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    new = pl.DataFrame(
        {name: [one[name] or None for one in rows] for name in STORE.columns}
        | {
            "supplier": [
                "RTG" if one["uk_rtg"] == "RTG" or not one["prefix"] else one["prefix"].split("-")[-1]
                for one in rows
            ]
        }
    ).cast({"item_id": pl.Int64, "current_price": pl.Float64})
    return before.update(new, on="item_id", how="full", include_nulls=True)


def render(name: str, plan: dict[str, Any]) -> str:
    """A statement as the DAG has it."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(REPOSITORY / "include/sql"))  # noqa: S701 - SQL
    return environment.get_template(name).render(plan=plan, ti=SimpleNamespace(try_number=1))


def read_in_child(path: Path, folder: Path) -> dict[str, Any]:
    """Read the file as the task does, in its own process."""
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", READING, f"{REPOSITORY}:{REPOSITORY / 'dags'}", str(path), str(folder)],
        env={**os.environ, "POLARS_MAX_THREADS": "2", "MALLOC_ARENA_MAX": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def measure(endpoint: str, folder: Path, *, total: int, changes: int, stores: int) -> Measured:
    """Fill a table, merge the changes, publish them, and compare."""
    stack = Stack.create(endpoint, "store-upsert")
    per_store = total // stores
    fill(stack, folder, per_store, stores)
    path = folder / f"{CHANGED}.csv"
    write_changes(path, per_store, changes)
    began = time.perf_counter()
    wanted = expected(stack, path)
    polars_seconds = time.perf_counter() - began
    (work := folder / "work").mkdir()
    read = read_in_child(path, work)
    assert read["counts"]["accepted"] == changes
    plan: dict[str, Any] = {
        "store": CHANGED,
        "replace_store": False,
        "accepted": changes,
        "upload_table": "store_staging_x_upload",
        "staging_table": "store_staging_x",
        "staging_location": f"s3://{stack.bucket}/{staging_prefix('store_staging_x')}",
        "limits": load_suppliers().store_limits.model_dump(),
    }
    stage_upload(
        stack.lake,
        name=plan["upload_table"],
        paths=[Path(name) for name in read["upload"]],
        columns=UPLOAD_COLUMNS,
        table=STORE,
    )
    merged = execute(stack.athena, render("store/create_staging.sql", plan), stack.database, stack.workgroup)
    audit = execute(stack.athena, render("store/audit.sql", plan), stack.database, stack.workgroup)
    checks = list(fetch(stack.athena, audit.query_id)[2])
    assert {row[-1] for row in checks} == {"true"}, checks
    began = time.perf_counter()
    publish(
        stack.lake,
        staging_table=plan["staging_table"],
        table=STORE,
        run_date=date(2024, 8, 4),
        fence=Fence("a test", published_versions(stack.lake, STORE, (CHANGED,)), lambda: None),
        within=(CHANGED,),
    )
    publish_seconds = time.perf_counter() - began
    parts = list(published(stack))
    found = pl.concat(parts).sort("item_id")
    return Measured(
        listings=total,
        changes=changes,
        read_seconds=round(read["seconds"], 3),
        read_before_mb=read["before_mb"],
        read_peak_mb=read["peak_mb"],
        merge_seconds=round(merged.seconds, 3),
        merge_bytes=merged.scanned,
        audit_seconds=round(audit.seconds, 3),
        audit_bytes=audit.scanned,
        publish_seconds=round(publish_seconds, 3),
        polars_seconds=round(polars_seconds, 3),
        equal=found.equals(wanted.select(found.columns).sort("item_id")),
        sorted=all(part["custom_label"].is_sorted() for part in parts),
    )


def figures(folder: Path, quick: bool) -> list[Figure]:
    """Measure it on a table that is made in a minute."""
    total, changes = (120_000, 40_000) if quick else (1_200_000, 300_000)
    with LocalAws(port=0) as server:
        took = measure(server.endpoint_url, folder, total=total, changes=changes, stores=3)
    if not (took.equal and took.sorted):
        raise RuntimeError("the merged store is not what it should be: run the tests")
    yardstick = "the same by polars"
    return [
        Figure(
            f"read a list of {changes:,} listings",
            took.read_seconds,
            yardstick,
            took.polars_seconds,
            took.read_peak_mb,
        ),
        Figure(f"merge it into {total // 3:,} (Athena)", took.merge_seconds, yardstick, took.polars_seconds),
        Figure("audit the merged store (Athena)", took.audit_seconds, yardstick, took.polars_seconds),
    ]


def published(stack: Stack) -> Iterator[pl.DataFrame]:
    """The changed store's files."""
    for store, supplier in stack.partitions(STORE.name):
        if store == CHANGED:
            body = stack.body(STORE.key(store, supplier))
            yield pl.read_parquet(BytesIO(body)).with_columns(supplier=pl.lit(supplier))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listings", type=int, default=12_000_000)
    parser.add_argument("--changes", type=int, default=1_000_000)
    parser.add_argument("--stores", type=int, default=12)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made, LocalAws(port=0) as server:
        took = measure(
            server.endpoint_url,
            Path(made),
            total=options.listings,
            changes=options.changes,
            stores=options.stores,
        )
    sys.stdout.write(json.dumps(asdict(took), indent=2) + "\n")
