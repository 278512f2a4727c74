"""Makes on a local endpoint what the infrastructure template describes for AWS, so the two cannot differ.

It reads as much of CloudFormation as the template uses. Anything beyond (a resource type, a property, an
intrinsic function, a section) is an error that names the resource: a setting skipped in silence would hold on
AWS and not here. There is one exception: a policy's denial of plain HTTP, where plain HTTP is all there is.
What has no local counterpart is under a condition that does not hold here, and is not looked at.
Making the resources again gives those that are there the settings of the template.
"""

from __future__ import annotations

import argparse
import contextlib
import graphlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.config import Config

from local_aws.template_language import (
    Loader,
    TemplateError,
    blaming,
    condition_values,
    kept_entries,
    only,
    parameter_values,
    resolve,
)

TEMPLATE_PATH = Path(__file__).parents[1] / "infrastructure" / "template.yaml"
ENDPOINT_URL = "http://127.0.0.1:5555"
DEFAULT_REGION = "eu-west-2"  # where the environment names none
ONLY_TLS = {"Bool": {"aws:SecureTransport": "false"}}
PSEUDO_PARAMETERS = ("AWS::AccountId", "AWS::Partition", "AWS::Region")


def _text(value: Any) -> str:
    """A setting as SNS and SQS want it."""
    return value if isinstance(value, str) else json.dumps(value)


def _encryption(configuration: dict[str, Any]) -> dict[str, Any]:
    only(configuration, "ServerSideEncryptionConfiguration")
    renamed = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    rules = configuration["ServerSideEncryptionConfiguration"]
    return {"Rules": [{renamed.get(key, key): value for key, value in rule.items()} for rule in rules]}


def _lifecycle(configuration: dict[str, Any]) -> dict[str, Any]:
    only(configuration, "Rules")
    rules = [{"Filter": {"Prefix": rule.get("Prefix", "")}, **rule} for rule in configuration["Rules"]]
    for rule in rules:
        rule.pop("Prefix", None)
        rule["ID"] = rule.pop("Id")
        names = {"ExpirationInDays": "Days", "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker"}
        if expiration := {theirs: rule.pop(ours) for ours, theirs in names.items() if ours in rule}:
            rule["Expiration"] = expiration
    return {"Rules": rules}


