"""What is published now: the day of each store's part of the ebay table, and what a rollback put there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from frontend.core.settings import LONDON
from stock_pipeline.ebay.rollback import REPLACED_METADATA
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.publishing import RUN_DATE_METADATA
from stock_pipeline.lake.tables import EBAY

NAMED = 5
"""So many stores are named; of more there is a number."""


@dataclass(frozen=True, slots=True)
class PublishedStore:
    """A store's part of the ebay table.

    Attributes:
        day: it was made for; None if its file does not say.
        put_back: whether a rollback put it there.
        written: when it came there.
        tag: of the file, to know it again.
    """

    day: date | None
    put_back: bool
    written: datetime
    tag: str


def published_stores(lake: Lake, known: Mapping[str, PublishedStore]) -> dict[str, PublishedStore]:
    """The stores of the table as it is now; only files that are not as they were are looked at.

    Args:
        lake: the bucket and the catalog.
        known: what this gave before.
    """
    found: dict[str, PublishedStore] = {}
    for entry in lake.objects(EBAY.folder()):
        values = EBAY.values_of(entry["Key"])
        if values is None:
            continue
        (store,) = values
        before = known.get(store)
        if before and (before.tag, before.written) == (entry["ETag"], entry["LastModified"]):
            found[store] = before
            continue
        head = lake.head(entry["Key"])
        if head is None:
            continue
        metadata = head["Metadata"]
        text = metadata.get(RUN_DATE_METADATA)
        day = date.fromisoformat(text) if text else None
        found[store] = PublishedStore(
            day, REPLACED_METADATA in metadata, entry["LastModified"], entry["ETag"]
        )
    return found


def days_of(stores: Mapping[str, PublishedStore]) -> dict[str, int]:
    """How many stores are of each day, as a run's summary counts them."""
    counts: dict[str, int] = defaultdict(int)
    for store in stores.values():
        counts[store.day.isoformat() if store.day else ""] += 1
    return dict(sorted(counts.items()))


def published_in_words(stores: Mapping[str, PublishedStore]) -> str:
    """What is published now, as a sentence."""
    if not stores:
        return "Nothing is published."
    by_day: dict[date | None, list[str]] = defaultdict(list)
    for name, store in sorted(stores.items()):
        by_day[store.day].append(name)
    if len(by_day) == 1:
        text = f"Published now is {_table_of(next(iter(by_day)))}"
    else:
        parts = [
            f"{_table_of(day)} for {_names(names)}"
            for day, names in sorted(by_day.items(), key=lambda entry: entry[0] or date.min, reverse=True)
        ]
        text = f"Published now are {', and '.join(parts)}"
    back = sorted(name for name, store in stores.items() if store.put_back)
    if not back:
        return f"{text}."
    at = max(stores[name].written for name in back).astimezone(LONDON)
    which = "" if len(back) == len(stores) else f" for {_names(back)}"
    return f"{text}. A rollback put it there{which} on {at:%d %B} at {at:%H:%M}."


def _table_of(day: date | None) -> str:
    return f"the table of {day:%d %B %Y}" if day else "a table that does not say its day"


def _names(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= NAMED else f"{len(names)} stores"
