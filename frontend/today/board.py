"""The one picture of each day that all sessions of this server look at, kept fresh in the background.

A message says only that something has happened for a day: the picture is read from S3 again, where the
report lay before the message was sent. So a repeated message costs a listing, and a lost one is made up for
within `STALE_SECONDS`. That holds too if several server processes share the queue and each gets some.

AWS and Airflow are asked side by side, and no page waits for either: it shows what was known last, says since
when it has not been confirmed, and by whom.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import date, datetime

from frontend.core.airflow import Airflow, AirflowError, Run
from frontend.core.aws import OUTAGE, outage_in_words
from frontend.core.settings import LONDON
from frontend.today.day import Day, Facts, Stored, StoredSummary, Upload, picture
from frontend.today.published import PublishedStore, published_stores
from stock_pipeline.daily_summary.summary import RunSummary
from stock_pipeline.errors import NeedsPersonError
from stock_pipeline.feeds.day_files import Uploads
from stock_pipeline.feeds.report import FeedReport
from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake
from stock_pipeline.suppliers import SuppliersFile

log = logging.getLogger(__name__)

DAG_ID = "daily_stock"
AWS, AIRFLOW = "AWS", "Airflow"

STALE_SECONDS = 2.0
"""How old a picture that someone looks at may become without a message: an outage makes none, and a task
of Airflow's that begins makes none either. It takes a few listings, and only while someone looks."""

PATIENCE_SECONDS = 1.5
"""After so long without an answer the pages say so. With `STALE_SECONDS` and the time until a page is drawn
again, that is within five seconds."""

FIRST_LOOK_SECONDS = 3.0
"""For how long a page waits for a day of which nothing is known yet."""

WATCHED_SECONDS = 60.0
"""For how long after the last look a day counts as looked at."""

READERS = 8


class NoPictureError(NeedsPersonError):
    """Nothing is known of a day, because AWS has not answered yet."""


@dataclass
class _Source:
    """What one of the two has been asked for a day.

    Attributes:
        asking: the last question.
        asked_at, answered_at: when it was asked, and when one was answered last, in seconds of the monotonic
            clock.
        answered: the same as a time of day; None before the first answer.
        fault: why the last question was not answered, as a sentence without its full stop; None if it was.
        refusal: the same, where it is a fault that someone has to mend.
        news: whether something has happened since it was asked.
    """

    asking: Future[None] | None = None
    asked_at: float = 0.0
    answered_at: float = 0.0
    answered: datetime | None = None
    fault: str | None = None
    refusal: NeedsPersonError | None = None
    news: bool = False

    @property
    def open(self) -> bool:
        """Whether it has yet to answer."""
        return self.asking is not None and not self.asking.done()

    def problem(self, name: str, shown: str) -> str | None:
        """What the pages have to say if it does not answer; `shown` is what they show of it."""
        now = time.monotonic()
        late = self.open and now - self.asked_at > PATIENCE_SECONDS
        if not late and self.fault is None:
            return None
        words = f"{self.fault or f'{name} does not answer'}."
        if self.answered is None:
            return f"{words} Nothing is known of {shown} yet."
        age = _age(now - self.answered_at)
        when = f"{self.answered:%H:%M:%S}, {age} ago"
        return f"{words} What is shown of {shown} is of {when}."


@dataclass
class _Watched:
    """A day that someone looks at.

    Attributes:
        looked_at: when someone last did, in seconds of the monotonic clock.
        sources: who is asked for it, by name.
        facts: what AWS told last.
        codes: the suppliers there were then.
        runs: as Airflow told of them last.
        documents: what the reports hold, by key, each with the entity tag it had.
    """

    looked_at: float
    sources: dict[str, _Source] = field(default_factory=lambda: {AWS: _Source(), AIRFLOW: _Source()})
    facts: Facts | None = None
    codes: tuple[str, ...] = ()
    runs: list[Run] = field(default_factory=list)
    documents: dict[str, tuple[str, Stored | StoredSummary]] = field(default_factory=dict)


