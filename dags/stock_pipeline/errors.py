"""What can go wrong, as one tree.

Exception
├── NeedsPersonError            no retry can help; tasks fail at once
│   ├── SuppliersFileError      the suppliers file is not valid
│   ├── MissingTableError       a table, or a registered snapshot, has no file
│   ├── TablesMissingError      the catalog has no such table
│   ├── PublishRefusedError     publishing would overwrite something newer, or unseen
│   ├── RollbackRefusedError    the table cannot go back as asked
│   └── MarkRefusedError        files for eBay cannot be marked as uploaded
├── RejectedFile                what was uploaded cannot be used
│   ├── UnknownHeader           no row is an accepted header
│   └── UnsafeFile              the file ended its reader
├── UnreadableWorkbook          the file is not a workbook we can read
├── NothingToAskError           the held file is no longer the one that counts
├── TableLockedError            another run holds the table; retry later
├── NotDeletedError             AWS did not delete something; retry
├── ChildDied                   a request ended the process with limits
└── ChildFault                  the process with limits could not do its work
"""

from pathlib import Path


class NeedsPersonError(Exception):
    """A person has to act first; the message says what is wrong, where, and what to do.

    Tasks fail at once on it, however many retries they have.
    """


class SuppliersFileError(NeedsPersonError):
    """The suppliers file is not valid; the message names each supplier and field at fault."""


class MissingTableError(NeedsPersonError):
    """A table the daily run needs has no file; the message says which and how to fill it."""


class TablesMissingError(NeedsPersonError):
    """The catalog lacks tables the daily run needs; the message says which and what to do."""


class PublishRefusedError(NeedsPersonError):
    """Publishing was refused and nothing changed; the message says why and what to do."""


class RollbackRefusedError(NeedsPersonError):
    """The rollback was refused and nothing changed; the message says why and what to do."""


class MarkRefusedError(NeedsPersonError):
    """The files could not be marked and nothing changed; the message says why and what to do."""


class RejectedFile(ValueError):  # noqa: N818 - a judgement on what was sent, not a fault of ours
    """A feed, a store's list or a mapping cannot be used; the message tells staff what is wrong with it."""


class UnknownHeader(RejectedFile):
    """None of the first rows is a header this supplier sends.

    Attributes:
        head: the first rows, as text.
    """

    def __init__(self, message: str, head: list[tuple[str | None, ...]]) -> None:
        super().__init__(message)
        self.head = head


class UnsafeFile(RejectedFile):
    """The file ended its reader, or took more than a reader may take."""

    def __init__(self, path: Path, how: str) -> None:
        what = "the file" if path.suffix.lower() == ".csv" else "the workbook"
        super().__init__(
            f"{what} cannot be read safely ({how}): open it in Excel, check the list, save it again as .xlsx "
            "and send that"
        )


class UnreadableWorkbook(ValueError):  # noqa: N818 - a judgement on what was sent, not a fault of ours
    """The file is not a workbook we can read safely; the message tells staff what it is and what to do."""


class NothingToAskError(Exception):
    """The held file is no longer the one that counts; the message says which one does."""


class TableLockedError(RuntimeError):
    """Another run is working on the table; the message says which. Retry later."""


class NotDeletedError(RuntimeError):
    """AWS did not delete something; the message names it. The rest is deleted, and a rerun is safe."""


class ChildDied(Exception):  # noqa: N818 - the request's doing, not a fault of ours
    """The request ended the process or exceeded its limits; the message says how, in a few words."""


class ChildFault(RuntimeError):  # noqa: N818 - it names whose fault it is
    """The process could not start or was stopped, or the function failed: nothing is known of the file."""
