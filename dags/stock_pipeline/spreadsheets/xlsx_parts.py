"""Reads the parts of a workbook's archive in full, or refuses them."""

from __future__ import annotations

import copy
import zipfile
from collections.abc import Callable, Iterator
from typing import IO, Any
from xml.etree import ElementTree as ET
from xml.parsers import expat

from stock_pipeline.errors import UnreadableWorkbook

CHUNK_BYTES = 1 << 20
SMALL_PART_BYTES = 8 << 20
PIECE_BYTES = 64 << 10
MOST_ELEMENTS = 500_000
"""In a small part; a workbook with all the styles that Excel allows has some three hundred thousand."""
DEEPEST = 64
"""Elements within each other; in a sheet there are seven or eight."""

StartHandler = Callable[[str, dict[str, str]], None]


def small_xml(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> ET.Element:
    """The tree of a part that is small in any workbook, such as the list of the sheets."""
    if part.file_size > SMALL_PART_BYTES:
        raise UnreadableWorkbook(f"the workbook is damaged: {part.filename} is too large")
    with _opened_beyond_its_end(archive, part) as stream:
        text = stream.read()
    _refuse_more_than_declared(part, len(text))
    refuse_entities(text)
    try:
        parser = ET.XMLParser(target=_SmallTree())  # noqa: S314 - without entities
        # Of a piece the parser reads all, whatever its target has said of the beginning.
        for at in range(0, len(text), PIECE_BYTES):
            parser.feed(text[at : at + PIECE_BYTES])
        return parser.close()
    except UnreadableWorkbook:
        raise
    except (LookupError, ValueError) as error:  # an encoding Python does not know, or expat does not read
        raise UnreadableWorkbook(f"the workbook is damaged ({first_line(error)}); send it again") from error


class _SmallTree(ET.TreeBuilder):
    """Makes a tree, but no large one."""

    def __init__(self) -> None:
        super().__init__()
        self._elements = self._depth = 0

    def start(self, tag: Any, attributes: dict[Any, Any], /) -> ET.Element:
        self._elements += 1
        self._depth += 1
        if self._elements > MOST_ELEMENTS:
            raise UnreadableWorkbook(
                f"a list in it has more than {MOST_ELEMENTS:,} entries, which no program writes"
            )
        _refuse_depth(self._depth)
        return super().start(tag, attributes)

    def end(self, tag: str, /) -> ET.Element:
        self._depth -= 1
        return super().end(tag)


def _refuse_depth(depth: int) -> None:
    if depth > DEEPEST:
        raise UnreadableWorkbook(f"the workbook is damaged: more than {DEEPEST} elements within each other")


def _opened_beyond_its_end(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> IO[bytes]:
    """A part of which a byte more than the directory declares can be read.

    zipfile stops at the declared size, where the checksum may be made to be right; other readers go on.
    """
    more = copy.copy(part)
    more.file_size += 1
    return archive.open(more)


def _refuse_more_than_declared(part: zipfile.ZipInfo, read: int) -> None:
    if read > part.file_size:
        raise zipfile.BadZipFile(f"{part.filename!r} is longer than the file says")


def refuse_entities(text: bytes) -> None:
    """Refuse a part, or its beginning, that declares what other text stands for."""
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        refuse_doctype()


def refuse_doctype(*_: object) -> None:
    """Refuse a part that declares a document type, and with it perhaps entities."""
    raise UnreadableWorkbook("the workbook holds XML entities, which no spreadsheet program writes")


def whole_tags(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """The part's bytes in chunks that never end within a tag. Reading to the end checks the part's CRC."""
    rest = b""
    read = 0
    with _opened_beyond_its_end(archive, part) as stream:
        while block := stream.read(CHUNK_BYTES):
            read += len(block)
            end = block.rfind(b"<")
            if end < 0 and len(rest) > CHUNK_BYTES:
                raise UnreadableWorkbook(
                    f"a text in it is longer than {CHUNK_BYTES:,} bytes, which no cell can hold"
                )
            if end < 0:
                rest += block
            else:
                yield rest + block[:end]
                rest = block[end:]
    _refuse_more_than_declared(part, read)
    yield rest


def parse(archive: zipfile.ZipFile, part: zipfile.ZipInfo, start: StartHandler | None = None) -> None:
    """Refuse a part that is not well-formed or holds entities; one that `whole_tags` has read to its end."""
    depth = 0

    def enter(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        _refuse_depth(depth)
        if start:
            start(name, attributes)

    def leave(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = enter, leave
    parser.StartDoctypeDeclHandler = refuse_doctype
    try:
        with archive.open(part) as stream:
            parser.ParseFile(stream)
    except UnreadableWorkbook:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # the latter for encodings it does not know
        raise UnreadableWorkbook(f"the workbook is damaged ({first_line(error)}); send it again") from error


def first_line(error: BaseException) -> str:
    """What an error says, in one line of at most 200 characters."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
