"""What IAM asks of a call to AWS, and what a policy answers. Only as much as the execution role needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT

from local_aws.environment import REGION
from local_aws.template import TEMPLATE_PATH
from local_aws.template_language import Loader, parameter_values, resolve

Permission = tuple[str, str]
"""An action and the resource it is asked for."""

OBJECT_ACTIONS = {
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "DeleteObject": "s3:DeleteObject",
}
WITH_VERSION = {"s3:GetObject": "s3:GetObjectVersion", "s3:DeleteObject": "s3:DeleteObjectVersion"}
BUCKET_ACTIONS = {
    "ListObjectsV2": "s3:ListBucket",
    "ListObjects": "s3:ListBucket",
    "HeadBucket": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
}
COPIES = ("CopyObject", "UploadPartCopy")


def asked(service: str, operation: str, parameters: dict[str, Any], workgroup: str) -> Iterator[Permission]:
    """The permissions that a call needs."""
    match service:
        case "s3":
            yield from _asked_of_s3(operation, parameters)
        case "glue":
            database = parameters["DatabaseName" if "DatabaseName" in parameters else "Name"]
            yield f"glue:{operation}", _arn("glue", "catalog")
            yield f"glue:{operation}", _arn("glue", f"database/{database}")
            if "Database" not in operation:
                table = parameters.get("TableName") or parameters.get("Name") or "*"
                yield f"glue:{operation}", _arn("glue", f"table/{database}/{table}")
        case "athena":
            yield f"athena:{operation}", _arn("athena", f"workgroup/{workgroup}")
        case "sns":
            yield f"sns:{operation}", parameters["TopicArn" if "TopicArn" in parameters else "TargetArn"]
        case "sts" if operation == "GetCallerIdentity":
            return  # which needs no permission
        case _:
            raise NotImplementedError(f"what {service} {operation} needs")


def _asked_of_s3(operation: str, parameters: dict[str, Any]) -> Iterator[Permission]:
    bucket = f"arn:aws:s3:::{parameters['Bucket']}"
    if operation in BUCKET_ACTIONS:
        yield BUCKET_ACTIONS[operation], bucket
    elif operation in COPIES:
        source = "s3:GetObjectVersion" if parameters["SourceVersion"] else "s3:GetObject"
        yield source, f"arn:aws:s3:::{parameters['CopySource']}"
        yield "s3:PutObject", f"{bucket}/{parameters['Key']}"
    elif operation == "DeleteObjects":
        yield from (("s3:DeleteObject", f"{bucket}/{key}") for key in parameters["Keys"])
    else:
        action = OBJECT_ACTIONS[operation]
        yield WITH_VERSION[action] if "VersionId" in parameters else action, f"{bucket}/{parameters['Key']}"


def _arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


@dataclass(frozen=True)
class Policy:
    """One policy of a role: its statements with all names resolved."""

    statements: list[dict[str, Any]]

    def allows(self, permission: Permission) -> bool:
        action, resource = permission
        return any(
            _matches(action, statement["Action"])
            and ("Resource" not in statement or _matches(resource, statement["Resource"]))
            for statement in self.statements
        )

    def grants(self) -> set[Permission]:
        """Each action with each resource pattern, as the policy has them."""
        return {
            (action, resource)
            for statement in self.statements
            for action in _list(statement["Action"])
            for resource in _list(statement.get("Resource", "*"))
        }


def execution_role(bucket: str, database: str, workgroup: str, topic_arn: str) -> dict[str, Policy]:
    """The policies of the template's execution role, by name, for resources of these names."""
    template = Loader(TEMPLATE_PATH.read_text()).get_data()
    given = {"DatabaseName": database, "WorkgroupName": workgroup}
    values = parameter_values(template["Parameters"], given)
    attributes: dict[tuple[str, str], Any] = {(name, "Ref"): value for name, value in values.items()} | {
        ("AWS::Partition", "Ref"): "aws",
        ("AWS::Region", "Ref"): REGION,
        ("AWS::AccountId", "Ref"): ACCOUNT,
        ("Bucket", "Arn"): f"arn:aws:s3:::{bucket}",
        ("Topic", "Ref"): topic_arn,
    }
    role = template["Resources"]["ExecutionRole"]["Properties"]
    resolved = resolve(role["Policies"], lambda name, attribute: attributes[name, attribute])
    return {entry["PolicyName"]: Policy(entry["PolicyDocument"]["Statement"]) for entry in resolved}


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _matches(text: str, patterns: str | list[str]) -> bool:
    # A bracket means nothing to IAM.
    return any(fnmatchcase(text, re.sub(r"([\[\]])", r"[\1]", pattern)) for pattern in _list(patterns))
