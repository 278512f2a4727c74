"""What reaches the page's server, by requests as a stranger would send them.

The limits are small here, so that the files can be.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from demo.front_end import front_end_server
from local_aws.background import StartError
from tests.support.pages.browser import WITHOUT_AWS, free_port, page_alone
from tests.support.pages.provider import Provider, sign_in_provider
from tests.support.pages.visitor import Visitor

pytestmark = pytest.mark.timeout(300)

MEGABYTE = 1024 * 1024
LIMITS = {
    "STREAMLIT_SERVER_MAX_UPLOAD_SIZE": "2",
    "STOCK_UPLOAD_SESSION_MEGABYTES": "3",
    "STOCK_UPLOAD_TOTAL_MEGABYTES": "5",
}
ANN = {"email": "ann@seller.example", "email_verified": True}
BOB = ANN | {"email": "bob@seller.example"}
PLACES = ["/", "/upload", "/_stcore/metrics", "/_stcore/host-config", "/media/0.csv", "/static/js/index.js"]


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with sign_in_provider() as started:
        yield started


@pytest.fixture(scope="module")
def guarded(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page with sign-in."""
    folder = tmp_path_factory.mktemp("guarded")
    with page_alone(
        folder, None, provider.secrets(), STOCK_SIGN_IN_ALLOWED="@seller.example", **LIMITS
    ) as address:
        yield address


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page without sign-in."""
    with page_alone(tmp_path_factory.mktemp("local"), **LIMITS) as address:
        yield address


@pytest.fixture
def coming(provider: Provider) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors, signed in if claims are given."""
    visitors = []

    def come(address: str, claims: dict[str, Any] | None = None) -> Visitor:
        visitor = Visitor(address)
        visitors.append(visitor)
        if claims is not None:
            provider.claims = claims
            visitor.sign_in()
        return visitor

    yield come
    for visitor in visitors:
        # Signing out lets go of what a visitor has uploaded.
        visitor.client.get("/auth/logout")
        visitor.go()


def is_refused(visitor: Visitor, **how: Any) -> bool:
    """Whether the server refuses a connection."""
    try:
        visitor.connect(**how)
    except InvalidStatus as error:
        return error.response.status_code == httpx.codes.FORBIDDEN
    return False


@pytest.mark.parametrize("place", PLACES)
def test_before_sign_in_nothing_is_served(guarded: str, place: str) -> None:
    assert httpx.get(guarded + place).status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/_stcore/upload_file/s/1", "/x/_stcore/upload_file/s/1", "/auth/login", "/"]
)
def test_before_sign_in_nothing_is_taken(guarded: str, method: str, path: str) -> None:
    answer = httpx.request(method, guarded + path, content=b"x" * 1000)
    assert answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}


def test_before_sign_in_no_session_can_be_opened(guarded: str, coming: Callable[..., Visitor]) -> None:
    assert is_refused(coming(guarded))
    forger = coming(guarded)
    forger.client.cookies.set("_streamlit_user", '{"email": "ann@seller.example", "is_logged_in": true}')
    assert is_refused(forger)
    assert forger.client.get("/upload").status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        (ANN | {"email": "eve@elsewhere.example"}, "eve@elsewhere.example may not use this page"),
        (ANN | {"email_verified": False}, "email_verified must be true"),
        ({"email": "ann@seller.example"}, "email_verified must be true"),
        (ANN | {"email": "eve@elsewhere.example@seller.example"}, "not a plain e-mail address"),
        (ANN | {"email": "<b>eve</b>@elsewhere.example"}, "&lt;b&gt;eve"),
    ],
)
def test_who_may_not_come_in_is_told_why_and_can_do_nothing(
    guarded: str, coming: Callable[..., Visitor], claims: dict[str, Any], words: str
) -> None:
    eve = coming(guarded, claims)
    answer = eve.client.get("/", headers={"Accept": "text/html"})
    assert (answer.status_code, words in answer.text) == (httpx.codes.FORBIDDEN, True)
    assert is_refused(eve)


