"""What happened to a run: all went well, a person is needed, or something failed that should not have."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from demo.airflow_api import AirflowApi

CONCLUDING = "conclude"
AUDITING = "audit"


@dataclass(frozen=True)
class Outcome:
    """A run that has ended.

    Attributes:
        dag_id: of what.
        day: the day it was for.
        address: its page in Airflow.
        state: `success` or `failed`, as Airflow has it.
        attention: sentences on what needs attention.
        broken: names of tasks that failed though the data gave them no reason to.
    """

    dag_id: str
    day: date
    address: str
    state: str
    attention: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """How it ended, in a few words."""
        if self.broken:
            return f"failed: {', '.join(self.broken)}"
        return "ended well" if self.state == "success" else "ended; a person is needed (Airflow shows it red)"


def outcome(api: AirflowApi, dag_id: str, run_id: str, day: date, state: str) -> Outcome:
    """Find out what happened to a run that has ended."""
    failed = [task for task in api.tasks(dag_id, run_id) if task["state"] == "failed"]
    summary = api.xcom(dag_id, run_id, "summarise", "return_value") or {}
    broken = [_name(task) for task in failed if not _needs_person(api, dag_id, run_id, task)]
    if state != "success" and not failed:
        broken.append("none of its tasks was run")
    told = set(summary.get("failed_tasks", []))
    attention = [
        *summary.get("concerns", []),
        *(f"task {name} failed: see its log" for name in broken if name not in told),
    ]
    return Outcome(dag_id, day, api.run_address(dag_id, run_id), state, attention, broken)


def _needs_person(api: AirflowApi, dag_id: str, run_id: str, task: dict[str, Any]) -> bool:
    """Whether a task failed only to say that the data needs attention.

    The last one does whenever there is something to look at. An audit does if it came to figures; without
    them Athena failed.
    """
    name: str = task["task_id"].split(".")[-1]
    if name == AUDITING:
        return api.xcom(dag_id, run_id, task["task_id"], "checks", task["map_index"]) is not None
    return name == CONCLUDING


def _name(task: dict[str, Any]) -> str:
    of = task.get("rendered_map_index")
    return f"{task['task_id']} of {of}" if of else task["task_id"]
