"""Today: where every supplier's feed of the day is, and the table. Live for everybody who looks."""

from __future__ import annotations

from datetime import date

import streamlit as st

from frontend.core.settings import LONDON
from frontend.shell.faults import told_plainly
from frontend.shell.plain import badge, link, plain, table
from frontend.shell.session import choose_day, link_to
from frontend.today.day import Day, State, SupplierDay
from frontend.today.live import board
from stock_pipeline.messages import listed

REDRAWN_EVERY = 1.25
"""Seconds. Drawing reads nothing but memory."""

COLOURS = {
    State.ABSENT: "gray",
    State.UPLOADED: "blue",
    State.WAITING: "gray",
    State.PROCESSING: "blue",
    State.ACCEPTED: "green",
    State.HELD: "orange",
    State.REJECTED: "red",
    State.MISSING: "violet",
    State.FAILED: "red",
}
COUNTS = {
    "rows": "Rows",
    "matched": "Matched",
    "changed": "Changed",
    "to_zero": "To 0",
    "from_zero": "From 0",
}

RUN_WORDS = {
    "queued": "waiting to begin",
    "running": "running",
    "success": "ended well",
    # A run ends so although the table is published, if anything needs attention.
    "failed": "finished, needs attention",
}


def page() -> None:
    """Draw the page."""
    st.title("Today")
    live(choose_day())


@st.fragment(run_every=REDRAWN_EVERY)
def live(day: date) -> None:
    """The picture of the day, which redraws itself."""
    with told_plainly():
        draw(board().day(day))


def draw(picture: Day) -> None:
    """A day's picture. Each part has its own place, so that none jumps when another grows."""
    with st.container():
        for problem in picture.problems:
            st.warning(plain(problem), icon=":material/cloud_off:")
    counts = {state: picture.count(state) for state in State}
    st.markdown(" ".join(badge(COLOURS[state], f"{n} {state}") for state, n in counts.items() if n))
    with st.container(border=True):
        st.markdown(f"**The ebay table.** {plain(picture.table)}")
        st.markdown(plain(picture.published))
        if run := picture.run:
            st.markdown(f"Run: {link(run.run_id, run.link)}, {plain(RUN_WORDS.get(run.state, run.state))}")
    with st.container():
        _to_do(picture)
    table([_row(line) for line in picture.suppliers])


def _to_do(picture: Day) -> None:
    """What needs attention, with the way there."""
    if picture.count(State.ABSENT) == len(picture.suppliers):
        st.info("Nothing has been uploaded for this day yet. Upload the suppliers' files first.")
        link_to("upload", "Upload files")
        return
    if held := picture.held():
        names = plain(", ".join(line.supplier for line in held))
        st.warning(f"Held: {names}. Nothing of a held feed counts until someone has looked at it.")
        link_to("start", "Look at the held feeds and release them")
    if picture.strangers:
        names = plain(listed(picture.strangers))
        st.warning(
            f"We couldn't match these files to a supplier: {names}. Begin each name with the supplier's "
            "code, and upload it again on the page Upload."
        )
    waiting = picture.count(State.UPLOADED)
    if waiting and not (picture.run and picture.run.active):
        st.info(
            f"{waiting:,} uploaded and not judged yet. The morning's run takes them; otherwise start one."
        )
        link_to("start", "Start a run")
    if picture.summary and not (picture.run and picture.run.active):
        suppliers = tuple(f"{line.supplier}:" for line in picture.suppliers)
        for concern in picture.summary.summary.concerns:
            if not concern.startswith(suppliers):
                st.warning(plain(concern))


def _row(line: SupplierDay) -> dict[str, str]:
    counts = line.report.counts if line.report else {}
    numbers = {head: f"{counts[name]:,}" if name in counts else "" for name, head in COUNTS.items()}
    since = line.since.astimezone(LONDON).strftime("%H:%M") if line.since else ""
    return {
        "Supplier": line.supplier,
        "State": badge(COLOURS[line.state], line.state),
        "At": since,
        **numbers,
        "What happened": _words(line),
    }


def _words(line: SupplierDay) -> str:
    """What happened, without the figures that stand beside it."""
    report = line.report
    if line.state is State.MISSING and report and report.last_snapshot:
        return f"no file came; the stock of {report.last_snapshot:%d %B} stays in force"
    if line.state is State.ACCEPTED and report and not report.release and "labels" in report.counts:
        return "{in_stock:,} of {labels:,} labels in stock".format(**report.counts)
    return line.text
