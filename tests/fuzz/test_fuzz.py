"""Whatever is sent, a feed ends in a verdict: no exception, no death, no hang, no memory without end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.campaign import Campaign
from tests.fuzz.reader import Reader

SEED = 1
WORKBOOKS = 1200


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return Campaign(tmp_path_factory.mktemp("fuzz"), SEED)


def test_every_mutated_workbook_ends_in_a_verdict(campaign: Campaign) -> None:
    found = campaign.run(range(WORKBOOKS))
    assert not found, "\n".join(map(str, found))
    # Some of each, or the workbooks are damaged beyond what can find anything.
    assert campaign.outcomes["accepted"] > WORKBOOKS / 10
    assert campaign.outcomes["rejected"] > WORKBOOKS / 10


def test_the_same_number_makes_the_same_workbook(campaign: Campaign, tmp_path: Path) -> None:
    again = Campaign(tmp_path, SEED)
    for number in range(50):
        assert campaign.make(number) == again.make(number)


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader()
    yield made
    made.close()


def test_a_file_at_which_the_reader_dies_or_hangs_is_found_out(
    reader: Reader, campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the campaign rests on: a death is noticed, named, and the next file is read all the same."""
    path = tmp_path / "feed.xlsx"
    path.write_bytes(campaign.make(0)[1])
    assert reader.read(path, "BGA").outcome in {"accepted", "rejected"}
    assert reader.read(tmp_path / "not_there.xlsx", "BGA").outcome == "error"
    reader.process.kill()
    assert reader.read(path, "BGA").outcome == "died"
    assert reader.read(path, "BGA").outcome in {"accepted", "rejected"}
    monkeypatch.setattr("tests.fuzz.reader.SECONDS", 0.0)
    assert reader.read(path, "BGA").outcome == "hung"
