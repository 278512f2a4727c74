"""As much of S3 as the upload files need, in memory: thousands of days take seconds."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from tests.support.lake import Lake


class MemoryS3:
    """One bucket, whatever it is called."""

    class exceptions:  # noqa: N801 - as on a client
        class NoSuchKey(ClientError):  # noqa: N818 - as on a client
            pass

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, dict[str, str]]] = {}

    def put_object(self, *, Key: str, Body: bytes, **extra: Any) -> None:  # noqa: N803 - as on a client
        if extra.get("IfNoneMatch") and Key in self.objects:
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")
        self.objects[Key] = (Body, extra.get("Metadata", {}))

    def get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - as on a client
        if Key not in self.objects:
            raise self.exceptions.NoSuchKey({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        body, metadata = self.objects[Key]
        return {"Body": BytesIO(body), "Metadata": metadata}

    def delete_object(self, *, Key: str, **_: Any) -> None:  # noqa: N803 - as on a client
        self.objects.pop(Key, None)

    def list_objects_v2(self, *, Prefix: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803 - as on a client
        return {"Contents": [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]}

    def get_paginator(self, _: str) -> Any:
        s3 = self

        class Pages:
            def paginate(self, **arguments: Any) -> Iterator[dict[str, Any]]:
                yield s3.list_objects_v2(**arguments)

        return Pages()

    def download_file(self, _: str, key: str, path: str) -> None:
        Path(path).write_bytes(self.objects[key][0])

    def upload_file(self, path: str, _: str, key: str) -> None:
        self.objects[key] = (Path(path).read_bytes(), {})


def memory_lake(folder: Path) -> Lake:
    """A lake whose bucket is in memory and which has no catalog."""
    from tests.support.lake import Lake

    return Lake.named("memory", cast("S3Client", MemoryS3()), cast("Any", None), folder)
