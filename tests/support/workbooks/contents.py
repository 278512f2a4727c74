"""What the sample workbooks hold, and what must come of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.support.oracle import Outcome
from tests.support.workbooks.making import rows_xml, sheet_xml, write_rows

# Most cases are BGA's, the plainest layout: a code, a quantity, a cap of 10.
HEADER = ["BGA REFERENCE", "Stock"]
KLA_HEADER = ["Part Number", "Stock Balance"]  # the same without a cap
APE_HEADER = ["Part no", "Stock"]
FEB_HEADER = ["partNumber", "description", "stockAvailability"]


def good_rows(count: int = 60) -> list[list[Any]]:
    """Quantities from 0 to 14, so that a cap of 10 shows."""
    return [[f"PX{number:04}", number % 15] for number in range(count)]


def good(count: int = 60, cap: int = 10) -> dict[str, Outcome]:
    return {f"PX{number:04}": min(number % 15, cap) for number in range(count)}


GOOD = good()


def numbered(prefix: str, outcomes: Iterable[Outcome]) -> dict[str, Outcome]:
    return {f"{prefix}{number}": outcome for number, outcome in enumerate(outcomes)}


def same(outcome: Outcome, codes: Iterable[str]) -> dict[str, Outcome]:
    return dict.fromkeys(codes, outcome)


def among_good(odd: dict[str, Outcome], cap: int = 10) -> dict[str, Outcome]:
    """What is expected of `few_among_many`: so many good rows that no number of odd ones is too many."""
    return good(40 * len(odd), cap) | odd


def few_among_many(path: Path, header: list[str], odd: list[list[Any]]) -> None:
    write_rows(path, [header, *odd, *good_rows(40 * len(odd))])


def good_sheet() -> str:
    return sheet_xml(rows_xml([HEADER, *good_rows()]))
