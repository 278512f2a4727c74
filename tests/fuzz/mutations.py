"""Ways in which a workbook can be damaged, or written by a program no one has thought of.

Each takes the source of chance and what it changes, and gives it changed. The same chance gives the same.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
import zipfile
from collections.abc import Callable
from random import Random

Parts = dict[str, bytes]
"""A workbook's parts by name, in the order of the archive."""

SHEET = "xl/worksheets/sheet1.xml"

VALUES = [
    "", " ", "0", "-1", "-0", "1", "7", "00012", "5.5", "1e309", "-1e309", "1E3", "NaN", "inf", "TRUE",
    "true", "#N/A", "#REF!", "99999999999999999999", "4294967296", "2147483648", "0x10", "\u0663", "1,000",
    "10+", ">5", "=1+1", "\u00a05\u00a0", "\u200f5", "5\n", "_x0035_", "2024-08-01", "2024-08-01T00:00:00",
    "45505", "A" * 5000, "\U0001f527", "&#0;", "&#x1F;", "&amp;", "&lt;", "&undefined;", "]]>",
    "<![CDATA[5]]>", "<!-- 5 -->", "<?pi 5?>",
]  # fmt: skip
ATTRIBUTES = [
    "", "0", "1", "-1", "A0", "A1", "B2", "b3", "AAAA1", "XFD1048576", "XFE1", "A1048577", "A99999999999",
    "1A", "A-1", "$A$1", "A1:B2", "s", "n", "b", "e", "d", "str", "inlineStr", "z", "999999", "4294967296",
    "-2147483649", "1.5", "rId1", "rId99", "hidden", "veryHidden", "true", "../../etc/passwd",
    "/xl/worksheets/sheet1.xml", "preserve", "\u0661", "1 ", " 1",
]  # fmt: skip
SNIPPETS = [
    '<c r="B5"><v>9</v></c>', '<c r="A5" t="inlineStr"><is><t>PX9999</t></is></c>', "<c/>", "<row/>",
    '<row r="3"/>', '<row r="9"><c r="A9" t="str"><v>PX9999</v></c><c r="B9"><v>9</v></c></row>',
    '<c r="A7" t="s"><v>0</v></c>', "<v>9</v>", "<t>9</t>", "<is><t>9</t></is>", "<f>1+1</f>",
    '<f t="shared" si="0" ref="A1:XFD1048576">A1</f>', '<c r="XFD5"><v>1</v></c>',
    '<row r="1048576"><c r="A1048576"><v>1</v></c></row>', "<si><t>MORE</t></si>", "<si/>",
    '<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>', '<dimension ref="A1:XFD1048576"/>',
    "</row><row>", "<sheetData/>", "</sheetData><sheetData>", "</c><c>", "<x:c/>", "<!--", "-->",
    "<![CDATA[", "]]>", "<", ">", "&", "<r><t>x</t></r>", '<rPh sb="0" eb="1"><t>x</t></rPh>',
    "<phoneticPr/>", "\x00", "\x0b", "\ufffe", "\ufeff", '<sheet name="Other" sheetId="9" r:id="rId1"/>',
    "<!DOCTYPE x>", '<?xml version="1.0" encoding="utf-16"?>', '<numFmt numFmtId="0" formatCode="000000"/>',
    '<workbookPr date1904="1"/>', '<mc:AlternateContent/>',
]  # fmt: skip

SPELLINGS = [
    (b'"', b"'"), (b"<c ", b"<c\n"), (b"<row ", b"<row\t"), (b"<", b"<x:"), (b"><", b">\n<"),
    (b"<v>", b"<v >"), (b"<row", b"<ROW"), (b' r="', b' R="'), (b'r="A', b'r="a'), (b"main", b"other"),
    (b"</v>", b"</v ><!-- -->"), (b"</t>", b"</t >"), (b' t="s"', b" t='s'"),
    (b"<t>", b'<t xml:space="preserve">'),
]  # fmt: skip

_ATTRIBUTE = re.compile(rb'([\w:]+)="([^"]*)"')
_TAG = re.compile(rb"<[^<>]*>")
_TEXT = re.compile(rb">([^<>]+)<")
_ROW = re.compile(rb"<row\b[^>]*>.*?</row>", re.DOTALL)
_ELEMENT = re.compile(rb"<(c|row|si|sheet|Relationship|xf|Override)\b[^>]*?(?:/>|>.*?</\1>)", re.DOTALL)


# --- the bytes of the file -----------------------------------------------------------------------------


