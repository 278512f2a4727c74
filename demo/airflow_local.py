"""The real Airflow on a laptop: one command, SQLite, no Docker, talking to the local AWS."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import httpx

from demo import REPOSITORY
from demo.options import TRIGGERER_LOGS, WORKER_LOGS
from local_aws.background import BackgroundServer
from local_aws.environment import REGION, client_environment

STATE = REPOSITORY / ".local" / "airflow"
DEADLINE = "09:00"


def airflow_address(port: int) -> str:
    """Where the UI and the API are."""
    return f"http://127.0.0.1:{port}"


def airflow_environment(
    port: int,
    aws_endpoint: str,
    outputs: dict[str, str],
    front_end: str = "",
    home: Path = STATE,
    deadline: str = DEADLINE,
) -> dict[str, str]:
    """Environment variables of an Airflow whose AWS is the local one.

    Args:
        port: of its API server.
        aws_endpoint: address of the local AWS.
        outputs: of the infrastructure template; they become the Variables the DAGs read.
        front_end: address of the page for staff.
        home: where Airflow keeps its database and logs.
        deadline: until when a run of today waits for files, London time.
    """
    aws = client_environment(aws_endpoint)
    connection = {
        "conn_type": "aws",
        "login": aws["AWS_ACCESS_KEY_ID"],
        "password": aws["AWS_SECRET_ACCESS_KEY"],
        "extra": {"endpoint_url": aws_endpoint, "region_name": REGION},
    }
    return {
        **aws,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # Bound to this machine only, so there is no one to keep out.
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        # A laptop has few cores and every worker is a process of some 150 MB.
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": airflow_address(port),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{airflow_address(port)}/execution/",
        "AIRFLOW__API__WORKERS": "1",
        # Two more ports on which logs are served; they move with the first, so that two demos can run.
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(port + WORKER_LOGS),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(port + TRIGGERER_LOGS),
        # A laptop that is busy otherwise answers late, and after five seconds a task would count as failed.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__TRIGGERER__CAPACITY": "100",
        "PYTHONWARNINGS": "ignore",
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
        "AIRFLOW_VAR_STOCK_BUCKET": outputs["BucketName"],
        "AIRFLOW_VAR_STOCK_DATABASE": outputs["DatabaseName"],
        "AIRFLOW_VAR_STOCK_WORKGROUP": outputs["WorkgroupName"],
        "AIRFLOW_VAR_STOCK_TOPIC_ARN": outputs["TopicArn"],
        "AIRFLOW_VAR_STOCK_DEADLINE": deadline,
        "AIRFLOW_VAR_STOCK_FRONT_END": front_end,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }


def airflow_server(port: int, environment: dict[str, str], home: Path = STATE) -> BackgroundServer:
    """Scheduler, DAG processor, triggerer and API server as one background command."""
    return BackgroundServer(
        name="airflow",
        directory=home,
        command=[sys.executable, "-m", "airflow", "standalone"],
        environment=environment,
        answers=lambda: healthy(airflow_address(port)),
        start_seconds=180,
        # By itself it takes ten, and nothing it holds is wanted any more.
        end_seconds=3,
    )


def healthy(address: str) -> bool:
    """Whether all parts of an Airflow are up."""
    try:
        health = httpx.get(f"{address}/api/v2/monitor/health", timeout=5).json()
    except (httpx.HTTPError, ValueError):
        return False
    parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")
    return all(health.get(part, {}).get("status") == "healthy" for part in parts)
