"""What holds for every DAG here."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import DAG, CronTriggerTimetable, ExceptionRetryPolicy, RetryAction
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import TimeRestriction

from stock_pipeline.errors import NeedsPersonError
from tests.support.dags import DAG_IDS, every_dag

DAGS = Path(__file__).parents[2] / "dags"
MANUAL = {"approve_feed", "prepare_tables", "rollback_ebay"}
"""DAGs without a schedule."""
ASKING = {"approve_feed"}
"""DAGs that only another DAG starts, a run for each thing it asks a person about."""
MAPPED = {"daily_stock", "weekly_store"}
LONGEST_DAG = 130
LONGEST_MODULE = 400
HEAVY = {"polars", "pyarrow", "pandas", "fastexcel", "openpyxl", "duckdb"}
RUNBOOK = ("**Reads**", "**Writes**", "**When a task is red**", "**Running")


@pytest.fixture
def dag(dag_bag: DagBag, dag_id: str) -> DAG:
    return dag_bag.dags[dag_id]


def test_the_bag_holds_exactly_these(dag_bag: DagBag) -> None:
    assert dag_bag.import_errors == {}
    assert set(dag_bag.dags) == DAG_IDS


@every_dag
def test_the_docs_are_a_runbook(dag: DAG) -> None:
    assert dag.doc_md
    assert dag.description
    assert [section for section in RUNBOOK if section not in dag.doc_md] == []


@every_dag
def test_the_runbook_names_tasks_and_parameters_that_exist(dag: DAG) -> None:
    named = {word.strip("`") for word in (dag.doc_md or "").split("`")[1::2]}
    tasks = {task.task_id.rpartition(".")[2] for task in dag.tasks}
    known = tasks | set(dag.params) | DAG_IDS | {"product", "store", "supplier_stock", "ebay"}
    assert {word for word in named if word.isidentifier()} - known == set()


def dag_as_scheduled(dag: DAG) -> SerializedDAG:
    """What the scheduler makes of it."""
    return DagSerialization.from_dict(DagSerialization.to_dict(dag))


@every_dag
def test_one_run_at_a_time_and_nothing_is_caught_up(dag: DAG) -> None:
    assert (dag.max_active_runs == 1) is (dag.dag_id not in ASKING)
    # The caller must not wait for someone to unpause it.
    assert (dag.is_paused_upon_creation is False) is (dag.dag_id in ASKING)
    assert dag.catchup is False
    assert dag.tags


scheduled_dag = pytest.mark.parametrize("dag_id", sorted(DAG_IDS - MANUAL))


@every_dag
def test_a_dag_is_either_scheduled_or_manual(dag: DAG) -> None:
    assert (not dag.timetable.can_be_scheduled) is (dag.dag_id in MANUAL)


@scheduled_dag
def test_schedules_are_london_time(dag: DAG) -> None:
    assert isinstance(dag.timetable, CronTriggerTimetable)
    assert str(dag.timetable.timezone) == "Europe/London"


@every_dag
def test_no_task_waits_for_a_start_date(dag: DAG) -> None:
    assert dag.start_date is None
    assert [task.task_id for task in dag.tasks if task.start_date] == []


@scheduled_dag
def test_unpausing_starts_nothing(dag: DAG) -> None:
    # A start date would: and a run dated before it has no tasks and succeeds.
    unrestricted = TimeRestriction(earliest=None, latest=None, catchup=False)
    first = dag_as_scheduled(dag).timetable.next_dagrun_info(
        last_automated_data_interval=None, restriction=unrestricted
    )
    assert (first is None) is (dag.dag_id in MANUAL)
    assert first is None or first.run_after > datetime.now(UTC)


@every_dag
def test_every_task_has_an_owner_a_limit_and_retries(dag: DAG) -> None:
    for task in dag.tasks:
        assert task.owner == "stock", task.task_id
        assert (task.retries or 0) >= 1, task.task_id
        # A person's answer has its own limit.
        limit = "response_timeout" if isinstance(task, HITLOperator) else "execution_timeout"
        assert getattr(task, limit), task.task_id
        assert task.retry_delay.total_seconds() > 0, task.task_id


@every_dag
def test_no_retry_of_what_needs_a_person(dag: DAG) -> None:
    for task in dag.tasks:
        policy = task.retry_policy
        assert isinstance(policy, ExceptionRetryPolicy), task.task_id
        for error in (NeedsPersonError("x"), type("Its", (NeedsPersonError,), {})("y")):
            assert policy.evaluate(error, 1, 2).action == RetryAction.FAIL, task.task_id
        assert policy.evaluate(OSError("away"), 1, 2).action != RetryAction.FAIL, task.task_id


@every_dag
def test_a_mapped_task_is_named_by_what_it_is_for(dag: DAG) -> None:
    mapped = [task for task in dag.tasks if task.is_mapped or task.get_closest_mapped_task_group()]
    assert bool(mapped) is (dag.dag_id in MAPPED)
    assert [task.task_id for task in mapped if not task.map_index_template] == []


@every_dag
def test_nothing_depends_on_the_run_before(dag: DAG) -> None:
    for task in dag.tasks:
        assert not task.depends_on_past, task.task_id
        assert not task.wait_for_downstream, task.task_id


@every_dag
def test_the_form_explains_itself_and_is_sent_as_it_is_by_the_schedule(dag: DAG) -> None:
    for name in dag.params:
        param = dag.params.get_param(name)
        assert param.description, name
        assert param.schema.get("type"), name
        # An empty plain string as the default disables the Trigger button.
        assert param.value != "", name
        assert isinstance(param.value, bool) is (param.schema["type"] == "boolean"), name
    if dag.dag_id not in MANUAL:
        assert dag.params.validate() is not None


def test_the_form_of_the_daily_run(dag_bag: DagBag) -> None:
    params = dag_bag.dags["daily_stock"].params
    assert params.dump() == {
        "run_date": None,
        "suppliers": [],
        "release": [],
        "release_reason": None,
        "released_by": None,
        "release_files": None,
        "accept_changes": [],
        "dry_run": False,
        "full_upload": False,
        "accept_first": False,
        "publish_older_date": False,
    }
    assert params.get_param("run_date").schema["format"] == "date"
    for name, example in {"suppliers": "BGA", "release": "BGA", "accept_changes": "RTG_FPS"}.items():
        assert example in params.get_param(name).schema["examples"]


def test_the_form_of_a_rollback_demands_the_date_and_the_reason(dag_bag: DagBag) -> None:
    params = dag_bag.dags["rollback_ebay"].params
    assert {name for name in params if not params.get_param(name).has_value} == {"table_date", "reason"}
    assert params.get_param("table_date").schema["format"] == "date"
    assert "RTG_FPS" in params.get_param("stores").schema["examples"]


def dag_files() -> list[Path]:
    return sorted([*DAGS.glob("*.py"), *(DAGS / "stock_airflow").rglob("*.py")])


def lines_of_code(path: Path) -> int:
    """Lines without the module's docstring, which in a DAG file is the runbook."""
    text = path.read_text(encoding="utf-8")
    docstring = ast.parse(text).body[0]
    return len(text.splitlines()) - (docstring.end_lineno or 0)


