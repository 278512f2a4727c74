"""The days of feeds, and real runs of the DAG."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.amazon.aws.operators.athena import AthenaOperator
from airflow.sdk import DAG
from airflow.sdk.bases.notifier import BaseNotifier

from tests.support.runs.checkpoint import Checkpoint
from tests.support.runs.days import FEW, FIRST, SECOND, Days, write_days
from tests.support.runs.local_run import LocalRun, own_params
from tests.support.runs.shared_clients import schemas_checked_once, shared_clients
from tests.support.runs.stack import Stack
from tests.support.runs.wholeness import new_run


@pytest.fixture(scope="session", autouse=True)
def _shared_by_all_tasks() -> Iterator[None]:
    with shared_clients(), schemas_checked_once():
        yield


@pytest.fixture(scope="session")
def days(tmp_path_factory: pytest.TempPathFactory) -> Days:
    return write_days(tmp_path_factory.mktemp("days"))


@pytest.fixture(scope="session")
def daily_stock(dag_bag: DagBag) -> DAG:
    dag = dag_bag.dags["daily_stock"]
    for task in dag.tasks:
        if isinstance(task, AthenaOperator):
            cast("Any", task).sleep_time = 0.1  # between two looks at a statement which takes that long
    return dag


@pytest.fixture(scope="module")
def real_run_of(airflow_database: None, stack: Stack) -> Callable[..., Any]:
    """Run a DAG by `dag.test`; returns the run."""
    call = BaseNotifier.__call__

    def on_a_copy(self: BaseNotifier, *arguments: Any) -> None:
        # A notifier keeps what it rendered. On a worker each task instance has its own.
        call(copy.deepcopy(self), *arguments)

    def run(dag: DAG, **conf: Any) -> Any:
        with own_params(dag), pytest.MonkeyPatch.context() as patch:
            patch.setattr(BaseNotifier, "__call__", on_a_copy)
            return dag.test(run_conf=conf)

    return run


@pytest.fixture(scope="module")
def real_run(daily_stock: DAG, real_run_of: Callable[..., Any]) -> Callable[..., Any]:
    """Run the daily DAG by `dag.test`; returns the run."""
    return functools.partial(real_run_of, daily_stock)


@pytest.fixture(scope="module")
def after_first_day(daily_stock: DAG, stack: Stack, days: Days) -> Checkpoint:
    """The tables after the first day's run for `FEW`, with both days' feeds uploaded."""
    days.upload_tables(stack)
    days.upload_feeds(stack)
    run = LocalRun(daily_stock, {"run_date": str(FIRST), "suppliers": list(FEW)}).go()
    assert run.failed == {}
    return Checkpoint.take(stack)


@pytest.fixture
def prepared(after_first_day: Checkpoint) -> Stack:
    """The stack as it was after the first day."""
    after_first_day.restore()
    return after_first_day.stack


@pytest.fixture(scope="module")
def after_second_day(daily_stock: DAG, after_first_day: Checkpoint) -> Checkpoint:
    """The tables after both days' runs, to which nothing happened."""
    after_first_day.restore()
    assert new_run(daily_stock).go().failed == {}
    return Checkpoint.take(after_first_day.stack)


@pytest.fixture
def published(after_second_day: Checkpoint) -> Stack:
    """The stack as it was after the second day."""
    after_second_day.restore()
    return after_second_day.stack


@pytest.fixture(scope="module")
def undisturbed(after_second_day: Checkpoint) -> dict[str, bytes]:
    """The upload files of the second day's run when nothing happens to it."""
    after_second_day.restore()
    return after_second_day.stack.uploads(SECOND)
