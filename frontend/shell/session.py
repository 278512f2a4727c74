"""What the pages know of the browser session they are drawn for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import cast

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.scriptrunner import get_script_run_ctx

from frontend.core.identity import NotAllowedError, User
from frontend.core.line import READERS, ordinal
from frontend.core.sessions import SESSIONS
from frontend.core.settings import LONDON
from frontend.shell.plain import plain
from frontend.shell.sign_in import sign_in_of
from stock_pipeline.run_dates import EARLIEST

USER = "user"
PAGES = "pages"
DAY = "day"
HERE = "page"
CHOSEN = "chosen_files"
"""Where a page keeps what it makes of chosen files, if their contents are in it."""


def enter(user: User) -> None:
    """Note who is at the page, and that this session may upload.

    Raises:
        NotAllowedError: they have signed out meanwhile, or their sign-in has expired.
    """
    context = get_script_run_ctx()
    mark = None
    if user.signed_in:
        sign_in = sign_in_of(st.context.cookies)
        if sign_in is None:
            raise NotAllowedError("Your sign-in has expired: load the page again")
        mark = sign_in.mark
    if context and not SESSIONS.enter(context.session_id, mark):
        raise NotAllowedError("You have signed out: load the page again")
    st.session_state[USER] = user


def let_uploads_go() -> None:
    """Drop the files that this session has chosen, and so make room for others."""
    st.session_state.pop(CHOSEN, None)
    context = get_script_run_ctx()
    if context:
        context.uploaded_file_mgr.remove_session_files(context.session_id)


def note_page(path: str) -> None:
    """Note which page is drawn. The files chosen on another one are dropped: their uploader has gone."""
    if st.session_state.get(HERE, path) != path:
        let_uploads_go()
    st.session_state[HERE] = path


@contextmanager
def in_line() -> Iterator[None]:
    """Wait for a reader to be free, and keep it; meanwhile the page says one's place in the line."""
    notice = st.empty()

    def waiting(place: int) -> None:
        notice.info(f"{plain(ordinal(place))} in line: other people's files are being looked at first.")

    with READERS.turn(waiting):
        notice.empty()
        yield


def current_user() -> User:
    """The person at the page; for recording who did what."""
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
    """The day a page is about: today in London until someone chooses another, which then holds on all pages.

    It is in the address, so that a reload and a sent link show the same day.
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
