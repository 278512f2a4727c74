"""The statements, rendered."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jinja2


def render(templates: jinja2.Environment, name: str, planned: dict[str, Any], try_number: int = 1) -> str:
    return templates.get_template(name).render(plan=planned, ti=SimpleNamespace(try_number=try_number))
