"""A way to a server that a test can cut, as if the server were down, or stop up, as if it hung."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


class Breakable:
    """Passes connections on to a server, until it is told otherwise.

    Args:
        address: of the server, `http://host:port`.
    """

    def __init__(self, address: str) -> None:
        there = urlsplit(address)
        self._there = (there.hostname or "127.0.0.1", there.port or 80)
        self._open: set[socket.socket] = set()
        self._stopped_up = False
        self._listening: socket.socket | None = None
        self.port = 0
        self.mend()

    @property
    def address(self) -> str:
        """Where the server seems to be."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Refuse connections and break those there are."""
        if self._listening:
            with contextlib.suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None
        for open_one in list(self._open):
            with contextlib.suppress(OSError):
                open_one.shutdown(socket.SHUT_RDWR)
            open_one.close()
        self._open.clear()

    def stop_up(self) -> None:
        """Take connections, and never answer."""
        self.cut()
        self._stopped_up = True
        self._listen()

    def mend(self) -> None:
        """Pass connections on again."""
        self.cut()
        self._stopped_up = False
        self._listen()

    def _listen(self) -> None:
        listening = socket.create_server(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        self._listening = listening
        threading.Thread(target=self._take, args=(listening,), daemon=True).start()

    def _take(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = listening.accept()
                self._open.add(here)
                if not self._stopped_up:
                    there = socket.create_connection(self._there)
                    self._open.add(there)
                    for one, other in ((here, there), (there, here)):
                        threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(1 << 16):
                other.sendall(data)
        for end in (one, other):
            self._open.discard(end)
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def breakable(address: str) -> Iterator[Breakable]:
    """A breakable way to a server, for as long as it is needed."""
    way = Breakable(address)
    try:
        yield way
    finally:
        way.cut()
