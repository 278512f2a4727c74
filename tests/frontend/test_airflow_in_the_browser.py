"""What an operator clicks in Airflow: the way to the page, a run's report, the answer about a held feed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from stock_pipeline.lake.locations import run_report_key, stock_feed_prefix
from tests.support.pages.browser import Site
from tests.support.pages.shop import DAY, quantities, shop_of
from tests.support.runs.stack import Stack
from tests.support.workbooks.making import write_rows

pytestmark = pytest.mark.timeout(600)

SENT = {
    "BET": (["Part", "Free Stk", "Cond Ind"], [5, 1]),
    "JUR": (["Part", "Free Stk", "Cond Ind"], [0, 1]),
    "KLA": (["Part Number", "Stock Balance"], [0]),
}
"""Each supplier's header, and what its list has behind every code: JUR and KLA have suddenly nothing left."""

PARTS = {supplier: [f"{supplier[0]}{number:03}" for number in range(60)] for supplier in SENT}
NAME = "Anonymous"
"""What Airflow calls a person where all are admins and no one signs in."""


@pytest.fixture(scope="module")
def shop(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A shop that has been sent a list by each supplier."""
    folder = tmp_path_factory.mktemp("shop")
    for supplier, (header, behind) in SENT.items():
        workbook = folder / f"{supplier}_stock.xlsx"
        write_rows(workbook, [header, *([part, *behind] for part in PARTS[supplier])])
        stack.put(f"{stock_feed_prefix(DAY)}{workbook.name}", workbook.read_bytes())
    with shop_of(PARTS, stack, folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def started(shop: Site) -> str:
    """A run for the day; its id."""
    return shop.airflow.trigger("daily_stock", DAY, suppliers=list(SENT))


@pytest.fixture(scope="module")
def run(shop: Site, started: str) -> str:
    """The same run, ended: red, as two feeds are held."""
    assert ended(shop, "daily_stock", started) == "failed"
    return started


@pytest.fixture(scope="module")
def questions(shop: Site, run: str) -> dict[str, str]:
    """The runs that ask about the held feeds, by supplier."""
    asked = shop.airflow.xcom("daily_stock", run, "list_held_feeds", "return_value")
    return {entry["conf"]["supplier"]: entry["trigger_run_id"] for entry in asked}


def ended(shop: Site, dag_id: str, run_id: str) -> str:
    """The state in which a run ends."""
    return shop.airflow.watch(dag_id, run_id, lambda _: None)


def required_actions(page: Page) -> None:
    """Open the list of questions by Airflow's navigation."""
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="Required Actions").click()


def answer(form: Page | Locator, button: str, reason: str) -> None:
    """Type a reason, without which no button works, and click."""
    for name in ("Approve", "Reject"):
        expect(form.get_by_role("button", name=name)).to_be_disabled()
    form.get_by_role("textbox").fill(reason)
    form.get_by_role("button", name=button).click()


def report(shop: Site, run_id: str) -> Locator:
    """What the button Report of a run shows."""
    page = shop.open_airflow(f"dags/daily_stock/runs/{run_id}")
    page.get_by_role("row", name="summarise").get_by_role("link", name="summarise").click()
    page.get_by_role("link", name="Details", exact=True).click()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Report", exact=True).click()
    expect(opened.value).to_have_url(f"{shop.address}/report?day={DAY}")
    shown = opened.value.frame_locator("iframe")
    expect(shown.get_by_role("heading", name=f"Stock of {DAY}")).to_be_visible()
    return shown.locator("body")


# The run that the other tests wait for goes on meanwhile.
@pytest.mark.usefixtures("started")
def test_the_entry_under_browse_leads_to_the_page(shop: Site) -> None:
    page = shop.open_airflow()
    page.get_by_role("button", name="Browse").click()
    with page.expect_popup() as opened:
        page.get_by_role("menuitem", name="Stock page").click()
    expect(opened.value).to_have_url(re.compile(f"^{shop.address}/"))
    expect(opened.value.get_by_role("heading", name="Today")).to_be_visible()


def test_the_button_report_opens_the_report_on_the_page(shop: Site, run: str) -> None:
    shown = report(shop, run)
    for supplier, verdict in (("BET", "accepted"), ("JUR", "held"), ("KLA", "held")):
        expect(shown.get_by_role("row", name=f"{supplier} {verdict} ")).to_be_visible()


def test_rejected_nothing_is_published_and_the_answer_is_kept(shop: Site, questions: dict[str, str]) -> None:
    published = shop.stack.ebay_versions()
    page = shop.open_airflow()
    required_actions(page)
    question = page.get_by_role("row", name=f"Release KLA's feed of {DAY}?")
    question.get_by_role("button", name="Open Review Drawer").click()
    answer(page.get_by_role("dialog"), "Reject", "this is last year's list")
    expect(question).to_contain_text("Rejection Received")
    assert ended(shop, "approve_feed", questions["KLA"]) == "success"
    states = {task["task_id"]: task["state"] for task in shop.airflow.tasks("approve_feed", questions["KLA"])}
    assert states["release"] == "skipped"
    assert shop.stack.feed_report(DAY, "KLA")["verdict"] == "held"
    assert shop.stack.ebay_versions() == published
    kept = shop.stack.json(run_report_key("approve_feed", DAY, questions["KLA"]))
    assert (kept["answer"], kept["by"], kept["reason"]) == ("rejected", NAME, "this is last year's list")


def test_approved_the_feed_is_published_with_name_and_reason_in_its_report(
    shop: Site, questions: dict[str, str]
) -> None:
    before = quantities(shop.stack)
    page = shop.open_airflow()
    page.get_by_role("button", name="Required Action").click()
    page.get_by_role("link", name="View all required actions").click()
    page.get_by_role("link", name=f"Release JUR's feed of {DAY}?").click()
    expect(page.get_by_text("60 of 60 labels change, 60 go to 0")).to_be_visible()
    page_for_staff = page.get_by_role("link", name="Look at it on the page for staff")
    expect(page_for_staff).to_have_attribute("href", f"{shop.address}/start?day={DAY}")
    answer(page, "Approve", "JUR has moved out")
    expect(page.get_by_text(f"from {NAME}")).to_be_visible()
    assert ended(shop, "approve_feed", questions["JUR"]) == "success"
    released = shop.airflow.xcom("approve_feed", questions["JUR"], "release", "trigger_run_id")
    assert ended(shop, "daily_stock", released) == "success"
    assert quantities(shop.stack) == before | {f"JUR-{part}": 0 for part in PARTS["JUR"]}
    release = shop.stack.feed_report(DAY, "JUR")["release"]
    assert (release["by"], release["reason"]) == (NAME, "JUR has moved out")
    expect(report(shop, released)).to_contain_text(f"released by {NAME} (JUR has moved out)")
