"""By hand: `python -m tests.fuzz --seconds 600`; `--seed 1 --only 17` reads one of its workbooks again."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Annotated

import typer

from tests.fuzz.campaign import Campaign

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def fuzz(
    seconds: Annotated[float, typer.Option(help="How long.")] = 60.0,
    seed: Annotated[int | None, typer.Option(help="By default another one every time.")] = None,
    only: Annotated[
        int | None, typer.Option(help="The number of one workbook, to read it once more.")
    ] = None,
    keep: Annotated[Path, typer.Option(help="Where workbooks with findings are kept.")] = Path(".local/fuzz"),
) -> None:
    """Read damaged workbooks, and print each that the reader misjudges; exit status 1 if there are any."""
    campaign = Campaign(keep, int(time.time()) if seed is None else seed)
    if only is None:
        found = campaign.run(itertools.count(), time.monotonic() + seconds)
    else:
        found = campaign.run(range(only, only + 1))
    for finding in found:
        typer.echo(finding)
    outcomes = ", ".join(f"{count:,} {name}" for name, count in sorted(campaign.outcomes.items()))
    typer.echo(
        f"seed {campaign.seed}: {outcomes}; at most {campaign.megabytes} MB and {campaign.seconds:.2f} s"
    )
    raise typer.Exit(1 if found else 0)


if __name__ == "__main__":
    app(prog_name="python -m tests.fuzz")
