"""What deploying does to the bucket and to the environment, against moto's S3 and a scripted MWAA."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from deployment import mwaa as deployment_mwaa
from deployment.__main__ import main
from deployment.mwaa import DeployError, Target, deploy, stack_outputs
from deployment.package import Package, build_package
from local_aws.environment import REGION, client_arguments
from tests.support.repositories import git, repository
from tests.support.runs.stack import Stack

NAME = "rtg-automotive-stock"
OUTPUTS = {
    "BucketName": "bucket",
    "DatabaseName": "database",
    "WorkgroupName": "workgroup",
    "TopicArn": "arn:topic",
}
SET = {
    "stock_bucket": "bucket",
    "stock_database": "database",
    "stock_workgroup": "workgroup",
    "stock_topic_arn": "arn:topic",
    "stock_deadline": "09:00",
}


class Mwaa:
    """An environment as its client sees it; every call is held to the service's own description."""

    def __init__(self) -> None:
        self.client = boto3.client("mwaa", region_name=REGION)
        self.stub = Stubber(self.client)
        self.stub.activate()

    def is_(self, status: str, last: dict[str, Any] | None = None, **more: Any) -> Mwaa:
        found = {"Name": NAME, "Status": status, "LastUpdate": last or {"Status": "SUCCESS"}, **more}
        self.stub.add_response("get_environment", {"Environment": found}, {"Name": NAME})
        return self

    def takes(self, plugins: str, requirements: str) -> Mwaa:
        expected = {
            "Name": NAME,
            "PluginsS3Path": "airflow/plugins.zip",
            "RequirementsS3Path": "airflow/requirements.txt",
            "PluginsS3ObjectVersion": plugins,
            "RequirementsS3ObjectVersion": requirements,
        }
        self.stub.add_response("update_environment", {"Arn": "arn:environment"}, expected)
        return self

    def is_asked(self, method: str, path: str, answer: Any = None, **more: Any) -> Mwaa:
        expected = {"Name": NAME, "Method": method, "Path": path, **more}
        response = {"RestApiStatusCode": 200, "RestApiResponse": answer or {}}
        self.stub.add_response("invoke_rest_api", response, expected)
        return self


@pytest.fixture
def mwaa(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mwaa]:
    monkeypatch.setattr(deployment_mwaa, "WAIT_SECONDS", 0)
    scripted = Mwaa()
    yield scripted
    scripted.stub.assert_no_pending_responses()


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return repository(tmp_path / "sources")


@pytest.fixture
def package(sources: Path, tmp_path: Path) -> Package:
    return build_package(tmp_path / "built", sources)


@pytest.fixture
def push(stack: Stack, mwaa: Mwaa) -> Iterator[Callable[..., list[str]]]:
    """Deploys a package; returns what was said."""

    def pushed(
        package: Package,
        dry_run: bool = False,
        environment: str | None = NAME,
        outputs: dict[str, str] | None = None,
    ) -> list[str]:
        said: list[str] = []
        target = Target(stack.s3, mwaa.client, stack.bucket, environment, outputs or {})
        deploy(target, package, dry_run=dry_run, say=said.append)
        return said

    yield pushed
    for key in stack.keys("airflow/"):
        stack.s3.delete_object(Bucket=stack.bucket, Key=key)


def version(stack: Stack, name: str) -> str:
    return stack.s3.head_object(Bucket=stack.bucket, Key=f"airflow/{name}")["VersionId"]


def versions(stack: Stack) -> tuple[str, str]:
    return version(stack, "plugins.zip"), version(stack, "requirements.txt")


def settled(mwaa: Mwaa, stack: Stack) -> Mwaa:
    """The environment has the versions that lie in the bucket."""
    plugins, requirements = versions(stack)
    return mwaa.is_("AVAILABLE", PluginsS3ObjectVersion=plugins, RequirementsS3ObjectVersion=requirements)


def test_without_an_environment_the_bucket_is_filled(
    push: Callable[..., list[str]], package: Package, stack: Stack
) -> None:
    said = push(package, environment=None)
    assert stack.keys("airflow/") == [f"airflow/{name}" for name in package.files]
    assert stack.body("airflow/dags/daily.py") == package.read("dags/daily.py")
    assert any("no environment yet" in line for line in said)


def test_a_dry_run_says_what_it_would_do_and_does_nothing(
    push: Callable[..., list[str]], package: Package, stack: Stack, mwaa: Mwaa
) -> None:
    stack.put("airflow/dags/retired.py", b"")
    mwaa.is_("AVAILABLE").is_asked("GET", "/variables", {"variables": []}, QueryParameters={"limit": 1000})
    said = push(package, dry_run=True, outputs=OUTPUTS)
    assert stack.keys("airflow/") == ["airflow/dags/retired.py"]
    assert [line for line in said if line.startswith("would upload")] == [
        *(f"would upload s3://{stack.bucket}/airflow/{name}" for name in ("plugins.zip", "requirements.txt")),
        *(
            f"would upload s3://{stack.bucket}/airflow/{name}"
            for name in package.files
            if name.startswith("dags/")
        ),
    ]
    assert f"would delete s3://{stack.bucket}/airflow/dags/retired.py" in said
    assert f"would update {NAME}, which takes some 20 minutes" in said
    assert "would set the Variable stock_bucket to bucket" in said


