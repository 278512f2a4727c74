"""What a file is judged to be, and the figures behind it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel

SAMPLES = 20


class Verdict(StrEnum):
    """What happens to a feed."""

    ACCEPTED = "accepted"
    HELD = "held"
    REJECTED = "rejected"
    MISSING = "missing"


class Consequence(StrEnum):
    """What happens to a feed that does not pass a check."""

    HELD = "held"
    REJECTED = "rejected"


class Check(BaseModel):
    """One figure a feed was judged by, with its limit; written whatever the verdict.

    Attributes:
        name: what is checked.
        value: the figure; None if there was nothing to compare with.
        limit: what it is held against, if it is.
        passed: whether it is within the limit.
        consequence: of not passing.
        text: the figure as a sentence for people.
    """

    name: str
    value: float | None = None
    limit: float | None = None
    passed: bool
    consequence: Consequence = Consequence.HELD
    text: str = ""
