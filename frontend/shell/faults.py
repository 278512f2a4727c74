"""How what goes wrong is told: a sentence that says what to do, never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from frontend.core.airflow import AirflowError
from frontend.core.aws import OUTAGE, outage_in_words
from frontend.core.identity import NotAllowedError
from frontend.shell.plain import plain
from stock_pipeline.errors import NeedsPersonError

log = logging.getLogger(__name__)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Tell a fault in words."""
    try:
        yield
    except NotAllowedError as error:
        st.error(plain(str(error)), icon=":material/lock:")
        if st.user.get("is_logged_in"):
            st.button("Sign out", on_click=st.logout)
    except (NeedsPersonError, AirflowError) as error:
        st.error(plain(str(error)), icon=":material/error:")
    except OUTAGE as error:
        log.exception("AWS did not do what a page asked of it")
        st.error(
            f"AWS {plain(outage_in_words(error))}, so this cannot be shown or done now. No file is at fault. "
            "Load the page again in a minute. If it stays so, show this to the data engineer: "
            f"{plain(error)}",
            icon=":material/cloud_off:",
        )
