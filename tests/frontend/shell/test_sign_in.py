"""Signing in through a provider, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, Page, expect

from frontend.layout import PAGES
from tests.support.pages.browser import browser, page_alone
from tests.support.pages.provider import Provider, sign_in_provider
from tests.support.runs.stack import Stack
from tests.support.waiting import SECONDS, until

expect.set_options(timeout=SECONDS * 1000)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with sign_in_provider() as started:
        yield started


@pytest.fixture(scope="module")
def address(stack: Stack, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("guarded")
    with page_alone(folder, stack, provider.secrets(), STOCK_SIGN_IN_ALLOWED="@seller.example") as page:
        yield page


@pytest.fixture
def visitor(chromium: Browser, address: str) -> Iterator[Page]:
    """Someone who has just come, on the page Upload."""
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(SECONDS * 1000)
    page.goto(f"{address}/upload")
    yield page
    context.close()


def test_nobody_sees_anything_before_they_have_signed_in(visitor: Page) -> None:
    expect(visitor.get_by_role("button", name="Sign in")).to_be_visible()
    expect(visitor.locator("input[type=file]")).to_have_count(0)


def test_who_is_allowed_comes_in_under_their_address(visitor: Page, provider: Provider) -> None:
    provider.claims = {"email": "ann@seller.example", "email_verified": True}
    visitor.get_by_role("button", name="Sign in").click()
    expect(visitor.get_by_text("Signed in as ann@seller.example")).to_be_visible()
    visitor.get_by_role("link", name="Upload").first.click()
    expect(visitor.locator("input[type=file]")).to_have_count(1)
    visitor.get_by_role("button", name="Sign out").click()
    expect(visitor.get_by_role("button", name="Sign in")).to_be_visible()


def test_who_is_not_allowed_is_told_so_and_can_go_again(visitor: Page, provider: Provider) -> None:
    provider.claims = {"email": "eve@elsewhere.example"}
    visitor.get_by_role("button", name="Sign in").click()
    expect(visitor.get_by_text("eve@elsewhere.example may not use this page")).to_be_visible()
    expect(visitor.locator("input[type=file]")).to_have_count(0)
    visitor.get_by_role("button", name="Sign out").click()
    expect(visitor.get_by_role("button", name="Sign in")).to_be_visible()


def test_signing_out_in_one_tab_ends_the_other_tabs_too(visitor: Page, provider: Provider) -> None:
    provider.claims = {"email": "ann@seller.example", "email_verified": True}
    visitor.get_by_role("button", name="Sign in").click()
    expect(visitor.get_by_text("Signed in as ann@seller.example")).to_be_visible()
    kept = visitor.context.cookies()
    other = visitor.context.new_page()
    other.goto(visitor.url)
    expect(other.get_by_text("Signed in as ann@seller.example")).to_be_visible()
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("button", name="Sign in")).to_be_visible()
    until(lambda: not any("user" in str(cookie["name"]) for cookie in visitor.context.cookies()))
    visitor.reload()
    expect(visitor.get_by_role("button", name="Sign in")).to_be_visible()
    # Nor does a cookie help that was kept.
    visitor.context.add_cookies(cast("Any", kept))
    visitor.reload()
    expect(visitor.get_by_role("button", name="Sign in")).to_be_visible()


def test_no_page_asks_another_host_for_anything(visitor: Page, provider: Provider, address: str) -> None:
    asked: list[str] = []
    complaints: list[str] = []
    visitor.context.on("request", lambda request: asked.append(request.url))
    visitor.on("console", lambda message: complaints.append(message.text))
    provider.claims = {"email": "ann@seller.example", "email_verified": True}
    visitor.get_by_role("button", name="Sign in").click()
    for entry in PAGES:
        visitor.goto(f"{address}/{entry.path}")
        expect(visitor.get_by_text("Signed in as ann@seller.example")).to_be_visible()
    own = (address, address.replace("http", "ws"), provider.address, "data:", "blob:")
    assert [url for url in asked if not url.startswith(own)] == []
    assert [text for text in complaints if "Content Security Policy" in text] == []
    icon = visitor.locator("link[rel~=icon]").get_attribute("href") or ""
    assert icon.startswith("data:image/svg+xml"), icon
