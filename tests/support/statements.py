"""The statements, rendered."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jinja2


def render(templates: jinja2.Environment, name: str, planned: dict[str, Any], try_number: int = 1) -> str:
    ti = SimpleNamespace(try_number=try_number, xcom_pull=lambda task_ids: {"plan_table": planned}[task_ids])
    return templates.get_template(name).render(ti=ti)