def test_an_upload_needs_a_session_of_ones_own_that_shows_the_page(
    guarded: str, coming: Callable[..., Visitor]
) -> None:
    ann, bob, eve = coming(guarded, ANN), coming(guarded, BOB), coming(guarded)
    session = ann.connect()
    assert ann.upload(session, b"x").status_code == httpx.codes.NO_CONTENT
    for visitor, to in ((bob, session), (ann, "no-session"), (ann, "")):
        assert visitor.upload(to, b"x").status_code == httpx.codes.FORBIDDEN
    assert bob.remove(session).status_code == httpx.codes.FORBIDDEN
    assert eve.upload(session, b"x").status_code == httpx.codes.UNAUTHORIZED
    assert ann.remove(session).status_code == httpx.codes.NO_CONTENT


def test_limits_hold_for_a_file_a_session_and_all_and_files_that_go_make_room(
    guarded: str, coming: Callable[..., Visitor]
) -> None:
    ann, bob = coming(guarded, ANN), coming(guarded, BOB)
    anns, bobs = ann.connect(), bob.connect()
    large, middle = b"x" * (2 * MEGABYTE), b"x" * (MEGABYTE * 3 // 2)
    too_large = ann.upload(anns, large)  # with what is around it
    assert (too_large.status_code, too_large.text) == (413, "A file may have 2 MB.")
    assert ann.upload(anns, middle, "1").status_code == httpx.codes.NO_CONTENT
    full = ann.upload(anns, middle, "2")
    assert full.status_code == 413
    assert "together may have 3 MB" in full.text
    assert ann.upload(anns, b"x" * MEGABYTE, "3").status_code == httpx.codes.NO_CONTENT
    assert bob.upload(bobs, middle, "1").status_code == httpx.codes.NO_CONTENT
    others = bob.upload(bobs, b"x" * (MEGABYTE * 13 // 10), "2")
    assert others.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert "Other people's files" in others.text
    ann.remove(anns, "1")
    assert bob.upload(bobs, b"x" * MEGABYTE, "2").status_code == httpx.codes.NO_CONTENT
    # Sent again, a file takes the place of the one it was before, and signing out gives up all.
    ann.client.get("/auth/logout")
    bob.remove(bobs, "1")
    assert bob.upload(bobs, middle, "1").status_code == httpx.codes.NO_CONTENT


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Content-Length: 3000000", 413),
        ("Content-Length: 999999999999999999", 413),
        ("Transfer-Encoding: chunked", 411),
    ],
)
def test_what_is_too_large_or_does_not_say_how_large_is_refused_before_a_byte_of_it(
    guarded: str, coming: Callable[..., Visitor], header: str, status: int
) -> None:
    ann = coming(guarded, ANN)
    cookies = "; ".join(f"{name}={value}" for name, value in ann.client.cookies.items())
    place = urlsplit(guarded)
    with socket.create_connection((place.hostname, place.port), timeout=10) as line:
        line.sendall(
            f"PUT /_stcore/upload_file/{ann.connect()}/1 HTTP/1.1\r\nHost: {place.netloc}\r\n"
            f"Cookie: {cookies}\r\nX-Xsrftoken: {ann.token()}\r\n{header}\r\n\r\n".encode()
        )
        assert f" {status} " in line.recv(1000).decode().partition("\r\n")[0]


def test_signing_out_ends_what_was_opened_by_it_wherever_it_is(
    guarded: str, coming: Callable[..., Visitor]
) -> None:
    ann, again = coming(guarded, ANN), coming(guarded, ANN)
    session, other = ann.connect(), again.connect()
    thief = coming(guarded)
    thief.client.cookies.update(ann.client.cookies)
    assert thief.upload(session, b"x").status_code == httpx.codes.NO_CONTENT
    answer = ann.client.get("/auth/logout")
    assert "_streamlit_user" not in ann.client.cookies
    assert answer.status_code == httpx.codes.UNAUTHORIZED
    assert ann.is_cut_off()
    assert thief.upload(session, b"x").status_code == httpx.codes.UNAUTHORIZED
    assert thief.client.get("/").status_code == httpx.codes.UNAUTHORIZED
    assert is_refused(thief)
    # She has signed in elsewhere too, and stays so there.
    assert again.upload(other, b"x").status_code == httpx.codes.NO_CONTENT


def test_a_session_is_not_taken_up_by_another_sign_in(guarded: str, coming: Callable[..., Visitor]) -> None:
    ann, bob = coming(guarded, ANN), coming(guarded, BOB)
    session = ann.connect()
    ann.connections[0].close()
    time.sleep(0.5)  # until the server has noticed
    assert bob.connect(session=session) != session
    assert ann.connect(session=session) == session


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:{port}", "localhost:{port}", "LocalHost", "[::1]:{port}"]
)
def test_without_sign_in_the_page_answers_to_the_names_of_its_machine(local: str, host: str) -> None:
    headers = {"Host": host.format(port=urlsplit(local).port)}
    assert httpx.get(local, headers=headers).status_code == httpx.codes.OK


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1.evil.example:{port}",
        "localhost.evil.example",
        "evil.example@127.0.0.1",
        "127.0.0.1@evil.example",
        "10.1.2.3:{port}",
        "0.0.0.0:{port}",
        "[::ffff:10.1.2.3]:{port}",
        "[::1",
        "",
    ],
)
def test_without_sign_in_it_answers_to_no_name_that_a_name_server_gives(local: str, host: str) -> None:
    named = host.format(port=urlsplit(local).port)
    for place in (*PLACES, "/_stcore/health"):
        answer = httpx.get(local + place, headers={"Host": named})
        assert answer.status_code in {httpx.codes.FORBIDDEN, httpx.codes.BAD_REQUEST}, place


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://127.0.0.1:1", "http://localhost:{port}", "null", "https://127.0.0.1"],
)
def test_without_sign_in_no_other_sites_page_uses_it(
    local: str, coming: Callable[..., Visitor], origin: str
) -> None:
    visitor = coming(local)
    named = origin.format(port=urlsplit(local).port)
    assert is_refused(visitor, origin=named)
    session = visitor.connect()
    assert visitor.upload(session, b"x", Origin=named).status_code == httpx.codes.FORBIDDEN
    assert visitor.client.get("/", headers={"Origin": named}).status_code == httpx.codes.FORBIDDEN
    assert visitor.upload(session, b"x", Origin=local).status_code == httpx.codes.NO_CONTENT


