"""An entry in Airflow's navigation, under Browse, that leads to the page for operations staff.

The Variable `stock_front_end` has that page's address. Plugins are loaded when Airflow starts, on MWAA
even only when the environment is updated, so the entry leads to a small view that looks the Variable up when
someone clicks. The view tells no one more than that address, and hence asks for no sign-in.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

VARIABLE = "stock_front_end"
PREFIX = "/stock-front-end"


async def lead_to_front_end(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application: redirects to the page, or says that its address is not set."""
    # Every Airflow process loads plugins, and only the API server needs these.
    from airflow.models import Variable  # the SDK's is for tasks
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import PlainTextResponse, RedirectResponse, Response

    address = await run_in_threadpool(Variable.get, VARIABLE, default_var="")  # noqa: AIR311
    answer: Response
    if urlsplit(address).scheme in {"http", "https"}:
        answer = RedirectResponse(address)
    else:
        said = "is not set" if not address else f"is {address!r}, which is no http:// or https:// address"
        answer = PlainTextResponse(
            f"Airflow's Variable {VARIABLE} {said}: set it to the address of the page for staff.\n", 404
        )
    await answer(scope, receive, send)


class FrontEndPlugin(AirflowPlugin):
    """The navigation entry and the view it leads to."""

    name = "front_end"
    external_views = [  # noqa: RUF012 - as the plugin manager wants it
        {
            "name": "Stock page",
            "href": urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/") + PREFIX + "/",
            "destination": "nav",
            # Airflow 3.3 draws a lone entry without a category as a button that leads nowhere; within one of
            # its own menus it is a link.
            "category": "browse",
        }
    ]
    fastapi_apps = [  # noqa: RUF012 - as the plugin manager wants it
        {"name": "front_end", "app": lead_to_front_end, "url_prefix": PREFIX}
    ]
