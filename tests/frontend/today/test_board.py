from __future__ import annotations

import itertools
import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from frontend.core.airflow import Airflow, AirflowError
from frontend.today import board as module
from frontend.today.board import Board, NoPictureError, keep_fresh
from frontend.today.day import State
from frontend.today.messages import consume, take_messages
from frontend.today.page import REDRAWN_EVERY
from local_aws.faults import HANG, FaultMiddleware
from local_aws.server import LocalAws
from stock_pipeline.ebay.rollback import REPLACED_METADATA
from stock_pipeline.errors import SuppliersFileError
from stock_pipeline.lake import locations
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.locations import run_summary_key, stock_feed_report_key
from stock_pipeline.lake.publishing import RUN_DATE_METADATA
from stock_pipeline.lake.tables import EBAY
from stock_pipeline.suppliers import OTHER_FILE, load_suppliers
from tests.support.pages.day import DAY, FakeApi, put_report, run_entry, tell
from tests.support.runs.stack import Stack
from tests.support.waiting import until

NEVER = 3600.0
ORDINARY_STALE = module.STALE_SECONDS
_days = itertools.count(1)


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read again for its age alone, unless a test wants that."""
    monkeypatch.setattr(module, "STALE_SECONDS", NEVER)


@pytest.fixture
def day() -> date:
    """The test's own day."""
    return DAY + timedelta(days=next(_days))


@pytest.fixture
def board(stack: Stack, api: FakeApi) -> Board:
    return Board(stack.lake, Airflow(api), load_suppliers)


def state(board: Board, day: date, supplier: str = "APE") -> State:
    return next(line.state for line in board.day(day).suppliers if line.supplier == supplier)


def problems(board: Board, day: date) -> list[str]:
    """The first sentence of each problem of a day."""
    return [problem.partition(".")[0] for problem in board.day(day).problems]


def drain(stack: Stack, tell_day: Callable[[date], None]) -> list[int]:
    """Take all there is; returns how many messages each look found."""
    found: list[int] = []
    while not found or found[-1]:
        found.append(take_messages(stack.sqs, stack.queue_url, tell_day))
    return found


def test_a_message_brings_the_news_to_every_session_at_once(stack: Stack, board: Board, day: date) -> None:
    assert state(board, day) is State.ABSENT
    put_report(stack, "APE", "held", day)
    assert state(board, day) is State.ABSENT, "a look alone reads nothing"
    tell(stack, "APE", day)
    drain(stack, board.refresh)
    board.read_what_is_due()
    assert [state(board, day), state(board, day)] == [State.HELD, State.HELD]


def test_a_page_opened_late_shows_the_whole_day(stack: Stack, api: FakeApi, day: date) -> None:
    for supplier, verdict in {"APE": "accepted", "BET": "held", "COM": "missing"}.items():
        put_report(stack, supplier, verdict, day)
    late = Board(stack.lake, Airflow(api), load_suppliers)
    assert {line.supplier: line.state.value for line in late.day(day).suppliers[:4]} == {
        "APE": "accepted",
        "BET": "held",
        "BGA": "no file yet",
        "COM": "missing",
    }


def test_a_repeated_message_does_no_harm(stack: Stack, board: Board, day: date) -> None:
    put_report(stack, "APE", "rejected", day)
    for _ in range(3):
        tell(stack, "APE", day)
    drain(stack, board.refresh)
    board.read_what_is_due()
    first = board.day(day)
    board.refresh(day)
    board.read_what_is_due()
    assert board.day(day) == first


