"""What all pages share: sign-in, the list of pages, how faults are told.

A new page is a folder whose `page.py` has a function `page`, and a line in `PAGES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import streamlit as st

from frontend.core.identity import User, local_user, signed_in_user
from frontend.core.settings import settings
from frontend.ebay_files import page as ebay_files
from frontend.report import page as report
from frontend.shell.faults import told_plainly
from frontend.shell.plain import plain
from frontend.shell.session import enter, note_page, remember_pages
from frontend.shell.sign_in import is_configured
from frontend.start import page as start
from frontend.suppliers import page as suppliers
from frontend.tables import page as tables
from frontend.today import page as today
from frontend.upload import page as upload


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the navigation; `icon` is one of Streamlit's Material symbols, which need no network."""

    draw: Callable[[], None]
    title: str
    icon: str
    path: str


PAGES = (
    Entry(today.page, "Today", ":material/today:", "today"),
    Entry(upload.page, "Upload", ":material/upload_file:", "upload"),
    Entry(start.page, "Start and release", ":material/play_circle:", "start"),
    Entry(report.page, "Report", ":material/summarize:", "report"),
    Entry(ebay_files.page, "Files for eBay", ":material/outbox:", "ebay_files"),
    Entry(suppliers.page, "Suppliers", ":material/local_shipping:", "suppliers"),
    Entry(tables.page, "Tables", ":material/table_view:", "tables"),
)
"""The pages, in the order of the navigation. The first one opens at the bare address."""

ICON = Path(__file__).with_name("icon.svg")
"""Of the browser's tab. For a symbol of Streamlit's each visitor's browser would ask a host of Google's."""

NO_RAW_DOWNLOADS = "<style>button[aria-label='Download as CSV'] {display: none}</style>"
"""Streamlit's own download of a grid writes cells as they are: a supplier's text could act as a formula."""


def draw() -> None:
    """Draw the page that was asked for, for anyone who may see it."""
    st.set_page_config(page_title="Stock", page_icon=str(ICON), layout="wide")
    st.html(NO_RAW_DOWNLOADS)
    with told_plainly():
        settings()
        user = _user()
        enter(user)
        pages = [
            st.Page(_told(entry), title=entry.title, icon=entry.icon, url_path=entry.path, default=at == 0)
            for at, entry in enumerate(PAGES)
        ]
        remember_pages({entry.path: page for entry, page in zip(PAGES, pages, strict=True)})
        chosen = st.navigation(pages, position="top")
        note_page(chosen.url_path)
        chosen.run()
        _who_is_here(user)


def _told(entry: Entry) -> Callable[[], None]:
    """The page, which tells its faults in words."""

    def run() -> None:
        with told_plainly():
            entry.draw()

    run.__name__ = entry.path
    return run


def _user() -> User:
    """The person at the page; stops with the sign-in button if they have not signed in yet."""
    chosen = settings()
    if not is_configured():
        return local_user(cast("str | None", st.get_option("server.address")), chosen.published_at)
    if not st.user.get("is_logged_in"):
        st.title("Stock")
        st.write("Please sign in with your work account.")
        st.button("Sign in", on_click=st.login, type="primary")
        st.stop()
    return signed_in_user(st.user.to_dict(), chosen.sign_in_allowed)


def _who_is_here(user: User) -> None:
    st.divider()
    if user.signed_in:
        st.caption(f"Signed in as {plain(user.name)}")
        st.button("Sign out", on_click=st.logout)
    else:
        st.caption(
            f"No one signs in here, as the page serves this machine only. You act as {plain(user.name)}."
        )
