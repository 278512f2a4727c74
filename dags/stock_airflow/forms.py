"""What a run of `daily_stock` can be told: the form in Airflow's UI, and the `conf` of the REST API."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from stock_airflow import settings
from stock_pipeline.lake.tables import STORES
from stock_pipeline.suppliers import load_suppliers

SUPPLIERS = list(load_suppliers().suppliers)
SHA256: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{64}$", "maxLength": 64}
"""A checksum as JSON schema; the length is there because `$` lets a line end pass."""

PARAMS = {
    "run_date": settings.run_date_param(),
    "suppliers": Param(
        [],
        type="array",
        items={"type": "string"},
        examples=SUPPLIERS,
        description="Only these suppliers' feeds are read; empty is all. The table is made of all snapshots.",
    ),
    "dry_run": Param(False, type="boolean", description="Everything up to the audit; nothing is published."),
    "full_upload": Param(
        False, type="boolean", description="Upload files with every listing, not only those that changed."
    ),
    "release": Param(
        [],
        type="array",
        items={"type": "string"},
        examples=SUPPLIERS,
        description="Held feeds that are right: they are accepted in this run. Only after looking at them.",
    ),
    "release_reason": Param(
        None,
        type=["null", "string"],
        maxLength=2_000,
        description="Why the held feeds are right; stands in their reports.",
    ),
    "released_by": Param(
        None,
        type=["null", "string"],
        maxLength=300,
        description="Who says so, if not the person who triggers the run: kept as what that person says.",
    ),
    "release_files": Param(
        None,
        type=["null", "object"],
        additionalProperties=SHA256,
        description="SHA-256 of the file that was looked at, by supplier; another file is judged anew.",
    ),
    "accept_changes": Param(
        [],
        type="array",
        items={"type": "string"},
        examples=[*SUPPLIERS, *STORES],
        description="Suppliers or stores which the audit lets through in this run, however much changes.",
    ),
    "publish_older_date": Param(
        False, type="boolean", description="Publish even if the ebay table is of a later date already."
    ),
}
