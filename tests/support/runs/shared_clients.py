"""One boto client for each service: making one takes as long as a small task's own work."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook


@contextmanager
def shared_clients() -> Iterator[None]:
    """Have all hooks of a connection use the same client of a service."""
    make = AwsGenericHook.get_client_type
    made: dict[Any, Any] = {}

    def shared(hook: Any, **options: Any) -> Any:
        key = hook.client_type, os.environ["AIRFLOW_CONN_AWS_DEFAULT"], str(options)
        if key not in made:
            made[key] = make(hook, **options)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AwsGenericHook, "get_client_type", shared)
        yield