BUCKET_SETTINGS: dict[str, tuple[str, str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "VersioningConfiguration": ("put_bucket_versioning", "VersioningConfiguration", dict),
    "BucketEncryption": ("put_bucket_encryption", "ServerSideEncryptionConfiguration", _encryption),
    "PublicAccessBlockConfiguration": ("put_public_access_block", "PublicAccessBlockConfiguration", dict),
    "OwnershipControls": ("put_bucket_ownership_controls", "OwnershipControls", dict),
    "LifecycleConfiguration": ("put_bucket_lifecycle_configuration", "LifecycleConfiguration", _lifecycle),
}
"""For each property: the call that sets it, its argument, and what turns CloudFormation's form into S3's."""


class _Endpoint:
    """Makes resources at one endpoint; methods take resolved properties, and give what Ref and GetAtt say."""

    def __init__(self, url: str, region: str) -> None:
        session = boto3.Session("local", "local", region_name=region)
        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 2})
        services = ("s3", "sns", "sqs", "athena", "glue", "sts")
        clients: list[Any] = [session.client(name, endpoint_url=url, config=config) for name in services]
        self.s3, self.sns, self.sqs, self.athena, self.glue, self.sts = clients

    def _policy(self, document: dict[str, Any]) -> dict[str, Any]:
        """The policy as it can hold here. A bucket's denial of plain HTTP would make moto deny everything."""
        if self.s3.meta.endpoint_url.startswith("https:"):
            return document
        kept = [
            statement
            for statement in document["Statement"]
            if (statement["Effect"], statement.get("Condition")) != ("Deny", ONLY_TLS)
        ]
        return document | {"Statement": kept}

    def bucket(self, properties: dict[str, Any]) -> dict[str, str]:
        name, region = properties.pop("BucketName"), self.s3.meta.region_name
        # us-east-1 is the one region that may not be named.
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        with contextlib.suppress(self.s3.exceptions.BucketAlreadyOwnedByYou):
            self.s3.create_bucket(Bucket=name, **place)
        for setting, value in properties.items():
            method, argument, converted = BUCKET_SETTINGS[setting]
            getattr(self.s3, method)(**{"Bucket": name, argument: converted(value)})
        return {"Ref": name, "Arn": f"arn:aws:s3:::{name}"}

    def bucket_policy(self, properties: dict[str, Any]) -> dict[str, str]:
        bucket, policy = properties["Bucket"], self._policy(properties["PolicyDocument"])
        self.s3.put_bucket_policy(Bucket=bucket, Policy=_text(policy))
        return {}

    def topic(self, properties: dict[str, Any]) -> dict[str, str]:
        name = properties.pop("TopicName")
        arn = self.sns.create_topic(Name=name)["TopicArn"]
        for setting, value in properties.items():
            self.sns.set_topic_attributes(TopicArn=arn, AttributeName=setting, AttributeValue=_text(value))
        return {"Ref": arn, "TopicArn": arn, "TopicName": name}

    def subscription(self, properties: dict[str, Any]) -> dict[str, str]:
        raw = _text(properties.pop("RawMessageDelivery", False))
        # Subscribing again gives the subscription that is there already, with its settings as they were.
        arn = self.sns.subscribe(**properties, ReturnSubscriptionArn=True)["SubscriptionArn"]
        setting = {"AttributeName": "RawMessageDelivery", "AttributeValue": raw}
        self.sns.set_subscription_attributes(SubscriptionArn=arn, **setting)
        return {"Ref": arn}

    def queue(self, properties: dict[str, Any]) -> dict[str, str]:
        name = properties.pop("QueueName")
        only(properties.get("RedrivePolicy", {}), "deadLetterTargetArn maxReceiveCount")
        # Without settings: SQS refuses to create a queue again with others than those it has.
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        settings = {setting: _text(value) for setting, value in properties.items()}
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes=settings)
        now = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        return {"Ref": url, "QueueUrl": url, "QueueName": name, "Arn": now["QueueArn"]}

    def queue_policy(self, properties: dict[str, Any]) -> dict[str, str]:
        policy = {"Policy": _text(self._policy(properties["PolicyDocument"]))}
        for url in properties["Queues"]:
            self.sqs.set_queue_attributes(QueueUrl=url, Attributes=policy)
        return {}

    def workgroup(self, properties: dict[str, Any]) -> dict[str, str]:
        name, recursive = properties["Name"], properties.pop("RecursiveDeleteOption", False)
        if any(group["Name"] == name for group in self.athena.list_work_groups()["WorkGroups"]):
            # moto knows no UpdateWorkGroup, and a local workgroup holds nothing worth keeping.
            self.athena.delete_work_group(WorkGroup=name, RecursiveDeleteOption=recursive)
        self.athena.create_work_group(Configuration=properties.pop("WorkGroupConfiguration"), **properties)
        return {"Ref": name}

    def database(self, properties: dict[str, Any]) -> dict[str, str]:
        name = properties["DatabaseInput"]["Name"]
        try:
            self.glue.create_database(**properties)
        except self.glue.exceptions.AlreadyExistsException:
            self.glue.update_database(Name=name, **properties)
        return {"Ref": name}

    def table(self, properties: dict[str, Any]) -> dict[str, str]:
        try:
            self.glue.create_table(**properties)
        except self.glue.exceptions.AlreadyExistsException:
            self.glue.update_table(**properties)  # its partitions stay
        return {"Ref": properties["TableInput"]["Name"]}


QUEUE_TIMES = "MessageRetentionPeriod ReceiveMessageWaitTimeSeconds VisibilityTimeout"
HANDLERS: dict[str, tuple[Callable[[_Endpoint, dict[str, Any]], dict[str, str]], str]] = {
    "AWS::S3::Bucket": (_Endpoint.bucket, f"BucketName {' '.join(BUCKET_SETTINGS)}"),
    "AWS::S3::BucketPolicy": (_Endpoint.bucket_policy, "Bucket PolicyDocument"),
    "AWS::SNS::Topic": (_Endpoint.topic, "TopicName KmsMasterKeyId"),
    "AWS::SNS::Subscription": (_Endpoint.subscription, "TopicArn Protocol Endpoint RawMessageDelivery"),
    "AWS::SQS::Queue": (_Endpoint.queue, f"QueueName SqsManagedSseEnabled RedrivePolicy {QUEUE_TIMES}"),
    "AWS::SQS::QueuePolicy": (_Endpoint.queue_policy, "Queues PolicyDocument"),
    "AWS::Athena::WorkGroup": (
        _Endpoint.workgroup,
        "Name Description RecursiveDeleteOption WorkGroupConfiguration",
    ),
    "AWS::Glue::Database": (_Endpoint.database, "CatalogId DatabaseInput"),
    "AWS::Glue::Table": (_Endpoint.table, "CatalogId DatabaseName TableInput"),
}
"""For each type: what makes it, and its properties. Inside those boto3 refuses what it does not know."""


