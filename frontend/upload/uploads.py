"""Sorts the files someone chose, and sends them where the pipeline looks for them, overwriting nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import count
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from urllib.parse import quote

from botocore.exceptions import ClientError

from frontend.upload import feed_check, list_check
from frontend.upload.feed_check import FeedCheck, FeedRequest, Outlook
from frontend.upload.list_check import Kind, ListCheck, ListRequest
from stock_pipeline.feeds.feed_reader import FeedReader
from stock_pipeline.file_names import first_word, given_name, name_fault
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.uploaded import WORKBOOK_ENDING
from stock_pipeline.refresh.list_reader import ListReader
from stock_pipeline.spreadsheets.package import WorkbookLimits
from stock_pipeline.suppliers import SuppliersFile

UPLOADED_BY = "uploaded-by"
"""Metadata of an upload: who sent it, percent-encoded because S3 takes nothing but ASCII."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file someone chose: its name without any folder, and what is in it."""

    name: str
    content: bytes

    @classmethod
    def of(cls, name: str, content: bytes) -> Chosen:
        """A file under whatever name the browser gave it."""
        return cls(given_name(name), content)

    @property
    def sha256(self) -> str:
        """Of the content, as hexadecimal text."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Sorted:
    """A chosen file and whose it is; `refusal` says why it cannot be sent at all."""

    file: Chosen
    supplier: str | None
    refusal: str | None = None


def sort_feeds(files: Sequence[Chosen], suppliers: SuppliersFile) -> list[Sorted]:
    """Whose each file is by its name, or why it cannot be used, before anything in it is read."""
    found = []
    for file in files:
        supplier = suppliers.supplier_of_file(file.name)
        found.append(Sorted(file, supplier.code if supplier else None, _refusal(file, suppliers)))
    times = Counter(entry.supplier for entry in found if entry.refusal is None)
    return [
        entry
        if entry.refusal or times[entry.supplier] == 1
        else Sorted(
            entry.file,
            entry.supplier,
            f"there are {times[entry.supplier]} files of {entry.supplier} here, and only one can count; "
            "take the others away",
        )
        for entry in found
    ]


def _refusal(file: Chosen, suppliers: SuppliersFile) -> str | None:
    limit = WorkbookLimits().file_bytes
    if fault := name_fault(file.name):
        return fault
    if not file.name.lower().endswith(WORKBOOK_ENDING):
        return f"not an {WORKBOOK_ENDING} workbook; save the list as {WORKBOOK_ENDING} in Excel"
    if len(file.content) > limit:
        return f"it has {len(file.content) >> 20:,} MB; a workbook may have {limit >> 20:,}"
    if suppliers.supplier_of_file(file.name) is None:
        return (
            "its name begins with no supplier's code; rename it to <SUPPLIER>_….xlsx, with one of "
            + ", ".join(suppliers.suppliers)
        )
    return None


@dataclass(frozen=True, slots=True)
class Line:
    """A chosen file and what is to be said of it.

    Attributes:
        subject: whose it is: a supplier, the stores, the mapping; `?` if no one knows.
        feed: what a supplier's list comes to, if it could be looked at.
    """

    file: Chosen
    subject: str
    outlook: Outlook
    text: str
    counts: dict[str, int] = field(default_factory=dict)
    feed: FeedCheck | None = None

    @property
    def can_be_sent(self) -> bool:
        """What would be held may be sent too, because someone may release it."""
        return self.outlook is not Outlook.UNUSABLE


def look_at_feeds(files: Sequence[Chosen], run_date: date, suppliers: SuppliersFile) -> Iterator[Line]:
    """A line for each supplier's list, in order, each as soon as it is known."""
    entries = sort_feeds(files, suppliers)
    checks = check_feeds([entry for entry in entries if entry.refusal is None], run_date)
    for entry in entries:
        if entry.refusal:
            yield Line(entry.file, entry.supplier or "?", Outlook.UNUSABLE, entry.refusal)
        else:
            check = next(checks)
            yield Line(entry.file, check.supplier, check.outlook, check.text, check.counts, check)


