"""The one picture of each day that all sessions of this server look at, kept fresh in the background.

A message says only that something has happened for a day: the picture is read from S3 again, where the
report lay before the message was sent. So a repeated message costs a listing, and a lost one is made up for
within `STALE_SECONDS`. That holds too if several server processes share the queue and each gets some.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from frontend.services.airflow import Airflow, AirflowError, Run
from frontend.services.day import Day, Facts, Stored, StoredSummary, Upload, picture
from stock_pipeline import locations
from stock_pipeline.feed_files import uploaded_files
from stock_pipeline.report import FeedReport
from stock_pipeline.run_summary import RunSummary
from stock_pipeline.suppliers import SuppliersFile, SuppliersFileError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger(__name__)

DAG_ID = "daily_stock"
STALE_SECONDS = 30.0
"""How old a picture that somebody looks at may become without a message."""

BUSY_SECONDS = 3.0
"""The same while a run is at work, because Airflow tells nobody that a task has begun."""

WATCHED_SECONDS = 60.0
"""For how long after the last look a day counts as looked at."""

READERS = 8


@dataclass
class _Watched:
    """A day that somebody looks at.

    Attributes:
        picture: as it was read last.
        read_at, looked_at: moments of the monotonic clock.
        documents: what the reports hold, by key, each with the entity tag it had.
        runs: as Airflow told of them last.
        news: whether a message has come since the picture was read.
    """

    looked_at: float
    picture: Day | None = None
    read_at: float = 0.0
    news: bool = False
    runs: list[Run] = field(default_factory=list)
    documents: dict[str, tuple[str, Stored | StoredSummary]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Board:
    """The pictures of the days. All its methods may be called from any thread.

    Args:
        s3: client.
        bucket: the bucket.
        airflow: where runs are.
        suppliers: gives the suppliers file as it is now, which may change while the server runs.
        clock: gives seconds that never go back.
    """

    def __init__(
        self,
        s3: S3Client,
        bucket: str,
        airflow: Airflow,
        suppliers: Callable[[], SuppliersFile],
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._airflow = airflow
        self._suppliers = suppliers
        self._days: dict[date, _Watched] = {}
        self._lock = threading.Lock()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="board")
        self.wake = threading.Event()
        self.problem: str | None = None
        """Why no messages arrive, if they do not."""

    def day(self, day: date) -> Day:
        """A day's picture: at once if somebody has looked at it lately, else read first."""
        with self._lock:
            watched = self._days.setdefault(day, _Watched(looked_at=0.0))
            fresh = watched.picture is not None and time.monotonic() - watched.looked_at < WATCHED_SECONDS
            watched.looked_at = time.monotonic()
        if not fresh:
            self._read(day, watched)
        if watched.picture is None:
            raise AssertionError("a picture that was read is there")
        return watched.picture

    def refresh(self, day: date) -> None:
        """Something has happened for a day: have its picture read again soon, if anybody looks at it."""
        with self._lock:
            if watched := self._days.get(day):
                watched.news = True
        self.wake.set()

    def read_what_is_due(self) -> None:
        """Read again the pictures that are too old; forget those at which nobody looks."""
        now = time.monotonic()
        with self._lock:
            for day in [
                day for day, watched in self._days.items() if now - watched.looked_at > WATCHED_SECONDS
            ]:
                del self._days[day]
            due = [(day, watched) for day, watched in self._days.items() if self._is_due(watched, now)]
        for day, watched in due:
            try:
                self._read(day, watched)
            except (ClientError, BotoCoreError, SuppliersFileError):
                # Whoever looks sees how old the picture is, and a first look tells the fault itself.
                log.exception("The picture of %s cannot be read", day)
                watched.read_at = time.monotonic()

    @staticmethod
    def _is_due(watched: _Watched, now: float) -> bool:
        busy = watched.picture and watched.picture.run and watched.picture.run.active
        return watched.news or now - watched.read_at > (BUSY_SECONDS if busy else STALE_SECONDS)

    def _read(self, day: date, watched: _Watched) -> None:
        with watched.lock:
            # Cleared before reading: news that comes meanwhile has it read once more.
            watched.news = False
            suppliers = self._suppliers()
            uploads, strangers = self._uploads(day, suppliers)
            reports, summary = self._documents(day, watched)
            problems = []
            try:
                watched.runs = self._runs(day)
            except AirflowError as error:
                problems.append(f"How far a run is cannot be seen now: {error}")
            if self.problem:
                problems.append(self.problem)
            facts = Facts(uploads, reports, summary, watched.runs, strangers, problems)
            watched.picture = picture(day, suppliers.suppliers, facts)
            watched.read_at = time.monotonic()

    def _uploads(self, day: date, suppliers: SuppliersFile) -> tuple[dict[str, Upload], list[str]]:
        newest: dict[str, Upload] = {}
        strangers = []
        for file in uploaded_files(self._s3, self._bucket, day):
            supplier = None if file.in_subfolder else suppliers.supplier_of_file(file.name)
            if supplier is None:
                strangers.append(file.name)
            elif supplier.code not in newest or file.last_modified >= newest[supplier.code].uploaded:
                newest[supplier.code] = Upload(file.name, file.last_modified)
        return newest, strangers

    def _documents(self, day: date, watched: _Watched) -> tuple[dict[str, Stored], StoredSummary | None]:
        """The day's reports and its summary; only those that changed are fetched."""
        summary_key = locations.run_summary_key(day)
        found: dict[str, tuple[str, datetime]] = {}
        for prefix in (locations.stock_feed_report_key(day, "").rpartition("/")[0] + "/", summary_key):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            for entry in (entry for page in pages for entry in page.get("Contents", [])):
                if entry["Key"].endswith(".json"):
                    found[entry["Key"]] = entry["ETag"], entry["LastModified"]
        known = watched.documents
        changed = [key for key, (tag, _) in found.items() if key not in known or known[key][0] != tag]
        bodies = dict(zip(changed, self._readers.map(self._body, changed), strict=True))
        documents: dict[str, tuple[str, Stored | StoredSummary]] = {}
        for key, (tag, written) in found.items():
            if key not in bodies:
                documents[key] = known[key]
            elif key == summary_key:
                summary = RunSummary.model_validate_json(bodies[key])
                documents[key] = tag, StoredSummary(summary, written)
            else:
                documents[key] = tag, Stored(FeedReport.model_validate_json(bodies[key]), written)
        watched.documents = documents
        stored = [document for _, document in documents.values()]
        reports = {entry.report.supplier: entry for entry in stored if isinstance(entry, Stored)}
        return reports, next((entry for entry in stored if isinstance(entry, StoredSummary)), None)

    def _body(self, key: str) -> bytes:
        return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def _runs(self, day: date) -> list[Run]:
        runs = [run for run in self._airflow.recent_runs(DAG_ID) if run.run_date == day]
        return [self._airflow.with_tasks(run) if run.active else run for run in runs]


def keep_fresh(board: Board, stop: threading.Event) -> None:
    """Read again what is due, whenever a message wakes it and at least every second, until `stop` is set."""
    while not stop.is_set():
        board.wake.wait(timeout=1.0)
        board.wake.clear()
        board.read_what_is_due()
