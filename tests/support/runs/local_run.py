"""Runs of a DAG without Airflow's database: Airflow's task runner on the real tasks, XComs in a dictionary.

Everything a task does happens as on a worker (rendering, retry policy, callbacks), in a tenth of the time
that `dag.test` takes. What the scheduler decides is imitated for the trigger rules in use.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import structlog
from airflow.sdk import DAG, TaskInstanceState, TriggerRule
from airflow.sdk.api.datamodels._generated import DagRun, TIRunContext
from airflow.sdk.exceptions import ErrorType
from airflow.sdk.execution_time import comms, task_runner
from airflow.sdk.execution_time.supervisor import set_supervisor_comms

SUCCESS = TaskInstanceState.SUCCESS.value

Key = tuple[str, int]
"""A task instance: the task's id and its map index, -1 if it has none."""


class _Comms:
    """Answers what tasks ask of their supervisor."""

    def __init__(self, run: LocalRun) -> None:
        self._run = run

    def send(self, msg: Any) -> Any:
        match msg:
            case comms.GetXCom():
                index = -1 if msg.map_index is None else msg.map_index
                return comms.XComResult(key=msg.key, value=self._run.xcoms.get((msg.task_id, index, msg.key)))
            case comms.GetXComSequenceSlice():
                found = [
                    (index, value)
                    for (task_id, index, key), value in self._run.xcoms.items()
                    if (task_id, key) == (msg.task_id, msg.key)
                ]
                return comms.XComSequenceSliceResult(
                    root=[value for _, value in sorted(found, key=lambda entry: entry[0])]
                )
            case comms.SetXCom():
                index = -1 if msg.map_index is None else msg.map_index
                self._run.xcoms[msg.task_id, index, msg.key] = msg.value
            case comms.GetTaskStates():
                names = {
                    task_id if index < 0 else f"{task_id}_{index}": state
                    for (task_id, index), state in self._run.states.items()
                }
                return comms.TaskStatesResult(task_states={self._run.dag_run.run_id: names})
            case comms.GetDRCount():
                return comms.DRCount(count=self._run.running.count(msg.dag_id))
            case comms.GetTICount():
                return comms.TICount(count=len(self._run.result("plan_run") or []))
            case comms.ValidateInletsAndOutlets():
                return comms.InactiveAssetsResult(inactive_assets=[])
            case comms.TriggerDagRun() | comms.GetDag():
                return self._other_dag(msg)
            case comms.GetVariable() | comms.GetConnection():
                missing = ErrorType.VARIABLE_NOT_FOUND
                return comms.ErrorResponse(error=missing, detail={"message": str(msg)})
        return comms.OKResponse(ok=True)

    def _other_dag(self, msg: Any) -> Any:
        if isinstance(msg, comms.GetDag):
            return comms.DagResult.model_construct(dag_id=msg.dag_id, is_paused=False)
        if any(msg.run_id == other.run_id for other in self._run.triggered):
            return comms.ErrorResponse(error=ErrorType.DAGRUN_ALREADY_EXISTS)
        self._run.triggered.append(msg)
        return comms.OKResponse(ok=True)


@contextmanager
def own_params(dag: DAG) -> Iterator[None]:
    """Give the DAG its parameters back, into which a run writes its values. On a worker they end with it."""
    holders: list[Any] = [dag, *dag.tasks]
    kept = [holder.params for holder in holders]
    for holder in holders:
        holder.params = copy.deepcopy(holder.params)
    try:
        yield
    finally:
        for holder, params in zip(holders, kept, strict=True):
            holder.params = params


