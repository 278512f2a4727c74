"""Stops a program at any one of its calls to AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from tests.support.lake import Lake


class StoppedError(Exception):
    """What a stopped program dies of."""


@contextmanager
def stopped_at(lake: Lake, wanted: int) -> Iterator[None]:
    """Within this the call of that number, counted from 1 over all clients of the lake, is not made."""
    numbers = count(1)

    def stop(**_: Any) -> None:
        if next(numbers) == wanted:
            raise StoppedError

    clients = (("s3", lake.s3), ("glue", lake.glue))
    for service, client in clients:
        client.meta.events.register(f"before-call.{service}", stop, unique_id="interruption")
    try:
        yield
    finally:
        for service, client in clients:
            client.meta.events.unregister(f"before-call.{service}", unique_id="interruption")


def stop_at_every_call(lake: Lake, prepare: Callable[[], None], run: Callable[[], Any]) -> Iterator[int]:
    """Prepare and run again and again, each time stopped one call later, until a run gets through.

    Yields:
        At which call the run was stopped, for the caller to look at what there is.
    """
    for wanted in count(1):
        prepare()
        try:
            with stopped_at(lake, wanted):
                run()
        except StoppedError:
            yield wanted
        else:
            return
