"""The files staff upload, whose they are, and where those go that cannot be used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from stock_pipeline.lake.objects import sha256_of
from stock_pipeline.lake.uploaded import UploadedFile, uploaded_files
from stock_pipeline.suppliers import SuppliersFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class Uploads:
    """The files of a day.

    Attributes:
        run_date: the day.
        files: by supplier.
        unrecognised: files of no supplier, and all files in subfolders.
    """

    run_date: date
    files: dict[str, list[UploadedFile]]
    unrecognised: list[UploadedFile]

    @classmethod
    def of_day(cls, s3: S3Client, bucket: str, suppliers: SuppliersFile, run_date: date) -> Uploads:
        """List the files of a day."""
        files: dict[str, list[UploadedFile]] = defaultdict(list)
        unrecognised = []
        for file in uploaded_files(s3, bucket, run_date):
            supplier = None if file.in_subfolder else suppliers.supplier_of_file(file.name)
            if supplier:
                files[supplier.code].append(file)
            else:
                unrecognised.append(file)
        return cls(run_date, files, unrecognised)

    def of_supplier(self, code: str) -> list[UploadedFile]:
        """The files of one supplier."""
        return self.files.get(code, [])

    def counting(self, code: str) -> UploadedFile | None:
        """Pick the file of a supplier that counts: the newest workbook, or else the newest file."""
        files = self.of_supplier(code)
        return max(files, key=lambda file: (file.is_workbook, file.last_modified, file.key), default=None)

    def of_others(self, code: str) -> list[UploadedFile]:
        """The files of all suppliers but one."""
        return [file for other, files in self.files.items() if other != code for file in files]


def same_content(
    s3: S3Client, bucket: str, supplier: str, days: Iterable[Uploads], *, size: int, sha256: str
) -> list[str]:
    """Name the files of other suppliers on some days that are the same to the byte.

    Args:
        s3: client.
        bucket: the bucket.
        supplier: whose file it is.
        days: the files of the days to look at.
        size: of the file, in bytes.
        sha256: of the file, as hexadecimal text.
    """
    return [
        f"{file.shown} of {day.run_date}"
        for day in days
        for file in day.of_others(supplier)
        if file.size == size and sha256_of(s3, bucket, file.key) == sha256
    ]
