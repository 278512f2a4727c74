"""Upload: many files at once, each looked at as the run will, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from frontend.core.airflow import airflow
from frontend.core.aws import sending_lake
from frontend.shell.plain import badge, bullets, link, plain, table
from frontend.shell.session import CHOSEN, choose_day, current_user, in_line, let_uploads_go, link_to
from frontend.today.live import board
from frontend.upload.feed_check import FeedCheck, Outlook
from frontend.upload.uploads import Chosen, Line, Outcome, Sent, look_at_feeds, look_at_lists, send
from stock_pipeline.lake import locations
from stock_pipeline.spreadsheets.package import WorkbookLimits
from stock_pipeline.spreadsheets.streaming import LISTING_LIMITS
from stock_pipeline.suppliers import load_suppliers

BATCH = "upload_batch"
SENT = "upload_sent"
COLOURS = {
    Outlook.FINE: "green",
    Outlook.HELD: "orange",
    Outlook.PARTLY: "orange",
    Outlook.UNUSABLE: "red",
    Outlook.UNKNOWN: "gray",
}
MOVEMENTS = {"to_zero": "to 0", "from_zero": "from 0", "other": "other changes"}
MOVEMENT_COLOURS: list[Any] = ["#c0392b", "#2e8b57", "#9aa5b1"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be uploaded.

    Attributes:
        prefix: where the folders of the days are.
        label: of the uploader.
        names: how the files have to be named, in words.
        megabytes: how large one may be.
        counts: the figures shown, and what their columns are called.
        refresh: the DAG that reads the files, unless it is the daily run.
    """

    prefix: str
    label: str
    names: str
    megabytes: int
    counts: dict[str, str]
    refresh: str | None = None


STOCK = "Stock lists"
STORES = "Stores' listings"
MAPPING = "Product mapping"
LIST_COUNTS = {"rows": "Rows", "accepted": "Usable", "rejected": "Rejected", "repeated": "Repeated"}
KINDS = {
    STOCK: Kind(
        locations.STOCK_FEEDS,
        "The suppliers' stock lists, as many as you like",
        "Workbooks (.xlsx) whose names begin with the supplier's code, such as APE_stock.xlsx.",
        WorkbookLimits().file_bytes >> 20,
        {
            "rows": "Rows",
            "matched": "Matched",
            "rejected": "Rejected",
            "changed": "Changed",
            "to_zero": "To 0",
            "from_zero": "From 0",
        },
    ),
    STORES: Kind(
        locations.STORE_FEEDS,
        "The stores' listings, as many files as you like",
        "Workbooks (.xlsx) or .csv whose names begin with the store, such as AMS_listings.csv.",
        LISTING_LIMITS.file_bytes >> 20,
        LIST_COUNTS,
        "weekly_store",
    ),
    MAPPING: Kind(
        locations.PRODUCT_FEEDS,
        "The mapping of labels to suppliers' part numbers, whole",
        "One workbook (.xlsx) or .csv with the columns custom_label, part_number and supplier.",
        LISTING_LIMITS.file_bytes >> 20,
        LIST_COUNTS | {"new": "New", "gone": "Gone"},
        "monthly_product",
    ),
}


def page() -> None:
    """Draw the page."""
    st.title("Upload")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        day = choose_day()
        name = st.segmented_control(
            "What", [STOCK, STORES, MAPPING], default=STOCK, required=True, key="what", bind="query-params"
        )
    kind = KINDS[name or STOCK]
    batch = st.session_state.setdefault(BATCH, 0)
    chosen = st.file_uploader(
        plain(kind.label),
        accept_multiple_files=True,
        max_upload_size=kind.megabytes,
        help=plain(kind.names),
        # Another batch is another uploader, which is the only way to empty one.
        key=f"upload_files_{kind.prefix}{batch}",
    )
    if not chosen:
        _show_sent(kind)
        return
    lines = _looked_at(chosen, name or STOCK, day)
    _show(lines, kind)
    _show_movement([line.feed for line in lines if line.feed])
    _offer_to_send(lines, kind, day)


def _looked_at(chosen: list[UploadedFile], name: str, day: date) -> list[Line]:
    """What is to be said of the files; they are looked at once for a batch and day."""
    # A file is compared with the others of its batch, so another batch is looked at again.
    key = name, day, tuple(file.file_id for file in chosen)
    kept: tuple[object, list[Line]] = st.session_state.get(CHOSEN, (None, []))
    # Always there, so that the table keeps its place; if it moved, it would show twice for a moment.
    place = st.empty()
    if kept[0] == key:
        return kept[1]
    files = [Chosen.of(file.name, file.getvalue()) for file in chosen]
    lines: list[Line] = []
    bar = place.progress(0.0, "Starting to look at the files")
    with in_line():
        for line in _look_at(files, name, day):
            lines.append(line)
            bar.progress(
                len(lines) / len(files), f"Looked at {plain(line.file.name)} ({len(lines)} of {len(files)})"
            )
    bar.empty()
    st.session_state[CHOSEN] = key, lines
    return lines


