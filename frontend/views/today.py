"""Today: how far the day's run is."""

from __future__ import annotations

import streamlit as st

from frontend.services.airflow import airflow
from frontend.session import london_today


def page() -> None:
    """Draw the page."""
    st.title("Today")
    day = st.date_input("Day", value=london_today(), max_value="today", format="DD/MM/YYYY", key="today_day")
    runs = [run for run in airflow().recent_runs("daily_stock") if run.run_date == day]
    if not runs:
        st.info("No run for this day yet. It starts by itself at 05:00, or on the page Start and release.")
    for run in runs:
        st.write(f"[{run.run_id}]({run.link}): {run.state}")
