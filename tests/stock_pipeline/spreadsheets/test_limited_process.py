"""A process with limits: whatever a request does to it is an answer, and what is our own fault is not."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import ChildDied, ChildFault
from stock_pipeline.spreadsheets import limited_process
from stock_pipeline.spreadsheets.limited_process import LimitedProcess, Limits

ANSWER = "tests.support.strangers:answer"
LIMITS = Limits(memory_bytes=200 << 20, cpu_seconds=60, seconds=120.0, file_bytes=1 << 20)


@pytest.fixture
def process() -> Iterator[LimitedProcess]:
    with LimitedProcess(ANSWER, LIMITS) as process:
        yield process


def test_requests_are_answered_in_order_by_one_process(process: LimitedProcess) -> None:
    answers = [process.ask({"number": number}) for number in range(3)]
    assert [answer["number"] for answer in answers] == [0, 1, 2]
    assert len({answer["process"] for answer in answers}) == 1


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"do": "abort"}, "SIGABRT"),
        ({"do": "kill", "signal": "SIGKILL"}, "SIGKILL"),
        ({"do": "kill", "signal": "SIGSEGV"}, "SIGSEGV"),
        ({"do": "exit"}, "exit code 3"),
        ({"do": "allocate", "bytes": 1 << 30}, "MemoryError"),
        ({"do": "recurse"}, "RecursionError"),
        ({"do": "write", "path": "large", "bytes": 2 << 20}, "OSError"),
        ({"do": "talk", "bytes": 8 << 20}, "answer of more than"),
    ],
    ids=str,
)
def test_what_ends_the_process_is_told_as_its_death(
    process: LimitedProcess, request_: dict[str, Any], words: str
) -> None:
    assert process.ask({"number": 1})["number"] == 1
    with pytest.raises(ChildDied, match=words):
        process.ask(request_)


@pytest.mark.parametrize(
    ("what", "limits", "words"),
    [
        ("hang", Limits(200 << 20, cpu_seconds=60, seconds=1.0, file_bytes=1), "no answer within 1 s"),
        ("spin", Limits(200 << 20, cpu_seconds=1, seconds=250.0, file_bytes=1), "more than 1 s"),
    ],
)
def test_a_request_that_does_not_end_is_ended(what: str, limits: Limits, words: str) -> None:
    with LimitedProcess(ANSWER, limits) as process, pytest.raises(ChildDied, match=words):
        process.ask({"do": what})


def test_each_request_has_its_own_time() -> None:
    """Processor time adds up over the requests of a process; only the newest counts."""
    with LimitedProcess(ANSWER, Limits(200 << 20, cpu_seconds=3, seconds=250.0, file_bytes=1)) as process:
        for _ in range(40):
            process.ask({"do": "allocate", "bytes": 150 << 20})


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"do": "fail"}, "KeyError: 'a fault of ours'"),
        ({"do": "kill", "signal": "SIGTERM"}, "stopped by SIGTERM"),
        ({"do": "kill", "signal": "SIGINT"}, "stopped by SIGINT"),
    ],
    ids=str,
)
def test_what_is_not_the_request_s_fault_is_no_death(
    process: LimitedProcess, request_: dict[str, Any], words: str
) -> None:
    with pytest.raises(ChildFault, match=words):
        process.ask(request_)


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU], ids=lambda it: it.name
)
def test_a_signal_ends_it_also_if_its_parent_ignores_that_signal(number: signal.Signals) -> None:
    kept = signal.signal(number, signal.SIG_IGN)
    try:
        with (
            LimitedProcess(ANSWER, LIMITS) as process,
            pytest.raises((ChildDied, ChildFault), match=r"stopped by|it took more than"),
        ):
            process.ask({"do": "kill", "signal": number.name})
    finally:
        signal.signal(number, kept)


@pytest.mark.parametrize("function", ["tests.support.strangers:missing", "no_such_module:answer"])
def test_a_process_that_cannot_start_is_a_fault(function: str) -> None:
    with LimitedProcess(function, LIMITS) as process, pytest.raises(ChildFault, match="could not be started"):
        process.ask({"number": 1})


def test_no_process_at_all_is_an_error_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(FileNotFoundError):
        LimitedProcess(ANSWER, LIMITS)


def test_the_process_knows_no_settings_and_no_credentials(
    process: LimitedProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AIRFLOW_CONN_AWS_DEFAULT", "AIRFLOW__CORE__FERNET_KEY"):
        monkeypatch.setenv(name, "secret")
    with LimitedProcess(ANSWER, LIMITS) as other:
        found = other.ask({"do": "environment"})
    own = {*limited_process.KEPT_VARIABLES, *limited_process.OWN_VARIABLES, "TMPDIR", "PYTHONPATH"}
    assert set(found["environment"]) <= own
    assert found["core"] == 0


def test_it_starts_wherever_the_caller_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder with a module of the name of one it needs."""
    (tmp_path / "json.py").write_text("raise RuntimeError")
    monkeypatch.chdir(tmp_path)
    with LimitedProcess(ANSWER, LIMITS) as process:
        assert process.ask({"number": 1})["number"] == 1


def test_what_it_says_last_is_logged_and_no_more_than_that(
    process: LimitedProcess, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(ChildDied):
        process.ask({"do": "exit"})
    assert 1_000 < len(caplog.text) < 2 * limited_process.LOGGED_BYTES
    assert "\x1b" not in caplog.text


def test_it_leaves_no_process_and_no_file_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with LimitedProcess(ANSWER, LIMITS) as process:
        pid = process.ask({"number": 1})["process"]
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
