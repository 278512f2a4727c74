"""What the page asks of `daily_stock`: the parameters of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from stock_pipeline import releases
from stock_pipeline.errors import NeedsPersonError
from stock_pipeline.feeds.report import FeedReport
from stock_pipeline.verdicts import Verdict

DAG_ID = "daily_stock"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What someone asks of a run; no suppliers means all of them."""

    suppliers: Sequence[str] = ()
    dry_run: bool = False
    full_upload: bool = False
    accept_first: bool = False
    publish_older_date: bool = False
    accept_changes: Sequence[str] = ()


def run_parameters(day: date, wishes: Wishes) -> dict[str, Any]:
    """Parameters of a run for a day."""
    return {
        "run_date": day.isoformat(),
        "suppliers": list(wishes.suppliers),
        "dry_run": wishes.dry_run,
        "full_upload": wishes.full_upload,
        "accept_first": wishes.accept_first,
        "publish_older_date": wishes.publish_older_date,
        "accept_changes": list(wishes.accept_changes),
    }


def release_parameters(held: Sequence[FeedReport], reason: str, by: str) -> dict[str, Any]:
    """Parameters of the run that releases held feeds of one day, exactly the files that were looked at.

    Raises:
        NeedsPersonError: no reason is given, or nothing is held.
    """
    feeds = [report for report in held if report.verdict is Verdict.HELD and report.file]
    if not feeds:
        raise NeedsPersonError("Nothing is held any more: look at the page again")
    files = {report.supplier: report.file.sha256 for report in feeds if report.file}
    return releases.release_parameters(feeds[0].run_date, files, by=by, reason=reason)