def _creation_order(template: dict[str, Any]) -> list[str]:
    """The resources' names, each after those it refers to. Finds all that the reader does not know."""
    known = {*template.get("Parameters", {}), *template["Resources"], *PSEUDO_PARAMETERS}
    graph: dict[str, set[str]] = {}

    def references(value: Any) -> set[str]:
        found: set[str] = set()
        resolve(value, lambda name, _: found.add(name))
        if strangers := sorted(found - known):
            raise TemplateError(f"no parameter or resource made here is called {', '.join(strangers)}")
        return found

    for name, resource in template["Resources"].items():
        with blaming(f"resource {name} ({resource.get('Type')})"):
            only(resource, "Type Condition Properties DeletionPolicy UpdateReplacePolicy")
            if resource["Type"] not in HANDLERS:
                raise TemplateError("the local reader does not know this type")
            only(resource["Properties"], HANDLERS[resource["Type"]][1])
            graph[name] = references(resource["Properties"]) & template["Resources"].keys()
    for name, output in template["Outputs"].items():
        with blaming(f"output {name}"):
            only(output, "Condition Description Value")
            references(output["Value"])
    return list(graphlib.TopologicalSorter(graph).static_order())


def create_resources(
    template_path: str | Path, endpoint_url: str, parameters: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Makes the template's resources on a local endpoint, or brings those that are there up to date.

    The credentials are made up, so an endpoint that is really AWS refuses the first call.

    Args:
        template_path: the CloudFormation template.
        endpoint_url: where all services listen, e.g. `http://127.0.0.1:5555`.
        parameters: values for the template's parameters; those left out take their defaults.

    Returns:
        The template's outputs, name to value.

    Raises:
        TemplateError: the template holds something the reader does not know, or the endpoint refused a call.
    """
    with blaming(str(template_path)):
        template = yaml.load(Path(template_path).read_text(encoding="utf-8"), Loader)  # noqa: S506  (is safe)
        only(template, "AWSTemplateFormatVersion Description Parameters Conditions Resources Outputs")
        values = parameter_values(template.get("Parameters", {}), parameters or {})
        conditions = condition_values(template.get("Conditions", {}), values)
        template["Resources"] = kept_entries("resource", template["Resources"], conditions)
        template["Outputs"] = kept_entries("output", template.get("Outputs", {}), conditions)
        order = _creation_order(template)
    region = os.environ.get("AWS_DEFAULT_REGION", DEFAULT_REGION)
    with blaming(endpoint_url):
        endpoint = _Endpoint(endpoint_url, region)
        account = endpoint.sts.get_caller_identity()["Account"]
    values |= dict(zip(PSEUDO_PARAMETERS, (account, "aws", region), strict=True))
    attributes = {name: {"Ref": value} for name, value in values.items()}

    def lookup(name: str, attribute: str) -> Any:
        return attributes[name][attribute]

    for name in order:
        resource = template["Resources"][name]
        with blaming(f"resource {name} ({resource['Type']})"):
            make, _ = HANDLERS[resource["Type"]]
            attributes[name] = make(endpoint, resolve(resource["Properties"], lookup))
    with blaming("outputs"):
        outputs = template["Outputs"]
        return {name: str(resolve(output["Value"], lookup)) for name, output in outputs.items()}


def main(arguments: list[str] | None = None) -> int:
    """Makes the resources and prints the outputs; 1 if the template or the endpoint does not let it."""
    parser = argparse.ArgumentParser(prog="python -m local_aws.template")
    parser.add_argument("--endpoint", default=ENDPOINT_URL, help="default %(default)s")
    parser.add_argument("--template", type=Path, default=TEMPLATE_PATH, help="default %(default)s")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args(arguments)
    try:
        with blaming("--parameter NAME=VALUE"):
            parameters = dict(pair.split("=", 1) for pair in options.parameter)
        outputs = create_resources(options.template, options.endpoint, parameters)
    except TemplateError as error:
        print(error, file=sys.stderr)
        return 1
    print(*(f"{name}={value}" for name, value in outputs.items()), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
