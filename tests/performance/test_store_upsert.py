"""A file of changes merged into the store table equals what polars computes; `make bench` times it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.store_upsert import measure
from local_aws.server import LocalAws


def test_the_merged_store_is_row_for_row_what_polars_makes_of_the_files(
    local_aws: LocalAws, tmp_path: Path
) -> None:
    took = measure(local_aws.endpoint_url, tmp_path, total=60_000, changes=20_000, stores=3)
    assert took.equal
    assert took.sorted
    # Over what the process holds anyway; a million rows take some 200 MB more.
    assert took.read_peak_mb - took.read_before_mb < 200
