"""Open a workbook's archive: its size, its parts, and which part is which sheet.

Parts are found as Excel finds them: from `_rels/.rels` to the main part, and from there by the type of each
relation; names differ in nothing by their case or by the kind of their slashes (ECMA-376, part 2).
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from stock_pipeline.errors import UnreadableWorkbook
from stock_pipeline.spreadsheets.xlsx_parts import first_line, small_xml

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OFFICE = (
    "http://schemas.openxmlformats.org/officeDocument/2006/",
    "http://purl.oclc.org/ooxml/officeDocument/",
)
MAIN_NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
RELATIONSHIP_IDS = tuple(f"{{{office}relationships}}id" for office in OFFICE)
USUAL_MAIN = "xl/workbook.xml"


@dataclass(frozen=True, slots=True)
class WorkbookLimits:
    """How large a workbook may be. The largest real feed has 4 MB, unpacks to 24 MB, spans 1.4 M cells.

    Attributes:
        file_bytes: size of the file.
        unpacked_bytes: what all its parts unpack to.
        parts: how many parts the archive has.
        cells: the rectangle from A1 to the last used row and column; calamine takes 32 bytes for each.
    """

    file_bytes: int = 64 << 20
    unpacked_bytes: int = 256 << 20
    parts: int = 2_000
    cells: int = 4_000_000


@dataclass(frozen=True, slots=True)
class SheetName:
    """A sheet of a workbook: what it is called, and whether a person who opens the workbook sees it."""

    name: str
    visible: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part says of another: the last word of the relation's type, and the part's name."""

    kind: str
    target: str


@dataclass(frozen=True, slots=True)
class Workbook:
    """A workbook that is open.

    Attributes:
        archive: its archive.
        parts: the archive's entries by their names as `part_name` writes them.
        main: the name of the part with the list of sheets.
        relations: of the main part, by their id.
        sheets: the elements of the list of sheets, in order.
        calculates_on_opening: whether formulas are to be calculated again, so that a stored 0 says nothing.
        from_1904: whether its days count from 1904.
    """

    archive: zipfile.ZipFile
    parts: dict[str, zipfile.ZipInfo]
    main: str
    relations: dict[str, Relation]
    sheets: list[ET.Element]
    calculates_on_opening: bool
    from_1904: bool

    @property
    def shared_texts(self) -> zipfile.ZipInfo | None:
        """The part with the texts that cells refer to by number."""
        return self._related("sharedStrings", "xl/sharedstrings.xml")

    @property
    def styles(self) -> zipfile.ZipInfo | None:
        """The part with the number formats."""
        return self._related("styles", "xl/styles.xml")

    @property
    def sheet_names(self) -> list[SheetName]:
        """The sheets in their order."""
        return [
            SheetName(node.get("name", ""), node.get("state", "visible") == "visible") for node in self.sheets
        ]

    def sheet(self, name: str | None) -> zipfile.ZipInfo:
        """Find the part that holds the sheet of that name, or the first one.

        Raises:
            UnreadableWorkbook: there is none, it is hidden, or it is a chart.
        """
        node = next((node for node in self.sheets if name in {None, node.get("name")}), None)
        if node is None:
            raise UnreadableWorkbook(f"the workbook has no sheet {name!r}")
        if node.get("state", "visible") != "visible":
            which = "first sheet" if name is None else "sheet"
            raise UnreadableWorkbook(
                f"the {which}, {node.get('name')!r}, is hidden, so what a person sees is another one: "
                "delete the hidden sheet, or show it and put the list first"
            )
        link = next((node.get(key) for key in RELATIONSHIP_IDS if node.get(key)), "")
        relation = self.relations.get(link or "")
        if relation is None or relation.target not in self.parts:
            raise UnreadableWorkbook("the workbook is damaged: its first sheet is not in the file")
        if relation.kind == "chartsheet" or relation.target.startswith("xl/chartsheets/"):
            raise UnreadableWorkbook(
                f"the sheet {node.get('name')!r} is a chart and no list: put the sheet with the list first"
            )
        return self.parts[relation.target]

    def is_usual(self, sheet: zipfile.ZipInfo) -> bool:
        """Whether every reader finds the same parts, because all have their usual names."""
        used = [self.parts[self.main], sheet, self.shared_texts, self.styles]
        others = all(entry.filename.startswith("xl/") for entry in used if entry)
        kinds = {
            self.relations[link].kind
            for node in self.sheets
            for link in node.attrib.values()
            if link in self.relations
        }
        return (
            others
            and kinds == {"worksheet"}
            and self.parts[self.main].filename == USUAL_MAIN
            and not any(
                "\\" in entry.filename or entry.filename.startswith("/") for entry in self.parts.values()
            )
            and (self.shared_texts is None or self.shared_texts.filename == "xl/sharedStrings.xml")
            and (self.styles is None or self.styles.filename == "xl/styles.xml")
        )

    def _related(self, kind: str, usual: str) -> zipfile.ZipInfo | None:
        named = (relation.target for relation in self.relations.values() if relation.kind == kind)
        return next((self.parts[name] for name in named if name in self.parts), self.parts.get(usual))


