"""S3 objects on local disk: listed through S3's API, cached by content, linked into a query's folder."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import os
import shutil
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from local_aws.athena.errors import QueryFailedError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK = 1 << 20


@dataclasses.dataclass(frozen=True)
class StoredObject:
    """One object version: its bucket and key, the ETag that names its content, and its size in bytes."""

    bucket: str
    key: str
    etag: str
    size: int

    @property
    def uri(self) -> str:
        """The object's address, for messages."""
        return f"s3://{self.bucket}/{self.key}"


def split_uri(uri: str) -> tuple[str, str]:
    """Split `s3://bucket/prefix` into bucket and prefix; the prefix of a folder ends with a slash.

    Raises:
        QueryFailedError: if it is not an S3 address.
    """
    parts = urlsplit(uri, allow_fragments=False)
    if parts.scheme not in {"s3", "s3a", "s3n"} or not parts.netloc:
        raise QueryFailedError("INVALID_TABLE_PROPERTY", f"External location is not a valid S3 URI: {uri}")
    prefix = uri.split("://", 1)[1].partition("/")[2]
    return parts.netloc, prefix if not prefix or prefix.endswith("/") else prefix + "/"


def list_objects(s3: S3Client, location: str) -> list[StoredObject]:
    """List the data objects below a location, leaving out empty ones and names Athena hides (`_`, `.`).

    Raises:
        QueryFailedError: if the bucket is not there.
    """
    bucket, prefix = split_uri(location)
    try:
        return [
            StoredObject(bucket, item["Key"], item["ETag"], item["Size"])
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for item in page.get("Contents", [])
            if item["Size"] and not item["Key"].rsplit("/", 1)[-1].startswith(("_", "."))
        ]
    except ClientError as error:
        raise QueryFailedError("HIVE_METASTORE_ERROR", f"Cannot list {location}: {error}") from error


def location_is_empty(s3: S3Client, location: str) -> bool:
    """Tell whether no object at all is below a location."""
    bucket, prefix = split_uri(location)
    return not s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("KeyCount")


class ObjectCache:
    """A bounded folder of object contents, so that DuckDB reads files and memory holds none of them.

    A query gets hard links, so removing a cached file never takes it from a running query.

    Args:
        s3: client for the server's own S3.
        directory: where the files go; on the same file system as the queries' folders.
        limit: bytes kept before the least recently used are removed.
    """

    def __init__(self, s3: S3Client, directory: Path, limit: int) -> None:
        self._s3 = s3
        self._directory = directory
        self._limit = limit
        self._sizes: collections.OrderedDict[str, int] = collections.OrderedDict()
        self._lock = threading.Lock()
        self._fetching: collections.defaultdict[str, threading.Lock] = collections.defaultdict(threading.Lock)
        directory.mkdir(parents=True, exist_ok=True)

    def link(self, stored: StoredObject, target: Path) -> None:
        """Make `target` a hard link to the object's content, fetching it if it is not cached.

        Raises:
            QueryFailedError: HIVE_CANNOT_OPEN_SPLIT if the object went away.
        """
        name = hashlib.sha256(f"{stored.bucket}\n{stored.key}\n{stored.etag}".encode()).hexdigest()
        with self._lock:
            if name in self._sizes:
                self._sizes.move_to_end(name)
                os.link(self._directory / name, target)
                return
            fetching = self._fetching[name]
        with fetching:
            with self._lock:
                cached = name in self._sizes
            if not cached:
                size = self._fetch(stored, self._directory / name)
            with self._lock:
                if not cached:
                    self._sizes[name] = size
                os.link(self._directory / name, target)
                self._fetching.pop(name, None)
                self._evict()

    def _fetch(self, stored: StoredObject, path: Path) -> int:
        partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        try:
            response = self._s3.get_object(Bucket=stored.bucket, Key=stored.key, IfMatch=stored.etag)
            with partial.open("wb") as file:
                shutil.copyfileobj(response["Body"], file, _CHUNK)
            size = partial.stat().st_size
            partial.replace(path)
        except ClientError as error:
            # Overwritten or deleted between the listing and now: Athena fails here too.
            raise QueryFailedError(
                "HIVE_CANNOT_OPEN_SPLIT", f"Error opening Hive split {stored.uri}: {error}"
            ) from error
        finally:
            partial.unlink(missing_ok=True)
        return size

    def _evict(self) -> None:
        total = sum(self._sizes.values())
        while total > self._limit and len(self._sizes) > 1:
            name, size = self._sizes.popitem(last=False)
            (self._directory / name).unlink(missing_ok=True)
            total -= size
