"""Reads a feed and says what it comes to; as a program, within limits of memory and time.

A reader that dies takes its process with it, so what might kill it is read in a child process.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from stock_pipeline.errors import RejectedFile
from stock_pipeline.feeds.reading import Feed, read_feed
from stock_pipeline.suppliers import Supplier, load_suppliers
from tests.support.oracle import REJECTED, Outcome

REPOSITORY = Path(__file__).parents[2]
ADDRESS_SPACE = 4 << 30
SECONDS = 240
"""After which it counts as hung, on however slow a machine."""


@dataclass(frozen=True)
class Judgement:
    """What happens to a file: its verdict, the reason for a rejection, and a quantity for each code."""

    verdict: str
    reason: str = ""
    quantities: dict[str, Outcome] | None = None
    peak_megabytes: int = 0


def judge(path: Path, supplier: str) -> Judgement:
    """Read a workbook and reject it for its rejected rows as the pipeline does."""
    layout = load_suppliers().supplier(supplier)
    try:
        feed = read_feed(path, layout)
    except RejectedFile as error:
        return Judgement("rejected", str(error).lower())
    return judgement_of(feed, layout)


def judgement_of(feed: Feed, layout: Supplier) -> Judgement:
    """What happens to a feed that could be read, so far as no other day's has a say in it."""
    if feed.rejected_share > layout.thresholds.max_rejected_share:
        return Judgement("rejected", f"{feed.rejected.height} rows rejected")
    lowest = feed.rows.group_by("key").agg(pl.col("quantity").min())
    return Judgement(
        "accepted", quantities={key: REJECTED if value is None else value for key, value in lowest.rows()}
    )


def judge_in_child(path: Path, supplier: str) -> Judgement:
    """The same in its own process, which may take 4 GB of address space and no end of time."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "tests.support.judging", str(path), supplier],
        cwd=REPOSITORY,
        # Threads take address space, and a machine may have many.
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "dags"), "POLARS_MAX_THREADS": "4"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"the reader died: {done.returncode}\n{done.stderr[-2000:]}"
    return Judgement(**json.loads(done.stdout))


def peak_megabytes() -> int:
    """The most memory this program has had. The rusage of a child on Linux begins with its parent's peak."""
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s*([0-9]+) kB", status.read_text())
        assert found is not None
        return int(found[1]) >> 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20  # macOS counts bytes


def main(path: Path, supplier: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    outcome = asdict(judge(path, supplier))
    outcome["peak_megabytes"] = peak_megabytes()
    json.dump(outcome, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
