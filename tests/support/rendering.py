"""Tasks of a run as Airflow renders them."""

from __future__ import annotations

import json
from typing import Any

from airflow.providers.amazon.aws.notifications.sns import SnsNotifier

from tests.support.runs.local_run import LocalRun


def sns(event: str) -> dict[str, str]:
    return {"message": json.dumps({"event": event}), "event": event}


def pushed(task_id: str, event: str, index: int = -1) -> dict[tuple[str, int, str], str]:
    """XComs of a task that has a message to send."""
    return {(task_id, index, key): value for key, value in sns(event).items()}


def rendered(run: LocalRun, task_id: str, index: int = -1) -> tuple[Any, list[dict[str, Any]]]:
    """The task with its template fields rendered, and those of its notifiers."""
    with run.supervised():
        ti = run.instance(task_id, index)
        context = ti.get_template_context()
        ti.task = ti.task.prepare_for_execution()
        context["task"] = ti.task
        ti.render_templates(context=context)
        told = []
        for notifier in ti.task.on_success_callback or []:
            assert isinstance(notifier, SnsNotifier)
            notifier.render_template_fields(context)
            told.append({name: getattr(notifier, name) for name in notifier.template_fields})
    return ti.task, told
