"""The pages on what has been published, in a real browser: files for eBay, suppliers' rules, tables."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Page, expect

from demo.front_end import front_end_address, front_end_environment, front_end_server
from frontend.shell.session import london_today
from stock_pipeline.ebay.upload_files import write_upload_files
from stock_pipeline.ebay.upload_ledger import read_marks, upload_set
from stock_pipeline.feeds.processing import process_feed
from stock_pipeline.lake.locations import date_parts, stock_feed_prefix
from stock_pipeline.lake.tables import EBAY, PRODUCT, STORE, SUPPLIER_STOCK
from stock_pipeline.suppliers import load_suppliers
from tests.support.pages.browser import browser, free_port
from tests.support.runs.stack import Stack
from tests.support.waiting import SECONDS
from tests.support.workbooks.making import write_rows

DAY = london_today()
BEFORE = DAY - timedelta(days=1)
LIST = [["Part no", "Stock"], *([f"P{number}", "NO" if number == 7 else "YES"] for number in range(40))]

expect.set_options(timeout=SECONDS * 1000)


@pytest.fixture(scope="module")
def shop(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """APE's forty parts in one store: one of them was sold out today, and the table is published."""
    folder = tmp_path_factory.mktemp("shop")
    labels = pl.DataFrame({"custom_label": [f"L-{number}" for number in range(40)]})
    part = pl.col("custom_label").str.replace("L-", "P")
    parts = labels.with_columns(part_number=part, supplier=pl.lit("APE"))
    stack.put_parquet(PRODUCT.key(), parts.to_arrow())
    items = labels.with_columns(item_id=100_000_000_000 + pl.int_range(40, dtype=pl.Int64))
    listings = items.with_columns(title=pl.lit("=1+1"))
    others = [
        pl.lit(None, kind).alias(name) for name, kind in STORE.schema.items() if name not in listings.columns
    ]
    put(stack, STORE.key("AMS", "APE"), listings.with_columns(others).select(STORE.schema.names()))
    stack.register(STORE.name, ["AMS", "APE"], STORE.key("AMS", "APE"))
    earlier = parts.select(
        "custom_label", "part_number", quantity=pl.lit(10, pl.Int32), updated_date=pl.lit(BEFORE)
    )
    key = SUPPLIER_STOCK.key("APE", *date_parts(BEFORE))
    put(stack, key, earlier)
    stack.register(SUPPLIER_STOCK.name, ["APE", *date_parts(BEFORE)], key)
    write_rows(folder / "list.xlsx", LIST)
    stack.put(f"{stock_feed_prefix(DAY)}APE_list.xlsx", (folder / "list.xlsx").read_bytes())
    suppliers = load_suppliers()
    report = process_feed(
        stack.lake,
        suppliers=suppliers,
        supplier=suppliers.supplier("APE"),
        run_date=DAY,
        accept_first=True,
    )
    assert report.snapshot, report.reason
    stack.register(SUPPLIER_STOCK.name, ["APE", *date_parts(DAY)], report.snapshot)
    sold_out = pl.col("custom_label") == "L-7"
    table = items.select(
        "item_id",
        quantity_delta=pl.when(sold_out).then(-10).otherwise(0).cast(pl.Int32),
        quantity=pl.when(sold_out).then(0).otherwise(10).cast(pl.Int32),
        custom_label="custom_label",
        supplier_store=pl.lit("APE"),
    )
    put(stack, EBAY.key("AMS"), table, **{"run-date": DAY.isoformat()})
    stack.register(EBAY.name, ["AMS"], EBAY.key("AMS"))
    write_upload_files(stack.lake, stores=["AMS"], run_date=DAY)
    return stack


def put(stack: Stack, key: str, table: pl.DataFrame, **metadata: str) -> None:
    stack.put_parquet(key, table.to_arrow())
    if metadata:
        stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=stack.body(key), Metadata=metadata)


@pytest.fixture(scope="module")
def pages(shop: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Browser]]:
    """The page's server, without an Airflow: nothing here asks for one."""
    port = free_port()
    environment = front_end_environment("http://127.0.0.1:1", shop.endpoint, shop.outputs())
    server = front_end_server(port, environment, tmp_path_factory.mktemp("page"))
    try:
        server.launch()
        with browser() as chromium:
            server.wait()
            yield front_end_address(port), chromium
    finally:
        server.stop()


