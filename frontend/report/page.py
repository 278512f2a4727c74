"""Report: what a run says of its day, as it wrote it. The *Report* button in Airflow leads here."""

from __future__ import annotations

import streamlit as st

from frontend.core.aws import lake
from frontend.shell.plain import page_of_a_run
from frontend.shell.session import choose_day, link_to
from stock_pipeline.lake.locations import run_page_key

RUN = "run"
"""In the address: the id of a dry run, which has its own report."""


def page() -> None:
    """Draw the page."""
    st.title("Report")
    day = choose_day()
    run_id = st.query_params.get(RUN)
    body = lake().read_or_none(run_page_key(day, run_id))
    if body is None:
        of_run = " this dry run" if run_id else ""
        st.info(f"There is no report on{of_run or ' a run for this day'} yet. A run writes it when it ends.")
        link_to("today", "Today")
        return
    if run_id:
        st.caption("The report on a dry run: nothing of it was published.")
    page_of_a_run(body.decode())
