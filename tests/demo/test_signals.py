"""Signals become an exception, in their own time."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest

from demo.signals import ENDING, Signals, StoppedError


@pytest.fixture
def signals() -> Iterator[Signals]:
    before = {number: signal.getsignal(number) for number in ENDING}
    yield Signals()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_is_raised_with_the_exit_code_a_shell_gives(
    signals: Signals, number: int, code: int
) -> None:
    signals.listen()
    with pytest.raises(StoppedError) as caught:
        os.kill(os.getpid(), number)
    assert caught.value.exit_code == code


def test_it_waits_until_what_may_not_be_torn_is_done(signals: Signals) -> None:
    signals.listen()
    done = []
    with pytest.raises(StoppedError), signals.held():  # noqa: PT012 - the end of the block is what raises
        with signals.held():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("inner")
        done.append("outer")
    assert done == ["inner", "outer"]


def test_one_that_a_library_swallowed_is_raised_at_the_next_look(signals: Signals) -> None:
    signals.listen()
    with contextlib.suppress(StoppedError):
        os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StoppedError):
        signals.check()


def test_what_fails_because_of_a_signal_is_the_signal_s_doing(signals: Signals) -> None:
    signals.listen()
    with pytest.raises(StoppedError), signals.foremost():  # noqa: PT012 - a library that turns it into its own
        with contextlib.suppress(StoppedError):
            os.kill(os.getpid(), signal.SIGINT)
        raise RuntimeError("the child has ended")
    with pytest.raises(RuntimeError), Signals().foremost():
        raise RuntimeError("all by itself")


def test_once_the_end_has_begun_nothing_interrupts_it(signals: Signals) -> None:
    signals.listen()
    signals.ignore()
    for number in ENDING:
        os.kill(os.getpid(), number)


def test_nohup_is_heeded(signals: Signals) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signals.listen()
    os.kill(os.getpid(), signal.SIGHUP)


def test_a_terminal_that_was_closed_counts_as_a_signal(
    signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.isatty", lambda _: True)
    watching = Signals()
    watching.check()
    monkeypatch.setattr("os.isatty", lambda _: False)
    with pytest.raises(StoppedError) as caught:
        watching.check()
    assert caught.value.number == signal.SIGHUP
    signals.check()
