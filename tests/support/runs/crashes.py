"""Tasks that are killed midway, at a chosen point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import aws_operators.glue
from aws_operators.glue_partitions import ensure_partitions

Patch = pytest.MonkeyPatch


class Killed(Exception):  # noqa: N818 - what happened, not a mistake
    """The worker is gone."""


def afterwards(function: Callable[..., Any], calls: int = 1) -> Callable[..., Any]:
    """The function, after whose n-th call the worker is gone."""
    left = [calls]

    def dying(*arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        left[0] -= 1
        if left[0] <= 0:
            raise Killed
        return result

    return dying


def in_register_snapshots(patch: Patch) -> None:
    def only_the_first(glue: Any, database: str, table: str, partitions: Any) -> Any:
        ensure_partitions(glue, database, table, partitions[:1])
        raise Killed

    patch.setattr(aws_operators.glue, "ensure_partitions", only_the_first)
