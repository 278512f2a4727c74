"""AWS and Airflow fail while the real page is open: it says so, blames no file, and shows what it knew."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from demo.front_end import front_end_address, front_end_environment, front_end_server
from frontend.shell.session import london_today
from tests.support.pages.breakable import Breakable, breakable
from tests.support.pages.browser import browser, free_port
from tests.support.pages.day import put_report
from tests.support.runs.stack import Stack
from tests.support.waiting import SECONDS
from tests.support.workbooks.making import write_rows

pytestmark = pytest.mark.timeout(600)

DAY = london_today() - timedelta(days=1)

expect.set_options(timeout=SECONDS * 1000)


class IdleAirflow(BaseHTTPRequestHandler):
    """As much of Airflow's API as the page asks while nothing runs."""

    def do_GET(self) -> None:
        answer = {"access_token": "token", "dag_runs": [], "is_paused": False}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Shop:
    """The page, and the ways by which it reaches AWS and Airflow."""

    address: str
    aws: Breakable
    airflow: Breakable
    chromium: Browser

    def open(self, path: str) -> Page:
        page = self.chromium.new_page()
        page.set_default_timeout(SECONDS * 1000)
        page.goto(f"{self.address}/{path}")
        return page


@pytest.fixture(scope="module")
def shop(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    put_report(stack, "APE", "held", DAY)
    idle = ThreadingHTTPServer(("127.0.0.1", 0), IdleAirflow)
    threading.Thread(target=idle.serve_forever, daemon=True).start()
    port = free_port()
    with breakable(stack.endpoint) as aws, breakable(f"http://127.0.0.1:{idle.server_port}") as airflow:
        environment = front_end_environment(airflow.address, aws.address, stack.outputs())
        # The address of the queue is the server's own.
        environment["STOCK_QUEUE_URL"] = environment["STOCK_QUEUE_URL"].replace(stack.endpoint, aws.address)
        server = front_end_server(port, environment, tmp_path_factory.mktemp("page"))
        try:
            server.launch()
            with browser() as chromium:
                server.wait()
                yield Shop(front_end_address(port), aws, airflow, chromium)
        finally:
            server.stop()
            idle.shutdown()


@pytest.fixture(autouse=True)
def _all_mended(shop: Shop) -> Iterator[None]:
    yield
    shop.aws.mend()
    shop.airflow.mend()


@pytest.mark.parametrize("how", ["cut", "stop_up"])
@pytest.mark.parametrize(("who", "name"), [("aws", "AWS"), ("airflow", "Airflow")])
def test_an_open_page_says_who_does_not_answer_and_how_old_it_is(
    shop: Shop, how: str, who: str, name: str
) -> None:
    page = shop.open(f"?day={DAY}")
    expect(page.get_by_text("Held: APE")).to_be_visible()
    expect(page.get_by_text("does not answer")).to_have_count(0)
    way: Breakable = getattr(shop, who)
    getattr(way, how)()
    since = time.monotonic()
    expect(page.get_by_text(name).and_(page.get_by_text("does not answer")).first).to_be_visible()
    print(f"{name}, {how}: told after {time.monotonic() - since:.1f} seconds")  # noqa: T201
    expect(page.get_by_text("seconds ago").first).to_be_visible()
    expect(page.get_by_text("Held: APE")).to_be_visible()
    way.mend()
    expect(page.get_by_text("does not answer")).to_have_count(0)
    page.close()


def test_a_page_opened_in_an_outage_says_so_and_shows_the_day_once_it_is_over(shop: Shop) -> None:
    shop.aws.stop_up()
    page = shop.open(f"?day={DAY - timedelta(days=30)}")
    expect(page.get_by_text("so nothing is known of")).to_be_visible()
    shop.aws.mend()
    expect(page.get_by_text("Nothing has been uploaded for this day yet")).to_be_visible()
    page.close()


def test_a_good_file_is_not_blamed_for_an_outage(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "BET_stock.xlsx"
    write_rows(path, [["Part", "Free Stk", "Cond Ind"], *([f"P{number}", 5, 1] for number in range(50))])
    page = shop.open(f"upload?day={DAY}")
    expect(page.locator("input[type=file]")).to_have_count(1)
    shop.aws.cut()
    page.locator("input[type=file]").set_input_files(path)
    row = page.get_by_role("row").filter(has_text="BET_stock.xlsx")
    expect(row).to_contain_text("could not be checked because AWS does not answer")
    expect(row).not_to_contain_text("cannot be")
    expect(page.get_by_text("cannot be used")).to_have_count(0)
    shop.aws.mend()
    page.get_by_role("button", name="Check again").click()
    expect(row).not_to_contain_text("could not be checked")
    expect(row).to_contain_text("looks right")
    page.close()


def test_other_pages_say_that_aws_does_not_answer_and_come_back(shop: Shop) -> None:
    shop.aws.cut()
    for path in ("ebay_files", "start"):
        page = shop.open(f"{path}?day={DAY - timedelta(days=40)}")
        expect(page.get_by_text("AWS does not answer").first).to_be_visible()
        page.close()
