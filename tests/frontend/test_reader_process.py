from __future__ import annotations

from typing import Any

from frontend.services.reader_process import ReaderDied, read_each

ANSWER = "tests.frontend.strangers:answer"


def numbers(answers: list[Any]) -> list[int | str]:
    return [str(entry) if isinstance(entry, ReaderDied) else entry["number"] for entry in answers]


def test_all_requests_are_answered_in_order_by_one_process() -> None:
    answers = list(read_each(ANSWER, [{"number": number} for number in range(3)]))
    assert numbers(answers) == [0, 1, 2]
    assert len({entry["process"] for entry in answers if isinstance(entry, dict)}) == 1


def test_a_file_that_brings_the_reader_down_is_told_and_the_others_are_read() -> None:
    requests = [{"number": 0}, {"number": 1, "abort": True}, {"number": 2}]
    first, died, last = numbers(list(read_each(ANSWER, requests)))
    assert (first, last) == (0, 2)
    assert "brought the reader down" in str(died)


def test_a_file_that_keeps_the_reader_busy_for_ever_is_given_up() -> None:
    requests = [{"number": 0, "hang": True}]
    (died,) = read_each(ANSWER, requests, seconds=2.0)
    assert isinstance(died, ReaderDied)


def test_whoever_stops_asking_leaves_no_process_behind() -> None:
    answers = read_each(ANSWER, [{"number": 0}, {"number": 1, "hang": True}])
    assert isinstance(next(answers), dict)
    answers.close()
