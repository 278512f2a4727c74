"""Talks to Airflow's REST API as a person's browser would: triggers a run, watches it to its end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx

POLL_SECONDS = 2.0
TASKS_AT_ONCE = 100
FINISHED = {"success", "failed"}
ENDED_TASKS = {"success", "failed", "skipped", "upstream_failed", "removed"}


class AirflowApi:
    """A running Airflow.

    Args:
        address: where its API server answers, e.g. `http://127.0.0.1:8080`.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        # The simple auth manager gives a token to anyone who asks, if it is set to take all for admins.
        token = httpx.get(f"{address}/auth/token").raise_for_status().json()["access_token"]
        self._client = httpx.Client(
            base_url=f"{address}/api/v2", headers={"Authorization": f"Bearer {token}"}, timeout=120
        )

    def knows(self, dag_id: str) -> bool:
        """Whether the DAG has been parsed."""
        return self._client.get(f"/dags/{dag_id}").status_code == httpx.codes.OK

    def import_errors(self) -> list[str]:
        """What keeps DAG files from being parsed."""
        found = self._get("/importErrors")["import_errors"]
        return [f"{entry['filename']}: {entry['stack_trace']}" for entry in found]

    def unpause(self, dag_id: str) -> None:
        """Let the DAG run."""
        self._client.patch(f"/dags/{dag_id}", json={"is_paused": False}).raise_for_status()

    def trigger(self, dag_id: str, run_date: date, **parameters: Any) -> str:
        """Start a run for a day, with its other parameters; returns its id."""
        self.unpause(dag_id)
        body = {"logical_date": None, "conf": {"run_date": run_date.isoformat()} | parameters}
        answer = self._client.post(f"/dags/{dag_id}/dagRuns", json=body).raise_for_status().json()
        return str(answer["dag_run_id"])

    def watch(self, dag_id: str, run_id: str, tell: Callable[[str], None]) -> str:
        """Wait for a run to end, telling how far it is; returns its state, `success` or `failed`."""
        while True:
            state = self._get(f"/dags/{dag_id}/dagRuns/{run_id}")["state"]
            tell(progress(self.tasks(dag_id, run_id)))
            if state in FINISHED:
                return str(state)
            time.sleep(POLL_SECONDS)

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """A run's task instances as Airflow describes them, by the hundred as it gives them."""
        found: list[dict[str, Any]] = []
        while True:
            path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
            page = self._get(path, limit=TASKS_AT_ONCE, offset=len(found))
            found += page["task_instances"]
            if not page["task_instances"] or len(found) >= page["total_entries"]:
                return found

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str, map_index: int = -1) -> Any:
        """What a task has left under a key; None if nothing."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        answer = self._client.get(path, params={"map_index": map_index})
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return answer.raise_for_status().json()["value"]

    def run_address(self, dag_id: str, run_id: str) -> str:
        """The run's page."""
        return f"{self.address}/dags/{dag_id}/runs/{run_id}"

    def _get(self, path: str, **parameters: int) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.get(path, params=parameters).raise_for_status().json()
        return answer


def progress(tasks: list[dict[str, Any]]) -> str:
    """A line on how far a run is: tasks ended, and which are running now."""
    ended = sum(task["state"] in ENDED_TASKS for task in tasks)
    running = Counter(task["task_id"].split(".")[-1] for task in tasks if task["state"] == "running")
    now = ", ".join(name if count == 1 else f"{name} ({count})" for name, count in running.items())
    return f"{ended} of {len(tasks)} tasks ended; running: {now or 'none'}"
