"""Which browser sessions are open, by which sign-in, and which sign-ins have ended.

Streamlit keeps who someone is in a signed cookie alone, and believes it for as long as its signature holds.
So what has ended is kept here, in the memory of this server process.
"""

from __future__ import annotations

import threading

KEPT = 10_000
"""Sessions that are remembered. Streamlit does not say when one has gone, and an old one does no harm."""


class Sessions:
    """The sessions of a server. A sign-in is known by its mark; without sign-in there is none.

    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._marks: dict[str, str | None] = {}
        self._ended: set[str] = set()

    def enter(self, session_id: str, mark: str | None) -> bool:
        """Note that a session shows the page to someone who may see it; false if their sign-in has ended."""
        with self._lock:
            if mark in self._ended:
                return False
            self._marks[session_id] = mark
            if len(self._marks) > KEPT:
                del self._marks[next(iter(self._marks))]
            return True

    def is_of(self, session_id: str, mark: str | None) -> bool:
        """Whether a session is one that shows the page by this sign-in."""
        with self._lock:
            return session_id in self._marks and self._marks[session_id] == mark

    def has_ended(self, mark: str) -> bool:
        """Whether they have signed out."""
        with self._lock:
            return mark in self._ended

    def end(self, mark: str) -> list[str]:
        """End a sign-in for good; gives the sessions that were opened by it."""
        with self._lock:
            self._ended.add(mark)
            gone = [session_id for session_id, of in self._marks.items() if of == mark]
            for session_id in gone:
                del self._marks[session_id]
            return gone


SESSIONS = Sessions()
"""Those of this server process."""