def look_at_lists(files: Sequence[Chosen], kind: Kind) -> Iterator[Line]:
    """A line for each store's file, or the mapping's, in order, each as soon as it is known."""
    refusals = [list_check.refusal(file.name, len(file.content), kind) for file in files]
    checks = check_lists([file for file, why in zip(files, refusals, strict=True) if why is None], kind)
    for file, why in zip(files, refusals, strict=True):
        if why:
            yield Line(file, "?", Outlook.UNUSABLE, why)
        else:
            check = next(checks)
            yield Line(file, check.subject, check.outlook, check.text, check.counts)


def check_feeds(entries: Sequence[Sorted], run_date: date) -> Iterator[FeedCheck]:
    """Look at each file as the run will, in its own process; in order, each as soon as it is known."""
    with TemporaryDirectory(prefix="stock_check_") as folder, FeedReader() as reader:
        for number, entry in enumerate(entries):
            path = Path(folder) / f"{number}{WORKBOOK_ENDING}"
            path.write_bytes(entry.file.content)
            peers = {
                other.file.name: other.file.sha256 for other in entries if other.supplier != entry.supplier
            }
            request = FeedRequest(
                path=path,
                name=entry.file.name,
                supplier=entry.supplier or "",
                run_date=run_date,
                peers=peers,
            )
            yield feed_check.look_at(request, reader)
            path.unlink()


def check_lists(files: Sequence[Chosen], kind: Kind) -> Iterator[ListCheck]:
    """Look at stores' files or the mapping's, in their own process; each as soon as it is known."""
    with TemporaryDirectory(prefix="list_check_") as folder, ListReader() as reader:
        for number, file in enumerate(files):
            path = Path(folder) / f"{number}{Path(file.name).suffix.lower()}"
            path.write_bytes(file.content)
            yield list_check.look_at(ListRequest(path=path, name=file.name, kind=kind), reader)
            path.unlink()


class Outcome(StrEnum):
    """What happened to a file that was sent."""

    SENT = "sent"
    SENT_BESIDE = "sent under another name, because that one was taken; the newest file counts"
    THERE_ALREADY = "was there already, exactly the same"


@dataclass(frozen=True, slots=True)
class Sent:
    """A file after it was sent, with the key it is under."""

    name: str
    key: str
    outcome: Outcome


def send(lake: Lake, folder: str, file: Chosen, by: str) -> Sent:
    """Put a file into a day's folder, never over another one.

    If its name is taken it goes beside, under a numbered one, where as the newest it counts. Only a file that
    is there already and the newest of all is not sent again.

    Args:
        lake: the bucket and the catalog.
        folder: the prefix of the day's files.
        file: the file.
        by: who sends it.
    """
    newest = _newest(lake, folder, file.name)
    for name in _names(file.name):
        key = folder + name
        try:
            lake.put(key, file.content, IfNoneMatch="*", Metadata={UPLOADED_BY: quote(by)})
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise
            if key == newest and lake.sha256(key) == file.sha256:
                return Sent(file.name, key, Outcome.THERE_ALREADY)
        else:
            return Sent(file.name, key, Outcome.SENT if name == file.name else Outcome.SENT_BESIDE)
    raise AssertionError("the numbers do not end")


def _newest(lake: Lake, folder: str, name: str) -> str | None:
    """The key of the newest file in the folder that begins with the same word, no matter whose that is."""
    word = first_word(name).casefold()
    found = [
        (entry["LastModified"], entry["Key"])
        for entry in lake.objects(folder)
        if entry["Key"].removeprefix(folder).casefold().startswith(word)
    ]
    return max(found)[1] if found else None


def _names(name: str) -> Iterator[str]:
    """The name itself, then the same with a number: `APE_stock (2).xlsx`."""
    yield name
    path = PurePosixPath(name)
    for number in count(2):
        yield f"{path.stem} ({number}){path.suffix}"
