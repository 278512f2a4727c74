"""Who releases a held feed, and how well that is known.

Anybody who may start a run can write any name into its parameters. The page for staff knows who has signed
in, so it leaves a note in the bucket before it starts the run: who releases which file, and why. Airflow's
users cannot write there. A name that neither such a note nor Airflow itself bears out is kept as the caller's
word.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError

from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.locations import release_note_key
from stock_pipeline.releases import Release

SHA256 = re.compile("[0-9a-f]{64}")
LONGEST_NAME = 200
UNNAMED = "a caller whom Airflow does not name"


class ReleaseNote(BaseModel):
    """What the page leaves in the bucket; each field is that of the run's parameters."""

    run_date: date
    supplier: str
    sha256: str
    by: str
    reason: str


def write_release_notes(lake: Lake, parameters: dict[str, Any]) -> None:
    """Leave a note on each feed that a run with these parameters will release.

    Args:
        lake: the bucket and the catalog.
        parameters: of the run: `run_date`, `release_files`, `released_by` and `release_reason`.
    """
    for supplier, sha256 in parameters["release_files"].items():
        note = ReleaseNote(
            run_date=parameters["run_date"],
            supplier=supplier,
            sha256=sha256,
            by=parameters["released_by"],
            reason=parameters["release_reason"],
        )
        lake.put(
            release_note_key(note.run_date, supplier, sha256),
            note.model_dump_json(indent=2).encode(),
            ContentType="application/json",
        )


def release_of(
    lake: Lake,
    run_date: date,
    supplier: str,
    parameters: dict[str, Any],
    *,
    caller: str | None,
    asked_by_airflow: bool,
) -> Release:
    """Make the release of a supplier's feed of a run's parameters.

    Args:
        lake: the bucket and the catalog.
        run_date: the run's day.
        supplier: whose feed it is.
        parameters: of the run.
        caller: who started the run, as Airflow knows them.
        asked_by_airflow: whether an operator started it: then the name is that of the person who answered
            Airflow's question, and no one else can have written it.
    """
    said = " ".join(str(parameters["released_by"] or "").split())[:LONGEST_NAME]
    reason = parameters["release_reason"]
    sha256 = (parameters["release_files"] or {}).get(supplier)
    note = ReleaseNote(run_date=run_date, supplier=supplier, sha256=sha256 or "", by=said, reason=reason)
    if not said:
        by = caller or UNNAMED
    elif asked_by_airflow or _is_there(lake, note):
        by = said
    else:
        by = f"{said}, said by " + (f"REST caller {caller}" if caller else UNNAMED)
    return Release(by=by, reason=reason, sha256=sha256)


def _is_there(lake: Lake, note: ReleaseNote) -> bool:
    """Whether the page has left exactly this note."""
    if not SHA256.fullmatch(note.sha256):
        return False
    found = lake.read_or_none(release_note_key(note.run_date, note.supplier, note.sha256))
    try:
        return found is not None and ReleaseNote.model_validate_json(found) == note
    except ValidationError:
        return False