class Board:
    """The pictures of the days. All its methods may be called from any thread.

    Args:
        lake: the bucket and the catalog.
        airflow: where runs are.
        suppliers: gives the suppliers file as it is now, which may change while the server runs.
    """

    def __init__(
        self,
        lake: Lake,
        airflow: Airflow,
        suppliers: Callable[[], SuppliersFile],
    ) -> None:
        self._lake = lake
        self._airflow = airflow
        self._suppliers = suppliers
        self._days: dict[date, _Watched] = {}
        self._published: Mapping[str, PublishedStore] = {}
        self._lock = threading.Lock()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="board")
        self._askers = ThreadPoolExecutor(READERS, thread_name_prefix="board_asks")
        self.wake = threading.Event()
        self.problem: str | None = None
        """Why no messages arrive, if they do not."""

    def day(self, day: date) -> Day:
        """A day's picture: at once if someone has looked at it lately, else read first.

        Raises:
            NoPictureError: AWS has told nothing of the day yet, and does not answer.
        SuppliersFileError: the suppliers file cannot be used, and nothing of the day was known before.
        """
        with self._lock:
            watched = self._days.setdefault(day, _Watched(looked_at=0.0))
            lately = time.monotonic() - watched.looked_at < WATCHED_SECONDS
            watched.looked_at = time.monotonic()
        if not lately:
            for name in watched.sources:
                self._ask(day, watched, name)
        self._await_first(watched)
        aws, airflow = watched.sources[AWS], watched.sources[AIRFLOW]
        if watched.facts is None:
            if aws.refusal:
                raise aws.refusal
            raise NoPictureError(
                f"{aws.fault or f'{AWS} does not answer'}, so nothing is known of {day:%d %B %Y}. It is "
                "asked again and again, and the day is shown as soon as it answers."
            )
        problems = (
            aws.problem(AWS, "the day's feeds and the table"),
            airflow.problem(AIRFLOW, "its runs"),
            self.problem,
        )
        facts = watched.facts
        known = Facts(
            facts.uploads,
            facts.reports,
            facts.summary,
            watched.runs,
            facts.published,
            facts.strangers,
            tuple(filter(None, problems)),
        )
        return picture(day, watched.codes, known)

    def refresh(self, day: date) -> None:
        """Something has happened for a day: have its picture read again soon, if anybody looks at it."""
        with self._lock:
            if watched := self._days.get(day):
                for source in watched.sources.values():
                    source.news = True
        self.wake.set()

    def read_what_is_due(self, wait_seconds: float = 30.0) -> None:
        """Read again the pictures that are too old; forget those at which no one looks.

        Args:
            wait_seconds: for how long to wait until they are read.
        """
        now = time.monotonic()
        with self._lock:
            for day in [
                day for day, watched in self._days.items() if now - watched.looked_at > WATCHED_SECONDS
            ]:
                del self._days[day]
            due = [
                (day, watched, name)
                for day, watched in self._days.items()
                for name, source in watched.sources.items()
                if source.news or now - source.asked_at > STALE_SECONDS
            ]
        wait([self._ask(*entry) for entry in due], timeout=wait_seconds)

    def _await_first(self, watched: _Watched) -> None:
        """Wait for what was never answered yet, but not for long."""
        for source in watched.sources.values():
            if source.answered is None and source.asking:
                left = source.asked_at + FIRST_LOOK_SECONDS - time.monotonic()
                wait([source.asking], timeout=max(0.0, left))

    def _ask(self, day: date, watched: _Watched, name: str) -> Future[None]:
        """Ask AWS or Airflow for a day, unless it has yet to answer the last question."""
        readers: dict[str, Callable[[date, _Watched], None]] = {AWS: self._read_aws, AIRFLOW: self._read_runs}
        source = watched.sources[name]
        with self._lock:
            if source.asking is None or source.asking.done():
                # Cleared before reading: news that comes meanwhile has it read once more.
                source.news = False
                source.asked_at = time.monotonic()
                source.asking = self._askers.submit(self._answer, source, readers[name], day, watched)
            return source.asking

    @staticmethod
    def _answer(
        source: _Source, read: Callable[[date, _Watched], None], day: date, watched: _Watched
    ) -> None:
        try:
            read(day, watched)
        except OUTAGE as error:
            log.warning("The picture of %s cannot be read: %s", day, error)
            source.fault = f"{AWS} {outage_in_words(error)}"
        except NeedsPersonError as error:
            source.fault, source.refusal = str(error).rstrip("."), error
        except AirflowError as error:
            source.fault = str(error).rstrip(".?")
        except Exception as error:
            # Were it lost with its thread, the pages would show an old picture as if it were a new one.
            log.exception("The picture of %s cannot be read", day)
            source.fault = f"What it told cannot be read ({type(error).__name__}): see the page's log"
        else:
            source.fault = source.refusal = None
            source.answered_at = time.monotonic()
            source.answered = datetime.now(LONDON)

    def _read_aws(self, day: date, watched: _Watched) -> None:
        suppliers = self._suppliers()
        uploads, strangers = self._uploads(day, suppliers)
        reports, summary = self._documents(day, watched)
        self._published = published_stores(self._lake, self._published)
        watched.codes = tuple(suppliers.suppliers)
        watched.facts = Facts(uploads, reports, summary, (), self._published, strangers)

    def _read_runs(self, day: date, watched: _Watched) -> None:
        runs = [run for run in self._airflow.recent_runs(DAG_ID) if run.run_date == day]
        watched.runs = [self._airflow.with_tasks(run) if run.active else run for run in runs]

    def _uploads(self, day: date, suppliers: SuppliersFile) -> tuple[dict[str, Upload], list[str]]:
        uploads = Uploads.of_day(self._lake, suppliers, day)
        counting = {code: file for code in uploads.files if (file := uploads.counting(code))}
        return (
            {code: Upload(file.shown, file.last_modified) for code, file in counting.items()},
            [file.shown for file in uploads.unrecognised],
        )

    def _documents(self, day: date, watched: _Watched) -> tuple[dict[str, Stored], StoredSummary | None]:
        """The day's reports and its summary; only those that changed are fetched."""
        summary_key = locations.run_summary_key(day)
        found: dict[str, tuple[str, datetime]] = {}
        for prefix in (locations.stock_feed_report_key(day, "").rpartition("/")[0] + "/", summary_key):
            for entry in self._lake.objects(prefix):
                if entry["Key"].endswith(".json"):
                    found[entry["Key"]] = entry["ETag"], entry["LastModified"]
        known = watched.documents
        changed = [key for key, (tag, _) in found.items() if key not in known or known[key][0] != tag]
        bodies = dict(zip(changed, self._readers.map(self._lake.read, changed), strict=True))
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


def keep_fresh(board: Board, stop: threading.Event) -> None:
    """Read again what is due, whenever a message wakes it and a few times a second, until `stop` is set."""
    while not stop.is_set():
        board.wake.wait(timeout=0.25)
        board.wake.clear()
        # Not waited for: anyone who does not answer must not keep the other from being asked.
        board.read_what_is_due(wait_seconds=0)


def _age(seconds: float) -> str:
    """A span of time for people."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.0f} hours"
