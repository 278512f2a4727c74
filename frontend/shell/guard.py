"""What comes before Streamlit: who reaches it at all, and what they may upload.

Streamlit opens a session for anybody who comes, and its upload endpoint takes files for any session that is
open. So this looks at each request and each connection first:

- without sign-in, only requests to this machine's own address are served, from its own pages: another site
  cannot reach the page through the browser of someone who works here, whatever name it gives this machine
  (DNS rebinding);
- with sign-in, nothing is served to people who have not signed in, may not come in, or have signed out;
- an upload needs a session that shows the page to someone who may see it, and room for all of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config
from streamlit.runtime import get_instance
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from frontend.core.identity import NotAllowedError, is_loopback, local_user, signed_in_user
from frontend.core.sessions import SESSIONS
from frontend.core.settings import SettingsError, settings
from frontend.core.upload_room import MEGABYTE, Limits, NoRoomError, UploadRoom
from frontend.shell import sign_in
from frontend.shell.sign_in import SignIn

log = logging.getLogger(__name__)

LOGIN, LOGOUT = "/auth/login", "/auth/logout"
OPEN = {"/_stcore/health", LOGIN, LOGOUT, "/oauth2callback"}
"""What is served before anybody has signed in: the server's health, and signing in."""
UPLOADS = "/_stcore/upload_file/"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
SECONDS_WITHOUT_A_BYTE = 60.0
"""After which an upload is given up, so that it does not keep its room for ever."""

POLICY = (
    "default-src 'self'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; worker-src 'self' blob:; "
    "connect-src 'self' ws://{host} wss://{host}; object-src 'none'; base-uri 'self'; frame-ancestors 'none'"
)
"""The browser asks no other host for anything, whatever a supplier's text says, and nothing frames this."""

DOOR = """<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><title>Stock</title>
<meta name="viewport" content="width=device-width">
<style>body {{font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1rem}}
button {{font: inherit; padding: .4rem 1rem; color: #fff; background: #1b5e9c; border: 0; border-radius: 8px}}
</style></head><body><h1>Stock</h1><p>{words}</p>
<form action="{action}">{fields}<button>{label}</button></form></body></html>"""


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """A request is refused, with this answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


@dataclass(frozen=True, slots=True)
class Rules:
    """What the guard goes by.

    Attributes:
        origin: of the page, if people sign in there; without sign-in there is none.
        allowed: who may come in.
        base: before every path, without a slash at the end.
        limits: of uploads.
    """

    origin: str | None
    allowed: tuple[str, ...]
    base: str
    limits: Limits


def rules() -> Rules:
    """The rules by the settings.

    Raises:
        SystemExit: the settings or the sign-in cannot be used, or others could reach a page without sign-in.
    """
    try:
        chosen = settings()
        origin = sign_in.origin() if sign_in.is_configured() else None
        if origin is None:
            local_user(config.get_option("server.address"), chosen.published_at)
    except (SettingsError, NotAllowedError) as error:
        raise SystemExit(f"The page does not start. {error}") from error
    return Rules(
        origin=origin,
        allowed=chosen.sign_in_allowed,
        base=f"/{config.get_option('server.baseUrlPath').strip('/')}".rstrip("/"),
        limits=Limits(
            file=config.get_option("server.maxUploadSize") * MEGABYTE,
            session=chosen.upload_session_megabytes * MEGABYTE,
            total=chosen.upload_total_megabytes * MEGABYTE,
        ),
    )


_standing = False


def is_in_place() -> bool:
    """Whether requests to this server process come through a guard."""
    return _standing


class Guard:
    """The middleware.

    Args:
        app: Streamlit.
        by: what it goes by.
    """

    def __init__(self, app: ASGIApp, by: Rules) -> None:
        global _standing  # noqa: PLW0603 - one server for each process
        self._app = app
        self._rules = by
        self._room = UploadRoom(by.limits, _held)
        self._connections: dict[str, set[asyncio.Event]] = {}
        _standing = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request or a connection, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        send = _with_policy(send, connection.headers.get("host", ""))
        try:
            self._check_origin(connection)
            signed_in = self._signed_in(connection)
            if scope["type"] == "websocket":
                await self._connect(scope, receive, send, signed_in)
            elif scope["method"] not in SAFE_METHODS:
                await self._upload(scope, receive, send, signed_in)
            else:
                if signed_in and self._path(scope) == LOGOUT:
                    self._sign_out(signed_in)
                await self._app(scope, receive, send)
        except Refusal as refusal:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await refusal.response(scope, receive, send)

    def _path(self, scope: Scope) -> str:
        return str(scope["path"]).removeprefix(self._rules.base)

    def _check_origin(self, connection: HTTPConnection) -> None:
        """Refuse what another site makes a browser send."""
        host, origin = connection.headers.get("host", ""), connection.headers.get("origin")
        if self._rules.origin is None and not _names_this_machine(host):
            raise _refused(
                HTTPStatus.FORBIDDEN,
                "Without sign-in this page answers only at its own address on its own machine.",
            )
        own = {self._rules.origin} if self._rules.origin else {f"http://{host}", f"https://{host}"}
        harmless = connection.scope["type"] == "http" and connection.scope["method"] in SAFE_METHODS
        if origin is not None and origin not in own and not (self._rules.origin and harmless):
            raise _refused(HTTPStatus.FORBIDDEN, "Another site may not use this page.")

    def _signed_in(self, connection: HTTPConnection) -> SignIn | None:
        """Who has signed in, if people sign in here; refuses all others what is not open to everybody."""
        if self._rules.origin is None:
            return None
        is_open = connection.scope["type"] == "http" and self._path(connection.scope) in OPEN
        found = sign_in.sign_in_of(connection.cookies)
        if found is None or SESSIONS.has_ended(found.mark):
            if is_open:
                return None
            raise self._ask_to_sign_in(connection)
        try:
            signed_in_user(found.claims, self._rules.allowed)
        except NotAllowedError as error:
            if not is_open:
                raise Refusal(self._door(HTTPStatus.FORBIDDEN, str(error), LOGOUT, "Sign out")) from error
        return found

    def _ask_to_sign_in(self, connection: HTTPConnection) -> Refusal:
        if "text/html" not in connection.headers.get("accept", ""):
            return _refused(HTTPStatus.UNAUTHORIZED, "Sign in first.")
        _, _, query = sign_in.login_address().partition("?")
        words = "Please sign in with your work account."
        return Refusal(self._door(HTTPStatus.UNAUTHORIZED, words, LOGIN, "Sign in", query))

    def _door(self, status: HTTPStatus, words: str, path: str, label: str, query: str = "") -> Response:
        """A page with one button, for people who do not come in."""
        name, _, value = query.partition("=")
        fields = f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' if name else ""
        action = f"{self._rules.origin}{self._rules.base}{path}"
        body = DOOR.format(words=escape(words), action=escape(action), fields=fields, label=label)
        return HTMLResponse(body, status, {"Cache-Control": "no-store"})

    def _sign_out(self, signed_in: SignIn) -> None:
        """End all that was opened by a sign-in; Streamlit then deletes the cookie."""
        for session_id in SESSIONS.end(signed_in.mark):
            get_instance().close_session(session_id)
        for ended in self._connections.get(signed_in.mark, ()):
            ended.set()

    async def _connect(self, scope: Scope, receive: Receive, send: Send, signed_in: SignIn | None) -> None:
        """Serve a browser's connection until it ends or the sign-in does."""
        if signed_in is None:
            await self._app(scope, receive, send)
            return
        ended = asyncio.Event()
        connections = self._connections.setdefault(signed_in.mark, set())
        connections.add(ended)
        try:
            await self._app(_only_own_session(scope, signed_in.mark), _until(ended, receive), send)
        finally:
            connections.discard(ended)
            if not connections:
                self._connections.pop(signed_in.mark, None)

    async def _upload(self, scope: Scope, receive: Receive, send: Send, signed_in: SignIn | None) -> None:
        """Let an upload through, or the removal of one, if the session may and there is room."""
        path = self._path(scope)
        session_id = path.removeprefix(UPLOADS).partition("/")[0] if path.startswith(UPLOADS) else ""
        if not SESSIONS.is_of(session_id, signed_in.mark if signed_in else None):
            raise _refused(HTTPStatus.FORBIDDEN, "This session may not upload: load the page again.")
        if scope["method"] == "DELETE":
            await self._app(scope, receive, send)
            return
        length = HTTPConnection(scope).headers.get("content-length")
        try:
            with self._room.taken(session_id, length):
                await self._app(scope, _not_stalled(receive), send)
        except NoRoomError as error:
            log.warning("An upload of %s bytes is refused: %s", length, error)
            raise _refused(error.status, str(error)) from error
        except TimeoutError as error:
            raise _refused(HTTPStatus.REQUEST_TIMEOUT, "The upload stopped arriving.") from error


