"""Who is still let in when their page is drawn again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from frontend.core.sessions import Sessions
from frontend.shell import session
from frontend.shell.sign_in import SignIn


def draw() -> None:
    import streamlit as st

    from frontend.core.identity import User
    from frontend.shell.faults import told_plainly
    from frontend.shell.session import current_user, enter

    with told_plainly():
        enter(User("ann@seller.example", signed_in=True))
        st.write(current_user().name)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Draws a page for Ann, by a sign-in that still holds or not, and that she has ended or not."""

    def with_sign_in(found: SignIn | None, *, ended: bool = False) -> AppTest:
        sessions = Sessions()
        if ended:
            sessions.end("a mark")
        monkeypatch.setattr(session, "SESSIONS", sessions)
        monkeypatch.setattr(session, "sign_in_of", lambda _: found)
        return AppTest.from_function(draw).run()

    return with_sign_in


def test_as_long_as_the_sign_in_holds_they_are_let_in(drawn: Callable[..., AppTest]) -> None:
    app = drawn(SignIn({}, "a mark"))
    assert [entry.value for entry in app.markdown] == ["ann@seller.example"]
    assert not app.error


@pytest.mark.parametrize(
    ("found", "ended", "words"),
    [(None, False, "has expired"), (SignIn({}, "a mark"), True, "have signed out")],
)
def test_when_it_has_expired_or_ended_they_are_not(
    drawn: Callable[..., AppTest], found: SignIn | None, ended: bool, words: str
) -> None:
    app = drawn(found, ended=ended)
    assert [words in error.value for error in app.error] == [True]
    assert not app.markdown
