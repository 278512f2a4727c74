"""How much may be uploaded: decided by what a request says of itself, before a byte of it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

MEGABYTE = 1024 * 1024


class NoRoomError(Exception):
    """An upload is refused; the message says why and what to do."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Limits:
    """In bytes: of one file, of all the files of a session, and of all there are."""

    file: int
    session: int
    total: int


class UploadRoom:
    """Counts what is held and what is on its way. Used from the server's event loop alone.

    Args:
        limits: how much there may be.
        held: gives the bytes that each session holds now. So whatever lets a file go makes room.
    """

    def __init__(self, limits: Limits, held: Callable[[], Mapping[str, int]]) -> None:
        self._limits = limits
        self._held = held
        self._coming: dict[object, tuple[str, int]] = {}

    @contextmanager
    def taken(self, session_id: str, length: str | None) -> Iterator[None]:
        """Keep room for an upload while it arrives.

        Args:
            session_id: who sends it.
            length: its Content-Length.

        Raises:
            NoRoomError: it does not say how long it is, or there is no room for it.
        """
        size = self._checked(session_id, length)
        upload = object()
        self._coming[upload] = session_id, size
        try:
            yield
        finally:
            del self._coming[upload]

    def _checked(self, session_id: str, length: str | None) -> int:
        if length is None or not (length.isascii() and length.isdigit()):
            raise NoRoomError(HTTPStatus.LENGTH_REQUIRED, "An upload has to say how long it is.")
        # A number of thousands of digits takes long to read and is too large whatever it is.
        size = int(length) if len(length) < 20 else self._limits.file + 1
        limits, held = self._limits, self._held()
        coming = sum(size for _, size in self._coming.values())
        of_session = sum(size for of, size in self._coming.values() if of == session_id)
        if size > limits.file:
            raise NoRoomError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A file may have {limits.file // MEGABYTE:,} MB."
            )
        if held.get(session_id, 0) + of_session + size > limits.session:
            raise NoRoomError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The files chosen together may have {limits.session // MEGABYTE:,} MB: "
                "send these first, then choose the others.",
            )
        if sum(held.values()) + coming + size > limits.total:
            raise NoRoomError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Other people's files fill this server's memory: try again in some minutes.",
            )
        return size