def part_name(name: str) -> str:
    """Write a part's name as it is compared."""
    return name.replace("\\", "/").lstrip("/").lower()


def sheet_names(path: Path, limits: WorkbookLimits) -> list[SheetName]:
    """The workbook's sheets in their order.

    Raises:
        UnreadableWorkbook: as `opened`.
    """
    with opened(path, limits) as book:
        return book.sheet_names


@contextmanager
def opened(path: Path, limits: WorkbookLimits) -> Iterator[Workbook]:
    """Open a workbook; damage that is found while it is open is refused, too.

    Raises:
        UnreadableWorkbook: it is not a workbook, is damaged, or is larger than `limits` allow.
    """
    size = path.stat().st_size
    if size == 0:
        raise UnreadableWorkbook("the file is empty (0 bytes): the upload was cut off; send it again")
    if size > limits.file_bytes:
        raise UnreadableWorkbook(f"the file has {size:,} bytes; a workbook may have {limits.file_bytes:,}")
    with path.open("rb") as file:
        head = file.read(len(OLE_MAGIC))
    if head == OLE_MAGIC:
        raise UnreadableWorkbook(
            "not an .xlsx workbook: it is protected by a password or in the old .xls format; "
            "save it as .xlsx without a password"
        )
    if not head.startswith(b"PK"):
        raise UnreadableWorkbook("not a workbook: save the list as .xlsx in Excel and send that")
    try:
        with zipfile.ZipFile(path) as archive:
            yield _workbook(archive, _parts(archive, limits))
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        OSError,  # a damaged directory sends zipfile to places before the file's beginning
        RuntimeError,
        UnicodeDecodeError,
        ET.ParseError,
    ) as error:
        raise UnreadableWorkbook(f"the workbook is damaged ({first_line(error)}); send it again") from error


def _parts(archive: zipfile.ZipFile, limits: WorkbookLimits) -> dict[str, zipfile.ZipInfo]:
    found = archive.infolist()
    if len(found) > limits.parts:
        raise UnreadableWorkbook(f"the file has {len(found):,} parts; a workbook may have {limits.parts:,}")
    unpacked = sum(part.file_size for part in found)
    if unpacked > limits.unpacked_bytes:
        raise UnreadableWorkbook(
            f"the file unpacks to {unpacked:,} bytes; a workbook may unpack to {limits.unpacked_bytes:,}"
        )
    if any(part.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for part in found):
        raise UnreadableWorkbook("the workbook is damaged: it is packed as no spreadsheet program does it")
    parts = {part_name(part.filename): part for part in found}
    if len(parts) < len(found):
        raise UnreadableWorkbook("the workbook is damaged: it holds a part twice; send it again")
    return parts


def _workbook(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo]) -> Workbook:
    main = next(
        (found.target for found in _relations(archive, parts, "").values() if found.kind == "officeDocument"),
        USUAL_MAIN,
    )
    if main.endswith(".bin"):
        raise UnreadableWorkbook(
            "not an .xlsx workbook but an .xlsb one: save it as .xlsx in Excel and send that"
        )
    relations = _relations(archive, parts, main)
    if main not in parts or not relations:
        raise UnreadableWorkbook("not a workbook: the file is a zip archive of something else")
    root = small_xml(archive, parts[main])
    named = [(node.tag.rpartition("}")[2], node) for node in root.iter()]
    sheets = [node for name, node in named if name == "sheet"]
    if not sheets:
        raise UnreadableWorkbook("the workbook has no sheet")
    return Workbook(
        archive,
        parts,
        main,
        relations,
        sheets,
        calculates_on_opening=any(
            name == "calcPr" and node.get("fullCalcOnLoad") in {"1", "true"} for name, node in named
        ),
        from_1904=any(name == "workbookPr" and node.get("date1904") in {"1", "true"} for name, node in named),
    )


def _relations(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], part: str) -> dict[str, Relation]:
    """Read what a part (or, without a name, the package) says of others, by id; empty if it says nothing."""
    folder, name = posixpath.split(part)
    listed = parts.get(posixpath.join(folder, "_rels", f"{name}.rels"))
    if listed is None:
        return {}
    return {
        node.get("Id", ""): Relation(
            node.get("Type", "").rpartition("/")[2],
            part_name(
                posixpath.normpath(posixpath.join("/", folder, node.get("Target", "").replace("\\", "/")))
            ),
        )
        for node in small_xml(archive, listed)
        if node.get("TargetMode") != "External"
    }
