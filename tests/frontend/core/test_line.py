from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from frontend.core.line import Line, ordinal

SECONDS = 30


class Person:
    """Someone who is in a queue, in their own thread until they are let go."""

    def __init__(self, line: Line, threads: ThreadPoolExecutor) -> None:
        self.places: list[int] = []
        self.waiting = threading.Event()
        self.is_in = threading.Event()
        self.may_go = threading.Event()
        self.gives_up = False
        self.done: Future[None] = threads.submit(self._stand, line)

    def _stand(self, line: Line) -> None:
        with line.turn(self._told):
            self.waiting.set()
            self.is_in.set()
            assert self.may_go.wait(SECONDS)

    def _told(self, place: int) -> None:
        self.places.append(place)
        self.waiting.set()
        if self.gives_up:
            raise RuntimeError("closed the page")

    def arrives(self) -> Person:
        assert self.waiting.wait(SECONDS)
        return self


@contextmanager
def people(line: Line, number: int) -> Iterator[list[Person]]:
    """People who come one after the other; all go in the end."""
    with ThreadPoolExecutor(number) as threads:
        came = [Person(line, threads).arrives() for _ in range(number)]
        yield came
        for person in came:
            person.may_go.set()


def test_all_get_their_turn_in_the_order_they_came_and_know_their_place() -> None:
    with people(Line(2), 5) as came:
        assert [person.is_in.is_set() for person in came] == [True, True, False, False, False]
        assert [person.places[0] for person in came[2:]] == [1, 2, 3]
        came[1].may_go.set()
        assert came[2].is_in.wait(SECONDS)
        assert not came[3].is_in.is_set()
    for person in came:
        assert person.done.result(SECONDS) is None
        assert person.places == sorted(person.places, reverse=True)


def test_who_gives_up_leaves_the_line_and_keeps_nobody_waiting() -> None:
    with people(Line(1), 3) as came:
        came[1].gives_up = True
        with pytest.raises(RuntimeError, match="closed the page"):
            came[1].done.result(SECONDS)
        came[0].may_go.set()
        assert came[2].is_in.wait(SECONDS)


def test_a_turn_that_fails_is_free_again() -> None:
    line = Line(1)
    with pytest.raises(ZeroDivisionError), line.turn(lambda _: None):
        _ = 1 / 0
    with line.turn(lambda _: pytest.fail("it is free")):
        pass


@pytest.mark.parametrize(
    ("place", "words"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st")],
)
def test_a_place_is_told_as_people_say_it(place: int, words: str) -> None:
    assert ordinal(place) == words
