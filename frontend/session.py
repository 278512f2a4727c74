"""What the pages know of the browser session they are drawn for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import cast

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from frontend.plain import plain
from frontend.services.identity import User
from frontend.services.settings import LONDON
from stock_pipeline.run_dates import EARLIEST

USER = "user"
PAGES = "pages"
DAY = "day"


def remember_user(user: User) -> None:
    """Note who is at the page."""
    st.session_state[USER] = user


def current_user() -> User:
    """Whoever is at the page; for recording who did what."""
    return cast("User", st.session_state[USER])


def remember_pages(pages: Mapping[str, StreamlitPage]) -> None:
    """Note the pages by their path, for `link_to`."""
    st.session_state[PAGES] = pages


def link_to(path: str, label: str) -> None:
    """A link to another page of this app."""
    pages = st.session_state.get(PAGES, {})
    if path in pages:
        st.page_link(pages[path], label=plain(label), icon=":material/arrow_forward:")


def london_today() -> date:
    """Today where the sellers are."""
    return datetime.now(LONDON).date()


def choose_day() -> date:
    """The day a page is about: today in London until somebody chooses another, which then holds on all pages.

    It stands in the address, so that a reload and a sent link show the same day.
    """
    today = london_today()
    return st.date_input(
        "Day",
        value=today,
        min_value=EARLIEST,
        max_value=today,
        format="DD/MM/YYYY",
        key=DAY,
        bind="query-params",
        width=180,
    )
