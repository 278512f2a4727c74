"""Signing in through a provider, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.stack import Stack
from tests.frontend.browser import SECONDS, browser, guarded_page
from tests.frontend.provider import CLIENT, Provider, sign_in_provider

pytestmark = pytest.mark.timeout(600)

SECRETS = """
[auth]
redirect_uri = "{page}/oauth2callback"
cookie_secret = "signs the cookies of this test alone"
client_id = "CLIENT"
client_secret = "secret"
server_metadata_url = "PROVIDER/.well-known/openid-configuration"
"""

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
    secrets = SECRETS.replace("CLIENT", CLIENT).replace("PROVIDER", provider.address)
    folder = tmp_path_factory.mktemp("guarded")
    with guarded_page(stack, folder, secrets, STOCK_SIGN_IN_ALLOWED="@seller.example") as page:
        yield page


@pytest.fixture
def visitor(chromium: Browser, address: str) -> Iterator[Page]:
    """Somebody who has just come, on the page Upload."""
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
