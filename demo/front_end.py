"""The page for operations staff on a laptop: Streamlit, without sign-in as it serves this machine only."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx

from demo import REPOSITORY
from local_aws.background import BackgroundServer
from local_aws.environment import client_environment

STATE = REPOSITORY / ".local" / "front_end"
APP = REPOSITORY / "frontend" / "app.py"


def front_end_address(port: int) -> str:
    """Where the page is."""
    return f"http://127.0.0.1:{port}"


def front_end_environment(airflow: str, aws_endpoint: str, outputs: dict[str, str]) -> dict[str, str]:
    """Environment variables of the page.

    Args:
        airflow: address of Airflow.
        aws_endpoint: address of the local AWS.
        outputs: of the infrastructure template.
    """
    return {
        **client_environment(aws_endpoint),
        "STOCK_BUCKET": outputs["BucketName"],
        "STOCK_DATABASE": outputs["DatabaseName"],
        "STOCK_WORKGROUP": outputs["WorkgroupName"],
        "STOCK_QUEUE_URL": outputs["QueueUrl"],
        "STOCK_AIRFLOW_URL": airflow,
    }


def front_end_server(port: int, environment: dict[str, str], directory: Path = STATE) -> BackgroundServer:
    """The page's server as one background command."""
    return BackgroundServer(
        name="front-end",
        directory=directory,
        command=[sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(port)],
        environment=environment,
        answers=lambda: _healthy(front_end_address(port)),
    )


def _healthy(address: str) -> bool:
    try:
        return httpx.get(f"{address}/_stcore/health", timeout=5).is_success
    except httpx.HTTPError:
        return False
