"""The files staff upload, whose they are, and where those go that cannot be used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.uploaded import UploadedFile, uploaded_files
from stock_pipeline.suppliers import SuppliersFile


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
    def of_day(cls, lake: Lake, suppliers: SuppliersFile, run_date: date) -> Uploads:
        """List the files of a day."""
        files: dict[str, list[UploadedFile]] = defaultdict(list)
        unrecognised = []
        for file in uploaded_files(lake, run_date):
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


def same_content(lake: Lake, supplier: str, days: Iterable[Uploads], *, size: int, sha256: str) -> list[str]:
    """Name the files of other suppliers on some days that are the same to the byte.

    Args:
        lake: the bucket and the catalog.
        supplier: whose file it is.
        days: the files of the days to look at.
        size: of the file, in bytes.
        sha256: of the file, as hexadecimal text.
    """
    return [
        f"{file.shown} of {day.run_date}"
        for day in days
        for file in day.of_others(supplier)
        if file.size == size and lake.sha256(file.key) == sha256
    ]
