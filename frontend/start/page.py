"""Start and release: runs the day's stock, again or for the first time, and lets held feeds through."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from frontend.core.airflow import Run, airflow
from frontend.core.aws import lake
from frontend.shell.faults import told_plainly
from frontend.shell.plain import bullets, link, plain, table
from frontend.shell.session import choose_day, current_user
from frontend.start.runs import DAG_ID, Wishes, release_parameters, run_parameters
from frontend.today.day import SupplierDay
from frontend.today.live import board
from stock_pipeline.feeds.release_notes import write_release_notes
from stock_pipeline.feeds.report import FeedReport
from stock_pipeline.lake import locations
from stock_pipeline.lake.tables import STORES
from stock_pipeline.suppliers import load_suppliers

STARTED = "started_run"


def page() -> None:
    """Draw the page."""
    st.title("Start and release")
    day = choose_day()
    picture = board().day(day)
    _show_started(day)
    if picture.run and picture.run.active:
        at_work = link("A run for this day", picture.run.link)
        st.info(f"{at_work} is at work. Another one begins when it has ended.")
    held = picture.held()
    st.header("Held feeds")
    if not held:
        st.write("Nothing is held for this day.")
    for line in held:
        _held(line)
    st.header("Start a run")
    _start(day)


def _held(line: SupplierDay) -> None:
    """A held feed: why, what releasing it would change, and the form that releases it."""
    report = line.report
    if report is None:
        return
    with st.container(border=True):
        st.subheader(f"{plain(line.supplier)} is held")
        _why(report)
        _to_look_at(report)
        with st.form(f"release_{line.supplier}", border=False):
            reason = st.text_input(
                "Why the list is right after all",
                placeholder="I rang them: they closed their second warehouse",
                key=f"reason_{line.supplier}",
            )
            asked = st.form_submit_button(f"Release {plain(line.supplier)}", type="primary")
        if asked:
            with told_plainly():
                parameters = release_parameters([report], reason, current_user().name)
                write_release_notes(lake(), parameters)
                _trigger(parameters)


def _why(report: FeedReport) -> None:
    failed = [check for check in report.checks if not check.passed]
    if report.looks_like:
        st.markdown(f"It looks like **{plain(report.looks_like)}**'s list.")
    st.markdown(bullets(check.text for check in failed))
    with st.expander("All checks"):
        rows = [
            {
                "Check": check.name.replace("_", " "),
                "": "✓" if check.passed else "✗",
                "Figure": check.text,
            }
            for check in report.checks
        ]
        table(rows)
    counts = report.counts
    if "changed" in counts:
        st.write(
            f"Released, {counts['changed']:,} of its {counts['labels']:,} labels change: "
            f"{counts['to_zero']:,} to zero and {counts['from_zero']:,} from zero. "
            "Not released, its last accepted stock stays in force"
            + (f", of {report.last_snapshot:%d %B %Y}." if report.last_snapshot else ".")
        )


def _to_look_at(report: FeedReport) -> None:
    """The workbook and its odd rows, fetched only when someone asks for them."""
    if report.file is None:
        return
    name = report.file.key.rpartition("/")[2]
    rows = locations.stock_feed_rows_key(report.run_date, report.supplier)
    with st.container(horizontal=True):
        _download(f"Download {name}", report.file.key)
        _download("Download rejected and unmatched rows", rows)


def _download(label: str, key: str) -> None:
    def body() -> bytes:
        return lake().read(key)

    name = key.rpartition("/")[2]
    st.download_button(plain(label), data=body, file_name=name, on_click="ignore", key=f"download_{key}")


def _start(day: date) -> None:
    st.write("Running a day again is always safe: the same files give the same table.")
    suppliers = list(load_suppliers().suppliers)
    with st.form("start"):
        chosen = st.multiselect(
            "Suppliers",
            suppliers,
            placeholder="All suppliers",
            help="Only these suppliers' files are read. The table is made of everybody's last stock.",
            key="start_suppliers",
        )
        with st.expander("More"):
            dry_run = st.checkbox("Dry run: everything up to the checks of the table, nothing is published")
            full = st.checkbox("Files for eBay with every listing, not only those that changed")
            first = st.checkbox("Accept the first list of a supplier, with nothing to compare it with")
            older = st.checkbox("Publish even if the table is of a later day already")
            accepted = st.multiselect(
                "Accept the changes of",
                [*suppliers, *STORES],
                placeholder="None: the table's limits hold",
                help="Suppliers or stores that may change beyond the table's limits in this run.",
            )
        asked = st.form_submit_button("Start the run", type="primary")
    if asked:
        _trigger(run_parameters(day, Wishes(chosen, dry_run, full, first, older, accepted)))


def _trigger(parameters: dict[str, Any]) -> None:
    """Start the run and draw the page again with its link."""
    with st.spinner("Asking Airflow to start the run"):
        run = airflow().trigger(DAG_ID, parameters, current_user().name)
    board().refresh(run.run_date)
    st.session_state[STARTED] = run
    st.rerun()


def _show_started(day: date) -> None:
    """Where the run that was started from here last can be followed."""
    run: Run | None = st.session_state.get(STARTED)
    if run and run.run_date == day:
        st.success(
            f"A run for {run.run_date:%d %B %Y} is started: {link('see it in Airflow', run.link)}.",
            icon=":material/check:",
        )
