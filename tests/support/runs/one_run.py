"""One run of daily_stock in its own process, which someone may kill: `python -m … CONF_AS_JSON`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

REPOSITORY = Path(__file__).parents[3]


def main(conf: str) -> None:
    from airflow.dag_processing.dagbag import DagBag

    from tests.support.runs.local_run import LocalRun

    dag = DagBag(REPOSITORY / "dags").dags["daily_stock"]
    for task_id in ("create_staging_table", "audit"):
        cast("Any", dag.get_task(task_id)).sleep_time = 0.1
    LocalRun(dag, json.loads(conf)).go()


if __name__ == "__main__":
    main(sys.argv[1])
