"""Single objects of the bucket."""

from __future__ import annotations

from io import BytesIO

import polars as pl


def parquet(table: pl.DataFrame) -> bytes:
    """A table as Parquet; the same rows give the same bytes."""
    body = BytesIO()
    table.write_parquet(body, compression="zstd")
    return body.getvalue()