def test_plugins_come_before_the_dags_that_need_them(
    push: Callable[..., list[str]], package: Package, stack: Stack, mwaa: Mwaa
) -> None:
    push(package, environment=None)
    plugins, requirements = versions(stack)
    # The environment has never heard of them, as after a deployment that was stopped.
    mwaa.is_("AVAILABLE").takes(plugins, requirements).is_("UPDATING").is_("AVAILABLE")
    stack.s3.delete_object(Bucket=stack.bucket, Key="airflow/dags/daily.py")
    said = push(package)
    assert said[:-1] == [
        f"update {NAME}, which takes some 20 minutes",
        f"{NAME} is updated",
        f"upload s3://{stack.bucket}/airflow/dags/daily.py",
    ]


def test_only_what_changed_is_touched(
    push: Callable[..., list[str]],
    package: Package,
    sources: Path,
    tmp_path: Path,
    stack: Stack,
    mwaa: Mwaa,
) -> None:
    push(package, environment=None)
    settled(mwaa, stack)
    assert push(package) == ["0 files uploaded, 7 were there already"]
    (sources / "dags/daily.py").unlink()
    (sources / "dags/weekly.py").write_text("w = 1\n")
    git(sources, "add", "--all")
    settled(mwaa, stack)
    assert push(build_package(tmp_path / "built", sources)) == [
        f"upload s3://{stack.bucket}/airflow/dags/weekly.py",
        f"delete s3://{stack.bucket}/airflow/dags/daily.py",
        "1 files uploaded, 6 were there already",
    ]


@pytest.mark.parametrize("status", ["CREATING", "UPDATING", "UPDATE_FAILED"])
def test_a_busy_environment_is_left_alone(
    push: Callable[..., list[str]], package: Package, stack: Stack, mwaa: Mwaa, status: str
) -> None:
    mwaa.is_(status)
    with pytest.raises(DeployError, match=f"{NAME} is {status}"):
        push(package)
    assert stack.keys("airflow/") == []


def test_after_a_failed_update_the_dags_are_as_before(
    push: Callable[..., list[str]], package: Package, stack: Stack, mwaa: Mwaa
) -> None:
    push(package, environment=None)
    stack.s3.delete_object(Bucket=stack.bucket, Key="airflow/dags/daily.py")
    failed = {"Status": "FAILED", "Error": {"ErrorCode": "a", "ErrorMessage": "no such requirement"}}
    mwaa.is_("AVAILABLE").takes(*versions(stack)).is_("AVAILABLE", failed)
    with pytest.raises(DeployError, match=r"DAGs are as before.*no such requirement"):
        push(package)
    assert "airflow/dags/daily.py" not in stack.keys("airflow/")


def test_an_update_without_an_end_is_not_waited_for_without_an_end(
    push: Callable[..., list[str]],
    package: Package,
    stack: Stack,
    mwaa: Mwaa,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deployment_mwaa, "WAITS", 1)
    push(package, environment=None)
    mwaa.is_("AVAILABLE").takes(*versions(stack)).is_("UPDATING")
    with pytest.raises(DeployError, match="still UPDATING"):
        push(package)


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        ({}, dict.fromkeys(SET, "POST")),
        (SET, {}),
        (SET | {"stock_deadline": "08:30", "stock_topic_arn": "arn:old"}, {"stock_topic_arn": "PATCH"}),
    ],
    ids=["none", "all", "other"],
)
def test_the_variables_are_what_the_stack_says_and_the_deadline_what_people_say(
    push: Callable[..., list[str]],
    package: Package,
    stack: Stack,
    mwaa: Mwaa,
    there: dict[str, str],
    asked: dict[str, str],
) -> None:
    push(package, environment=None)
    listed = {"variables": [{"key": name, "value": value} for name, value in there.items()]}
    settled(mwaa, stack).is_asked("GET", "/variables", listed, QueryParameters={"limit": 1000})
    for name, method in asked.items():
        path = "/variables" if method == "POST" else f"/variables/{name}"
        mwaa.is_asked(method, path, Body={"key": name, "value": SET[name]})
    said = push(package, outputs=OUTPUTS)
    assert said[:-1] == [f"set the Variable {name} to {SET[name]}" for name in asked]


def test_the_outputs_come_from_the_stack() -> None:
    cloudformation = boto3.client("cloudformation", region_name=REGION)
    with Stubber(cloudformation) as stub:
        outputs = [{"OutputKey": name, "OutputValue": value} for name, value in OUTPUTS.items()]
        made = {"StackName": "s", "CreationTime": "2026-01-01", "StackStatus": "CREATE_COMPLETE"}
        stub.add_response("describe_stacks", {"Stacks": [made | {"Outputs": outputs}]}, {"StackName": "s"})
        assert stack_outputs(cloudformation, "s") == OUTPUTS
        stub.add_client_error("describe_stacks", "ValidationError", "Stack with id s does not exist")
        with pytest.raises(DeployError, match=r"s does not exist.*template\.yaml"):
            stack_outputs(cloudformation, "s")


def test_the_command_fills_a_bucket(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", client_arguments(stack.endpoint)["endpoint_url"])
    command = ["push", "--bucket", stack.bucket, "--build", str(tmp_path)]
    assert main([*command, "--dry-run"]) == 0
    assert stack.keys("airflow/") == []
    assert f"would upload s3://{stack.bucket}/airflow/dags/daily_stock.py" in capsys.readouterr().out
    assert main(command) == 0
    assert "airflow/dags/include/sql/ebay/audit.sql" in stack.keys("airflow/")


def test_the_command_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert main(["push", "--bucket", "nowhere", "--build", str(tmp_path)]) == 1
    assert "http://127.0.0.1:1" in capsys.readouterr().err
