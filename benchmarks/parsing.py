"""Parsing all DAG files, which Airflow does every half minute, beside importing Airflow itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.figures import Figure

REPOSITORY = Path(__file__).resolve().parents[1]
ROUNDS = 3

# Seconds of the processor, because a parser waits for nothing.
PROGRAM = """
import json, sys, time
import airflow.dag_processing.dagbag as dagbag
imported = time.process_time()
sys.path[:0] = sys.argv[1:3]
bag = dagbag.DagBag(sys.argv[1])
assert bag.dags and not bag.import_errors, bag.import_errors
print(json.dumps({"airflow": imported, "parsing": time.process_time() - imported}))
"""


def measure(folder: Path, quick: bool) -> list[Figure]:
    """Parse in their own processes, and take the quickest."""
    environment = os.environ | {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/nowhere/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-c", PROGRAM, str(REPOSITORY / "dags"), str(REPOSITORY / "plugins")]
    rounds = []
    for _ in range(1 if quick else ROUNDS):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
        rounds.append(json.loads(done.stdout.splitlines()[-1]))
    least = {name: min(one[name] for one in rounds) for name in ("parsing", "airflow")}
    return [
        Figure("parse all DAG files (CPU)", least["parsing"], "import Airflow (CPU)", least["airflow"]),
    ]
