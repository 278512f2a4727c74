"""A headless Chromium and the servers behind the page: local AWS, the real Airflow, Streamlit."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from demo.airflow_api import AirflowApi
from demo.airflow_local import airflow_address, airflow_environment, airflow_server
from demo.front_end import front_end_address, front_end_environment, front_end_server
from demo.options import AIRFLOW
from demo.options import free_port as free_port_of
from tests.support.runs.stack import Stack
from tests.support.waiting import SECONDS

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NOWHERE = "http://127.0.0.1:1"
WITHOUT_AWS = front_end_environment(
    NOWHERE,
    NOWHERE,
    {
        "BucketName": "bucket",
        "DatabaseName": "database",
        "WorkgroupName": "workgroup",
        "QueueUrl": f"{NOWHERE}/queue",
    },
)

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    # Whatever else it wants to look up does not exist.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def executable() -> str:
    """Where Chromium is."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "there is no Chromium: run tests/frontend/get_chromium, which `make test` does by itself"
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium with an empty profile."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS, headless=True)
        yield started
        started.close()


@dataclass(frozen=True)
class Site:
    """The page with everything behind it."""

    stack: Stack
    address: str
    airflow: AirflowApi
    chromium: Browser

    def open(self, path: str = "") -> Page:
        """Open the page in its own session, as on another person's machine."""
        return self._opened(f"{self.address}/{path}")

    def open_airflow(self, path: str = "") -> Page:
        """Open Airflow's UI in the same way."""
        return self._opened(f"{self.airflow.address}/{path}")

    def _opened(self, address: str) -> Page:
        context = self.chromium.new_context(viewport={"width": 1366, "height": 1000}, accept_downloads=True)
        page = context.new_page()
        page.set_default_timeout(SECONDS * 1000)
        page.goto(address)
        return page


@contextmanager
def site(stack: Stack, folder: Path) -> Iterator[Site]:
    """Start Airflow, Streamlit and a browser on a set of resources; ends them all."""
    # Airflow takes more than one, below those that the system gives to anyone who asks for any.
    port, page_port = free_port_of(AIRFLOW, 12_000 + os.getpid() % 18_000), free_port()
    outputs = stack.outputs()
    address = front_end_address(page_port)
    home = folder / "airflow"
    airflow = airflow_server(port, airflow_environment(port, stack.endpoint, outputs, address, home), home)
    streamlit = front_end_server(
        page_port, front_end_environment(airflow_address(port), stack.endpoint, outputs), folder / "page"
    )
    try:
        airflow.launch()
        streamlit.launch()
        with browser() as chromium:
            streamlit.wait()
            airflow.wait()
            yield Site(stack, address, AirflowApi(airflow_address(port)), chromium)
    finally:
        streamlit.stop()
        airflow.stop()


@contextmanager
def page_alone(
    folder: Path, stack: Stack | None = None, secrets: str = "", /, **environment: str
) -> Iterator[str]:
    """The page without Airflow; gives its address.

    Args:
        folder: for its files.
        stack: what is behind it; without it AWS does not answer.
        secrets: Streamlit's secrets, in which `{page}` is the page's address; without them no one signs in.
        environment: settings of the page.
    """
    port = free_port()
    address = front_end_address(port)
    settings = front_end_environment(NOWHERE, stack.endpoint, stack.outputs()) if stack else WITHOUT_AWS
    if secrets:
        path = folder / "secrets.toml"
        path.write_text(secrets.replace("{page}", address))
        settings = settings | {"STREAMLIT_SECRETS_FILES": str(path)}
    server = front_end_server(port, settings | environment, folder)
    server.launch()
    try:
        server.wait()
        yield address
    finally:
        server.stop()


def free_port() -> int:
    """A port on which nothing listens now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
