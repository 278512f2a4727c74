"""What a run is given to release something, and what it refuses."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from stock_pipeline.errors import NeedsPersonError
from stock_pipeline.releases import check_release, release_parameters, stated_reason

GIVEN = release_parameters(date(2024, 8, 1), {"BGA": "0" * 64}, by="ann", reason=" I rang them ")


def test_a_run_is_given_who_releases_which_file_and_why() -> None:
    assert GIVEN == {
        "run_date": "2024-08-01",
        "suppliers": ["BGA"],
        "release": ["BGA"],
        "release_reason": "I rang them",
        "released_by": "ann",
        "release_files": {"BGA": "0" * 64},
    }


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_a_release_without_a_reason_is_refused(text: str | None) -> None:
    with pytest.raises(NeedsPersonError, match="Give a reason for the release"):
        stated_reason(text)


@pytest.mark.parametrize(
    "changed",
    [{}, {"release_files": None}, {"release": [], "release_files": {}, "release_reason": None}],
    ids=["as the page asks", "by hand", "nothing"],
)
def test_what_can_be_released_passes(changed: dict[str, Any]) -> None:
    check_release(GIVEN | changed, ["APE", "BGA"])


@pytest.mark.parametrize(
    ("changed", "suppliers", "message"),
    [
        ({}, ["APE"], "release names BGA, but this run is for APE"),
        ({"release_reason": " "}, ["BGA"], "Give a reason"),
        ({"release_files": {"APE": "0" * 64}}, ["BGA"], "a checksum for each supplier"),
    ],
)
def test_what_cannot_be_released_is_refused(
    changed: dict[str, Any], suppliers: list[str], message: str
) -> None:
    with pytest.raises(NeedsPersonError, match=message):
        check_release(GIVEN | changed, suppliers)
