"""Reads workbooks one after the other in a process that lives for many, and may die of any of them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import sys
import time
import traceback
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stock_pipeline.feeds.reading import Feed
    from stock_pipeline.suppliers import Supplier

DAY = date(2024, 8, 1)
ADDRESS_SPACE = 4 << 30
SECONDS = 240.0
"""After which it counts as hung, on however slow a machine."""
MEGABYTES = 400
"""What a feed's task may take."""


@dataclass(frozen=True)
class Reading:
    """What came of a file.

    Attributes:
        outcome: `accepted`, `rejected`, or what must not be: `error`, `died`, `hung`.
        detail: the reason of a rejection, or what went wrong.
        quantities: of an accepted file, a quantity for each code.
        megabytes: the most memory the process had by then.
        seconds: how long it took.
    """

    outcome: str
    detail: str = ""
    quantities: dict[str, Any] | None = None
    megabytes: int = 0
    seconds: float = 0.0


class Reader:
    """A process that reads workbooks; the next one is started when it dies.

    Attributes:
        process: the one that reads now.
    """

    def __init__(self) -> None:
        self.process: Any = None
        self._pipe: Connection | None = None

    def read(self, path: Path, supplier: str) -> Reading:
        """Read one file."""
        if self._pipe is None:
            self._start()
        assert self._pipe is not None
        try:
            self._pipe.send((str(path), supplier))
            if not self._pipe.poll(SECONDS):
                self.close()
                return Reading("hung", f"no answer within {SECONDS:.0f} s")
            return self._pipe.recv()
        except (EOFError, OSError):
            self.process.join(SECONDS)
            code = self.process.exitcode
            self.close()
            return Reading("died", f"exit code {code}")

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
        if self._pipe is not None:
            self._pipe.close()
        self.process = self._pipe = None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()
        assert self._pipe.poll(SECONDS), "the reader did not start"
        self._pipe.recv()


def _serve(pipe: Connection) -> None:
    sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))
    from tests.support.judging import peak_megabytes

    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stderr.fileno())  # what Rust says of a panic that was caught
    _read(Path(__file__), "BGA")  # what is imported within functions
    pipe.send("ready")
    with contextlib.suppress(EOFError):
        while True:
            path, supplier = pipe.recv()
            began = time.perf_counter()
            reading = _read(Path(path), supplier)
            seconds = time.perf_counter() - began
            pipe.send(replace(reading, megabytes=peak_megabytes(), seconds=seconds))


def _read(path: Path, supplier: str) -> Reading:
    """Judge a file, and do with one that is readable all that a task does."""
    from stock_pipeline.errors import RejectedFile
    from stock_pipeline.feeds.reading import read_feed
    from stock_pipeline.suppliers import load_suppliers
    from tests.support.judging import judgement_of

    layout = load_suppliers().supplier(supplier)
    try:
        try:
            feed = read_feed(path, layout)
        except RejectedFile as error:
            return Reading("rejected", str(error))
        _process(feed, layout)
        judgement = judgement_of(feed, layout)
    except Exception:
        return Reading("error", traceback.format_exc())
    return Reading(judgement.verdict, judgement.reason, judgement.quantities)


def _process(feed: Feed, supplier: Supplier) -> None:
    """What follows reading, against a mapping that knows some of the codes and an earlier snapshot."""
    import polars as pl

    from stock_pipeline.feeds import report
    from stock_pipeline.feeds.checks import Others, check_feed, looks_like
    from stock_pipeline.feeds.comparison import Baseline, Known
    from stock_pipeline.feeds.snapshot import build_snapshot, movement
    from stock_pipeline.lake.objects import parquet
    from stock_pipeline.spreadsheets import export
    from stock_pipeline.verdicts import Verdict

    label = pl.concat_str(pl.lit("L-"), "key").alias("custom_label")
    mapping = feed.rows.select(label, pl.col("code").alias("part_number"), "key").unique("key").head(30)
    last = mapping.select("custom_label", pl.lit(5, pl.Int32).alias("quantity"))
    snapshot = build_snapshot(feed, mapping, last, supplier, DAY)
    others = Others({}, [])
    checks = check_feed(feed, snapshot, supplier, Known(mapping, Baseline(DAY, last, None)), others, DAY)
    looks_like(checks, others)
    report.FeedReport(
        run_date=DAY,
        supplier=supplier.code,
        verdict=Verdict.ACCEPTED,
        reason="",
        counts=report.count_rows(feed) | report.count_matches(snapshot) | movement(snapshot.table, last),
        checks=checks,
        samples=report.sample_rows(feed, snapshot),
    ).model_dump_json()
    export.harmless_csv(report.rows_for_staff(feed, snapshot))
    parquet(snapshot.table)
