"""The bucket and its catalog as one thing, and the few ways in which everything reads and writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from stock_pipeline.lake.tables import Table

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        CopySourceTypeDef,
        HeadObjectOutputTypeDef,
        ObjectIdentifierTypeDef,
        ObjectTypeDef,
        ObjectVersionTypeDef,
    )

MISSING = {"404", "NoSuchKey", "NoSuchVersion"}
"""S3's codes for an object, or a version of one, that is not there."""
DELETED_AT_ONCE = 1000
"""How many objects S3 deletes in one call."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A registered partition: its key values in order, and its `s3://` folder."""

    values: tuple[str, ...]
    location: str


@dataclass(frozen=True, slots=True)
class Lake:
    """One bucket and the Glue database over it.

    Attributes:
        s3, glue: boto3 clients.
        bucket: name of the bucket.
        database: name of the database.
    """

    s3: S3Client
    glue: GlueClient
    bucket: str
    database: str

    def url(self, key: str) -> str:
        """The `s3://` address of an object or a folder."""
        return f"s3://{self.bucket}/{key}"

    def location(self, table: Table, *values: str) -> str:
        """The `s3://` folder of a partition, as the catalog has it."""
        return self.url(table.folder(*values))

    def read(self, key: str, **more: Any) -> bytes:
        """The content of an object.

        Args:
            key: its key.
            more: further arguments of S3's `GetObject`, such as `VersionId`.

        Raises:
            ClientError: there is no such object.
        """
        return self.s3.get_object(Bucket=self.bucket, Key=key, **more)["Body"].read()

    def read_or_none(self, key: str) -> bytes | None:
        """The content of an object; None if there is none."""
        found = self.read_with_metadata(key)
        return found[0] if found else None

    def read_with_metadata(self, key: str) -> tuple[bytes, dict[str, str]] | None:
        """The content of an object with the metadata of the same version; None if there is none."""
        try:
            found = self.s3.get_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        return found["Body"].read(), found["Metadata"]

    def head(self, key: str, **more: Any) -> HeadObjectOutputTypeDef | None:
        """What S3 knows of an object, such as its metadata; None if there is none.

        Args:
            key: its key.
            more: further arguments of S3's `HeadObject`, such as `VersionId`.
        """
        try:
            return self.s3.head_object(Bucket=self.bucket, Key=key, **more)
        except ClientError as error:
            if is_missing(error):
                return None
            raise

    def sha256(self, key: str) -> str:
        """The SHA-256 of an object, as hexadecimal text."""
        digest = hashlib.sha256()
        for chunk in self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].iter_chunks():
            digest.update(chunk)
        return digest.hexdigest()

    def objects(self, prefix: str) -> Iterator[ObjectTypeDef]:
        """What S3 lists of the objects below a prefix, in the order of their keys."""
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            yield from page.get("Contents", [])

    def versions(self, prefix: str) -> Iterator[ObjectVersionTypeDef]:
        """Every version of the objects below a prefix, the newest of each first; without deletions."""
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix):
            yield from page.get("Versions", [])

    def put(self, key: str, body: bytes, **more: Any) -> str:
        """Write an object.

        Args:
            key: its key; an object that is there is replaced.
            body: its content.
            more: further arguments of S3's `PutObject`, such as `Metadata`.

        Returns:
            The object's `s3://` address.
        """
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **more)
        return self.url(key)

    def download(self, key: str, path: Path) -> None:
        """Bring an object to a file."""
        self.s3.download_file(self.bucket, key, str(path))

    def upload(self, path: Path, key: str) -> None:
        """Bring a file to an object."""
        self.s3.upload_file(str(path), self.bucket, key)

    def copy(
        self, source: str, target: str, *, version: str | None = None, metadata: dict[str, str] | None = None
    ) -> None:
        """Copy an object, or one of its versions, over another.

        Args:
            source: the key of what is copied.
            target: the key it is copied to.
            version: of the source; the newest if None.
            metadata: what the copy gets; that of the source if None.
        """
        extra = {} if metadata is None else {"Metadata": metadata, "MetadataDirective": "REPLACE"}
        copied: CopySourceTypeDef = {"Bucket": self.bucket, "Key": source}
        if version is not None:
            copied["VersionId"] = version
        self.s3.copy(copied, self.bucket, target, ExtraArgs=extra)

    def copy_aside(self, source: str, target: str, reason: str) -> str:
        """Copy a file that cannot be used, with the reason beside it as `.txt`; returns the copy's key."""
        self.copy(source, target)
        self.put(f"{target}.txt", f"{reason}\n".encode())
        return target

    def delete(self, key: str) -> None:
        """Delete an object, if there is one."""
        self.s3.delete_object(Bucket=self.bucket, Key=key)

    def delete_all(self, keys: Sequence[str]) -> list[str]:
        """Delete objects, a thousand a call; returns a sentence for each that S3 did not delete."""
        refused = []
        for start in range(0, len(keys), DELETED_AT_ONCE):
            some: list[ObjectIdentifierTypeDef] = [
                {"Key": key} for key in keys[start : start + DELETED_AT_ONCE]
            ]
            answer = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": some, "Quiet": True})
            refused += [f"{entry['Key']}: {entry['Code']}" for entry in answer.get("Errors", [])]
        return refused

    def partitions(self, table: str, expression: str = "") -> list[Partition]:
        """The registered partitions of a table, or those that a Glue filter expression selects."""
        pages = self.glue.get_paginator("get_partitions").paginate(
            DatabaseName=self.database, TableName=table, Expression=expression, ExcludeColumnSchema=True
        )
        return [
            Partition(tuple(entry["Values"]), entry.get("StorageDescriptor", {}).get("Location", ""))
            for page in pages
            for entry in page["Partitions"]
        ]

    def files_of(self, partition: Partition) -> list[str]:
        """The keys of the objects in a partition's folder."""
        folder = partition.location.removeprefix(self.url("")).rstrip("/") + "/"
        return [entry["Key"] for entry in self.objects(folder)]

    def drop_table(self, table: str) -> bool:
        """Remove a table's entry, not its objects; False if there is none."""
        try:
            self.glue.delete_table(DatabaseName=self.database, Name=table)
        except self.glue.exceptions.EntityNotFoundException:
            return False
        return True


def is_missing(error: ClientError) -> bool:
    """Whether S3 refused a call because the object is not there."""
    return error.response["Error"]["Code"] in MISSING
