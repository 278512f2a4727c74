"""Files that people uploaded: finding them, and putting aside those that cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from stock_pipeline.file_names import LOCK_FILE, shown_name
from stock_pipeline.lake import locations
from stock_pipeline.lake.objects import put

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


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
        """The file's name below the day's folder; with a `/` in it, it lies in a subfolder."""
        return self.key.removeprefix(self.folder)

    @property
    def shown(self) -> str:
        """The same for people to read."""
        return shown_name(self.name)

    @property
    def in_subfolder(self) -> bool:
        """Whether it was put aside: whatever lies deeper is nobody's feed, however new it is."""
        return "/" in self.name

    @property
    def is_workbook(self) -> bool:
        """Whether its name says it is a workbook we read."""
        return self.name.lower().endswith(WORKBOOK_ENDING)


def uploaded_files(s3: S3Client, bucket: str, run_date: date) -> Iterator[UploadedFile]:
    """The files uploaded for a day, those in subfolders too, without Excel's lock files."""
    yield from files_in(s3, bucket, locations.stock_feed_prefix(run_date))


def files_in(s3: S3Client, bucket: str, folder: str) -> Iterator[UploadedFile]:
    """The files in a folder (its prefix ends in `/`), those in subfolders too, without Excel's lock files."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
    for page in pages:
        for entry in page.get("Contents", []):
            file = UploadedFile(entry["Key"], entry["Size"], entry["LastModified"], folder)
            name = file.name.rpartition("/")[2]
            if name and not name.startswith(LOCK_FILE):
                yield file


def quarantine(s3: S3Client, bucket: str, file: UploadedFile, run_date: date, reason: str) -> str:
    """Copy a file aside with the reason beside it; returns the copy's key. The upload stays where it is."""
    key = locations.quarantine_key(run_date, file.name)
    s3.copy({"Bucket": bucket, "Key": file.key}, bucket, key)
    put(s3, bucket, f"{key}.txt", f"{reason}\n".encode())
    return key


def recent_files(s3: S3Client, bucket: str, prefix: str, run_date: date, days: int) -> Iterator[UploadedFile]:
    """The files in the folders of the days up to `run_date`, the newest day first, and its newest file."""
    for back in range(days):
        folder = prefix + locations.day_prefix(run_date - timedelta(days=back))
        yield from sorted(
            files_in(s3, bucket, folder), key=lambda file: (file.last_modified, file.key), reverse=True
        )


def quarantine_upload(s3: S3Client, bucket: str, key: str, reason: str) -> str:
    """Copy an upload aside with the reason beside it; returns the copy's key. The upload stays."""
    copy = locations.quarantined_key(key)
    s3.copy({"Bucket": bucket, "Key": key}, bucket, copy)
    s3.put_object(Bucket=bucket, Key=f"{copy}.txt", Body=f"{reason}\n".encode())
    return copy