def _held() -> Mapping[str, int]:
    """The bytes of the files that each session has chosen."""
    manager = get_instance().uploaded_file_mgr
    assert isinstance(manager, MemoryUploadedFileManager)  # noqa: S101 - the only one that Streamlit has
    return {
        session_id: sum(len(file.data) for file in files.values())
        for session_id, files in manager.file_storage.items()
    }


def _names_this_machine(host: str) -> bool:
    """Whether a Host header is a name of this machine that no name server can give to another."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return "@" not in host and is_loopback(name)


def _refused(status: HTTPStatus, words: str) -> Refusal:
    # The rest of what is being sent is not read, so the connection cannot serve another request.
    return Refusal(PlainTextResponse(words, status, {"Connection": "close"}))


def _with_policy(send: Send, host: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = POLICY.format(host=host)
            headers["Referrer-Policy"] = "same-origin"
            headers["X-Content-Type-Options"] = "nosniff"
        await send(message)

    return sending


def _only_own_session(scope: Scope, mark: str) -> Scope:
    """The same connection, unless it asks to take up a session that another sign-in has opened.

    The third word of the subprotocol is the session that a browser had before. Streamlit would take it up as
    whom it was opened by.
    """
    name = b"sec-websocket-protocol"
    headers: list[tuple[bytes, bytes]] = []
    for key, value in scope["headers"]:
        words = [word.strip() for word in value.split(b",")]
        taken_up = words[2].decode("latin-1") if key == name and len(words) > 2 else ""
        headers.append(
            (key, b", ".join(words[:2]) if taken_up and not SESSIONS.is_of(taken_up, mark) else value)
        )
    return {**scope, "headers": headers}


def _until(ended: asyncio.Event, receive: Receive) -> Receive:
    """What arrives on a connection, and its end as soon as the sign-in has ended."""

    async def receiving() -> Any:
        waits = [asyncio.ensure_future(receive()), asyncio.ensure_future(ended.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return {"type": "websocket.disconnect", "code": 1008} if ended.is_set() else waits[0].result()
        finally:
            for wait in waits:
                wait.cancel()

    return receiving


def _not_stalled(receive: Receive) -> Receive:
    async def receiving() -> Message:
        async with asyncio.timeout(SECONDS_WITHOUT_A_BYTE):
            return await receive()

    return receiving