class LocalRun:
    """One run of a DAG.

    Args:
        dag: the DAG.
        conf: the parameters of a manual run.
        logical_date: of the run, or None for a run that has none.
        run_after: when it was triggered; now if None.
        run_id: to run on in a run of that name, as a cleared run does.
        run_type: `manual` or `scheduled`.

    Attributes:
        running: ids of the DAGs of which another run is going on.
        triggered: what runs of other DAGs it started.
    """

    def __init__(
        self,
        dag: DAG,
        conf: dict[str, Any] | None = None,
        *,
        logical_date: datetime | None = None,
        run_after: datetime | None = None,
        run_id: str | None = None,
        run_type: str = "manual",
    ) -> None:
        # The tests' days begin with lists that there is nothing to compare with.
        if conf is not None and "accept_first" in dag.params:
            conf = {"accept_first": True, **conf}
        self.dag = dag
        self.running: list[str] = []
        self.tries: Counter[Key] = Counter()
        self.states: dict[Key, str] = {}
        self.errors: dict[Key, BaseException] = {}
        self.messages: dict[Key, Any] = {}
        self.rendered: dict[Key, Any] = {}
        self.xcoms: dict[tuple[str, int, str], Any] = {}
        self.triggered: list[Any] = []
        self._is_supervised = False
        self.dag_run = DagRun(
            dag_id=dag.dag_id,
            run_id=run_id or f"{run_type}__{uuid4()}",
            logical_date=logical_date,
            data_interval_start=logical_date,
            data_interval_end=logical_date,
            run_after=run_after or logical_date or datetime.now(UTC),
            start_date=datetime.now(UTC),
            end_date=None,
            run_type=run_type,  # type: ignore[arg-type]
            state="running",  # type: ignore[arg-type]
            conf=conf,
            consumed_asset_events=[],
            partition_key=None,
        )

    def instance(self, task_id: str, map_index: int = -1, try_number: int = 1) -> Any:
        """A task instance as the task runner has it."""
        task = copy.copy(self.dag.get_task(task_id))
        # A notifier keeps what it rendered. On a worker each instance has its own.
        task.on_success_callback = copy.deepcopy(task.on_success_callback)
        return task_runner.RuntimeTaskInstance.model_construct(
            id=uuid4(),
            task_id=task_id,
            dag_id=self.dag.dag_id,
            run_id=self.dag_run.run_id,
            try_number=try_number,
            dag_version_id=uuid4(),
            map_index=map_index,
            task=task,
            _ti_context_from_server=TIRunContext(dag_run=self.dag_run, max_tries=2, should_retry=True),
            max_tries=2,
            start_date=datetime.now(UTC),
            state=TaskInstanceState.RUNNING,
        )

    @contextmanager
    def supervised(self) -> Iterator[None]:
        """Where tasks find a supervisor to ask."""
        if self._is_supervised:
            yield
            return
        self._is_supervised = True
        try:
            with set_supervisor_comms(_Comms(self)), own_params(self.dag):
                yield
        finally:
            self._is_supervised = False

    def perform(self, task_id: str, map_index: int = -1) -> str:
        """Run a task instance, again if it ran before; returns the state it ends in."""
        key = task_id, map_index
        self.tries[key] += 1
        with self.supervised():
            ti = self.instance(task_id, map_index, self.tries[key])
            context = ti.get_template_context()
            log = structlog.get_logger(logger_name="task")
            state, message, error = task_runner.run(ti, context, log)
            context["exception"] = error
            task_runner.finalize(ti, state, context, log, error)
        self.states[key] = state.value
        self.messages[key] = message
        self.rendered[key] = ti.task
        if error is not None:
            self.errors[key] = error
        return state.value

    def result(self, task_id: str, map_index: int = -1, key: str = "return_value") -> Any:
        """What a task instance returned or pushed; None if it did not."""
        return self.xcoms.get((task_id, map_index, key))

    def go(self, start: str | None = None, stop: str | None = None) -> LocalRun:
        """Run all tasks in order, once each, or a part of them; what would be retried counts as failed.

        With a start it is what clearing that task with its downstream does.
        """
        order = [task.task_id for task in self.dag.topological_sort()]
        start, stop = start or order[0], stop or order[-1]
        cleared = set(order[order.index(start) :])
        self.states = {key: state for key, state in self.states.items() if key[0] not in cleared}
        self.errors = {key: error for key, error in self.errors.items() if key[0] not in cleared}
        self.xcoms = {key: value for key, value in self.xcoms.items() if key[0] not in cleared}
        with self.supervised():
            for task_id in order[order.index(start) : order.index(stop) + 1]:
                for index in self._indexes(task_id):
                    self._schedule(self.dag.get_task(task_id), index)
        return self

    def _indexes(self, task_id: str) -> list[int]:
        """The map indexes of a task's instances; a mapped one has one for each thing it is expanded over."""
        # Of a DAG with a task group, each instance of the group is for one of the things planned.
        if "." in task_id:
            return list(range(len(self.result("plan_run") or [])))
        task = self.dag.get_task(task_id)
        if not task.is_mapped:
            return [-1]
        (over,) = task.upstream_task_ids
        things = range(len(self.result(over) or []))
        if not things:
            self.states[task_id, -1] = "skipped"
        return list(things)

    @property
    def state(self) -> str:
        """What the run ends in: what its last task does."""
        return self.states[self.dag.topological_sort()[-1].task_id, -1]

    @property
    def failed(self) -> dict[Key, str]:
        """The instances that did not succeed though no one skipped them, with the reason of each."""
        bad = {"failed", "up_for_retry"}
        return {key: str(self.errors.get(key)) for key, state in self.states.items() if state in bad}

    def _schedule(self, task: Any, index: int) -> None:
        before = [
            state
            for (task_id, other), state in self.states.items()
            if task_id in task.upstream_task_ids and (other in {-1, index} or index < 0)
        ]
        ready = {
            TriggerRule.ALL_SUCCESS: all(state == SUCCESS for state in before),
            TriggerRule.ALL_DONE: True,
            TriggerRule.NONE_FAILED: all(state in {SUCCESS, "skipped"} for state in before),
            TriggerRule.ALL_DONE_MIN_ONE_SUCCESS: SUCCESS in before,
        }
        if not ready[task.trigger_rule]:
            skipped = all(state in {SUCCESS, "skipped"} for state in before)
            self.states[task.task_id, index] = "skipped" if skipped else "upstream_failed"
            return
        if self.perform(task.task_id, index) == "up_for_retry":
            self.states[task.task_id, index] = "failed"
