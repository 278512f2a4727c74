"""Waits for what other processes and threads do: never for a time, always for a thing."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 240
"""How long anything may take before a test gives up; on a quiet machine nothing takes half a minute."""


def until(true: Callable[[], object], explain: Callable[[], object] = lambda: None) -> None:
    """Wait until something is true; fail with what `explain` returns if it never is."""
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.02)
