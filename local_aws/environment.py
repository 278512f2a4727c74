"""What a client of the local AWS needs in its environment."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from typing import Any

DEFAULT_PORT = 5555
DEFAULT_MEMORY = "4GB"  # what queries may hold before DuckDB uses the disk
REGION = "eu-west-2"


STEERING = ("AWS_", "AIRFLOW_", "STOCK_", "STREAMLIT_", "PYTHONPATH")
"""How variables begin that would lead clients and servers of this machine somewhere else."""


def forget_the_shell(environment: MutableMapping[str, str] = os.environ) -> None:
    """Take out of an environment what someone's shell, or their home, has set for other work.

    An AWS profile, an Airflow's settings or a proxy would otherwise reach whatever is started here.

    Args:
        environment: is changed; by default this process's own, which its children get.
    """
    for name in list(environment):
        if name.startswith(STEERING) or name.lower().endswith("_proxy"):
            del environment[name]
    environment.update(
        {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            # On some machines the system itself names a proxy.
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }
    )


def endpoint_url(port: int = DEFAULT_PORT) -> str:
    """Give the server's address on this machine."""
    return f"http://127.0.0.1:{port}"


def client_environment(endpoint: str | None = None) -> dict[str, str]:
    """Give environment variables that make any AWS client talk to the local server.

    Args:
        endpoint: the server's address; the default port's if None.
    """
    return {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint or endpoint_url(),
    }


def client_arguments(endpoint: str | None = None, region: str = REGION) -> dict[str, Any]:
    """Give `boto3.client` arguments for the local server, whatever the environment says."""
    values = client_environment(endpoint)
    return {
        "endpoint_url": values["AWS_ENDPOINT_URL"],
        "region_name": region,
        "aws_access_key_id": values["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": values["AWS_SECRET_ACCESS_KEY"],
    }