@pytest.mark.parametrize("path", dag_files(), ids=lambda path: path.name)
def test_a_file_the_dag_processor_reads_is_short(path: Path) -> None:
    assert lines_of_code(path) <= (LONGEST_DAG if path.parent == DAGS else LONGEST_MODULE)


@pytest.mark.parametrize("path", sorted(DAGS.glob("*.py")), ids=lambda path: path.name)
def test_tasks_are_given_what_others_returned_as_arguments(path: Path) -> None:
    assert "xcom_pull" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", dag_files(), ids=lambda path: path.name)
def test_nothing_reaches_for_airflow_s_database_or_settings_when_parsed(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules, names = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add(node.module or "")
            names |= {alias.name for alias in node.names}
    assert {name for name in modules if name.startswith(("airflow.models", "airflow.settings"))} == set()
    assert {name for name in modules if name.startswith(("sqlalchemy", "airflow.utils"))} == set()
    assert names & {"Variable", "Connection", "Session", "create_session", "provide_session"} == set()


PARSING = """
import json, sys
import airflow.dag_processing.dagbag as dagbag
sys.path[:0] = sys.argv[1:3]
bag = dagbag.DagBag(sys.argv[1])
print(json.dumps({"modules": sorted(sys.modules), "dags": sorted(bag.dags),
                  "errors": {str(key): value for key, value in bag.import_errors.items()}}))
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What its own process finds, with nothing to ask: no Variable, no connection, no database."""
    home = tmp_path_factory.mktemp("parsing")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_VAR_")}
    environment = kept | {
        "STOCK_SUPPLIERS_FILE": "",  # so the one that is deployed
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/nowhere/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }
    command = [sys.executable, "-c", PARSING, str(DAGS), str(DAGS.parent / "plugins")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=240)  # noqa: S603
    return json.loads(done.stdout.splitlines()[-1])


def test_parsing_needs_no_variable_and_no_database(parsed: Any) -> None:
    assert parsed["errors"] == {}
    assert set(parsed["dags"]) == DAG_IDS


def test_parsing_imports_nothing_heavy(parsed: Any) -> None:
    assert HEAVY & set(parsed["modules"]) == set()


def test_forms_offer_a_new_supplier_and_store_at_the_next_parse(tmp_path: Path) -> None:
    text = Path(os.environ["STOCK_SUPPLIERS_FILE"]).read_text(encoding="utf-8")
    path = tmp_path / "suppliers.yaml"
    path.write_text(
        text.replace("SJR]", "SJR, NEW]")
        + "\n  ACM: {headers: [[Part]], code_column: 1, rule: {kind: listed}}\n"
    )
    program = (
        "import json; from stock_airflow.forms import DAILY_STOCK as form; "
        "print(json.dumps(form['accept_changes'].schema))"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program],
        cwd=DAGS,
        env={**os.environ, "PYTHONPATH": str(DAGS), "STOCK_SUPPLIERS_FILE": str(path)},
        capture_output=True,
        text=True,
        check=True,
    )
    offered = json.loads(done.stdout.splitlines()[-1])["examples"]
    assert {"ACM", "NEW"} <= set(offered)
