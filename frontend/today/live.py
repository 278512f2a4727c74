"""The background of this server process: one board, one consumer of messages, whatever the sessions."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache

from frontend.core.airflow import airflow
from frontend.core.aws import lake, sqs_client
from frontend.core.settings import settings
from frontend.today.board import Board, keep_fresh
from frontend.today.messages import consume
from stock_pipeline.suppliers import load_suppliers


@dataclass(frozen=True, slots=True)
class _Background:
    board: Board
    stop: threading.Event


_starting = threading.Lock()


def board() -> Board:
    """The board of this process; the first call starts what keeps it fresh."""
    with _starting:
        return _background().board


def stop() -> None:
    """End what keeps the board fresh, if it was started. A server's ends with its process."""
    with _starting:
        if _background.cache_info().currsize:
            _background().stop.set()
            _background.cache_clear()


@cache
def _background() -> _Background:
    chosen = settings()
    made = _Background(
        Board(lake(), airflow(), load_suppliers),
        threading.Event(),
    )
    for target, arguments in (
        (keep_fresh, (made.board, made.stop)),
        (consume, (sqs_client(), chosen.queue_url, made.board, made.stop)),
    ):
        threading.Thread(target=target, args=arguments, name=target.__name__, daemon=True).start()
    return made
