"""The background of this server process: one board, one consumer of messages, whatever the sessions."""

from __future__ import annotations

import threading
from functools import cache

from frontend.services.airflow import airflow
from frontend.services.aws import s3_client, sqs_client
from frontend.services.board import Board, keep_fresh
from frontend.services.messages import consume
from frontend.services.settings import settings
from stock_pipeline.suppliers import load_suppliers

_starting = threading.Lock()


def board() -> Board:
    """The board of this process; the first call starts what keeps it fresh."""
    with _starting:
        return _started_board()


@cache
def _started_board() -> Board:
    chosen = settings()
    made = Board(s3_client(), chosen.bucket, airflow(), load_suppliers())
    stop = threading.Event()  # never set here: daemon threads end with the process
    for target, arguments in (
        (keep_fresh, (made, stop)),
        (consume, (sqs_client(), chosen.queue_url, made, stop)),
    ):
        threading.Thread(target=target, args=arguments, name=target.__name__, daemon=True).start()
    return made
