"""A visitor without a browser: speaks to the page's server as a browser does, or as one would not."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

SECONDS = 60


@dataclass
class Visitor:
    """Someone with their own cookies; `address` is the page's."""

    address: str
    client: httpx.Client = field(init=False)
    connections: list[ClientConnection] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.address, timeout=SECONDS, follow_redirects=True)

    def sign_in(self) -> httpx.Response:
        """Go through the door and the provider."""
        door = self.client.get("/", headers={"Accept": "text/html"})
        found = re.search(r'action="([^"]+)".*name="(\w+)" value="([^"]+)"', door.text, re.DOTALL)
        assert found, door.text
        action, name, value = found.groups()
        return self.client.get(action, params={name: value})

    def token(self) -> str:
        """What the page wants to see beside its cookie."""
        self.client.get("/_stcore/health")
        return self.client.cookies["_streamlit_xsrf"]

    def connect(self, origin: str | None = None, host: str | None = None, session: str | None = None) -> str:
        """Open a session, or take one up; gives its id once its page is drawn."""
        words = ["streamlit", self.token(), *([session] if session else [])]
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())}
        address = urlsplit(self.address)
        connection = connect(
            f"ws://{host or address.netloc}/_stcore/stream",
            sock=socket.create_connection((address.hostname, address.port)),
            subprotocols=[Subprotocol(word) for word in words],
            additional_headers=headers,
            origin=origin or self.address,  # type: ignore[arg-type]
            max_size=None,
        )
        self.connections.append(connection)
        ask = BackMsg()
        # A page that asks AWS for nothing, which may not be there.
        ask.rerun_script.page_name = "suppliers"
        connection.send(ask.SerializeToString())
        session_id = ""
        while True:
            message = ForwardMsg()
            message.ParseFromString(connection.recv(timeout=SECONDS, decode=False))
            if message.WhichOneof("type") == "new_session":
                session_id = message.new_session.initialize.session_id
            if message.WhichOneof("type") == "script_finished":
                return session_id

    def is_cut_off(self) -> bool:
        """Whether the server ends the first connection."""
        try:
            while True:
                self.connections[0].recv(timeout=SECONDS)
        except ConnectionClosed:
            return True
        except TimeoutError:
            return False

    def upload(self, session: str, content: Any, file: str = "1", **headers: str) -> httpx.Response:
        """Send a file as the uploader does; `content` is bytes, or whatever httpx can send as a file."""
        path = f"/_stcore/upload_file/{session}/{file}"
        sent = {"file": ("list.xlsx", content)}
        return self.client.put(path, files=sent, headers={"X-Xsrftoken": self.token()} | headers)

    def remove(self, session: str, file: str = "1") -> httpx.Response:
        path = f"/_stcore/upload_file/{session}/{file}"
        return self.client.delete(path, headers={"X-Xsrftoken": self.token()})

    def go(self) -> None:
        for connection in self.connections:
            connection.close()
        self.client.close()
