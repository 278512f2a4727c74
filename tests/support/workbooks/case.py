"""The cases: a workbook, whose it is, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.support.oracle import Outcome

Build = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """One workbook.

    `expected` has every code, trimmed and upper-cased, with its quantity or REJECTED; None for a
    rejected file. `reason_words` are lower-case words of which the message has at least one; there are none
    where no word is unavoidable. A `bomb` grows to far more than its size: read it only where time and memory
    have a limit.
    """

    name: str
    supplier: str
    build: Build
    verdict: Literal["accepted", "rejected"]
    reason_words: tuple[str, ...] = ()
    expected: Mapping[str, Outcome] | None = None
    bomb: bool = False


CASES: list[Case] = []


def accepted(supplier: str, expected: Mapping[str, Outcome]) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        CASES.append(Case(build.__name__, supplier, build, "accepted", (), expected))
        return build

    return register


def rejected(supplier: str, *reason_words: str, bomb: bool = False) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        CASES.append(Case(build.__name__, supplier, build, "rejected", reason_words, bomb=bomb))
        return build

    return register
