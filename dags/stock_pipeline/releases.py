"""A person's word that what was held is right: what it consists of, and how a run is given it.

The page, Airflow's question and Airflow's form all give a run the same parameters: `release` (what is
released), `release_reason`, and for feeds `released_by` and `release_files` (each file's SHA-256).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel

from stock_pipeline.errors import NeedsPersonError


class Release(BaseModel):
    """A person's word that something held is right.

    Attributes:
        by: who gave it.
        reason: why it is right, in their words.
        sha256: of the feed they looked at; another file is judged again. None: any file.
        run_id: the run in which a held refresh was let through.
    """

    by: str
    reason: str
    sha256: str | None = None
    run_id: str | None = None


def stated_reason(text: str | None) -> str:
    """Return the reason of a release without the space around it.

    Raises:
        NeedsPersonError: there is none.
    """
    reason = (text or "").strip()
    if not reason:
        raise NeedsPersonError("Give a reason for the release: what you looked at, and why it is right")
    return reason


def release_parameters(
    run_date: date, files: Mapping[str, str | None], *, by: str, reason: str
) -> dict[str, Any]:
    """Return the parameters of the run of `daily_stock` that releases held feeds of a day.

    Args:
        run_date: the day.
        files: supplier to the SHA-256 of the file that was looked at; no other file is released, unless None.
        by: who releases them.
        reason: why they are right.

    Raises:
        NeedsPersonError: there is no reason.
    """
    return {
        "run_date": run_date.isoformat(),
        "suppliers": list(files),
        "release": list(files),
        "release_reason": stated_reason(reason),
        "released_by": by,
        "release_files": dict(files),
    }


def check_release(parameters: Mapping[str, Any], suppliers: Iterable[str]) -> None:
    """Check what a run of `daily_stock` is to release.

    Args:
        parameters: of the run.
        suppliers: whose feeds the run is for.

    Raises:
        NeedsPersonError: it is a feed of another supplier, or reason or checksums are missing.
    """
    released, files, chosen = parameters["release"], parameters["release_files"], list(suppliers)
    if strangers := [code for code in released if code not in chosen]:
        raise NeedsPersonError(
            f"release names {', '.join(strangers)}, but this run is for {', '.join(chosen)}"
        )
    if released:
        stated_reason(parameters["release_reason"])
    if files and files.keys() != set(released):
        raise NeedsPersonError(
            "release_files must have a checksum for each supplier under release, and no other"
        )
