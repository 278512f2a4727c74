"""The files staff upload, whose they are, and where those go that cannot be used."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from stock_pipeline import locations
from stock_pipeline.file_names import LOCK_FILE, shown_name
from stock_pipeline.suppliers import SuppliersFile

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


@dataclass(frozen=True, slots=True)
class Uploads:
    """The files of a day, by the supplier whose they are."""

    run_date: date
    files: dict[str, list[UploadedFile]]

    @classmethod
    def of_day(cls, s3: S3Client, bucket: str, suppliers: SuppliersFile, run_date: date) -> Uploads:
        """The files of a day that belong to a supplier; those in subfolders belong to nobody."""
        files: dict[str, list[UploadedFile]] = defaultdict(list)
        for file in uploaded_files(s3, bucket, run_date):
            supplier = None if file.in_subfolder else suppliers.supplier_of_file(file.name)
            if supplier:
                files[supplier.code].append(file)
        return cls(run_date, files)

    def of_supplier(self, code: str) -> list[UploadedFile]:
        """The files of one supplier."""
        return self.files.get(code, [])

    def of_others(self, code: str) -> list[UploadedFile]:
        """The files of all suppliers but one."""
        return [file for other, files in self.files.items() if other != code for file in files]


def quarantine(s3: S3Client, bucket: str, file: UploadedFile, run_date: date, reason: str) -> str:
    """Copy a file aside with the reason beside it; returns the copy's key. The upload stays where it is."""
    key = locations.quarantine_key(run_date, file.name)
    s3.copy({"Bucket": bucket, "Key": file.key}, bucket, key)
    put(s3, bucket, f"{key}.txt", f"{reason}\n".encode())
    return key


def put(s3: S3Client, bucket: str, key: str, body: bytes) -> None:
    """Write an object."""
    s3.put_object(Bucket=bucket, Key=key, Body=body)


def sha256_of(s3: S3Client, bucket: str, key: str) -> str:
    """The SHA-256 of an object, as hexadecimal text."""
    digest = hashlib.sha256()
    for chunk in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks():
        digest.update(chunk)
    return digest.hexdigest()
