"""Runs the benchmarks and prints a table: `make bench`, `make bench QUICK=1`, `make bench JSON=figures.json`.

Seconds say only how quick a machine is and how busy. What counts is the ratio to the yardstick, which does
comparable work in the same run on the same machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import one_day, parsing, store_upsert
from benchmarks.figures import Figure

BENCHMARKS: dict[str, Callable[[Path, bool], list[Figure]]] = {
    "one_day": one_day.measure,
    "parsing": parsing.measure,
    "store_upsert": store_upsert.figures,
}


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all by default"
    )
    parser.add_argument("--quick", action="store_true", help="less data, fewer rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    figures = []
    for name in options.names or BENCHMARKS:
        with tempfile.TemporaryDirectory() as folder, console.status(f"{name} ..."):
            figures += BENCHMARKS[name](Path(folder), options.quick)
    console.print(table(figures))
    if options.json:
        rows = [asdict(one) | {"ratio": round(one.ratio, 3)} for one in figures]
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return 0


def table(figures: list[Figure]) -> Table:
    """The figures, a line each."""
    made = Table(title="Benchmarks: the ratio is what counts", title_justify="left")
    for name in ("what", "s", "yardstick", "yardstick s", "ratio", "peak MB"):
        made.add_column(name, justify="left" if name in {"what", "yardstick"} else "right")
    for one in figures:
        peak = "" if one.peak_mb is None else f"{one.peak_mb:.0f}"
        seconds = f"{one.seconds:.2f}", one.yardstick, f"{one.yardstick_seconds:.2f}"
        made.add_row(one.what, *seconds, f"{one.ratio:.3g}", peak)
    return made


if __name__ == "__main__":
    sys.exit(main())
