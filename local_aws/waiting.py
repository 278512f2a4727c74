"""A wait for something that other processes do."""

from __future__ import annotations

import operator
from collections.abc import Callable

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed


def becomes_true(true: Callable[[], object], *, seconds: float, poll_seconds: float) -> bool:
    """Ask whether something is true until it is; False if it is not in time. What it raises goes on.

    Args:
        true: the question.
        seconds: how long it may take.
        poll_seconds: between two questions.
    """
    asking = Retrying(
        retry=retry_if_result(operator.not_),
        wait=wait_fixed(poll_seconds),
        stop=stop_after_delay(seconds),
        retry_error_callback=lambda _last: False,
    )
    return bool(asking(true))
