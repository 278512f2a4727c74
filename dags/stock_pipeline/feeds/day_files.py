"""The files staff upload, whose they are, and where those go that cannot be used."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from stock_pipeline.lake.uploaded import UploadedFile, uploaded_files
from stock_pipeline.suppliers import SuppliersFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


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
