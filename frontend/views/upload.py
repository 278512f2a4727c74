"""Upload: many workbooks at once, each looked at as the run will, before anything is sent."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from frontend.faults import plain
from frontend.services.aws import s3_client
from frontend.services.feed_check import FeedCheck, Outlook
from frontend.services.live import board
from frontend.services.settings import settings
from frontend.services.uploads import Chosen, Outcome, Sent, Sorted, check_feeds, ready, send_feed, sort_feeds
from frontend.session import choose_day, current_user, link_to
from stock_pipeline.archive import WorkbookLimits
from stock_pipeline.suppliers import load_suppliers

BATCH = "upload_batch"
CHECKS = "upload_checks"
SENT = "upload_sent"
COLOURS = {Outlook.FINE: "green", Outlook.HELD: "orange", Outlook.UNUSABLE: "red"}
COUNTS = {
    "rows": "Rows",
    "matched": "Matched",
    "rejected": "Rejected",
    "changed": "Changed",
    "to_zero": "To 0",
    "from_zero": "From 0",
}
MOVEMENTS = {"to_zero": "to 0", "from_zero": "from 0", "other": "other changes"}
MOVEMENT_COLOURS: list[Any] = ["#c0392b", "#2e8b57", "#9aa5b1"]


def page() -> None:
    """Draw the page."""
    st.title("Upload")
    day = choose_day()
    batch = st.session_state.setdefault(BATCH, 0)
    chosen = st.file_uploader(
        "The suppliers' stock lists, as many as you like",
        accept_multiple_files=True,
        max_upload_size=WorkbookLimits().file_bytes >> 20,
        help="Workbooks (.xlsx) whose names begin with the supplier's code, such as APE_stock.xlsx.",
        # Another batch is another uploader, which is the only way to empty one.
        key=f"upload_files_{batch}",
    )
    if not chosen:
        _show_sent()
        return
    entries = sort_feeds([Chosen.of(file.name, file.getvalue()) for file in chosen], load_suppliers())
    checks = _checks(entries, day)
    checked = [(entry, checks.get(entry)) for entry in entries]
    _show_checks(checked)
    _show_movement([check for _, check in checked if check])
    _offer_to_send(checked, day)


def _checks(entries: list[Sorted], day: date) -> dict[Sorted, FeedCheck]:
    """What each file that can be read comes to; looked at once for a batch and day."""
    usable = [entry for entry in entries if entry.refusal is None]
    # A file is compared with the others of its batch, so another batch is looked at anew.
    key = day, tuple(usable)
    kept_key, checks = st.session_state.get(CHECKS, (None, {}))
    if kept_key == key:
        return checks
    checks = {}
    bar = st.progress(0.0, "Starting to look at the files")
    for number, (entry, check) in enumerate(zip(usable, check_feeds(usable, day), strict=True), start=1):
        bar.progress(number / len(usable), f"Looked at {plain(entry.file.name)} ({number} of {len(usable)})")
        checks[entry] = check
    bar.empty()
    st.session_state[CHECKS] = key, checks
    return checks


def _show_checks(checked: list[tuple[Sorted, FeedCheck | None]]) -> None:
    rows = []
    for entry, check in checked:
        outlook = check.outlook if check else Outlook.UNUSABLE
        counts = check.counts if check else {}
        numbers = {head: f"{counts[name]:,}" if name in counts else "" for name, head in COUNTS.items()}
        text = entry.refusal or (check.text if check else "")
        rows.append(
            {
                "File": plain(entry.file.name),
                "Supplier": entry.supplier or "?",
                "Outlook": f":{COLOURS[outlook]}-badge[{outlook}]",
                **numbers,
                "Why": plain(text),
            }
        )
    st.table(pd.DataFrame(rows), border="horizontal", hide_index=True)


def _show_movement(checks: list[FeedCheck]) -> None:
    """What would change against the last snapshots, as a share of each supplier's labels."""
    compared = [check for check in checks if check.last_snapshot and check.counts.get("labels")]
    if not compared:
        return
    shares = []
    for check in compared:
        counts = check.counts
        other = counts["changed"] - counts["to_zero"] - counts["from_zero"]
        figures = {**counts, "other": other}
        percent = {words: 100 * figures[name] / counts["labels"] for name, words in MOVEMENTS.items()}
        shares.append({"Supplier": check.supplier, **percent})
    st.caption("Labels that would change against the last accepted list, in per cent")
    st.bar_chart(
        pd.DataFrame(shares),
        x="Supplier",
        y=list(MOVEMENTS.values()),
        x_label="",
        y_label="",
        color=MOVEMENT_COLOURS,
        horizontal=True,
        height=60 + 28 * len(shares),
    )


def _offer_to_send(checked: list[tuple[Sorted, FeedCheck | None]], day: date) -> None:
    sendable = ready(checked)
    left = len(checked) - len(sendable)
    if left:
        st.warning(f"{left} of {len(checked)} cannot be used and will not be sent.")
    if not sendable:
        return
    if any(check.outlook is Outlook.HELD for _, check in checked if check):
        st.warning("What would be held can be sent, but will not count until somebody releases it.")
    label = f"Upload {len(sendable)} file{'s' if len(sendable) > 1 else ''} for {day:%d %B %Y}"
    if st.button(label, type="primary"):
        st.session_state[SENT] = _send(sendable, day)
        st.session_state[BATCH] += 1
        st.rerun()


def _send(sendable: list[Sorted], day: date) -> list[Sent]:
    bar = st.progress(0.0, "Uploading")
    sent = []
    for number, entry in enumerate(sendable, start=1):
        bar.progress((number - 1) / len(sendable), f"Uploading {plain(entry.file.name)}")
        sent.append(send_feed(s3_client(), settings().bucket, day, entry.file, current_user().name))
    board().refresh(day)
    bar.empty()
    return sent


def _show_sent() -> None:
    """What became of the batch before, and what to do next."""
    sent: list[Sent] = st.session_state.get(SENT, [])
    if not sent:
        st.info(
            "Choose the files above, or drop them there. Nothing is sent before you have seen the checks."
        )
        return
    lines = "\n".join(f"- {plain(entry.key.rpartition('/')[2])}: {entry.outcome}" for entry in sent)
    uploaded = sum(entry.outcome is not Outcome.THERE_ALREADY for entry in sent)
    tell = st.success if uploaded else st.info
    tell(f"{uploaded} uploaded.\n\n{lines}", icon=":material/check:")
    st.write("A run that is waiting takes them by itself. If the day's run has ended, start it again.")
    link_to("today", "See what becomes of them")
    link_to("start", "Start a run")
