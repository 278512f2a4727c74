"""The corpus itself: every case builds, and says of its file what openpyxl finds in it."""

import pytest

from tests.support import oracle
from tests.support.workbooks import CASES
from tests.support.workbooks.case import Case
from tests.support.workbooks.making import MEGABYTE

# What openpyxl reads otherwise than a person with Excel would.
BEYOND_THE_ORACLE = {
    "hidden_first_sheet_with_old_stock",  # it does not ask whether a sheet is hidden
    "stray_cell_in_the_far_corner",  # it reads row by row, so that no number of cells hurts it
    "chart_first",  # it counts only sheets with cells
    "row_twice",  # it takes both
    "rows_of_nothing_to_the_end",  # it makes a row of each
    "rows_out_of_order",  # it takes them as they come
    "sheet_in_utf_16",  # it knows the encoding
    "strict_open_xml",  # it does not know the namespace
}

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
readable = pytest.mark.parametrize(
    "case",
    [case for case in CASES if not case.bomb and case.name not in BEYOND_THE_ORACLE],
    ids=lambda case: case.name,
)


def test_the_registry_is_sound():
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))
    assert set(names) > BEYOND_THE_ORACLE
    for case in CASES:
        assert case.supplier in oracle.LAYOUTS
        assert (case.expected is None) == (case.verdict == "rejected"), case.name
        assert all(word == word.lower() for word in case.reason_words)


@every_case
def test_every_case_builds_a_small_file(case: Case, tmp_path):
    path = tmp_path / "feed.xlsx"
    case.build(path)
    assert path.stat().st_size < 8 * MEGABYTE


@readable
def test_the_oracle_finds_what_the_case_says(case: Case, tmp_path):
    path = tmp_path / "feed.xlsx"
    case.build(path)
    try:
        feed = oracle.read_feed(path, case.supplier)
    except oracle.NotAFeed as error:
        verdict, reason = "rejected", str(error)
    else:
        verdict, reason = oracle.verdict_of(feed)
        if case.expected is not None:
            assert feed.quantities() == case.expected
    assert verdict == case.verdict, reason
    assert not case.reason_words or any(word in reason for word in case.reason_words)
