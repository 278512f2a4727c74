"""Names and cells that are Markdown, HTML or icons, on the real pages: seen as typed, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from demo.front_end import front_end_address, front_end_environment, front_end_server
from frontend.shell.session import london_today
from stock_pipeline.lake.locations import stock_feed_prefix
from stock_pipeline.lake.tables import PRODUCT
from tests.support.pages.browser import browser, free_port
from tests.support.pages.day import put_report
from tests.support.runs.stack import Stack
from tests.support.waiting import SECONDS
from tests.support.workbooks.making import write_rows

pytestmark = pytest.mark.timeout(600)

DAY = london_today() - timedelta(days=1)
ELSEWHERE = "http://127.0.0.1:9"
HOSTILE = [
    f"![x]({ELSEWHERE}/x.png)",
    f"<img src={ELSEWHERE}/y.png onerror=alert(1)>",
    "[a](javascript:alert(1))",
    ":material/home:",
    "$x$",
    ":red[x]",
    "www.evil.example",
]
NAMES = [text.replace("/", "_") for text in HOSTILE]
"""As a file may be called: a slash would make it lie in a folder."""

expect.set_options(timeout=SECONDS * 1000)


@dataclass
class Visit:
    """A page that is looked at, and what it asked for from other places."""

    page: Page
    elsewhere: list[str] = field(default_factory=list)

    def check(self, *texts: str) -> None:
        """Each text is to be seen as it was typed, and nothing of it has become a picture or a link."""
        main = self.page.get_by_test_id("stMain")
        for text in texts:
            expect(main.get_by_text(text).first).to_be_visible()
        assert main.locator("img").count() == 0
        links = main.locator("a").evaluate_all("all => all.map(one => one.href)")
        assert not [link for link in links if "evil" in link or "javascript" in link or ELSEWHERE in link]
        assert self.elsewhere == []


@pytest.fixture(scope="module")
def address(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page, on a day of hostile names and cells."""
    known = {"custom_label": ["APE-1"], "part_number": ["1"], "supplier": ["APE"]}
    stack.put_parquet(PRODUCT.key(), pl.DataFrame(known, schema=PRODUCT.schema).to_arrow())
    for name in NAMES:
        stack.put(f"{stock_feed_prefix(DAY)}{name}.xlsx", b"whose?")
    said = " ".join(HOSTILE)
    checks = [
        {"name": "moved", "passed": False, "text": said},
        {"name": "rows", "passed": True, "text": said},
    ]
    file = {
        "key": f"{stock_feed_prefix(DAY)}APE_{NAMES[0]}.xlsx",
        "size": 1,
        "last_modified": f"{DAY}T05:00:00Z",
    }
    put_report(stack, "APE", "held", DAY, reason=said, checks=checks, looks_like=HOSTILE[0], file=file)
    put_report(stack, "BET", "rejected", DAY, reason=said)
    port = free_port()
    environment = front_end_environment("http://127.0.0.1:1", stack.endpoint, stack.outputs())
    server = front_end_server(port, environment, tmp_path_factory.mktemp("page"))
    try:
        server.launch()
        server.wait()
        yield front_end_address(port)
    finally:
        server.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture
def visit(address: str, chromium: Browser) -> Iterator[Visit]:
    context = chromium.new_context(base_url=address, viewport={"width": 1366, "height": 1000})
    visit = Visit(context.new_page())
    visit.page.set_default_timeout(SECONDS * 1000)

    def note(url: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            visit.elsewhere.append(url)

    visit.page.on("request", lambda request: note(request.url))
    visit.page.on("dialog", lambda dialog: visit.elsewhere.append(dialog.message))
    yield visit
    context.close()


def test_today_shows_names_and_reasons_as_they_are(visit: Visit) -> None:
    visit.page.goto(f"/?day={DAY}")
    visit.check(" ".join(HOSTILE), *(f"{name}.xlsx" for name in NAMES))


def test_a_held_feed_is_shown_as_it_is(visit: Visit) -> None:
    visit.page.goto(f"/start?day={DAY}")
    expect(visit.page.get_by_text("APE is held")).to_be_visible()
    visit.page.get_by_text("All checks").click()
    visit.check(" ".join(HOSTILE), f"It looks like {HOSTILE[0]}'s list", f"Download APE_{NAMES[0]}.xlsx")


def test_names_of_uploads_are_shown_as_they_are_and_refused_with_the_reason(
    visit: Visit, tmp_path: Path
) -> None:
    path = tmp_path / "list.xlsx"
    write_rows(path, [["Part no", "Stock"], *([text, "MAYBE"] for text in HOSTILE)])
    refused = {"APE_\u202excod.xlsx": "turns the direction of the text", ".BET.xlsx": "begins with a dot"}
    names = [f"KLA_{NAMES[0]}.xlsx", f"{NAMES[1]}.xlsx", "BET & Söhne #1 (50%) + ok.v2.XLSX", *refused]
    visit.page.goto(f"/upload?day={DAY}")
    chosen: list[FilePayload] = [
        {"name": name, "mimeType": "application/zip", "buffer": path.read_bytes()} for name in names
    ]
    visit.page.locator("input[type=file]").set_input_files(chosen)
    rows = visit.page.get_by_role("row")
    for name, reason in refused.items():
        shown = name.replace("\u202e", "[U+202E]")
        expect(rows.filter(has_text=shown)).to_contain_text(reason)
    expect(rows.filter(has_text=names[1])).to_contain_text("begins with no supplier's code")
    # A good name is judged by what is in the file.
    expect(rows.filter(has_text=names[2])).to_contain_text("header")
    visit.check(*names[:3])


def test_cells_are_shown_as_they_are_when_rules_are_tried(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    write_rows(path, [HOSTILE, *([text, "YES"] for text in HOSTILE)])
    visit.page.goto("/suppliers")
    visit.page.get_by_text("a workbook of mine").click()
    visit.page.locator("input[type=file]").set_input_files(path)
    visit.page.get_by_role("button", name="Try the rules").click()
    expect(visit.page.get_by_text("the list would be rejected").first).to_be_visible()
    # A message shows the first 40 characters of each cell.
    visit.check(*(text[:40] for text in HOSTILE[:4]))
