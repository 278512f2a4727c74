"""What runs can be told: the fields of the forms in Airflow's UI, and of the `conf` of the REST API.

Each call makes a field, because a run writes its value into it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pendulum
from airflow.sdk import Param

from stock_airflow.settings import LONDON
from stock_pipeline.lake.tables import STORES
from stock_pipeline.run_dates import allowed_days, date_pattern
from stock_pipeline.suppliers import load_suppliers

SUPPLIERS = list(load_suppliers().suppliers)
SHA256: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{64}$", "maxLength": 64}
"""A checksum as JSON schema; the length is there because `$` lets a line end pass."""


def run_date(description: str = "The day to run, {days}; empty is today in London.") -> Param:
    """A day that may be left out.

    Args:
        description: what people read beside it; `{days}` stands for the days there are.
    """
    return Param(None, type=["null", "string"], **_day_schema(description))


def required_date(description: str) -> Param:
    """A day that has to be given; `description` as for `run_date`."""
    return Param(type="string", **_day_schema(description))


def flag(description: str) -> Param:
    """Something that is off unless it is ticked."""
    return Param(False, type="boolean", description=description)


def names(examples: Iterable[str], description: str) -> Param:
    """Any number of names; a form offers the examples."""
    return Param([], type="array", items={"type": "string"}, examples=list(examples), description=description)


def optional_text(description: str, max_length: int) -> Param:
    """A text that may be left out."""
    return Param(None, type=["null", "string"], maxLength=max_length, description=description)


def dry_run(description: str = "Everything up to the audit; nothing is published.") -> Param:
    """Whether nothing is changed."""
    return flag(description)


def publish_older_date(what: str) -> Param:
    """Whether what is published may replace what is of a later date."""
    return flag(f"Publish even if {what} is of a later date already.")


def release_reason(description: str) -> Param:
    """Why something that was held is published all the same."""
    return optional_text(description, 2_000)


def _day_schema(description: str) -> dict[str, Any]:
    return {
        "format": "date",
        "pattern": date_pattern(pendulum.today(LONDON).date()),
        "description": description.format(days=allowed_days()),
    }


DAILY_STOCK = {
    "run_date": run_date(),
    "suppliers": names(
        SUPPLIERS,
        "Only these suppliers' feeds are read; empty is all. The table is made of all snapshots.",
    ),
    "dry_run": dry_run(),
    "full_upload": flag("Upload files with every listing, not only those that changed."),
    "accept_first": flag(
        "Accept a supplier's first list, which cannot be compared with anything; otherwise it is held."
    ),
    "release": names(
        SUPPLIERS,
        "Held feeds that are right: they are accepted in this run. Only after looking at them.",
    ),
    "release_reason": release_reason("Why the held feeds are right; their reports quote it."),
    "released_by": optional_text(
        "Who says so, if not the person who triggers the run: kept as what that person says.", 300
    ),
    "release_files": Param(
        None,
        type=["null", "object"],
        additionalProperties=SHA256,
        description="SHA-256 of the file that was looked at, by supplier; another file is judged again.",
    ),
    "accept_changes": names(
        [*SUPPLIERS, *STORES],
        "Suppliers or stores which the audit lets through in this run, however much changes.",
    ),
    "publish_older_date": publish_older_date("the ebay table"),
}
"""The form of `daily_stock`."""
