"""A day's workbooks: read, judge, match, write Parquet; beside inflating them only, and beside openpyxl.

`python -m benchmarks.one_day inflate|pipeline|openpyxl FOLDER THREADS` does one of these in this process and
writes `{"seconds": …, "before_mb": …, "peak_mb": …}`. The seconds are those of the work, without the imports;
the memory is what the process held before it, and the most it has held.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from benchmarks.figures import Figure

REPOSITORY = Path(__file__).resolve().parents[1]
THREADS = 2
ROUNDS = 3
QUICK_SCALE = 0.2
DAYS = (date(2024, 8, 1), date(2024, 8, 2))
"""Two, because the last one's APE is bad on purpose; the first is read."""


def measure(folder: Path, quick: bool) -> list[Figure]:
    """Make a day of sample workbooks and read it every way; what is quick three times, for the least."""
    day = make_day(folder, QUICK_SCALE if quick else 1.0)
    rounds = [{how: in_child(how, day) for how in ("inflate", "pipeline")} for _ in range(ROUNDS)]
    least = {how: min(one[how]["seconds"] for one in rounds) for how in ("inflate", "pipeline")}
    peak = max(one["pipeline"]["peak_mb"] for one in rounds)
    # All Python, so a second thread only slows it down; its length evens out what else the machine does.
    slow = in_child("openpyxl", day, threads=1)
    what = "read, match and write a day of feeds"
    return [
        Figure(what, least["pipeline"], "inflate the workbooks", least["inflate"], peak),
        Figure(what, least["pipeline"], "read them with openpyxl", slow["seconds"], peak),
    ]


def make_day(folder: Path, scale: float) -> Path:
    """A folder with a day of sample workbooks of all suppliers."""
    from samples.feeds import write_sample_feeds

    write_sample_feeds(folder, DAYS, scale=scale)
    return folder / DAYS[0].isoformat()


def in_child(how: str, folder: Path, threads: int = THREADS) -> dict[str, float]:
    """Do it in its own process, which has as many threads on every machine."""
    command = [sys.executable, "-m", "benchmarks.one_day", how, str(folder), str(threads)]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "dags")]),
        "POLARS_MAX_THREADS": str(threads),
        "MALLOC_ARENA_MAX": str(threads),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def inflate(_paths: list[Path]) -> Callable[[Path], object]:
    """The least that any reader does."""

    def read(path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as part:
                    while part.read(1 << 20):
                        pass

    return read


def pipeline(paths: list[Path]) -> Callable[[Path], object]:
    """What a task does with a workbook; its mapping is at hand, and gives every code its own label."""
    import polars as pl

    from stock_pipeline.feeds.reading import read_feed
    from stock_pipeline.feeds.snapshot import build_snapshot, movement
    from stock_pipeline.lake.objects import parquet
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
        snapshot = build_snapshot(feed, mapping[path], None, supplier_of[path], DAYS[0])
        movement(snapshot.table, None)
        parquet(snapshot.table)

    return process


def openpyxl(_paths: list[Path]) -> Callable[[Path], object]:
    """The old way, and only the reading of it: every cell of the workbook."""
    from openpyxl import load_workbook

    return lambda path: list(load_workbook(path, data_only=True).worksheets[0].iter_rows(values_only=True))


def main(how: str, folder: Path, threads: int) -> None:
    """Do one of them and write what it took."""
    from tests.support.judging import peak_megabytes

    before_mb = peak_megabytes()
    # The largest first, so that the two that work at once end together.
    paths = sorted(folder.glob("*.xlsx"), key=lambda path: -path.stat().st_size)
    process = {"inflate": inflate, "pipeline": pipeline, "openpyxl": openpyxl}[how](paths)
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(process, paths))
    seconds = time.perf_counter() - started
    found = {"seconds": seconds, "before_mb": before_mb, "peak_mb": peak_megabytes()}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
