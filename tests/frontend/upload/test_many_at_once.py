"""Many people who upload large lists in the same minute: all are answered, and know how long the line is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.pages.browser import browser, page_alone
from tests.support.runs.stack import Stack
from tests.support.waiting import SECONDS
from tests.support.workbooks.making import raw_workbook, rows_xml, sheet_xml

pytestmark = pytest.mark.timeout(900)

PEOPLE = 6
ROWS = 60_000
HEADER = ["Part", "Free Stk", "Cond Ind"]

WATCH = """
window.seen = new Set()
new MutationObserver(() => {
    for (const place of document.body.innerText.match(/\\d+\\w\\w in line/g) || []) window.seen.add(place)
}).observe(document.body, {childList: true, subtree: true, characterData: true})
"""
"""Notes what the page says meanwhile, however shortly."""


@dataclass(frozen=True)
class Answer:
    """What a person read of their list in the end, and of their place meanwhile."""

    line: str
    places: list[str]


def make_list(path: Path, rows: int) -> Path:
    """A large honest list of BET, of codes that hardly compress."""
    codes = random.Random(path.name)  # noqa: S311 - nothing is kept secret by them
    body: list[list[Any]] = [
        HEADER,
        *([f"{codes.getrandbits(200):050x}", number % 9, 1] for number in range(rows)),
    ]
    raw_workbook(path, sheet_xml(rows_xml(body)))
    return path


def upload_at_once(chromium: Browser, address: str, paths: list[Path]) -> Iterator[Answer]:
    """Let each list be chosen by someone else, all within a second or two."""
    pages = [chromium.new_context().new_page() for _ in paths]
    for page in pages:
        page.set_default_timeout(SECONDS * 1000)
        page.goto(f"{address}/upload")
        expect(page.locator("input[type=file]")).to_be_attached(timeout=SECONDS * 1000)
        page.evaluate(WATCH)
    for page, path in zip(pages, paths, strict=True):
        page.locator("input[type=file]").set_input_files(path)
    for page, path in zip(pages, paths, strict=True):
        yield _answer(page, path.name)


def _answer(page: Page, name: str) -> Answer:
    line = page.get_by_role("row").filter(has=page.get_by_role("cell", name=name, exact=True))
    expect(line).to_be_visible(timeout=2 * SECONDS * 1000)
    return Answer(line.inner_text(), sorted(page.evaluate("[...window.seen]")))


def test_all_are_answered_and_who_waits_sees_their_place(stack: Stack, tmp_path: Path) -> None:
    lists = [make_list(tmp_path / f"BET_{number}.xlsx", ROWS) for number in range(PEOPLE)]
    with page_alone(tmp_path / "page", stack) as address, browser() as chromium:
        answers = list(upload_at_once(chromium, address, lists))
    assert [f"{ROWS:,}" in answer.line for answer in answers] == [True] * PEOPLE
    assert {place for answer in answers for place in answer.places} >= {"1st in line", "2nd in line"}
