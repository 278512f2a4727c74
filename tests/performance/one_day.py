"""Times one day's workbooks in a process of its own: read, judge, match, write Parquet; or only read by openpyxl.

`python one_day.py pipeline FOLDER` and `python one_day.py openpyxl FOLDER` print `{"seconds": …, "peak_mb": …}`.
The seconds are those of the work, without the imports; the memory is that of the whole process.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from io import BytesIO
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def pipeline() -> Callable[[Path], object]:
    """What a task does with a workbook, without the bucket: every code has a label of its own."""
    sys.path.insert(0, str(REPOSITORY / "dags"))
    import polars as pl

    from stock_pipeline.feed import read_feed
    from stock_pipeline.snapshot import build_snapshot, movement
    from stock_pipeline.stock_feed import snapshot_file
    from stock_pipeline.suppliers import load_suppliers

    suppliers = load_suppliers()

    def process(path: Path) -> None:
        supplier = suppliers.supplier_of_file(path.name)
        assert supplier is not None
        feed = read_feed(path, supplier)
        mapping = feed.rows.select(
            pl.format("UKD-{}-{}", pl.lit(supplier.code), "key").alias("custom_label"),
            pl.col("code").alias("part_number"),
            "key",
        ).unique("key")
        snapshot = build_snapshot(feed, mapping, None, supplier, date(2024, 8, 1))
        movement(snapshot.table, None)
        snapshot_file(snapshot.table)

    return process


def openpyxl() -> Callable[[Path], object]:
    """The old way, and only the reading of it."""
    from openpyxl import load_workbook

    return lambda path: load_workbook(BytesIO(path.read_bytes()), data_only=True)


if __name__ == "__main__":
    process = {"pipeline": pipeline, "openpyxl": openpyxl}[sys.argv[1]]()
    paths = sorted(Path(sys.argv[2]).glob("*.xlsx"))
    started = time.perf_counter()
    # Two at once, as a worker with two cores does. It is of no use to openpyxl, which is all Python.
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(process, paths))
    seconds = time.perf_counter() - started
    # ru_maxrss is in kilobytes on Linux and in bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))