def _look_at(files: list[Chosen], name: str, day: date) -> Iterator[Line]:
    if name == STOCK:
        return look_at_feeds(files, day, load_suppliers())
    return look_at_lists(files, "store" if name == STORES else "product")


def _show(lines: list[Line], kind: Kind) -> None:
    rows = [
        {
            "File": line.file.name,
            "For": line.subject,
            "Check": badge(COLOURS[line.outlook], line.outlook),
            **{
                head: f"{line.counts[name]:,}" if name in line.counts else ""
                for name, head in kind.counts.items()
            },
            "Why": line.text,
        }
        for line in lines
    ]
    table(rows)


def _show_movement(checks: list[FeedCheck]) -> None:
    """What would change against the last snapshots, as a share of each supplier's labels."""
    shares = []
    for check in checks:
        counts = check.counts
        if check.last_snapshot and counts.get("labels"):
            other = counts["changed"] - counts["to_zero"] - counts["from_zero"]
            figures = {**counts, "other": other}
            percent = {words: 100 * figures[name] / counts["labels"] for name, words in MOVEMENTS.items()}
            shares.append({"Supplier": check.supplier, **percent})
    if not shares:
        return
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


def _offer_to_send(lines: list[Line], kind: Kind, day: date) -> None:
    sendable = [line for line in lines if line.can_be_sent]
    if left := len(lines) - len(sendable):
        st.warning(f"{left:,} of {len(lines)} cannot be used and will not be sent.")
    if any(line.outlook is Outlook.UNKNOWN for line in lines):
        st.warning(
            "Some files could not be checked. They can be sent all the same: the run judges every file, and "
            "takes none unchecked.",
            icon=":material/cloud_off:",
        )
        if st.button("Check again"):
            st.session_state.pop(CHOSEN)
            st.rerun()
    if not sendable:
        return
    if any(line.outlook is Outlook.HELD for line in lines):
        st.warning("What would be held can be sent, but will not count until someone releases it.")
    if any(line.outlook is Outlook.PARTLY for line in lines):
        st.warning("Some sheets would not be used, and the run would need attention. Mend them first.")
    label = f"Upload {len(sendable)} file{'s' if len(sendable) > 1 else ''} for {day:%d %B %Y}"
    if st.button(label, type="primary"):
        st.session_state[SENT] = kind.prefix, day, _send(sendable, kind, day)
        st.session_state[BATCH] += 1
        let_uploads_go()
        st.rerun()


def _send(sendable: list[Line], kind: Kind, day: date) -> list[Sent]:
    bar = st.progress(0.0, "Uploading")
    folder = kind.prefix + locations.day_prefix(day)
    sent = []
    for number, line in enumerate(sendable):
        bar.progress(number / len(sendable), f"Uploading {plain(line.file.name)}")
        sent.append(send(sending_lake(), folder, line.file, current_user().name))
    board().refresh(day)
    bar.empty()
    return sent


def _show_sent(kind: Kind) -> None:
    """What happened to the batch before, and what to do next."""
    prefix, day, sent = st.session_state.get(SENT, ("", None, []))
    if prefix != kind.prefix:
        st.info(
            "Choose the files above, or drop them there. Nothing is sent before you have seen the checks."
        )
        return
    entries = bullets(f"{entry.key.rpartition('/')[2]}: {entry.outcome}" for entry in sent)
    uploaded = sum(entry.outcome is not Outcome.THERE_ALREADY for entry in sent)
    told = f"{uploaded:,} uploaded.\n\n{entries}"
    if uploaded:
        st.success(told, icon=":material/check:")
    else:
        st.info(told, icon=":material/check:")
    if kind.refresh:
        _offer_refresh(kind.refresh, day)
        return
    st.write("A run that is waiting takes them by itself. If the day's run has ended, start it again.")
    link_to("today", "See what happens to them")
    link_to("start", "Start a run")


def _offer_refresh(dag_id: str, day: date) -> None:
    st.write(f"The next run of {plain(dag_id)} takes them. It can be started now as well.")
    if st.button(f"Start {plain(dag_id)} for {day:%d %B %Y}"):
        with st.spinner("Asking Airflow to start the run"):
            run = airflow().trigger(dag_id, {"run_date": day.isoformat()}, current_user().name)
        st.success(f"It is started: {link('see it in Airflow', run.link)}.", icon=":material/check:")
