"""Operations staff's morning in a real browser, with everything behind the page running for real."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from stock_pipeline.lake.locations import stock_feed_prefix
from tests.support.pages.browser import Site
from tests.support.pages.shop import DAY, quantities, shop_of
from tests.support.runs.stack import Stack
from tests.support.workbooks.making import write_rows

HEADER = ["Part", "Free Stk", "Cond Ind"]
BET_PARTS = [f"P{number:03}" for number in range(200)]
JUR_PARTS = [f"J{number:03}" for number in range(100)] + BET_PARTS[:30]


@pytest.fixture(scope="module")
def shop(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """BET and JUR with a mapping, listings and earlier stock. JUR sells some of BET's parts too."""
    with shop_of({"BET": BET_PARTS, "JUR": JUR_PARTS}, stack, tmp_path_factory.mktemp("shop")) as opened:
        yield opened


@pytest.fixture
def lists(tmp_path: Path) -> list[Path]:
    """A good list of BET, and the same sent as JUR's, with the header both have."""
    stock = [[part, 0 if number == 7 else 5, 1] for number, part in enumerate(BET_PARTS)]
    paths = [tmp_path / "BET_stock.xlsx", tmp_path / "JUR_stock.xlsx"]
    for path, rows in zip(paths, (stock, stock[:-1]), strict=True):
        write_rows(path, [HEADER, *rows])
    return paths


def row(page: Page, supplier: str) -> Locator:
    """A supplier's line in the table of a page."""
    return page.get_by_role("row").filter(has=page.get_by_role("cell", name=supplier, exact=True))


def told(page: Page) -> list[str]:
    """All a page says on BET and JUR and on the table."""
    return [row(page, supplier).inner_text() for supplier in ("BET", "JUR")] + [
        page.get_by_text("The ebay table.").inner_text()
    ]


def test_a_morning_from_the_upload_to_a_release(shop: Site, lists: list[Path]) -> None:
    ann, bob = shop.open(f"upload?day={DAY}"), shop.open(f"?day={DAY}")
    expect(bob.get_by_text("Nothing has been uploaded for this day yet")).to_be_visible()

    # Ann sees what will happen to her files before she sends them.
    ann.locator("input[type=file]").set_input_files(lists)
    expect(row(ann, "BET_stock.xlsx")).to_contain_text("looks right")
    expect(row(ann, "JUR_stock.xlsx")).to_contain_text("would be held")
    expect(row(ann, "JUR_stock.xlsx")).to_contain_text("it looks like BET's list")
    assert shop.stack.keys(stock_feed_prefix(DAY)) == []
    ann.get_by_role("button", name="Upload 2 files").click()
    expect(ann.get_by_text("2 uploaded")).to_be_visible()
    assert len(shop.stack.keys(stock_feed_prefix(DAY))) == 2

    # Bob, who has only left his page open, sees them come.
    expect(row(bob, "JUR")).to_contain_text("uploaded")

    # Ann starts a run for the two; both see the verdicts arrive.
    ann.get_by_role("link", name="Start a run").click()
    chooser = ann.get_by_role("combobox", name="Suppliers")
    for supplier in ("BET", "JUR"):
        chooser.fill(supplier)
        chooser.press("Enter")
    ann.get_by_role("heading", name="Start and release").click()
    ann.get_by_role("button", name="Start the run").click()
    link = ann.get_by_role("link", name="see it in Airflow")
    expect(link).to_have_attribute("href", re.compile(f"^{shop.airflow.address}/dags/daily_stock/runs/"))
    ann.get_by_role("link", name="Today").click()
    for page in (ann, bob):
        expect(row(page, "BET")).to_contain_text("accepted")
        expect(row(page, "JUR")).to_contain_text("held")
        expect(page.get_by_text("The table is published")).to_be_visible()
    before = quantities(shop.stack)
    assert (before["BET-P007"], before["BET-P001"]) == (0, 5)
    assert {stock for label, stock in before.items() if label.startswith("JUR")} == {5}

    # Bob looks at what is held and lets it through.
    bob.get_by_role("link", name="Look at the held feeds").click()
    expect(bob.get_by_text("JUR is held")).to_be_visible()
    bob.get_by_role("button", name="Release JUR").click()
    expect(bob.get_by_text("Give a reason for the release")).to_be_visible()
    reason = bob.get_by_label("Why the list is right after all")
    reason.fill("JUR buys from BET now")
    reason.press("Enter")
    expect(bob.get_by_role("link", name="see it in Airflow")).to_be_visible()
    expect(row(ann, "JUR")).to_contain_text("accepted")
    expect(ann.get_by_text("Run:")).not_to_contain_text("running")
    after = quantities(shop.stack)
    assert {after[f"JUR-{part}"] for part in JUR_PARTS if part.startswith("J")} == {0}
    assert after["JUR-P001"] == 5
    assert {label: after[label] for label in after if label.startswith("BET")} == {
        label: before[label] for label in before if label.startswith("BET")
    }
    release = shop.stack.feed_report(DAY, "JUR")["release"]
    assert release["reason"] == "JUR buys from BET now"
    assert release["by"].endswith("(not signed in)")

    # A reload, or a visitor who comes late, shows the same.
    bob.get_by_role("link", name="Today").click()
    late = shop.open(f"?day={DAY}")
    ann.reload()
    for page in (ann, bob, late):
        expect(row(page, "JUR")).to_contain_text("released by")
    assert told(ann) == told(bob) == told(late)


def test_a_file_is_never_overwritten_and_what_is_wrong_is_said_in_place(
    shop: Site, lists: list[Path], tmp_path: Path
) -> None:
    day = DAY - timedelta(days=10)
    wrong = [tmp_path / name for name in ("nobody.xlsx", "KLA.csv", "APE_stock.xlsx")]
    for path in wrong:
        path.write_bytes(b"Part no,Stock")
    page = shop.open(f"upload?day={day}")
    page.locator("input[type=file]").set_input_files([lists[0], *wrong])
    expect(row(page, "nobody.xlsx")).to_contain_text("begins with no supplier's code")
    expect(row(page, "KLA.csv")).to_contain_text("not an .xlsx workbook")
    expect(row(page, "APE_stock.xlsx")).to_contain_text("not a workbook")
    expect(page.get_by_text("3 of 4 cannot be used")).to_be_visible()
    page.get_by_role("button", name="Upload 1 file").click()
    expect(page.get_by_text("1 uploaded")).to_be_visible()
    write_rows(lists[0], [HEADER, *([part, 4, 1] for part in BET_PARTS)])
    page.locator("input[type=file]").set_input_files(lists[0])
    page.get_by_role("button", name="Upload 1 file").click()
    expect(page.get_by_text("BET_stock (2).xlsx")).to_be_visible()
    assert len(shop.stack.keys(stock_feed_prefix(day))) == 2
