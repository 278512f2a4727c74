"""Questions to Athena on a page: asked once, told how far they are, and can be cancelled."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache

import streamlit as st

from frontend.core.aws import athena_client, s3_client
from frontend.core.queries import Answer, Queries, Statement, size
from frontend.core.settings import settings

QUICK_SECONDS = 0.6
"""An answer that comes within this is shown at once; for others there is a line on how far they are."""

REUSED_SECONDS = 300.0
"""The same question within this gets the same answer, no matter who asks."""

_asked: dict[Statement, tuple[float, str]] = {}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of this session: the statement, and Athena's id of the query."""

    statement: Statement
    query_id: str


@cache
def queries() -> Queries:
    """Athena as the settings have it."""
    chosen = settings()
    return Queries(athena_client(), s3_client(), workgroup=chosen.workgroup, database=chosen.database)


def ask(slot: str, statement: Statement) -> None:
    """Ask something; its answer is then to be had from `answered`, under the same name."""
    asked_at, query_id = _asked.get(statement, (0.0, ""))
    if time.monotonic() - asked_at > REUSED_SECONDS or queries().progress(query_id).state in {
        "FAILED",
        "CANCELLED",
    }:
        query_id = queries().start(statement)
        _asked[statement] = time.monotonic(), query_id
        while len(_asked) > 200:
            _asked.pop(next(iter(_asked)))
    st.session_state[slot] = Asked(statement, query_id)


def asked(slot: str) -> Statement | None:
    """What was asked last under a name."""
    found: Asked | None = st.session_state.get(slot)
    return found.statement if found else None


def answered(slot: str) -> Answer | None:
    """The answer to what was asked; until it is there, a line on how far it is.

    Raises:
        QueryError: there is none.
    """
    found: Asked | None = st.session_state.get(slot)
    if found is None:
        return None
    ends = time.monotonic() + QUICK_SECONDS
    while not queries().progress(found.query_id).done:
        if time.monotonic() > ends:
            _waiting(found)
            return None
        time.sleep(0.1)
    return _answer(found.query_id)


@st.cache_data(max_entries=20, show_spinner=False)
def _answer(query_id: str) -> Answer:
    return queries().answer(query_id)


@st.fragment(run_every=1.0)
def _waiting(found: Asked) -> None:
    progress = queries().progress(found.query_id)
    if progress.done:
        st.rerun()
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.info(
        f"Athena is looking: {progress.seconds:.0f} seconds so far, {size(progress.scanned)} read.",
        icon=":material/hourglass:",
    )
    if right.button("Cancel", width="stretch", key=f"cancel_{found.query_id}"):
        queries().cancel(found.query_id)
        st.rerun()
