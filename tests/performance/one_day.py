"""Times a day's workbooks in a process of its own: read, judge, match, write Parquet; or openpyxl's reading.

`python one_day.py pipeline|openpyxl FOLDER THREADS` writes `{"seconds": …, "peak_mb": …}`. The seconds are
those of the work, without the imports; the memory is that of the whole process.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def pipeline(paths: list[Path]) -> Callable[[Path], object]:
    """What a task does with a workbook; its mapping is at hand, and gives every code a label of its own."""
    sys.path.insert(0, str(REPOSITORY / "dags"))
    import polars as pl

    from stock_pipeline.feed import read_feed
    from stock_pipeline.snapshot import build_snapshot, movement
    from stock_pipeline.snapshot_files import parquet
    from stock_pipeline.suppliers import load_suppliers

    suppliers = load_suppliers()
    named = {path: suppliers.supplier_of_file(path.name) for path in paths}
    supplier_of = {path: supplier for path, supplier in named.items() if supplier}
    label = pl.concat_str(pl.lit("UKD-"), "key").alias("custom_label")
    mapping = {
        path: read_feed(path, supplier)
        .rows.select(label, pl.col("code").alias("part_number"), "key")
        .unique("key")
        .sort("custom_label")
        for path, supplier in supplier_of.items()
    }

    def process(path: Path) -> None:
        feed = read_feed(path, supplier_of[path])
        snapshot = build_snapshot(feed, mapping[path], None, supplier_of[path], date(2024, 8, 1))
        movement(snapshot.table, None)
        parquet(snapshot.table)

    return process


def openpyxl(paths: list[Path]) -> Callable[[Path], object]:
    """The old way, and only the reading of it: every cell of the workbook."""
    from openpyxl import load_workbook

    return lambda path: list(load_workbook(path, data_only=True).worksheets[0].iter_rows(values_only=True))


def peak_mb() -> float:
    """The most memory this process has held."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not ru_maxrss, which a process inherits from the one that started it.
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # macOS counts in bytes


if __name__ == "__main__":
    # The largest first, so that the two that work at once end together.
    paths = sorted(Path(sys.argv[2]).glob("*.xlsx"), key=lambda path: -path.stat().st_size)
    process = {"pipeline": pipeline, "openpyxl": openpyxl}[sys.argv[1]](paths)
    workers = int(sys.argv[3])
    started = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(process, paths))
    seconds = time.perf_counter() - started
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))
