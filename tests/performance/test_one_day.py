"""A day's feeds fit a small worker. How quickly they are read is what `make bench` says."""

from __future__ import annotations

from pathlib import Path

from benchmarks import one_day


def test_a_day_of_feeds_is_read_in_little_memory(tmp_path: Path) -> None:
    took = one_day.in_child("pipeline", one_day.make_day(tmp_path, scale=1.0))
    # Over what the process holds with everything imported; two workbooks at once take some 70 MB.
    assert took["peak_mb"] - took["before_mb"] < 200