@pytest.fixture
def page(pages: tuple[str, Browser]) -> Iterator[Page]:
    address, chromium = pages
    context = chromium.new_context(
        base_url=address, accept_downloads=True, viewport={"width": 1366, "height": 1000}
    )
    opened = context.new_page()
    opened.set_default_timeout(SECONDS * 1000)
    yield opened
    context.close()


def download(page: Page, button: str, path: Path) -> Path:
    # A button is there before the page is all drawn, and its file is only made once the page is.
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    with page.expect_download() as started:
        page.get_by_role("button", name=button, exact=button.startswith("As")).click()
    started.value.save_as(path)
    return path


def test_the_zip_is_downloaded_and_marked_as_uploaded(page: Page, shop: Stack, tmp_path: Path) -> None:
    page.goto("/ebay_files")
    with zipfile.ZipFile(download(page, "Download all", tmp_path / "all.zip")) as bundle:
        assert bundle.namelist() == ["AMS.csv"]
        assert bundle.read("AMS.csv").decode().split()[1:] == ["Revise,100000000007,UK,GBP,0"]

    page.get_by_role("button", name="Mark as uploaded").click()
    page.get_by_role("button", name="They are uploaded").click()
    expect(page.get_by_role("button", name="They are uploaded")).to_be_hidden()
    expect(page.get_by_role("button", name="Mark as uploaded")).to_be_hidden()
    noted = upload_set(shop.lake, f"date={DAY}")
    assert noted is not None
    [mark] = read_marks(shop.lake, {"AMS": noted.stores["AMS"].number}).values()
    assert mark.by.endswith("(not signed in)")
    # What has been told is not told again.
    write_upload_files(shop.lake, stores=["AMS"], run_date=DAY)
    page.reload()
    expect(page.get_by_text("Nothing to upload: eBay is up to date")).to_be_visible()


def test_a_table_is_asked_and_its_rows_taken_home(page: Page, tmp_path: Path) -> None:
    page.goto("/tables")
    page.get_by_role("combobox", name="Table").click()
    page.get_by_role("option", name="store: the listings of the stores").click()
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("store is large: choose ebay store or supplier first")).to_be_visible()
    chooser = page.get_by_role("combobox", name="Suppliers")
    chooser.fill("APE")
    chooser.press("Enter")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("40 rows. Athena took")).to_be_visible()
    sheet = load_workbook(download(page, "As workbook", tmp_path / "rows.xlsx")).worksheets[0]
    titles = [row[list(STORE.columns).index("title") + 2] for row in sheet.iter_rows(min_row=2)]
    assert {(cell.value, cell.data_type) for cell in titles} == {("=1+1", "s")}
    csv = download(page, "As CSV", tmp_path / "rows.csv").read_text("utf-8-sig")
    assert "'=1+1" in csv
    # The grid's own download would hand out the title as it is.
    page.get_by_test_id("stDataFrame").hover()
    expect(page.get_by_role("button", name="Search")).to_be_visible()
    expect(page.get_by_role("button", name="Download as CSV")).to_be_hidden()


def test_a_quantity_is_explained_down_to_the_cell(page: Page) -> None:
    page.goto("/tables")
    page.get_by_role("tab", name="Why this quantity?").click()
    text = page.get_by_label("Item id, custom label or part number")
    text.fill("100000000007")
    text.press("Enter")
    expect(
        page.get_by_text(f"In APE's list of {DAY} cell B9 for part P7 reads 'NO', which counts as 0.")
    ).to_be_visible()
    expect(page.get_by_text("Its quantity in each of APE's accepted lists")).to_be_visible()
    text.fill("nothing of ours")
    text.press("Enter")
    expect(page.get_by_text("No listing, label or part of that name is known.")).to_be_visible()


def test_changed_rules_are_tried_on_a_list(page: Page) -> None:
    page.goto("/suppliers")
    rules = page.get_by_label("The rules")
    # The field is drawn before it is filled.
    expect(rules).not_to_have_value("")
    in_force = rules.input_value()
    rules.fill(in_force + "surprise: 1\n")
    rules.blur()
    page.get_by_role("button", name="Try the rules").click()
    expect(page.get_by_text("supplier APE: surprise")).to_be_visible()
    rules.fill(in_force.replace("'NO'", "'MAYBE'"))
    rules.blur()
    page.get_by_role("button", name="Try the rules").click()
    expect(page.get_by_text("1 label gets another quantity")).to_be_visible()
    rules.fill(in_force)
    rules.blur()
    page.get_by_role("button", name="Try the rules").click()
    expect(page.get_by_text("No label's quantity differs.")).to_be_visible()
    assert load_suppliers().supplier("APE").headers == (("Part no", "Stock"),)
