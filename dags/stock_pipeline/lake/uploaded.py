"""Files that people uploaded: finding them, and putting aside those that cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from stock_pipeline.file_names import LOCK_FILE, shown_name
from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake

WORKBOOK_ENDING = ".xlsx"


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file in the folder of a day's feeds."""

    key: str
    size: int
    last_modified: datetime
    folder: str

    @property
    def name(self) -> str:
        """The file's name below the day's folder; with a `/` in it, it is in a subfolder."""
        return self.key.removeprefix(self.folder)

    @property
    def shown(self) -> str:
        """The same for people to read."""
        return shown_name(self.name)

    @property
    def in_subfolder(self) -> bool:
        """Whether it was put aside: whatever is deeper is no feed, however new it is."""
        return "/" in self.name

    @property
    def is_workbook(self) -> bool:
        """Whether its name says it is a workbook we read."""
        return self.name.lower().endswith(WORKBOOK_ENDING)


def uploaded_files(lake: Lake, run_date: date) -> Iterator[UploadedFile]:
    """The files uploaded for a day, those in subfolders too, without Excel's lock files."""
    yield from files_in(lake, locations.stock_feed_prefix(run_date))


def files_in(lake: Lake, folder: str) -> Iterator[UploadedFile]:
    """The files in a folder (its prefix ends in `/`), those in subfolders too, without Excel's lock files."""
    for entry in lake.objects(folder):
        file = UploadedFile(entry["Key"], entry["Size"], entry["LastModified"], folder)
        name = file.name.rpartition("/")[2]
        if name and not name.startswith(LOCK_FILE):
            yield file


def quarantine(lake: Lake, file: UploadedFile, run_date: date, reason: str) -> str:
    """Copy a file aside with the reason beside it; returns the copy's key. The upload stays where it is."""
    return lake.copy_aside(file.key, locations.quarantine_key(run_date, file.name), reason)


def recent_files(lake: Lake, prefix: str, run_date: date, days: int) -> Iterator[UploadedFile]:
    """The files in the folders of the days up to `run_date`, the newest day first, and its newest file."""
    for back in range(days):
        folder = prefix + locations.day_prefix(run_date - timedelta(days=back))
        yield from sorted(
            files_in(lake, folder), key=lambda file: (file.last_modified, file.key), reverse=True
        )


def quarantine_upload(lake: Lake, key: str, reason: str) -> str:
    """Copy an upload aside with the reason beside it; returns the copy's key. The upload stays."""
    return lake.copy_aside(key, locations.quarantined_key(key), reason)
