"""The DAGs as MWAA and Astro lay them out: loaded and run there, in a process that has nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from airflow.dag_processing.dagbag import DagBag
from botocore.client import BaseClient

from deployment.package import PLUGINS_ZIP, build_package
from stock_pipeline.lake.locations import PRODUCT_FEEDS, date_parts, day_prefix, ebay_upload_prefix
from stock_pipeline.lake.tables import EBAY, SUPPLIER_STOCK
from tests.conftest import REPOSITORY
from tests.support.runs.days import FEW, FIRST, SECOND, Days
from tests.support.runs.layout_run import plain
from tests.support.runs.permissions import Permission, Policy, asked, execution_role
from tests.support.runs.stack import Stack
from tests.support.runs.store_files import as_csv, row, upload

NEW_STORE = "MFD"
"""One that the days do not have, with labels that no mapping knows, so that it is not in the table ebay."""
CALL_NOTHING = {"approve_feed"}
"""The DAGs that make no call to AWS: this one asks a person."""
RUNS = (
    ("prune_old_data", {"run_date": str(FIRST)}),
    ("daily_stock", {"run_date": str(FIRST), "suppliers": list(FEW), "accept_first": True}),
    # APE's second file is to be rejected, and nothing but its snapshots is there for the others.
    ("daily_stock", {"run_date": str(SECOND), "suppliers": ["APE", *FEW]}),
    # To the first day and back.
    ("rollback_ebay", {"table_date": str(FIRST), "reason": "a test"}),
    ("rollback_ebay", {"table_date": str(SECOND), "reason": "a test"}),
    ("weekly_store", {"run_date": str(FIRST)}),
    # All listings go to another supplier, which is never to happen unseen.
    ("weekly_store", {"run_date": str(SECOND), "release": [NEW_STORE], "release_reason": "a test"}),
    ("monthly_product", {"run_date": str(SECOND)}),
    # Here it cannot start the two above; what it does itself it does all the same.
    ("prepare_tables", {"run_date": str(SECOND)}),
)
"""What is run where every call is held to the execution role."""


def as_mwaa_has_it(folder: Path) -> Path:
    """The package as MWAA unpacks it: DAGs and plugins, no `include` beside them."""
    package = build_package(folder / "package")
    shutil.copytree(package.folder / "dags", folder / "airflow" / "dags")
    with zipfile.ZipFile(package.folder / PLUGINS_ZIP) as archive:
        archive.extractall(folder / "airflow" / "plugins")
    return folder / "airflow"


def as_astro_has_it(folder: Path) -> Path:
    """The folders that `astro dev start` mounts into its containers."""
    for name in ("dags", "plugins", "include"):
        shutil.copytree(
            REPOSITORY / name, folder / "airflow" / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    return folder / "airflow"


def perform(layout: Path, stack: Stack, runs: Any) -> Any:
    """Load and run what is in a layout; returns what `layout_run` found."""
    home = layout.parent / "home"
    result = layout.parent / "result.json"
    # The file in its own place, as it is deployed, but with the suppliers of the tests.
    suppliers = layout / "dags/stock_pipeline/suppliers.yaml"
    assert suppliers.is_file()
    shutil.copy(REPOSITORY / "tests/suppliers.yaml", suppliers)
    environment = os.environ | {
        **stack.airflow_settings(),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(layout / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(layout / "plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "PYTHONPATH": str(REPOSITORY),
        "LAYOUT_RESULT": str(result),
        "STOCK_SUPPLIERS_FILE": "",
    }
    command = [sys.executable, "-m", "tests.support.runs.layout_run", json.dumps(runs)]
    done = subprocess.run(  # noqa: S603  (our own command)
        command, cwd=layout, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(result.read_text())


@pytest.fixture(scope="module")
def behalf() -> Any:
    """What the local Athena does on the caller's behalf: the calls made in this process, while it waits."""
    calls: list[tuple[str, str, dict[str, Any]]] = []
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def noted(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        calls.append((client.meta.service_model.service_name, operation, plain(parameters)))
        return call(client, operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", noted)
        yield calls


def leave_behind(stack: Stack) -> None:
    """What runs find only now and then, so that they do what they do about it."""
    # A store that is no more.
    gone = EBAY.key("GONE")
    row_of_it = {
        "item_id": 1,
        "quantity": 1,
        "quantity_delta": 0,
        "custom_label": "A",
        "supplier_store": FEW[0],
    }
    stack.put_parquet(gone, pl.DataFrame([row_of_it], schema=EBAY.schema).to_arrow())
    stack.register(EBAY.name, ["GONE"], gone)
    stack.put(f"{ebay_upload_prefix(FIRST)}GONE.csv", b"of an earlier run of the day")
    # Stock of long ago, which goes before anybody reads it. The newest stays, and is of a day after the runs.
    for year in ("2023", "2025"):
        key = SUPPLIER_STOCK.key("OLD", year, "01", "01")
        stack.put(key, b"no table at all")
        stack.register(SUPPLIER_STOCK.name, ["OLD", year, "01", "01"], key)
    # A partition that someone registered at the wrong place.
    stack.register(SUPPLIER_STOCK.name, [FEW[0], *date_parts(FIRST)], "supplier_stock/elsewhere/data.parquet")


def upload_refreshes(stack: Stack, days: Days) -> None:
    """A store's file for each day, and the mapping as it is."""
    for day, prefix in ((FIRST, "UKD-BGA"), (SECOND, "UKD-FPS")):
        rows = [row(900 + at, f"NEW-{at}", prefix) for at in range(3)]
        upload(stack, day, f"{NEW_STORE}.csv", as_csv(rows))
    lines = [",".join(days.product[0]._fields), *(",".join(entry) for entry in days.product)]
    stack.put(f"{PRODUCT_FEEDS}{day_prefix(SECOND)}product.csv", "\n".join(lines).encode())


@pytest.fixture(scope="module")
def on_mwaa(tmp_path_factory: pytest.TempPathFactory, stack: Stack, days: Days, behalf: Any) -> Any:
    days.upload_tables(stack)
    days.upload_feeds(stack)
    leave_behind(stack)
    upload_refreshes(stack, days)
    layout = as_mwaa_has_it(tmp_path_factory.mktemp("mwaa"))
    behalf.clear()
    found = perform(layout, stack, RUNS)
    found |= {"layout": layout, "ebay": stack.ebay(), "behalf": list(behalf)}
    return found


@pytest.fixture(scope="module")
def on_astro(tmp_path_factory: pytest.TempPathFactory, stack: Stack, on_mwaa: Any) -> Any:
    layout = as_astro_has_it(tmp_path_factory.mktemp("astro"))
    found = perform(layout, stack, RUNS[2:3])
    return found | {"layout": layout, "ebay": stack.ebay()}


@pytest.fixture(params=["on_mwaa", "on_astro"])
def found(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def test_every_dag_is_there_and_nothing_of_the_repository(found: Any, dag_bag: DagBag) -> None:
    assert found["errors"] == {}
    assert found["dags"] == sorted(dag_bag.dags)
    ours = {name: Path(path) for name, path in found["modules"].items() if not name.startswith("tests")}
    from_here = {name for name, path in ours.items() if path.is_relative_to(REPOSITORY)}
    assert from_here <= {"__main__", "__mp_main__"}  # which is what runs them
    assert ours["stock_pipeline.lake.tables"].is_relative_to(found["layout"] / "dags")
    assert ours["aws_operators.athena"].is_relative_to(found["layout"] / "plugins")


def test_the_plugins_are_there(found: Any) -> None:
    assert found["plugin_errors"] == {}
    assert "Stock page" in json.dumps(found["plugins"]["front_end"])


def test_every_statement_is_found_in_the_layout(found: Any) -> None:
    wanted = {
        str(path.relative_to(REPOSITORY / "include/sql")) for path in REPOSITORY.glob("include/sql/**/*.sql")
    }
    statements = {name: path for of_dag in found["statements"].values() for name, path in of_dag.items()}
    assert set(statements) == wanted
    for path in statements.values():
        assert Path(path).is_relative_to(found["layout"])


def test_a_day_comes_out_as_the_oracle_says(found: Any, days: Days) -> None:
    assert [set(failed) for failed in found["failed"]["daily_stock"][-1:]] == [{"conclude -1"}]
    assert "APE" in found["failed"]["daily_stock"][-1]["conclude -1"]
    assert found["ebay"] == days.table(SECOND, *FEW)


def test_the_first_day_ends_well(on_mwaa: Any) -> None:
    assert on_mwaa["failed"]["daily_stock"][0] == {}


@pytest.mark.parametrize(
    ("dag_id", "runs"),
    [("prune_old_data", 1), ("rollback_ebay", 2), ("weekly_store", 2), ("monthly_product", 1)],
)
def test_the_other_dags_end_well(on_mwaa: Any, dag_id: str, runs: int) -> None:
    assert on_mwaa["failed"][dag_id] == [{}] * runs


def test_only_what_needs_other_dags_fails_where_there_is_no_scheduler(on_mwaa: Any) -> None:
    (failed,) = on_mwaa["failed"]["prepare_tables"]
    names = {name.partition(" ")[0] for name in failed}
    # The last says that most stores have no listings, which is true of these days.
    assert names <= {"refresh_product", "refresh_stores", "check_tables"}


def test_every_dag_that_calls_aws_is_run(on_mwaa: Any) -> None:
    assert set(on_mwaa["failed"]) == set(on_mwaa["dags"]) - CALL_NOTHING


# What the execution role may do, held to what the runs on MWAA's layout did


@pytest.fixture(scope="module")
def role(stack: Stack) -> dict[str, Policy]:
    return execution_role(stack.bucket, stack.database, stack.workgroup, stack.topic_arn)


@pytest.fixture(scope="module")
def needed(on_mwaa: Any, stack: Stack) -> dict[Permission, str]:
    """Every permission that the runs needed, each with a call that did."""
    # Athena has its own way to its workgroups; it uses the caller's rights on data and catalog.
    behalf = [call for call in on_mwaa["behalf"] if call[0] in {"s3", "glue"}]
    return {
        permission: f"{who}: {service} {operation} {parameters}"
        for who, calls in (("a task", on_mwaa["calls"]), ("Athena for it", behalf))
        for service, operation, parameters in calls
        for permission in asked(service, operation, parameters, stack.workgroup)
    }


def test_the_role_may_do_whatever_the_dags_did(
    needed: dict[Permission, str], role: dict[str, Policy]
) -> None:
    refused = {at: call for at, call in needed.items() if not role["pipeline"].allows(at)}
    assert refused == {}


def test_what_the_dags_did_is_known_at_all(needed: dict[Permission, str]) -> None:
    actions = {action for action, _ in needed}
    assert {
        "s3:PutObject",
        "glue:BatchCreatePartition",
        "athena:StartQueryExecution",
        "sns:Publish",
    } < actions
    assert any(call.startswith("Athena") for call in needed.values())


UNSEEN = {
    "s3:AbortMultipartUpload": "large files are written in parts, and given up in parts",
    "s3:ListMultipartUploadParts": "Athena, when it writes large files",
    "s3:ListBucketMultipartUploads": "Athena, when it writes large files",
    "s3:GetBucketLocation": "Athena, before it writes results",
    "glue:GetDatabases": "Athena, before any statement",
    "glue:GetPartition": "Athena, on tables with partitions",
    "athena:GetDataCatalog": "Athena, because the operator names the catalog",
    "athena:StopQueryExecution": "the operator, when its task is ended by hand",
}
"""Allowed though nothing here does it: what AWS's documentation says is asked for on a real account."""
UNSEEN_AT = {
    ("glue:GetDatabase", "database/default"): "Athena, before any statement",
    ("s3:GetObject", "athena-results/*"): "Athena, when results are asked for",
}
"""The same, of an action that is seen on other resources."""


def test_the_role_may_do_nothing_else(needed: dict[Permission, str], role: dict[str, Policy]) -> None:
    def is_used(action: str, pattern: str) -> bool:
        grant = Policy([{"Action": action, "Resource": pattern}])
        # A call to Glue is asked for on the catalog, the database and the table alike.
        whole = action.startswith("glue:") and not pattern.endswith("database/default")
        return any(action == seen[0] if whole else grant.allows(seen) for seen in needed)

    unused = {
        (action, pattern)
        for action, pattern in role["pipeline"].grants()
        if not is_used(action, pattern)
        and action not in UNSEEN
        and not any(action == known and pattern.endswith(end) for known, end in UNSEEN_AT)
    }
    assert unused == set()
    assert not {action for action, _ in needed} & UNSEEN.keys(), "seen now: take it off the list"


def test_nothing_may_be_deleted_for_good(role: dict[str, Policy]) -> None:
    assert not role["pipeline"].allows(("s3:DeleteObjectVersion", "arn:aws:s3:::test-layouts/ebay/a"))
    deletable = {pattern for action, pattern in role["pipeline"].grants() if action == "s3:DeleteObject"}
    assert not any("_feed/" in pattern for pattern in deletable), "what staff uploaded stays"


@pytest.mark.parametrize(
    "permission",
    [
        ("s3:GetObject", "arn:aws:s3:::another-bucket/ebay/data.parquet"),
        ("s3:PutObject", "arn:aws:s3:::test-layouts/stock_feed/a.xlsx"),
        ("s3:PutObject", "arn:aws:s3:::test-layouts/airflow/dags/daily_stock.py"),
        ("glue:DeleteTable", "arn:aws:glue:eu-west-2:123456789012:table/other/ebay"),
        ("athena:StartQueryExecution", "arn:aws:athena:eu-west-2:123456789012:workgroup/primary"),
        ("sns:Publish", "arn:aws:sns:eu-west-2:123456789012:another-topic"),
    ],
)
def test_the_role_ends_at_its_own(role: dict[str, Policy], permission: Permission) -> None:
    assert not role["pipeline"].allows(permission)
    assert not role["environment"].allows(permission)


def test_what_mwaa_needs_stays_what_it_is(role: dict[str, Policy]) -> None:
    """By hand from its documentation, because nothing here can show it; so a change is looked at."""
    actions = {action for action, _ in role["environment"].grants()}
    assert actions == {
        "airflow:PublishMetrics",
        *("s3:GetObject*", "s3:GetBucket*", "s3:List*", "s3:GetAccountPublicAccessBlock"),
        *(f"logs:{name}" for name in ("CreateLogStream", "CreateLogGroup", "PutLogEvents", "GetLogEvents")),
        *(f"logs:{name}" for name in ("GetLogRecord", "GetLogGroupFields", "GetQueryResults")),
        *("logs:DescribeLogGroups", "cloudwatch:PutMetricData"),
        *(f"sqs:{name}" for name in ("ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes")),
        *(f"sqs:{name}" for name in ("GetQueueUrl", "ReceiveMessage", "SendMessage")),
        *("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*", "kms:Encrypt"),
    }
