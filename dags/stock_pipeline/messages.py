"""The one shape in which every stage tells the world what it did."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

MOST_BYTES = 250_000
"""How large a message may be. SNS refuses more than 262,144 bytes, attributes included. The rest is room
for the envelope in which a queue without raw delivery gets it."""

MOST_LISTED = 20
"""How many things a sentence names; the report has all of them."""

_CUT = " … (cut here, because a message may not be longer; the report has all of it)"
_LONGEST_NAME = 200


def shortened(lines: Sequence[str], most: int = MOST_LISTED) -> list[str]:
    """The first lines, and one that says how many more there are.

    What is short enough stays as it is, so a list that was shortened before stays too.

    Args:
        lines: names or sentences.
        most: how many are kept. One more is kept instead of a line that says "and 1 more".
    """
    if len(lines) <= most + 1:
        return list(lines)
    return [*lines[:most], f"and {len(lines) - most:,} more, in the report"]


def listed(items: Sequence[str], separator: str = ", ", most: int = MOST_LISTED) -> str:
    """Names or sentences as part of a sentence, a long list cut as by `shortened`."""
    return separator.join(shortened(items, most))


def to_look_at(concerns: Sequence[str]) -> str:
    """The end of a run's sentence: what needs a person, or nothing if all is well."""
    return f". To look at: {listed(concerns, '; ')}" if concerns else ""


class Event(StrEnum):
    """What happened. Sent as the message attribute `event`, so that subscribers can filter."""

    FEED_PROCESSED = "feed_processed"
    FEED_HELD = "feed_held"
    FEED_REJECTED = "feed_rejected"
    FEED_MISSING = "feed_missing"
    PARTITION_ADDED = "partition_added"
    EBAY_GENERATED = "ebay_generated"
    TABLE_REFRESHED = "table_refreshed"
    REFRESH_HELD = "refresh_held"
    REFRESH_REJECTED = "refresh_rejected"
    TABLE_ROLLED_BACK = "table_rolled_back"
    PARTITIONS_DELETED = "partitions_deleted"
    RUN_FINISHED = "run_finished"


class Message(BaseModel):
    """One message on the topic.

    Attributes:
        event: what happened.
        run_date: the day it is about.
        subject: the supplier's code, the table's or the DAG's name.
        status: the verdict of a feed; `success` or `failed` of anything else.
        counts: figures by name; what they count depends on the event.
        report: `s3://` location of the full report, if there is one.
        text: a sentence for people.
    """

    model_config = ConfigDict(frozen=True)

    event: Event
    run_date: date
    subject: str
    status: str
    counts: dict[str, int] = {}
    report: str | None = None
    text: str

    def to_json(self) -> str:
        """The message as JSON text, never larger than SNS takes.

        The text is cut first, between two characters. If the rest alone is too large, it goes without the
        counts and the report's location, and with the first 200 characters of the names.
        """
        if _fits(self):
            return self.model_dump_json()
        rest = self.model_copy(update={"text": _CUT})
        if not _fits(rest):
            names = {"subject": self.subject[:_LONGEST_NAME], "status": self.status[:_LONGEST_NAME]}
            rest = rest.model_copy(update={"counts": {}, "report": None, **names})

        def ending_at(end: int) -> Message:
            return rest.model_copy(update={"text": self.text[:end] + _CUT})

        too_long = bisect_left(range(len(self.text) + 1), x=True, key=lambda end: not _fits(ending_at(end)))
        return ending_at(max(too_long - 1, 0)).model_dump_json()


def published_bytes(message: str, attributes: dict[str, Any]) -> int:
    """How much of SNS's limit a message takes: its text and the names, types and values of its attributes.

    Airflow sends the text as JSON within JSON, in which each quotation mark is doubled once more and every
    letter beyond ASCII has six bytes or twelve.

    Args:
        message: the text as an SNS operator is given it.
        attributes: its attributes, all of them text.
    """
    sent = len(json.dumps({"default": message}))
    return sent + sum(len(f"{name}String{value}".encode()) for name, value in attributes.items())


def _fits(message: Message) -> bool:
    return published_bytes(message.model_dump_json(), {"event": message.event.value}) <= MOST_BYTES
