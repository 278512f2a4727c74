"""Waits for a file until a time of day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pendulum
from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor
from airflow.sdk import timezone
from airflow.sdk.exceptions import AirflowSensorTimeout, AirflowSkipException


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

    def _skip(self) -> None:
        raise AirflowSkipException(f"No {self.bucket_key} in {self.bucket_name} by {self.deadline}")
