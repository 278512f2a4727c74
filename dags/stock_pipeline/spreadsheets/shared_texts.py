"""The texts of a workbook that its cells refer to by number."""

from __future__ import annotations

import re

from stock_pipeline.errors import UnreadableWorkbook
from stock_pipeline.spreadsheets import xml_events
from stock_pipeline.spreadsheets.package import Workbook
from stock_pipeline.spreadsheets.xml_events import TextRun, XmlEvents

LONGEST_TEXT = 8 << 20
"""Characters in one cell or shared text; Excel's longest has 32,767."""
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def shared_texts(book: Workbook, most_text: int) -> list[str]:
    """Read the texts that cells refer to by number.

    Args:
        book: the workbook.
        most_text: how many characters they may have in all.

    Raises:
        UnreadableWorkbook: they are damaged, or too long.
    """
    if book.shared_texts is None:
        return []
    parser = _TextParser(most_text)
    with book.archive.open(book.shared_texts) as stream:
        while chunk := stream.read(xml_events.CHUNK_BYTES):
            parser.feed(chunk)
    parser.close()
    return parser.texts


def unescaped(text: str) -> str:
    """Replace `_x000D_` and the like by the characters they mean; those that no cell can show go."""
    if "_x" not in text:
        return text
    return ESCAPED.sub(lambda match: _character(int(match[1], 16)), text)


def _character(number: int) -> str:
    character = chr(number)
    return character if character in "\t\n\r" or character.isprintable() else ""


class _TextParser(XmlEvents):
    """The texts that cells refer to by number."""

    def __init__(self, most_text: int) -> None:
        super().__init__("the workbook")
        self.texts: list[str] = []
        self._most = most_text
        self._pieces: list[str] = []
        self._run = TextRun({})
        self._aside = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "si":
            self._pieces = []
        elif name == "rPh":
            self._aside += 1
        elif name == "t" and not self._aside:
            self._run = TextRun(attributes)
            self.listen(self._run.pieces.append)

    def end(self, name: str) -> None:
        if name == "t":
            self.listen(None)
            if not self._aside:
                self._pieces.append(self._run.text)
        elif name == "rPh":
            self._aside -= 1
        elif name == "si":
            text = unescaped("".join(self._pieces))
            self._most -= len(text) + 1
            if self._most < 0 or len(text) > LONGEST_TEXT:
                raise UnreadableWorkbook("the workbook has more text than any list: that is no list")
            self.texts.append(text)