def flip_bytes(chance: Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def cut_bytes(chance: Random, body: bytes) -> bytes:
    start, end = sorted(chance.randrange(len(body) + 1) for _ in range(2))
    return body[:start] + body[min(end, start + chance.choice([1, 16, 1000, len(body)])) :]


def repeat_bytes(chance: Random, body: bytes) -> bytes:
    start, end = sorted(chance.randrange(len(body) + 1) for _ in range(2))
    return body[:end] + body[start:end] + body[end:]


def append_bytes(chance: Random, body: bytes) -> bytes:
    return body + chance.choice([b"\0" * 1000, chance.randbytes(30), b"\r\n--boundary--\r\n", body])


def prepend_bytes(chance: Random, body: bytes) -> bytes:
    return (
        chance.choice([b"PK\x03\x04", b"\xef\xbb\xbf", b"PK" + bytes(28), b"Content-Type: x\r\n\r\n"]) + body
    )


def lie_in_the_directory(chance: Random, body: bytes) -> bytes:
    """Another size, method, flag, offset or checksum in one entry of the archive's directory or its end."""
    changed = bytearray(body)
    signature = chance.choice([b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"])
    places = [found.start() for found in re.finditer(re.escape(signature), body)]
    if places:
        place = chance.choice(places) + 4 + 2 * chance.randrange(21)
        value = chance.choice([0, 1, 8, 9, 12, 93, 0x7FFF, 0xFFFF, chance.randrange(1 << 16)])
        changed[place : place + 2] = struct.pack("<H", value)
    return bytes(changed[: len(body)])


OF_BYTES: list[Callable[[Random, bytes], bytes]] = [
    flip_bytes,
    cut_bytes,
    repeat_bytes,
    append_bytes,
    prepend_bytes,
    lie_in_the_directory,
    lie_in_the_directory,
]


# --- the text of a part --------------------------------------------------------------------------------


def another_attribute(chance: Random, text: bytes) -> bytes:
    return _in_place(chance, _ATTRIBUTE, 2, text, chance.choice(ATTRIBUTES).encode())


def attribute_of_another(chance: Random, text: bytes) -> bytes:
    found = _ATTRIBUTE.findall(text)
    return _in_place(chance, _ATTRIBUTE, 2, text, chance.choice(found)[1]) if found else text


def without_an_attribute(chance: Random, text: bytes) -> bytes:
    return _in_place(chance, _ATTRIBUTE, 0, text, b"")


def another_value(chance: Random, text: bytes) -> bytes:
    return _in_place(chance, _TEXT, 1, text, chance.choice(VALUES).encode())


def without_a_tag(chance: Random, text: bytes) -> bytes:
    return _in_place(chance, _TAG, 0, text, b"")


def element_twice(chance: Random, text: bytes) -> bytes:
    found = _one(chance, _ELEMENT, text)
    return text[: found.end()] + found[0] + text[found.end() :] if found else text


def without_an_element(chance: Random, text: bytes) -> bytes:
    return _in_place(chance, _ELEMENT, 0, text, b"")


def something_between(chance: Random, text: bytes) -> bytes:
    found = _one(chance, _TAG, text)
    place = chance.choice([found.start(), found.end()]) if found else chance.randrange(len(text) + 1)
    return text[:place] + chance.choice(SNIPPETS).encode("utf-8", "surrogatepass") + text[place:]


def rows_in_another_order(chance: Random, text: bytes) -> bytes:
    rows = _ROW.findall(text)
    chance.shuffle(rows)
    left = iter(rows)
    return _ROW.sub(lambda _: next(left), text)


def rows_numbered_anew(chance: Random, text: bytes) -> bytes:
    """Rows keep their cells' positions but not their own numbers."""
    start = chance.choice([0, 2, 100, 1_048_570])
    numbers = iter(range(start, start + text.count(b"<row") + 1))
    return re.sub(rb'(<row\b[^>]*?\br=")[0-9]+', lambda found: found[1] + b"%d" % next(numbers), text)


def another_encoding(chance: Random, text: bytes) -> bytes:
    plain = text.decode("utf-8", "replace")
    name = chance.choice(["utf-16", "utf-16-le", "utf-8-sig", "latin-1", "utf-7", "cp1252"])
    return plain.replace("UTF-8", name, chance.randint(0, 1)).encode(name, "replace")


def spelt_otherwise(chance: Random, text: bytes) -> bytes:
    old, new = chance.choice(SPELLINGS)
    return text.replace(old, new, chance.choice([1, 3, -1]))


OF_TEXT: list[Callable[[Random, bytes], bytes]] = [
    another_attribute,
    another_attribute,
    attribute_of_another,
    without_an_attribute,
    another_value,
    another_value,
    without_a_tag,
    element_twice,
    without_an_element,
    something_between,
    something_between,
    rows_in_another_order,
    rows_numbered_anew,
    another_encoding,
    spelt_otherwise,
    flip_bytes,
    cut_bytes,
    repeat_bytes,
]


# --- the archive ---------------------------------------------------------------------------------------


def text_changed(chance: Random, parts: Parts) -> Parts:
    """Some changes to the text of one part, most often of the sheet."""
    names = [name for name in parts if name.endswith((".xml", ".rels"))] or list(parts)
    if not names:
        return parts
    name = SHEET if SHEET in parts and chance.random() < 0.5 else chance.choice(names)
    text = parts[name]
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        text = chance.choice(OF_TEXT)(chance, text) if text else text
    return {**parts, name: text}


def without_a_part(chance: Random, parts: Parts) -> Parts:
    gone = chance.choice(list(parts))
    return {name: text for name, text in parts.items() if name != gone}


def part_renamed(chance: Random, parts: Parts) -> Parts:
    old = chance.choice(list(parts))
    back = old.replace("/", "\\")
    new = chance.choice(
        [old.upper(), back, f"/{old}", f"./{old}", f"../{old}", f"{old} ", f"{old}\0", "", f"x/{old}"]
    )
    return {new if name == old else name: text for name, text in parts.items()}


def parts_swapped(chance: Random, parts: Parts) -> Parts:
    one, other = chance.choice(list(parts)), chance.choice(list(parts))
    return {**parts, one: parts[other], other: parts[one]}


def parts_in_another_order(chance: Random, parts: Parts) -> Parts:
    names = list(parts)
    chance.shuffle(names)
    return {name: parts[name] for name in names}


def a_part_more(chance: Random, parts: Parts) -> Parts:
    name = chance.choice(
        ["xl/worksheets/sheet2.xml", "xl/vbaProject.bin", "xl/workbook.bin", "content.xml", "a/", ""]
    )
    return {**parts, name: chance.choice(list(parts.values()))}


OF_PARTS: list[Callable[[Random, Parts], Parts]] = [
    *[text_changed] * 12,
    without_a_part,
    part_renamed,
    parts_swapped,
    parts_in_another_order,
    a_part_more,
]


def packed(chance: Random, parts: Parts) -> bytes:
    """The parts as an archive, in one of the ways in which programs make them."""
    sink = io.BytesIO()
    way = chance.randrange(8)
    target = _Unseekable(sink) if way == 0 else sink
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in parts.items():
                entry = zipfile.ZipInfo(name)
                entry.compress_type = zipfile.ZIP_STORED if way == 1 else zipfile.ZIP_DEFLATED
                with archive.open(entry, "w", force_zip64=way == 2) as stream:
                    stream.write(text)
            if way == 3 and parts:
                name, text = chance.choice(list(parts.items()))
                archive.writestr(name or "x", text)
            if way == 4:
                archive.comment = b"PK\x05\x06" + bytes(18)
    return sink.getvalue()


def mutated(chance: Random, body: bytes) -> tuple[bytes, list[str]]:
    """A workbook with some things changed, and what they were."""
    trail: list[str] = []
    if chance.random() < 0.8:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            if parts:
                change = chance.choice(OF_PARTS)
                parts = change(chance, parts)
                trail.append(change.__name__)
        body = packed(chance, parts)
        trail.append("packed")
    if not trail or chance.random() < 0.1:
        for _ in range(chance.choice([1, 1, 2])):
            if body:
                change_bytes = chance.choice(OF_BYTES)
                body = change_bytes(chance, body)
                trail.append(change_bytes.__name__)
    return body, trail


class _Unseekable(io.RawIOBase):
    """What a program that streams writes to, so that sizes come after the data."""

    def __init__(self, sink: io.BytesIO) -> None:
        self._sink = sink

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return self._sink.write(data)

    def flush(self) -> None:
        self._sink.flush()


def _one(chance: Random, pattern: re.Pattern[bytes], text: bytes) -> re.Match[bytes] | None:
    found = list(pattern.finditer(text))
    return chance.choice(found) if found else None


def _in_place(chance: Random, pattern: re.Pattern[bytes], group: int, text: bytes, new: bytes) -> bytes:
    found = _one(chance, pattern, text)
    return text[: found.start(group)] + new + text[found.end(group) :] if found else text
