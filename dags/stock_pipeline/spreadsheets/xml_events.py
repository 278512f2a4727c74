"""The XML of a workbook's parts as a stream of events, so that no part is in memory as a whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from xml.parsers import expat

from stock_pipeline.errors import UnreadableWorkbook
from stock_pipeline.spreadsheets.package import MAIN_NAMESPACES
from stock_pipeline.spreadsheets.xlsx_parts import DEEPEST, first_line, refuse_doctype

CHUNK_BYTES = 256 << 10
MEND = "open it in Excel, check the list, save it as .xlsx and send that"
SPACE = "http://www.w3.org/XML/1998/namespace}space"


class XmlEvents(ABC):
    """A part that is parsed as it comes, within limits.

    Args:
        what: what the part is of, for messages.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._depth = 0
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._enter
        self._parser.EndElementHandler = self._leave
        self._parser.StartDoctypeDeclHandler = refuse_doctype
        self._names: dict[str, str] = {}

    def feed(self, chunk: bytes, *, final: bool = False) -> None:
        """Parse the next piece.

        Raises:
            UnreadableWorkbook: it is not well-formed, or has a document type or too many levels.
        """
        try:
            self._parser.Parse(chunk, final)
        except UnreadableWorkbook:
            raise
        except (expat.ExpatError, LookupError, ValueError) as error:
            raise UnreadableWorkbook(f"{self._what} is damaged ({first_line(error)}); {MEND}") from error

    def close(self) -> None:
        """Parse what is left; raises as `feed` does."""
        self.feed(b"", final=True)

    @abstractmethod
    def start(self, name: str, attributes: dict[str, str]) -> None:
        """See an element begin, by its local name if it is one of a spreadsheet's own."""

    @abstractmethod
    def end(self, name: str) -> None:
        """See it end."""

    def listen(self, handler: Callable[[str], None] | None) -> None:
        """Send text to a handler from here on, or to none."""
        self._parser.CharacterDataHandler = handler

    def _local(self, name: str) -> str:
        """The local name of an element of a spreadsheet; of any other, its whole name."""
        if name not in self._names:
            namespace, found, local = name.rpartition("}")
            self._names[name] = (
                local if not found or namespace in MAIN_NAMESPACES else f"{namespace}}}{local}"
            )
        return self._names[name]

    def _enter(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise UnreadableWorkbook(
                f"{self._what} is damaged: more than {DEEPEST} elements within each other"
            )
        self.start(self._names.get(name) or self._local(name), attributes)

    def _leave(self, name: str) -> None:
        self._depth -= 1
        self.end(self._names[name])


class TextRun:
    """A piece of text that is being read; spaces around it count only if it says so, as in Excel."""

    def __init__(self, attributes: dict[str, str]) -> None:
        self.pieces: list[str] = []
        self._kept = attributes.get(SPACE) == "preserve"

    @property
    def text(self) -> str:
        """The text so far."""
        text = "".join(self.pieces)
        return text if self._kept else text.strip(" \t\r\n")
