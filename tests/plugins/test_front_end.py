from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from front_end import PREFIX, FrontEndPlugin


@pytest.fixture
def click(airflow_database: None) -> Callable[[], httpx.Response]:
    """What Airflow's API server answers when someone clicks the entry."""
    view: dict[str, Any] = FrontEndPlugin.external_views[0]
    (app,) = FrontEndPlugin.fastapi_apps
    server = httpx.ASGITransport(Starlette(routes=[Mount(app["url_prefix"], app["app"])]))

    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=server, base_url="http://airflow.example") as client:
            return await client.get(view["href"])

    def clicked() -> httpx.Response:
        return asyncio.run(get())

    return clicked


def test_the_entry_leads_to_wherever_the_variable_says_now(
    click: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in ("https://stock.seller.example/", "http://127.0.0.1:8501"):
        monkeypatch.setenv("AIRFLOW_VAR_STOCK_FRONT_END", address)
        answer = click()
        assert (answer.status_code, answer.headers["location"]) == (307, address)


@pytest.mark.parametrize("address", [None, "stock.seller.example", "javascript:alert(1)"])
def test_without_an_address_the_entry_says_what_to_set(
    click: Any, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    if address:
        monkeypatch.setenv("AIRFLOW_VAR_STOCK_FRONT_END", address)
    answer = click()
    assert answer.status_code == 404
    assert "stock_front_end" in answer.text
    assert (address or "is not set") in answer.text


def test_airflow_loads_the_plugin_and_shows_the_entry() -> None:
    from airflow.plugins_manager import get_plugin_info

    (shown,) = [plugin for plugin in get_plugin_info() if plugin["name"] == "front_end"]
    assert [view["destination"] for view in shown["external_views"]] == ["nav"]
    assert shown["external_views"][0]["href"] == f"{PREFIX}/"
    # One of Airflow's own menus. A lone entry elsewhere is drawn without an address.
    assert shown["external_views"][0]["category"] == "browse"
