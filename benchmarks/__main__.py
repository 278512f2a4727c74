"""Runs the benchmarks and prints a table: `make bench`, `make bench QUICK=1`, `make bench JSON=figures.json`.

Seconds say only how quick a machine is and how busy. What counts is the ratio to the yardstick, which does
comparable work in the same run on the same machine.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import one_day, parsing, store_upsert
from benchmarks.figures import Figure

BENCHMARKS: dict[str, Callable[[Path, bool], list[Figure]]] = {
    "one_day": one_day.measure,
    "parsing": parsing.measure,
    "store_upsert": store_upsert.figures,
}


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def run(
    names: Annotated[
        list[str] | None, typer.Argument(help=f"Of {', '.join(BENCHMARKS)}; default all.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Less data, fewer rounds.")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures here too.")
    ] = None,
) -> None:
    """Run the benchmarks and print a table of their figures."""
    if unknown := set(names or ()) - set(BENCHMARKS):
        raise typer.BadParameter(
            f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}"
        )
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    figures = []
    for name in names or BENCHMARKS:
        with tempfile.TemporaryDirectory() as folder, console.status(f"{name} ..."):
            figures += BENCHMARKS[name](Path(folder), quick)
    console.print(table(figures))
    if json_file:
        rows = [asdict(one) | {"ratio": round(one.ratio, 3)} for one in figures]
        json_file.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


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
    app(prog_name="python -m benchmarks")
