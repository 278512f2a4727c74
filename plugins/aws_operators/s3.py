"""Waits for a file until a time of day."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import cached_property
from typing import Any

import pendulum
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor
from airflow.providers.amazon.aws.triggers.s3 import S3KeyTrigger
from airflow.sdk import timezone
from airflow.sdk.exceptions import AirflowSensorTimeout, AirflowSkipException, TaskDeferred


class S3FolderHook(S3Hook):
    """Sees the files of a folder, and not those in its subfolders, which a `*` would match."""

    def iter_file_metadata(self, prefix: str, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Yield what is known of each file whose key begins with the prefix and has no slash behind it."""
        found = super().iter_file_metadata(prefix, *args, **kwargs)
        return (entry for entry in found if "/" not in entry["Key"][len(prefix) :])

    async def get_file_metadata_async(
        self, client: Any, bucket_name: str, key: str | None = None
    ) -> AsyncIterator[Any]:
        """Yield the same in the triggerer, of what comes before the first wildcard of a key."""
        prefix = re.split(r"[\[*?]", key or "", maxsplit=1)[0]
        async for entry in super().get_file_metadata_async(client, bucket_name, key):
            if "/" not in entry["Key"][len(prefix) :]:
                yield entry


class S3FolderKeyTrigger(S3KeyTrigger):
    """Waits for a file of a folder, and not of its subfolders."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Name this class and its arguments."""
        return f"{__name__}.{type(self).__name__}", super().serialize()[1]

    @cached_property
    def hook(self) -> S3FolderHook:
        """Make the hook that passes over subfolders."""
        return S3FolderHook(
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            config=self.botocore_config,
        )


class S3KeyDeadlineSensor(S3KeySensor):
    """Waits for a key until a point in time, and is skipped if none has come by then.

    The provider's sensor knows only a duration fixed when the DAG is parsed, so it can neither wait until
    nine o'clock whenever the run began, nor not wait at all on a run for a past day. It waits in the
    triggerer and holds no worker slot.

    Args:
        deadline: until when to wait, in ISO format. Once it has passed, the key is looked for just once.
            (templated)
        time_zone: of a deadline without an offset; the DAG's own if it is not given.
        kwargs: as for `S3KeySensor`.
    """

    template_fields: Sequence[str] = (*S3KeySensor.template_fields, "deadline")
    aws_hook_class = S3FolderHook

    def __init__(self, *, deadline: str, time_zone: str | None = None, **kwargs: Any) -> None:
        super().__init__(deferrable=True, **kwargs)
        self.deadline = deadline
        self.time_zone = time_zone

    def execute(self, context: Any) -> None:
        """Look once; if there is nothing, wait in the triggerer for as long as is left."""
        zone = pendulum.timezone(self.time_zone) if self.time_zone else context["dag"].timezone
        deadline = timezone.parse(self.deadline, timezone=zone)
        self.timeout = deadline.timestamp() - timezone.utcnow().timestamp()
        if self.timeout > 0:
            self.log.info("Waiting until %s", deadline)
            super().execute(context)
        elif not self.poke(context):
            self._skip()

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """End the wait; a time-out is no failure here, anything else that went wrong is."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowSensorTimeout:
            self._skip()

    def _defer(self) -> None:
        """Wait as the provider's sensor does, but for files of the folder only."""
        try:
            super()._defer()
        except TaskDeferred as deferral:
            deferral.trigger = S3FolderKeyTrigger(**deferral.trigger.serialize()[1])
            raise

    def _skip(self) -> None:
        raise AirflowSkipException(f"No {self.bucket_key} in {self.bucket_name} by {self.deadline}")
