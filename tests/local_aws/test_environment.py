"""Servers and clients of this machine are led nowhere else by the shell they are started from."""

from __future__ import annotations

import os
from pathlib import Path

import botocore.session
import pytest

from local_aws.environment import client_environment, forget_the_shell

SET = {
    "AWS_PROFILE": "production",
    "AWS_ENDPOINT_URL_S3": "https://s3.example",
    "AWS_SESSION_TOKEN": "x",
    "AIRFLOW_HOME": "/other",
    "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
    "STOCK_BUCKET": "production",
    "PYTHONPATH": "/other",
    "http_proxy": "http://proxy.example",
    "HTTPS_PROXY": "http://proxy.example",
    "ALL_PROXY": "http://proxy.example",
}


@pytest.mark.parametrize("name", SET)
def test_what_leads_elsewhere_is_forgotten(name: str) -> None:
    environment = {name: SET[name], "PATH": "/bin"}
    forget_the_shell(environment)
    assert name not in environment
    assert environment["PATH"] == "/bin"


def test_a_broken_aws_configuration_at_home_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[default\nregion")
    environment = {"HOME": str(tmp_path), "AWS_PROFILE": "production"}
    forget_the_shell(environment)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in (environment | client_environment()).items():
        monkeypatch.setenv(name, value)
    assert botocore.session.Session().create_client("s3").meta.endpoint_url == "http://127.0.0.1:5555"
