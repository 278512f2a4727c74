"""What the pages know of the browser session they are drawn for."""

from __future__ import annotations

from datetime import date, datetime
from typing import cast

import streamlit as st

from frontend.services.identity import User
from frontend.services.settings import LONDON

USER = "user"


def remember_user(user: User) -> None:
    """Note who is at the page."""
    st.session_state[USER] = user


def current_user() -> User:
    """Whoever is at the page; for recording who did what."""
    return cast("User", st.session_state[USER])


def london_today() -> date:
    """Today where the sellers are."""
    return datetime.now(LONDON).date()
