"""Start and release: runs the day's stock again, or for the first time, from the page."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from frontend.services.airflow import Run, airflow
from frontend.session import current_user, london_today
from stock_pipeline.suppliers import load_suppliers

DAG_ID = "daily_stock"
STARTED = "started_run"


def page() -> None:
    """Draw the page."""
    st.title("Start and release")
    day = st.date_input("Day", value=london_today(), max_value="today", format="DD/MM/YYYY", key="start_day")
    _start(day)


def _start(day: date) -> None:
    st.subheader("Start a run")
    st.write("Running a day again is always safe: the same files give the same table.")
    with st.form("start"):
        suppliers = st.multiselect(
            "Suppliers",
            list(load_suppliers().suppliers),
            placeholder="All suppliers",
            help="Only these suppliers' files are read. The table is made of everybody's last stock.",
            key="start_suppliers",
        )
        dry_run = st.checkbox(
            "Dry run", help="Everything up to the checks of the table; nothing is published."
        )
        full_upload = st.checkbox("Files for eBay with every listing, not only those that changed")
        older = st.checkbox("Publish even if the table is of a later day already")
        asked = st.form_submit_button("Start the run", type="primary")
    if asked:
        conf = {
            "run_date": day.isoformat(),
            "suppliers": suppliers,
            "dry_run": dry_run,
            "full_upload": full_upload,
            "publish_older_date": older,
        }
        start_run(conf)
    show_started()


def start_run(conf: dict[str, Any]) -> None:
    """Trigger the DAG and remember the run for `show_started`."""
    with st.spinner("Asking Airflow to start the run"):
        st.session_state[STARTED] = airflow().trigger(DAG_ID, conf, current_user().name)


def show_started() -> None:
    """Where the run that was started from here last can be followed."""
    run: Run | None = st.session_state.get(STARTED)
    if run:
        st.success(
            f"The run for {run.run_date} is started: [see it in Airflow]({run.link}).",
            icon=":material/check:",
        )
