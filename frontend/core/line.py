"""A queue for what takes much memory or time: a few at once, the others in the order they came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS_BETWEEN_WORDS = 0.5


class Line:
    """Lets a few in at once.

    Args:
        at_once: how many.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: list[object] = []
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, waiting: Callable[[int], None]) -> Iterator[None]:
        """Wait for one's turn and keep it.

        Args:
            waiting: called with one's place in the line, 1 for the next, every half second. It may raise,
                which gives up the place.
        """
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
        try:
            while not self._is_let_in(ticket):
                with self._changed:
                    place = self._waiting.index(ticket) + 1
                waiting(place)
                with self._changed:
                    self._changed.wait(SECONDS_BETWEEN_WORDS)
        except BaseException:
            with self._changed:
                self._waiting.remove(ticket)
                self._changed.notify_all()
            raise
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()

    def _is_let_in(self, ticket: object) -> bool:
        with self._changed:
            if self._waiting[0] is not ticket or not self._free:
                return False
            self._waiting.pop(0)
            self._free -= 1
            self._changed.notify_all()
            return True


def ordinal(place: int) -> str:
    """1st, 2nd, 3rd, 11th."""
    last = place % 100 if place % 100 in {11, 12, 13} else place % 10
    return f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


READERS = Line(2)
"""For reading workbooks. Each reader may take some hundred megabytes and a processor."""
