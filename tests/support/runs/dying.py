"""Clients of AWS that take the worker with them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from tests.support.runs.crashes import afterwards


class _Dying:
    """A client; the worker is gone after some calls of one method."""

    def __init__(self, client: Any, method: str, calls: int) -> None:
        self._client = client
        setattr(self, method, afterwards(getattr(client, method), calls))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def dying(patch: pytest.MonkeyPatch, tasks: ModuleType, client: str, method: str, calls: int = 1) -> None:
    """Have a module of tasks get a client that dies after so many calls of a method."""
    made = _Dying(getattr(tasks, client)(), method, calls)
    patch.setattr(tasks, client, lambda: made)
