"""The one shape in which every stage tells the world what it did."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


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
