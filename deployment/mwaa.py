"""Brings a package to an MWAA environment: the code into the bucket, the versions and Variables to Airflow.

The order is that of safety. Plugins and requirements come first and the environment is waited for, because
a DAG may need what they bring; then the DAGs, then what is no longer wanted goes. Stopped anywhere, it is
simply run again: it looks at what is there, not at what an earlier run did.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deployment.package import PLUGINS_ZIP, REQUIREMENTS, Package

PREFIX = "airflow/"
"""Where the code is in the bucket; the template names the same places to the environment."""
WAIT_SECONDS = 30.0
WAITS = 120
VERSIONS = {PLUGINS_ZIP: "PluginsS3ObjectVersion", REQUIREMENTS: "RequirementsS3ObjectVersion"}
"""What the environment calls the version of a file that it does not look at again by itself."""
VARIABLES = {
    "stock_bucket": "BucketName",
    "stock_database": "DatabaseName",
    "stock_workgroup": "WorkgroupName",
    "stock_topic_arn": "TopicArn",
}
"""Airflow Variables and the template's outputs they are set to."""
DEFAULTS = {"stock_deadline": "09:00"}
"""Variables that are set once; a change made in Airflow stays."""


class DeployError(Exception):
    """It was not deployed, or not wholly. The message says what to do; running it again is safe."""


@dataclass(frozen=True)
class Target:
    """Where to deploy to.

    Attributes:
        s3, mwaa: boto3 clients.
        bucket: the bucket of the stack.
        environment: name of the MWAA environment; None if there is none yet, then only the bucket is filled.
        outputs: of the stack, for the Variables; empty leaves the Variables alone.
    """

    s3: Any
    mwaa: Any
    bucket: str
    environment: str | None
    outputs: dict[str, str]


def stack_outputs(cloudformation: Any, stack: str) -> dict[str, str]:
    """The outputs of a CloudFormation stack, name to value.

    Raises:
        DeployError: there is no such stack.
    """
    try:
        (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        raise DeployError(
            f"No stack {stack}: {error.response['Error']['Message']}. "
            "Make it from infrastructure/template.yaml (docs/mwaa.md), or name the bucket with --bucket"
        ) from error
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def deploy(target: Target, package: Package, *, dry_run: bool, say: Callable[[str], None] = print) -> None:
    """Make bucket and environment as the package is; with `dry_run` only say what would be done.

    Raises:
        DeployError: the environment is busy, or its update failed.
    """
    environment = _environment(target)
    there = _objects(target)
    wanted = {PREFIX + name: hashlib.md5(package.read(name)).hexdigest() for name in package.files}  # noqa: S324  (S3's)
    changed = [key for key, digest in wanted.items() if there.get(key) != digest]
    slow = [key for key in changed if key.removeprefix(PREFIX) in VERSIONS]

    _upload(target, package, slow, dry_run, say)
    if environment is None:
        say("There is no environment yet: the bucket is filled, nothing else.")
    else:
        _update_environment(target, environment, slow, dry_run, say)
    _upload(target, package, [key for key in changed if key not in slow], dry_run, say)
    for key in sorted(there.keys() - wanted.keys()):
        say(f"{'would ' if dry_run else ''}delete s3://{target.bucket}/{key}")
        if not dry_run:
            target.s3.delete_object(Bucket=target.bucket, Key=key)
    if environment is not None and target.outputs:
        _set_variables(target, dry_run, say)
    same = len(wanted) - len(changed)
    done = "to upload" if dry_run else "uploaded"
    say(f"{len(changed)} files {done}, {same} were there already")


def _upload(
    target: Target, package: Package, keys: list[str], dry_run: bool, say: Callable[[str], None]
) -> None:
    for key in keys:
        say(f"{'would ' if dry_run else ''}upload s3://{target.bucket}/{key}")
        if not dry_run:
            # One request whatever the size, so that the entity tag stays the MD5 that the next run compares.
            target.s3.put_object(Bucket=target.bucket, Key=key, Body=package.read(key.removeprefix(PREFIX)))


def _objects(target: Target) -> dict[str, str]:
    """Keys and MD5 of what is in the bucket."""
    pages = target.s3.get_paginator("list_objects_v2").paginate(Bucket=target.bucket, Prefix=PREFIX)
    return {entry["Key"]: entry["ETag"].strip('"') for page in pages for entry in page.get("Contents", [])}


def _environment(target: Target) -> dict[str, Any] | None:
    if target.environment is None:
        return None
    found: dict[str, Any] = target.mwaa.get_environment(Name=target.environment)["Environment"]
    if found["Status"] != "AVAILABLE":
        raise DeployError(f"{target.environment} is {found['Status']}: run this again when it is AVAILABLE")
    return found


def _update_environment(
    target: Target, environment: dict[str, Any], slow: list[str], dry_run: bool, say: Callable[[str], None]
) -> None:
    """Tell the environment the versions of plugins and requirements that it does not have yet."""
    if dry_run:
        if slow:
            say(f"would update {target.environment}, which takes some 20 minutes")
        return
    versions = {
        setting: target.s3.head_object(Bucket=target.bucket, Key=PREFIX + name)["VersionId"]
        for name, setting in VERSIONS.items()
    }
    if all(environment.get(setting) == version for setting, version in versions.items()):
        return
    say(f"update {target.environment}, which takes some 20 minutes")
    target.mwaa.update_environment(
        Name=target.environment,
        PluginsS3Path=PREFIX + PLUGINS_ZIP,
        RequirementsS3Path=PREFIX + REQUIREMENTS,
        **versions,
    )
    for _ in range(WAITS):
        time.sleep(WAIT_SECONDS)
        now = target.mwaa.get_environment(Name=target.environment)["Environment"]
        last = now.get("LastUpdate", {})
        if now["Status"] in {"UPDATE_FAILED", "UNAVAILABLE"} or last.get("Status") == "FAILED":
            reason = last.get("Error", {}).get("ErrorMessage", "see the requirements_install log stream")
            raise DeployError(f"{target.environment} could not be updated, the DAGs are as before: {reason}")
        if now["Status"] == "AVAILABLE":
            say(f"{target.environment} is updated")
            return
    raise DeployError(f"{target.environment} is still {now['Status']}: run this again when it is AVAILABLE")


def _set_variables(target: Target, dry_run: bool, say: Callable[[str], None]) -> None:
    """Give Airflow the Variables that the stack's outputs say, through the environment's REST interface."""

    def ask(method: str, path: str, **more: Any) -> Any:
        answer = target.mwaa.invoke_rest_api(Name=target.environment, Method=method, Path=path, **more)
        return answer["RestApiResponse"]

    listed = ask("GET", "/variables", QueryParameters={"limit": 1000})["variables"]
    current = {entry["key"]: entry["value"] for entry in listed}
    wanted = {name: target.outputs[output] for name, output in VARIABLES.items()}
    wanted |= {name: value for name, value in DEFAULTS.items() if name not in current}
    for name, value in wanted.items():
        if current.get(name) == value:
            continue
        say(f"{'would ' if dry_run else ''}set the Variable {name} to {value}")
        if not dry_run:
            body = {"key": name, "value": value}
            if name in current:
                ask("PATCH", f"/variables/{name}", Body=body)
            else:
                ask("POST", "/variables", Body=body)
