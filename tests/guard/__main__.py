"""Measure the guard: how many wrong lists change stock silently, and whether honest ones are held.

`make bench-guard` runs it on invented lists; `FEEDS=<folder>` on real ones, in folders named by their day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from stock_pipeline.verdicts import Verdict
from tests.guard.days import from_folder, generated
from tests.guard.kinds import KINDS
from tests.guard.trial import DISASTROUS, HARMFUL, Outcome, Trials

FIRST = date(2026, 1, 5)
DAYS = [FIRST + timedelta(days=days) for days in (0, 7, 8, 9)]


def main(
    feeds: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="A folder of real feeds by day.")
    ] = None,
    scale: Annotated[float, typer.Option(help="How long the invented lists are.")] = 1.0,
    kind: Annotated[list[str] | None, typer.Option(help="Only these kinds of wrong list.")] = None,
) -> None:
    """Judge every kind of wrong list of every supplier, and every pair of right ones."""
    trials = Trials(from_folder(feeds) if feeds else generated(DAYS, scale))
    typer.echo(f"{len(kind or KINDS)} kinds of wrong list, {len(trials.lists.days)} suppliers")
    honest = [outcome for _, outcome in trials.honest()]
    false_alarms = [outcome for outcome in honest if outcome.verdict is not Verdict.ACCEPTED]
    typer.echo(f"honest pairs of days: {len(honest):,}, of which held: {len(false_alarms):,}")
    for outcome in false_alarms:
        typer.echo(f"  {outcome.supplier}: {', '.join(outcome.stopped_by)}")
    outcomes = list(trials.cases(kind))
    _summarise(outcomes)
    _by("kind", (outcome.kind for outcome in outcomes if outcome.silent), outcomes)
    _by("supplier", (outcome.supplier for outcome in outcomes if outcome.silent), outcomes)


def _summarise(outcomes: list[Outcome]) -> None:
    silent = [outcome for outcome in outcomes if outcome.silent]
    worst = [outcome for outcome in silent if outcome.wrong > DISASTROUS]
    verdicts = Counter(outcome.verdict.value for outcome in outcomes)
    typer.echo(
        f"wrong lists: {len(outcomes):,}; held {verdicts['held']:,}, rejected {verdicts['rejected']:,}, "
        f"accepted {verdicts['accepted']:,}"
    )
    typer.echo(
        f"silent (accepted with over {HARMFUL:.0%} of the labels wrong): {len(silent):,} "
        f"({len(silent) / len(outcomes):.1%}); with over {DISASTROUS:.0%} wrong: {len(worst):,} "
        f"({len(worst) / len(outcomes):.1%})"
    )


def _by(what: str, silent: Iterable[str], outcomes: list[Outcome]) -> None:
    counts = Counter(silent)
    all_of = Counter(getattr(outcome, what) for outcome in outcomes)
    typer.echo(f"silent by {what}:")
    for name, count in counts.most_common():
        typer.echo(f"  {count:3} of {all_of[name]:3}  {name}")


if __name__ == "__main__":
    typer.run(main)
