"""What a person is asked about a held feed, and what is kept of the answer.

The question is Markdown, shown by Airflow. A file's name and the reason hold what strangers typed, so they
stand in code spans and blocks, where Markdown, HTML and addresses mean nothing.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any, Literal

from pydantic import BaseModel

from stock_pipeline.errors import NeedsPersonError, NothingToAskError
from stock_pipeline.feeds.report import FeedFile, FeedReport, read_report
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.locations import run_report_key, stock_feed_report_key
from stock_pipeline.releases import release_parameters
from stock_pipeline.verdicts import Verdict

DAG_ID = "approve_feed"
LONGEST_NAME = 300
LONGEST_REASON = 2_000
"""Characters shown or kept of a name, and of a reason."""


class Decision(BaseModel):
    """The answer, as it is stored in the bucket.

    Attributes:
        answer: `lapsed` if no one answered in time, which leaves everything as it is, like `rejected`.
        by: the person who answered, as Airflow knows them.
        reason: why, in their words; may be blank unless the feed was approved.
    """

    run_date: date
    supplier: str
    sha256: str
    answer: Literal["approved", "rejected", "lapsed"]
    by: str
    reason: str
    answered_at: datetime

    @property
    def release(self) -> dict[str, Any]:
        """The parameters of the run of `daily_stock` in which the feed counts."""
        return release_parameters(self.run_date, {self.supplier: self.sha256}, by=self.by, reason=self.reason)


def question(lake: Lake, *, run_date: date, supplier: str, sha256: str, page: str | None = None) -> str:
    """Read the report on a held feed and put it as a question, in Markdown.

    Args:
        lake: the bucket and the catalog.
        run_date: the feed's day.
        supplier: whose feed it is.
        sha256: of the file that is held.
        page: address of the page for staff, if there is one.

    Raises:
        NeedsPersonError: there is no report on this feed.
        NothingToAskError: another file was judged since, or this one was released.
    """
    report = read_report(lake, run_date, supplier)
    location = lake.url(stock_feed_report_key(run_date, supplier))
    if report is None:
        raise NeedsPersonError(
            f"There is no report {location}: run daily_stock for {run_date} and {supplier}, which writes it"
        )
    if report.file is None or report.file.sha256 != sha256:
        raise NothingToAskError(f"{supplier} has another file for {run_date} since: see {location}")
    if report.verdict is not Verdict.HELD:
        raise NothingToAskError(f"{supplier}'s file of {run_date} is {report.verdict} by now: see {location}")
    return _text(report, report.file, location, page)


def _text(report: FeedReport, file: FeedFile, location: str, page: str | None) -> str:
    name = code_span(file.key.rpartition("/")[2])
    uploaded = f"{file.last_modified.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    parts = [
        f"**The file:** {name}, {file.size:,} bytes, uploaded {uploaded}.",
        "**Why it is held:**",
        code_block(report.reason),
    ]
    if "labels" in report.counts:
        moves = "{changed:,} of {labels:,} labels change, {to_zero:,} go to 0, {from_zero:,} come back from 0"
        parts.append(f"**If it is released:** {moves.format_map(_Zeros(report.counts))}.")
    parts.append(f"**The report:** {code_span(location, LONGEST_REASON)}")
    if page and page.startswith(("https://", "http://")):
        parts.append(f"[Look at it on the page for staff]({page}/start?day={report.run_date})")
    parts.append(
        "Is the list right? Say why under *why* and approve it: its report quotes your reason. Is it "
        "wrong? Say so and reject it: nothing changes until a right file is there and the day is run again."
    )
    return "\n\n".join(parts)


class _Zeros(dict[str, int]):
    def __missing__(self, key: str) -> int:
        return 0


def decide(answer: dict[str, Any], *, approved: bool, run_date: date, supplier: str, sha256: str) -> Decision:
    """Make a decision of what Airflow says was answered.

    Args:
        answer: `params_input` with the reason as `why`; `responded_by_user`, which is None if the time was
            up; `responded_at`, None likewise.
        approved: whether the answer was to release the feed.
        run_date: the feed's day.
        supplier: whose feed it is.
        sha256: of the file that was asked about.

    Raises:
        NeedsPersonError: approved without a reason.
    """
    user = answer.get("responded_by_user")
    reason = cut(str((answer.get("params_input") or {}).get("why") or "").strip(), LONGEST_REASON)
    if approved and not reason:
        raise NeedsPersonError(
            "Approved without a reason, so nothing was released. Clear the task decide with downstream, "
            "and answer again with the reason: the report quotes it"
        )
    return Decision(
        run_date=run_date,
        supplier=supplier,
        sha256=sha256,
        answer="approved" if approved else "rejected" if user else "lapsed",
        by=cut(user["name"], LONGEST_NAME) if user else "no one: the time to answer was up",
        reason=reason,
        answered_at=answer.get("responded_at") or datetime.now(UTC),
    )


def write_decision(lake: Lake, run_id: str, decision: Decision) -> str:
    """Keep the decision beside the other reports; returns its location."""
    key = run_report_key(DAG_ID, decision.run_date, run_id)
    body = decision.model_dump_json(indent=2).encode()
    lake.put(key, body, ContentType="application/json")
    return lake.url(key)


def cut(text: str, longest: int) -> str:
    """The text, no longer than that many characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def printable(text: str, longest: int) -> str:
    """The text in one line, cut; what cannot be seen (line ends, direction marks) is written as an escape."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in cut(text, longest)
    )


def code_span(text: str, longest: int = LONGEST_NAME) -> str:
    """Markdown that shows the text as it is, within a line."""
    ticks = "`" * (_longest_ticks(text) + 1)
    return f"{ticks} {printable(text, longest)} {ticks}"


def code_block(text: str, longest: int = LONGEST_REASON) -> str:
    """Markdown that shows the text as it is, in its own paragraph."""
    fence = "`" * max(3, _longest_ticks(text) + 1)
    return f"{fence}text\n{printable(text, longest)}\n{fence}"


def _longest_ticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
