from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from frontend import layout
from frontend.shell import guard
from frontend.shell.plain import plain
from frontend.shell.session import london_today
from tests.support.pages.day import DAY, put_report, set_environment
from tests.support.runs.stack import Stack

APP = Path(layout.__file__).with_name("page.py")


@pytest.fixture
def app(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    set_environment(monkeypatch, stack.endpoint, stack.bucket, stack.database, stack.queue_url)
    return AppTest.from_file(str(APP), default_timeout=240)


def bind_to(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    option = st.get_option
    monkeypatch.setattr(st, "get_option", lambda name: address if name == "server.address" else option(name))


def test_on_this_machine_alone_the_day_is_shown_and_whom_one_acts_as(
    app: AppTest, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind_to("127.0.0.1", monkeypatch)
    put_report(stack, "APE", "held")
    app.query_params["day"] = str(DAY)
    app.run()
    assert [title.value for title in app.title] == ["Today"]
    table = app.table[0].value
    assert dict(zip(table["Supplier"], table["State"], strict=True))["APE"] == ":orange-badge[held]"
    assert any("Held: APE" in warning.value for warning in app.warning)
    assert any(plain("(not signed in)") in caption.value for caption in app.caption)


@pytest.mark.parametrize("address", [None, "0.0.0.0", "192.168.1.20"])
def test_where_others_could_come_nothing_is_shown_without_sign_in(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    bind_to(address, monkeypatch)
    app.run()
    assert [error.value for error in app.error if "configure sign" in error.value]
    assert not app.title


def test_a_setting_that_is_missing_is_named_on_the_page(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STOCK_QUEUE_URL")
    app.run()
    assert plain("STOCK_QUEUE_URL is not set") in app.error[0].value
    assert not app.title


def test_without_the_guard_nothing_is_shown_but_how_to_start(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "_standing", False)
    bind_to("127.0.0.1", monkeypatch)
    app.run()
    assert ["streamlit run frontend/app.py" in error.value for error in app.error] == [True]
    assert not app.title


@pytest.mark.parametrize(
    "day",
    ["0001-01-01", "1999-12-31", "9999-12-31", "tomorrow", "", "2024-02-30", "20240801", "2024-08-01T05"],
)
def test_a_day_in_the_address_that_cannot_be_is_today(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, day: str
) -> None:
    bind_to("127.0.0.1", monkeypatch)
    app.query_params["day"] = day
    app.run()
    assert [entry.value for entry in app.exception] == []
    assert [title.value for title in app.title] == ["Today"]
    assert app.date_input[0].value == london_today()
