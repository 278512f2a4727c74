"""Takes the pipeline's messages off the queue, once for all sessions of this server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from frontend.today.board import Board
from stock_pipeline.messages import Message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

log = logging.getLogger(__name__)

WAIT_SECONDS = 20
RETRY_SECONDS = 5.0
AT_ONCE = 10


def take_messages(sqs: SQSClient, queue_url: str, tell: Callable[[date], None], wait: int = 0) -> int:
    """Take what is on the queue, up to ten messages; returns how many there were.

    A message is deleted once its day has been told. One that is not ours stays, until SQS moves it to the
    dead-letter queue.

    Args:
        sqs: client.
        queue_url: the queue.
        tell: is told the day of each message; days that are told twice do no harm.
        wait: seconds to wait for the first message.
    """
    answer = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=AT_ONCE, WaitTimeSeconds=wait)
    messages = answer.get("Messages", [])
    for entry in messages:
        try:
            message = Message.model_validate_json(entry["Body"])
        except ValidationError:
            log.warning("Not a message of the pipeline, left on the queue: %.200s", entry["Body"])
            continue
        tell(message.run_date)
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=entry["ReceiptHandle"])
    return len(messages)


def consume(sqs: SQSClient, queue_url: str, board: Board, stop: threading.Event) -> None:
    """Take messages until `stop` is set. Whatever goes wrong is told on the pages and tried again."""
    while not stop.is_set():
        try:
            take_messages(sqs, queue_url, board.refresh, WAIT_SECONDS)
            board.problem = None
        except (ClientError, BotoCoreError) as error:
            log.warning("No messages: %s", error)
            board.problem = f"Messages do not arrive, so news is looked for every few seconds ({error})"
            stop.wait(RETRY_SECONDS)
