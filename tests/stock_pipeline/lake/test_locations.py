"""Every key is one that S3 takes."""

from __future__ import annotations

from datetime import date

import pytest

from stock_pipeline.lake import locations

DAY = date(2026, 10, 2)


def test_a_copy_in_quarantine_is_named_like_the_upload() -> None:
    assert locations.quarantine_key(DAY, "KYB_1.xlsx") == (
        "quarantine/stock_feed/year=2026/month=10/day=02/KYB_1.xlsx"
    )


@pytest.mark.parametrize("letter", ["x", "é", "库", "🚗"])
def test_the_copy_of_an_upload_with_the_longest_name_has_a_key(letter: str) -> None:
    folder = locations.stock_feed_prefix(DAY)
    room = 1024 - len(folder)
    names = [letter * (room // len(letter.encode())), "y" + letter * ((room - 1) // len(letter.encode()))]
    keys = [
        *(locations.quarantine_key(DAY, name) for name in names),
        *(locations.quarantined_key(f"{locations.STORE_FEEDS}{name}") for name in names),
    ]
    assert all(len(f"{key}.txt".encode()) <= 1024 for key in keys)
    assert len(set(keys)) == len(keys)
    assert all(key.startswith("quarantine/") for key in keys)
