"""What a benchmark finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """How long something took, beside how long its yardstick took in the same run.

    Attributes:
        what: was done.
        seconds: it took.
        yardstick: what it is compared with.
        yardstick_seconds: that took.
        peak_mb: the most memory the process held that did it, if it was another process.
    """

    what: str
    seconds: float
    yardstick: str
    yardstick_seconds: float
    peak_mb: float | None = None

    @property
    def ratio(self) -> float:
        """How many times the yardstick's seconds it took."""
        return self.seconds / self.yardstick_seconds