def test_a_lost_message_is_made_up_for(
    stack: Stack, board: Board, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert state(board, day) is State.ABSENT
    put_report(stack, "APE", "accepted", day)
    board.read_what_is_due()
    assert state(board, day) is State.ABSENT
    monkeypatch.setattr(module, "STALE_SECONDS", 0.0)
    board.read_what_is_due()
    assert state(board, day) is State.ACCEPTED


def test_while_a_run_is_at_work_it_is_asked_how_far_it_is(
    board: Board, api: FakeApi, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.runs = [run_entry(conf={"run_date": str(day)})]
    assert state(board, day) is State.WAITING
    api.tasks = [{"task_id": "feed.process_feed", "map_index": 0, "state": "running"}]
    monkeypatch.setattr(module, "STALE_SECONDS", 0.0)
    board.read_what_is_due()
    assert state(board, day) is State.PROCESSING


def test_the_verdicts_are_shown_without_airflow_and_its_silence_is_told(
    stack: Stack, board: Board, api: FakeApi, day: date
) -> None:
    put_report(stack, "APE", "held", day)
    api.fault = AirflowError("Airflow does not answer")
    assert state(board, day) is State.HELD
    assert board.day(day).problems == ("Airflow does not answer. Nothing is known of its runs yet.",)


def test_while_airflow_does_not_answer_a_run_is_shown_as_it_was(
    board: Board, api: FakeApi, day: date
) -> None:
    api.runs = [run_entry(conf={"run_date": str(day)})]
    assert state(board, day) is State.WAITING
    api.fault = AirflowError("Airflow does not answer")
    board.refresh(day)
    board.read_what_is_due()
    assert state(board, day) is State.WAITING
    assert board.day(day).problems


def test_a_report_that_has_not_changed_is_not_fetched_again(
    stack: Stack, board: Board, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_report(stack, "APE", "held", day)
    put_report(stack, "BET", "held", day)
    board.day(day)
    fetched: list[str] = []
    read = Lake.read

    def noted(lake: Lake, key: str) -> bytes:
        fetched.append(key)
        return read(lake, key)

    monkeypatch.setattr(Lake, "read", noted)
    put_report(stack, "BET", "accepted", day)
    board.refresh(day)
    board.read_what_is_due()
    assert [key.rpartition("/")[2] for key in fetched] == ["BET.json"]
    assert state(board, day, "BET") is State.ACCEPTED


def test_a_file_beside_a_held_workbook_does_not_hide_it(stack: Stack, board: Board, day: date) -> None:
    folder = locations.stock_feed_prefix(day)
    stack.put(f"{folder}APE.xlsx", b"a list")
    put_report(stack, "APE", "held", day)
    stack.put(f"{folder}APE.pdf", b"a price list")
    assert state(board, day) is State.HELD
    assert [line.supplier for line in board.day(day).held()] == ["APE"]


def test_files_that_belong_to_nobody_are_named(stack: Stack, board: Board, day: date) -> None:
    from stock_pipeline.lake.locations import stock_feed_prefix

    for name in ("APE_1.xlsx", "nobody.xlsx", "old/BET.xlsx"):
        stack.put(stock_feed_prefix(day) + name, b"")
    assert board.day(day).strangers == ("nobody.xlsx", "old/BET.xlsx")
    assert state(board, day) is State.UPLOADED
    assert state(board, day, "BET") is State.ABSENT


def test_a_day_that_nobody_looks_at_is_forgotten(
    board: Board, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    board.day(day)
    monkeypatch.setattr(module, "WATCHED_SECONDS", 0.0)
    board.read_what_is_due()
    assert not board._days


def test_what_is_no_message_of_the_pipeline_is_left_to_the_dead_letter_queue(stack: Stack) -> None:
    stack.sqs.send_message(QueueUrl=stack.queue_url, MessageBody="hello")
    tell(stack, "APE")
    told: list[date] = []
    drain(stack, told.append)
    assert told == [DAY]
    # Still there: it is only hidden until another look.
    attributes = stack.sqs.get_queue_attributes(
        QueueUrl=stack.queue_url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"]
    )["Attributes"]
    assert attributes == {"ApproximateNumberOfMessagesNotVisible": "1"}


def test_the_background_brings_a_message_to_the_page(
    stack: Stack, board: Board, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    from frontend.today import messages

    monkeypatch.setattr(messages, "WAIT_SECONDS", 1)
    stop = threading.Event()
    threads = [
        threading.Thread(target=keep_fresh, args=(board, stop)),
        threading.Thread(target=consume, args=(stack.sqs, stack.queue_url, board, stop)),
    ]
    for thread in threads:
        thread.start()
    try:
        assert state(board, day) is State.ABSENT
        put_report(stack, "APE", "held", day)
        tell(stack, "APE", day)
        until(lambda: state(board, day) is State.HELD)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_messages_that_do_not_arrive_are_told_and_asked_for_again(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontend.today.messages.RETRY_SECONDS", 0.0)
    stop = threading.Event()
    told: list[str | None] = []

    class Queue:
        def receive_message(self, **_: Any) -> Any:
            told.append(board.problem)
            if len(told) == 1:
                raise EndpointConnectionError(endpoint_url="http://queue.example")
            stop.set()
            return {}

    consume(Queue(), "queue", board, stop)  # type: ignore[arg-type]
    assert told[0] is None
    assert "Messages do not arrive" in (told[1] or "")
    assert board.problem is None


def test_a_days_picture_reads_its_reports_and_lists_the_rest(stack: Stack, board: Board, day: date) -> None:
    read: list[str] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        read.append(params["query_string"].get("prefix") or params["url_path"].split("/", 2)[-1])

    put_report(stack, "APE", "held", day)
    stack.s3.meta.events.register("before-call.s3", note, unique_id="note")
    try:
        board.day(day)
    finally:
        stack.s3.meta.events.unregister("before-call.s3", unique_id="note")
    assert {key.partition("/")[0] for key in read} == {"reports", "stock_feed", "ebay"}
    assert len(read) == 5


def test_a_new_supplier_is_on_the_board_without_a_restart(
    stack: Stack, board: Board, day: date, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "suppliers.yaml"
    text = Path(os.environ[OTHER_FILE]).read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv(OTHER_FILE, str(path))
    stack.put(f"{locations.stock_feed_prefix(day)}ACM_1.xlsx", b"a list")
    assert "ACM" not in {line.supplier for line in board.day(day).suppliers}
    assert list(board.day(day).strangers) == ["ACM_1.xlsx"]

    path.write_text(f"{text}\n  ACM: {{headers: [[Part]], code_column: 1, rule: {{kind: listed}}}}\n")
    board.refresh(day)
    board.read_what_is_due()
    assert "ACM" in {line.supplier for line in board.day(day).suppliers}
    assert not board.day(day).strangers

    path.write_text("suppliers: {")  # as an editor may leave it for a moment
    board.refresh(day)
    board.read_what_is_due()
    assert "ACM" in {line.supplier for line in board.day(day).suppliers}
    with pytest.raises(SuppliersFileError):
        board.day(day + timedelta(days=1))


@pytest.fixture
def faults(local_aws: LocalAws) -> Iterator[FaultMiddleware]:
    """The local AWS's faults, all gone at the end."""
    yield local_aws.faults
    local_aws.faults.clear()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("InternalError", "AWS does not answer as it should (InternalError)"),
        ("AccessDenied", "AWS refuses (AccessDenied)"),
    ],
)
def test_while_aws_fails_the_day_is_shown_as_it_was_with_its_age(
    stack: Stack, board: Board, day: date, faults: FaultMiddleware, error: str, words: str
) -> None:
    put_report(stack, "APE", "held", day)
    assert state(board, day) is State.HELD
    faults.add("s3", "ListObjectsV2", error)
    board.refresh(day)
    board.read_what_is_due()
    picture = board.day(day)
    assert state(board, day) is State.HELD
    (problem,) = picture.problems
    assert problem.startswith(words)
    assert "What is shown of the day's feeds and the table is of " in problem
    assert problem.endswith(" seconds ago.")
    faults.clear()
    board.refresh(day)
    board.read_what_is_due()
    assert board.day(day).problems == ()


def test_while_aws_hangs_the_page_does_not(
    stack: Stack,
    board: Board,
    api: FakeApi,
    day: date,
    faults: FaultMiddleware,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.0)
    put_report(stack, "APE", "held", day)
    assert state(board, day) is State.HELD
    fault = faults.add("s3", "ListObjectsV2", HANG)
    board.refresh(day)
    board.read_what_is_due(wait_seconds=0)
    assert fault.reached.wait(20)
    assert state(board, day) is State.HELD
    # Airflow answers, but may need a moment.
    until(lambda: problems(board, day) == ["AWS does not answer"], lambda: problems(board, day))
    # Airflow is asked all the same.
    api.runs = [run_entry(conf={"run_date": str(day)})]
    board.refresh(day)
    board.read_what_is_due(wait_seconds=0)
    until(lambda: board.day(day).run is not None)


def test_a_day_of_which_nothing_is_known_says_that_aws_does_not_answer(
    stack: Stack, board: Board, day: date, faults: FaultMiddleware, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_LOOK_SECONDS", 0.2)
    fault = faults.add("s3", "ListObjectsV2", HANG)
    with pytest.raises(NoPictureError, match="AWS does not answer, so nothing is known"):
        board.day(day)
    assert fault.reached.wait(20)
    faults.clear()
    put_report(stack, "APE", "held", day)

    def held() -> bool:
        board.refresh(day)
        board.read_what_is_due()
        try:
            return state(board, day) is State.HELD
        except NoPictureError:
            return False

    until(held)


def test_a_report_that_cannot_be_read_is_told_and_hides_no_other_day(
    stack: Stack, board: Board, day: date
) -> None:
    put_report(stack, "APE", "held", day)
    board.day(day)
    stack.put(stock_feed_report_key(day, "BET"), b"{")
    board.refresh(day)
    board.read_what_is_due()
    assert state(board, day) is State.HELD
    assert "cannot be read (ValidationError)" in board.day(day).problems[0]


def test_an_outage_is_told_within_five_seconds() -> None:
    assert module.FIRST_LOOK_SECONDS < 5
    # Asked at the latest after that long, then waited for, then drawn; a quarter second for the loop.
    assert ORDINARY_STALE + 0.25 + module.PATIENCE_SECONDS + REDRAWN_EVERY <= 5


def put_store(stack: Stack, store: str, day: date, **metadata: str) -> None:
    stack.s3.put_object(
        Bucket=stack.bucket,
        Key=EBAY.key(store),
        Body=day.isoformat().encode(),
        Metadata={RUN_DATE_METADATA: day.isoformat()} | metadata,
    )


def test_after_a_rollback_the_page_says_what_is_published_now(stack: Stack, board: Board, day: date) -> None:
    summary = {"run_date": str(day), "run_id": "1", "feeds": [], "published": True, "changed": {"AMS": 3}}
    stack.put(run_summary_key(day), json.dumps(summary).encode())
    put_store(stack, "AMS", day)
    put_store(stack, "PG", day)
    assert board.day(day).published == f"Published now is the table of {day:%d %B %Y}."
    assert "The table is published" in board.day(day).table

    earlier = day - timedelta(days=2)
    put_store(stack, "AMS", earlier, **{REPLACED_METADATA: "v1"})
    board.refresh(day)
    board.read_what_is_due()
    assert board.day(day).published.startswith(
        f"Published now are the table of {day:%d %B %Y} for PG, and the table of {earlier:%d %B %Y} for AMS. "
        "A rollback put it there for AMS on "
    )

    put_store(stack, "PG", earlier, **{REPLACED_METADATA: "v1"})
    board.refresh(day)
    board.read_what_is_due()
    picture = board.day(day)
    assert picture.published.startswith(
        f"Published now is the table of {earlier:%d %B %Y}. A rollback put it there on "
    )
    assert "no longer the one in force" in picture.table
