"""Loads the DAGs of a layout and runs them, in a process that knows of no other; prints what it found.

Called with the names of DAGs and their parameters as JSON. The environment says where the layout is.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from pathlib import Path
from typing import Any

import botocore.session
from botocore.client import BaseClient

# As in the tests' own process: reading AWS's service descriptions once saves a third of the time.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)

CALLS: list[tuple[str, str, dict[str, Any]]] = []
"""Every call to AWS: service, operation, and the parameters that are text."""


def note_calls() -> None:
    """Note every call that any boto3 client makes from now on."""
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def noted(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        CALLS.append((client.meta.service_model.service_name, operation, plain(parameters)))
        return call(client, operation, parameters)

    BaseClient._make_api_call = noted  # type: ignore[attr-defined]


def plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters that name what a call is about."""
    kept: dict[str, Any] = {name: value for name, value in parameters.items() if isinstance(value, str)}
    if isinstance(source := parameters.get("CopySource"), dict):
        kept |= {
            "CopySource": f"{source['Bucket']}/{source['Key']}",
            "SourceVersion": source.get("VersionId"),
        }
    if "Delete" in parameters:
        kept["Keys"] = [entry["Key"] for entry in parameters["Delete"]["Objects"]]
    if "TableInput" in parameters:
        kept["Name"] = parameters["TableInput"]["Name"]
    if "VersionId" in parameters:
        kept["VersionId"] = parameters["VersionId"]
    return kept


def main() -> None:
    note_calls()
    from airflow.configuration import conf
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.plugins_manager import get_import_errors, get_plugin_info

    from tests.support.runs.shared_clients import shared_clients

    # As Airflow's own processes have it: the folder of DAGs on the path because it is their bundle's, that of
    # plugins because Airflow puts it there.
    folder = Path(conf.get("core", "dags_folder"))
    bag = BundleDagBag(folder, bundle_path=folder)
    found: dict[str, Any] = {
        "errors": bag.import_errors,
        "plugins": {info["name"]: info["external_views"] for info in get_plugin_info()},
        "plugin_errors": get_import_errors(),
        "dags": sorted(bag.dags),
        "statements": {},
        "failed": {},
    }
    for dag_id, dag in bag.dags.items():
        environment = dag.get_template_env()
        folders = [Path(str(folder)) for folder in dag.template_searchpath or []]
        statements = [str(path.relative_to(folder)) for folder in folders for path in folder.rglob("*.sql")]
        found["statements"][dag_id] = {
            name: environment.get_template(name).filename for name in sorted(statements)
        }
    if bag.import_errors:
        sys.exit("\n".join(f"{path}: {error}" for path, error in bag.import_errors.items()))
    with shared_clients():
        for dag_id, parameters in json.loads(sys.argv[1]):
            found["failed"].setdefault(dag_id, []).append(failures(bag, dag_id, parameters))
    found["calls"] = CALLS
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    found["modules"] = {
        name: path for name, path in files.items() if path and not path.startswith(sys.prefix)
    }
    Path(os.environ["LAYOUT_RESULT"]).write_text(json.dumps(found))


def failures(bag: Any, dag_id: str, parameters: dict[str, Any]) -> dict[str, str]:
    """Run a DAG; returns the task instances that failed, with the reason of each."""
    from tests.support.runs.local_run import LocalRun

    dag = bag.dags[dag_id]
    for task in dag.tasks:
        if hasattr(task, "sleep_time"):
            task.sleep_time = 0.1  # between two looks at a statement which takes that long
    run = LocalRun(dag, parameters).go()
    return {f"{task_id} {index}": why for (task_id, index), why in run.failed.items()}


if __name__ == "__main__":
    main()
