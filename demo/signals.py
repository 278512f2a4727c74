"""Ctrl-C, TERM and a closed terminal as an exception that comes when it can do no harm."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STANDARD_OUTPUT = 1
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StoppedError(KeyboardInterrupt):
    """A signal asked for the end. Libraries that tidy up at Ctrl-C do it for this one too.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.strsignal(number))
        self.number = number

    @property
    def exit_code(self) -> int:
        """What a shell says of a program that the signal ended: 130 for Ctrl-C."""
        return 128 + self.number


class Signals:
    """Turns signals into `StoppedError`, but for stretches in which they have to wait."""

    def __init__(self) -> None:
        self._holds = 0
        self._waiting: int | None = None
        self._terminal = os.isatty(STANDARD_OUTPUT)

    def listen(self) -> None:
        """From now on. What `nohup` has made this program deaf to stays unheard."""
        for number in ENDING:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._came)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let a signal wait until this is done, so that nothing is begun and not noted."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
        self.check()

    @contextmanager
    def foremost(self) -> Iterator[None]:
        """Let an error that only a signal has brought about count as the signal.

        Ctrl-C reaches children too, and what they were asked for then fails.
        """
        try:
            yield
        except Exception as error:
            if self._waiting is not None:
                raise StoppedError(self._waiting) from error
            raise

    def check(self) -> None:
        """Raise what came meanwhile; also what a library has swallowed, as all do within a finaliser."""
        # A terminal that is closed is none any more. Not every program above this one passes its signal on.
        if self._terminal and self._waiting is None and not os.isatty(STANDARD_OUTPUT):
            self._waiting = signal.SIGHUP
        if self._waiting is not None and not self._holds:
            raise StoppedError(self._waiting)

    def ignore(self) -> None:
        """Hear no more, because the end has begun."""
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)

    def _came(self, number: int, _frame: FrameType | None) -> None:
        self._waiting = number
        self.check()
