"""What tasks share in tests, because making it takes as long as a small task's own work."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
from jsonschema import Draft202012Validator


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


@contextmanager
def schemas_checked_once() -> Iterator[None]:
    """Check each parameter's schema the first time only; Airflow does at every look at its value."""
    check = Draft202012Validator.check_schema
    sound: set[str] = set()

    def checked(schema: Any, *arguments: Any, **options: Any) -> None:
        text = json.dumps(schema, sort_keys=True)
        if text not in sound:
            check(schema, *arguments, **options)
            sound.add(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Draft202012Validator, "check_schema", checked)
        yield
