"""Reads mutated workbooks, a great many, and notes which of them did what must never be."""

from __future__ import annotations

import io
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random

from samples.feeds import write_sample_feeds
from tests.fuzz.mutations import mutated
from tests.fuzz.reader import MEGABYTES, Reader, Reading
from tests.support.workbooks import CASES

LARGEST_BASE = 100_000

Base = tuple[str, bytes]
"""A supplier and a workbook of its."""


@dataclass(frozen=True)
class Finding:
    """A file that did what must never be; kept at `path` with what was done to it beside it."""

    path: Path
    reading: Reading
    trail: list[str]

    def __str__(self) -> str:
        return f"{self.path}: {self.reading.outcome} after {', '.join(self.trail)}\n{self.reading.detail}"


@dataclass
class Campaign:
    """Mutated workbooks by their numbers: the same seed and number always give the same one.

    Args:
        folder: for the files that are read and those that are kept.
        seed: of the chance.
    """

    folder: Path
    seed: int
    outcomes: Counter[str] = field(default_factory=Counter)
    megabytes: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._bases = list(bases(self.folder))

    def make(self, number: int) -> tuple[str, bytes, list[str]]:
        """The workbook of a number: its supplier, its bytes, and what was done to it."""
        chance = Random(f"{self.seed}:{number}")  # noqa: S311 - the same every time
        supplier, body = chance.choice(self._bases)
        changed, trail = mutated(chance, body)
        return supplier, changed, trail

    def run(self, numbers: Iterator[int] | range, until: float = float("inf")) -> list[Finding]:
        """Read the workbooks of these numbers, until a time of `time.monotonic` if that comes first."""
        found: list[Finding] = []
        reader = Reader()
        try:
            for number in numbers:
                if time.monotonic() > until:
                    break
                supplier, body, trail = self.make(number)
                path = self.folder / f"{supplier}_seed_{self.seed}_number_{number}.xlsx"
                path.write_bytes(body)
                reading = reader.read(path, supplier)
                self.outcomes[reading.outcome] += 1
                self.seconds = max(self.seconds, reading.seconds)
                self.megabytes = max(self.megabytes, reading.megabytes)
                if reading.outcome in {"accepted", "rejected"} and reading.megabytes > MEGABYTES:
                    reading = Reading("memory", f"{reading.megabytes} MB")
                    reader.close()  # the next file is not to be blamed for this one's
                if reading.outcome in {"accepted", "rejected"}:
                    path.unlink()
                else:
                    finding = Finding(path, reading, trail)
                    path.with_suffix(".txt").write_text(str(finding))
                    found.append(finding)
        finally:
            reader.close()
        return found


def undated(path: Path) -> bytes:
    """A workbook without the time it was made, which would make every campaign another one."""
    sink = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name != "docProps/core.xml" and not name.endswith(".xlsx"):
                new.writestr(zipfile.ZipInfo(name), old.read(name), zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def is_whole(path: Path) -> bool:
    """Whether it is an archive that can be taken apart."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, zlib.error):
        return False


def bases(folder: Path) -> Iterator[Base]:
    """What is mutated: the corpus, and a small workbook in each supplier's layout."""
    made = folder / "base.xlsx"
    for case in CASES:
        if not case.bomb:
            case.build(made)
            if made.stat().st_size < LARGEST_BASE and is_whole(made):
                yield case.supplier, undated(made)
    made.unlink()
    samples = folder / "samples"
    write_sample_feeds(samples, [date(2024, 8, 1), date(2024, 8, 8)], scale=0.001)
    for path in sorted(samples.rglob("*.xlsx")):
        yield path.name.split(" ")[0], undated(path)
