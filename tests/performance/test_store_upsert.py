"""A file of changes merged into the store table equals what polars computes; the large one is run by hand."""

from __future__ import annotations

from pathlib import Path

from local_aws.server import LocalAws
from tests.performance.store_upsert import measure


def test_the_merged_store_is_row_for_row_what_polars_makes_of_the_files(
    local_aws: LocalAws, tmp_path: Path
) -> None:
    took = measure(local_aws.endpoint_url, tmp_path, total=60_000, changes=20_000, stores=3)
    assert took.equal
    assert took.sorted
    assert took.read_peak_mb < 400
