"""Single objects of the bucket."""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def put(s3: S3Client, bucket: str, key: str, body: bytes) -> None:
    """Write an object."""
    s3.put_object(Bucket=bucket, Key=key, Body=body)


def sha256_of(s3: S3Client, bucket: str, key: str) -> str:
    """The SHA-256 of an object, as hexadecimal text."""
    digest = hashlib.sha256()
    for chunk in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks():
        digest.update(chunk)
    return digest.hexdigest()


def parquet(table: pl.DataFrame) -> bytes:
    """A table as Parquet; the same rows give the same bytes."""
    body = BytesIO()
    table.write_parquet(body, compression="zstd")
    return body.getvalue()
