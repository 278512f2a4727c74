from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from stock_pipeline.feeds.release_notes import LONGEST_NAME, release_of, write_release_notes
from stock_pipeline.lake.locations import release_note_key
from tests.support.lake import Lake

DAY = date(2024, 8, 8)
SHA256 = "ab" * 32
PARAMETERS: dict[str, Any] = {
    "run_date": str(DAY),
    "release": ["BET"],
    "release_reason": "they moved",
    "released_by": "ann@seller.example",
    "release_files": {"BET": SHA256},
}


def releaser(lake: Lake, caller: str | None = "stock", *, asked: bool = False, **changed: Any) -> str:
    parameters = PARAMETERS | changed
    return release_of(lake, DAY, "BET", parameters, caller=caller, asked_by_airflow=asked).by


def test_who_is_signed_in_at_the_page_is_taken_at_its_word(lake: Lake) -> None:
    write_release_notes(lake, PARAMETERS)
    assert releaser(lake) == "ann@seller.example"


def test_who_answers_airflows_question_is_taken_at_airflows_word(lake: Lake) -> None:
    assert releaser(lake, asked=True) == "ann@seller.example"


@pytest.mark.parametrize(
    ("caller", "said", "by"),
    [
        ("eve", "ann@seller.example", "ann@seller.example, said by REST caller eve"),
        ("eve", "Ann\n\tSmith ", "Ann Smith, said by REST caller eve"),
        ("eve", "x" * 10_000, "x" * LONGEST_NAME + ", said by REST caller eve"),
        (None, "ann@seller.example", "ann@seller.example, said by a caller whom Airflow does not name"),
        ("eve", None, "eve"),
        ("eve", " \n", "eve"),
        (None, None, "a caller whom Airflow does not name"),
    ],
)
def test_any_other_name_is_what_a_caller_says(
    lake: Lake, caller: str | None, said: str | None, by: str
) -> None:
    assert releaser(lake, caller, released_by=said) == by


@pytest.mark.parametrize(
    "changed",
    [
        {"released_by": "bob@seller.example"},
        {"release_reason": "because"},
        {"release_files": {"BET": "cd" * 32}},
        {"release_files": {"BET": f"../{SHA256}"}},
        {"release_files": None},
    ],
)
def test_a_note_of_the_page_vouches_for_nothing_but_what_is_in_it(
    lake: Lake, changed: dict[str, Any]
) -> None:
    write_release_notes(lake, PARAMETERS)
    assert releaser(lake, **changed).endswith(", said by REST caller stock")


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b'["ann@seller.example"]'])
def test_a_note_that_cannot_be_read_vouches_for_nothing(lake: Lake, body: bytes) -> None:
    lake.put(release_note_key(DAY, "BET", SHA256), body)
    assert releaser(lake).endswith(", said by REST caller stock")