def test_with_sign_in_no_other_sites_page_uses_it_either(
    guarded: str, coming: Callable[..., Visitor]
) -> None:
    ann = coming(guarded, ANN)
    assert is_refused(ann, origin="http://evil.example")
    session = ann.connect()
    assert ann.upload(session, b"x", Origin="http://evil.example").status_code == httpx.codes.FORBIDDEN


def test_a_load_balancer_sees_the_servers_health_whatever_it_calls_it(guarded: str) -> None:
    answer = httpx.get(f"{guarded}/_stcore/health", headers={"Host": "10.1.2.3:8501"})
    assert answer.text == "ok"


def test_the_browser_is_told_to_ask_no_other_host(local: str) -> None:
    policy = httpx.get(local).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    ("secrets", "environment", "words"),
    [
        ("", {"STOCK_BUCKET": ""}, "STOCK_AIRFLOW_URL or STOCK_MWAA_ENVIRONMENT"),
        ("", {"STOCK_SIGN_IN_ALLOWED": "seller.example"}, "neither an address"),
        ("", {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}, "configure sign-in"),
        ("", {"STREAMLIT_SECRETS_FILES": "/nowhere/secrets.toml"}, "secrets does not exist"),
        ("[auth\n", {}, "cannot be read"),
        ("[auth]\ncookie_secret = 'x'\n", {}, "without a redirect_uri"),
        (
            "[auth]\nredirect_uri = 'http://127.0.0.1/oauth2callback'\ncookie_secret = 'short'\n",
            {},
            "cookie_secret",
        ),
    ],
)
def test_a_page_that_cannot_be_guarded_does_not_start_and_says_why(
    tmp_path: Path, secrets: str, environment: dict[str, str], words: str
) -> None:
    path = tmp_path / "secrets.toml"
    path.write_text(secrets)
    settings = WITHOUT_AWS | ({"STREAMLIT_SECRETS_FILES": str(path)} if secrets else {}) | environment
    if "STOCK_BUCKET" in environment:
        del settings["STOCK_AIRFLOW_URL"]
    server = front_end_server(free_port(), settings, tmp_path)
    server.launch()
    with pytest.raises(StartError, match=words):
        server.wait()
    assert "Traceback" not in (tmp_path / "front-end.log").read_text()
