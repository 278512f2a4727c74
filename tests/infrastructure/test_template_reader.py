"""The resources that the reader makes on moto's server, read back through boto3, and what it refuses."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from local_aws.template import TEMPLATE_PATH, create_resources, main
from local_aws.template_language import TemplateError
from stock_pipeline.lake.tables import EBAY, TABLES

REGION = "eu-west-2"
NOWHERE = "http://127.0.0.1:1"
"""Nothing listens here, so an error about the template shows that it came before the first call."""

# Names of this test alone: moto's state is the process's, and other tests have theirs in it.
PARAMETERS = {
    "BucketName": "template-reader-bucket",
    "DatabaseName": "template_reader",
    "TopicName": "template-reader-topic",
    "QueueName": "template-reader-queue",
    "WorkgroupName": "template-reader-workgroup",
}
BUCKET, DATABASE, WORKGROUP = (PARAMETERS[name] for name in ("BucketName", "DatabaseName", "WorkgroupName"))


@dataclass(frozen=True)
class Local:
    """The endpoint with the template's resources on it."""

    url: str
    outputs: dict[str, str]

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    url = f"http://127.0.0.1:{port}"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        yield Local(url, create_resources(TEMPLATE_PATH, url, PARAMETERS))
    server.stop()


def test_outputs(local: Local) -> None:
    assert local.outputs == {
        "BucketName": BUCKET,
        "DatabaseName": DATABASE,
        "WorkgroupName": WORKGROUP,
        "TopicArn": f"arn:aws:sns:{REGION}:123456789012:template-reader-topic",
        "QueueUrl": f"{local.url}/123456789012/template-reader-queue",
    }


def test_bucket(local: Local) -> None:
    s3 = local.client("s3")
    assert s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"] == REGION
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    (encryption,) = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert encryption["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    blocked = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert len(blocked) == 4
    assert all(blocked.values())
    ownership = s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]
    assert ownership["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_lifecycle(local: Local) -> None:
    rules = local.client("s3").get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert rules == [
        {
            "ID": "tidy-old-versions",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        },
        {
            "ID": "abort-incomplete-uploads",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
        {
            "ID": "expire-staging",
            "Status": "Enabled",
            "Filter": {"Prefix": "staging/"},
            "Expiration": {"Days": 7},
        },
        {
            "ID": "expire-athena-results",
            "Status": "Enabled",
            "Filter": {"Prefix": "athena-results/"},
            "Expiration": {"Days": 7},
        },
    ]


def test_bucket_policy(local: Local) -> None:
    policy = json.loads(local.client("s3").get_bucket_policy(Bucket=BUCKET)["Policy"])
    # Its one statement refuses plain HTTP, which is what is spoken here.
    assert policy == {"Version": "2012-10-17", "Statement": []}


def test_a_policy_loses_only_its_refusal_of_plain_http(local: Local, template: Callable[[str], Path]) -> None:
    path = template("""
        Resources:
          Bucket:
            Type: AWS::S3::Bucket
            Properties: {BucketName: template-reader-policy}
          Policy:
            Type: AWS::S3::BucketPolicy
            Properties:
              Bucket: !Ref Bucket
              PolicyDocument:
                Version: "2012-10-17"
                Statement:
                  - {Sid: Tls, Effect: Deny, Principal: "*", Action: "s3:*", Resource: !Sub "${Bucket.Arn}/*",
                     Condition: {Bool: {aws:SecureTransport: "false"}}}
                  - {Sid: Deletion, Effect: Deny, Principal: "*", Action: "s3:DeleteObject",
                     Resource: !Sub "${Bucket.Arn}/*"}
    """)
    create_resources(path, local.url)
    s3 = local.client("s3")
    policy = json.loads(s3.get_bucket_policy(Bucket="template-reader-policy")["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Sid"] == "Deletion"
    assert statement["Resource"] == "arn:aws:s3:::template-reader-policy/*"
    s3.put_object(Bucket="template-reader-policy", Key="key", Body=b"")


def test_topic_is_encrypted(local: Local) -> None:
    attributes = local.client("sns").get_topic_attributes(TopicArn=local.outputs["TopicArn"])["Attributes"]
    assert attributes["KmsMasterKeyId"] == "alias/aws/sns"


def test_queue(local: Local) -> None:
    sqs = local.client("sqs")

    def attributes(url: str) -> dict[str, str]:
        return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    queue = attributes(local.outputs["QueueUrl"])
    dead_letters = attributes(sqs.get_queue_url(QueueName="template-reader-queue-dead-letter")["QueueUrl"])
    assert queue["MessageRetentionPeriod"] == "604800"
    assert queue["ReceiveMessageWaitTimeSeconds"] == "20"
    assert queue["VisibilityTimeout"] == "60"
    assert queue["SqsManagedSseEnabled"] == "true"
    redrive = json.loads(queue["RedrivePolicy"])
    assert redrive == {"deadLetterTargetArn": dead_letters["QueueArn"], "maxReceiveCount": 5}
    assert dead_letters["MessageRetentionPeriod"] == "1209600"
    allowed = json.loads(queue["Policy"])["Statement"][0]
    assert allowed["Resource"] == queue["QueueArn"]
    assert allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": local.outputs["TopicArn"]}}


def test_a_published_message_reaches_the_queue_as_it_was_sent(local: Local) -> None:
    body = json.dumps({"event": "feed_held", "supplier": "APE"})
    local.client("sns").publish(
        TopicArn=local.outputs["TopicArn"],
        Message=body,
        MessageAttributes={"event": {"DataType": "String", "StringValue": "feed_held"}},
    )
    received = local.client("sqs").receive_message(
        QueueUrl=local.outputs["QueueUrl"], MessageAttributeNames=["All"], WaitTimeSeconds=1
    )
    (message,) = received["Messages"]
    assert message["Body"] == body
    assert message["MessageAttributes"]["event"]["StringValue"] == "feed_held"


def test_workgroup(local: Local) -> None:
    group = local.client("athena").get_work_group(WorkGroup=WORKGROUP)["WorkGroup"]["Configuration"]
    assert group["ResultConfiguration"] == {
        "OutputLocation": f"s3://{BUCKET}/athena-results/",
        "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
    }
    assert group["EngineVersion"]["SelectedEngineVersion"] == "Athena engine version 3"
    assert group["BytesScannedCutoffPerQuery"] == 10 * 2**30
    assert group["PublishCloudWatchMetricsEnabled"] is True
    # Enforced, Athena would refuse the staging tables' external_location.
    assert group["EnforceWorkGroupConfiguration"] is False


@pytest.mark.parametrize("declared", TABLES.values(), ids=TABLES)
def test_tables(local: Local, declared: Any) -> None:
    table = local.client("glue").get_table(DatabaseName=DATABASE, Name=declared.name)["Table"]
    storage = table["StorageDescriptor"]
    assert {column["Name"]: column["Type"] for column in storage["Columns"]} == declared.columns
    assert tuple(key["Name"] for key in table["PartitionKeys"]) == declared.partition_keys
    assert storage["Location"] == f"s3://{BUCKET}/{declared.name}/"
    assert storage["SerdeInfo"]["Parameters"] == {"serialization.format": "1"}
    assert table["TableType"] == "EXTERNAL_TABLE"


def test_again_changes_settings_and_keeps_what_is_there(local: Local) -> None:
    s3, glue, athena = (local.client(name) for name in ("s3", "glue", "athena"))
    key = EBAY.key("AMS")
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"rows")
    location = {"Location": f"s3://{BUCKET}/ebay/ebay_store=AMS/"}
    glue.create_partition(
        DatabaseName=DATABASE,
        TableName="ebay",
        PartitionInput={"Values": ["AMS"], "StorageDescriptor": location},
    )

    again = create_resources(TEMPLATE_PATH, local.url, PARAMETERS)
    with_another_cutoff = create_resources(
        TEMPLATE_PATH, local.url, PARAMETERS | {"BytesScannedCutoff": "20000000"}
    )

    assert again == with_another_cutoff == local.outputs
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"rows"
    assert len(s3.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"]) == 1
    partitions = glue.get_partitions(DatabaseName=DATABASE, TableName="ebay")["Partitions"]
    assert [partition["Values"] for partition in partitions] == [["AMS"]]
    group = athena.get_work_group(WorkGroup=WORKGROUP)["WorkGroup"]["Configuration"]
    assert group["BytesScannedCutoffPerQuery"] == 20_000_000
    subscriptions = local.client("sns").list_subscriptions_by_topic(TopicArn=local.outputs["TopicArn"])
    assert len(subscriptions["Subscriptions"]) == 1
    create_resources(TEMPLATE_PATH, local.url, PARAMETERS)


@pytest.fixture
def template(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a template's text and gives its path."""

    def write(text: str) -> Path:
        path = tmp_path / "template.yaml"
        path.write_text(dedent(text))
        return path

    return write


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ("{Type: AWS::Lambda::Function, Properties: {}}", r"Odd \(AWS::Lambda::Function\).*this type"),
        ("{Properties: {}}", "Odd.*'Type' is missing"),
        ("{Type: AWS::SNS::Topic, Condition: Sometimes, Properties: {}}", "Odd.*Condition"),
        ("{Type: AWS::SNS::Topic, Properties: {TopicName: a, FifoTopic: true}}", "Odd.*FifoTopic"),
        ("{Type: AWS::SNS::Topic, Properties: {TopicName: !ImportValue a}}", "Odd.*Fn::ImportValue"),
        ("{Type: AWS::SNS::Topic, Properties: {TopicName: !Select [0, [a]]}}", "Odd.*Fn::Select"),
        ("{Type: AWS::SNS::Topic, Properties: {TopicName: {Fn::Base64: a}}}", "Odd.*Fn::Base64"),
        ("{Type: AWS::SNS::Topic, Properties: {TopicName: {Ref: A, b: c}}}", "Odd.*Ref"),
        ("{Type: AWS::SNS::Topic, Properties: {TopicName: !Sub ['${a}', {a: b}]}}", "Odd.*Fn::Sub"),
        ("{Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Unknown}}", "Odd.*Unknown"),
        ("{Type: AWS::SNS::Topic, Properties: {TopicName: !Sub 'a-${AWS::StackName}'}}", "Odd.*StackName"),
        ("{Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Odd}}", "cycle.*Odd"),
    ],
)
def test_what_the_reader_does_not_know_is_an_error_before_anything_is_made(
    template: Callable[[str], Path], resource: str, message: str
) -> None:
    with pytest.raises(TemplateError, match=message):
        create_resources(template(f"Resources:\n  Odd: {resource}\n"), NOWHERE)


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ("{Type: AWS::SNS::Topic, Properties: {}}", "Odd.*'TopicName' is missing"),
        ("{Type: AWS::SNS::Topic, Properties: {TopicName: !GetAtt Queue.Colour}}", "Odd.*Colour"),
        (
            "{Type: AWS::SQS::Queue, Properties: {QueueName: odd, RedrivePolicy: {maxReceives: 5}}}",
            "Odd.*maxReceives",
        ),
        (
            "{Type: AWS::Glue::Database, Properties: {DatabaseInput: {Name: odd, Colour: red}}}",
            "Odd.*Colour",
        ),
        (
            """{Type: AWS::S3::Bucket, Properties: {BucketName: template-reader-odd,
                LifecycleConfiguration: {Rules: [{Id: a, Status: Enabled, TagFilters: []}]}}}""",
            "Odd.*TagFilters",
        ),
        (
            """{Type: AWS::S3::BucketPolicy, Properties: {Bucket: template-reader-absent,
                PolicyDocument: {Statement: []}}}""",
            "Odd.*NoSuchBucket",
        ),
    ],
)
def test_what_only_shows_when_a_resource_is_made_names_it_too(
    local: Local, template: Callable[[str], Path], resource: str, message: str
) -> None:
    queue = "{Type: AWS::SQS::Queue, Properties: {QueueName: template-reader-other}}"
    with pytest.raises(TemplateError, match=f"(?s){message}"):
        create_resources(template(f"Resources:\n  Queue: {queue}\n  Odd: {resource}\n"), local.url)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Resources: {}\nMappings: {}\n", "Mappings"),
        ("Resources: {}\nOutputs: {Odd: {Value: !Ref Unknown}}\n", "Odd.*Unknown"),
        ("Resources: {}\nOutputs: {Odd: {Value: a, Export: {Name: b}}}\n", "Odd.*Export"),
        ("Resources: {}\nParameters: {Odd: {Type: List<String>, Default: a}}\n", "Odd.*List"),
        ("Resources: {}\nParameters: {Odd: {Type: String, MaxLength: 3}}\n", "Odd.*MaxLength"),
        ("Resources: [\n", "template.yaml"),
        ("just text\n", "template.yaml"),
        ("Parameters: {}\n", "'Resources' is missing"),
    ],
)
def test_faulty_templates(template: Callable[[str], Path], text: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        create_resources(template(text), NOWHERE)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Colour": "red"}, "Colour"),
        ({"BucketName": "has.dots"}, "BucketName.*hyphens"),
        ({"DatabaseName": "RTG"}, "DatabaseName.*Lower-case"),
        ({"BytesScannedCutoff": "many"}, "BytesScannedCutoff.*many"),
    ],
)
def test_faulty_parameters(parameters: dict[str, str], message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        create_resources(TEMPLATE_PATH, NOWHERE, parameters)


def test_a_parameter_without_default_must_be_given(template: Callable[[str], Path]) -> None:
    path = template("Resources: {}\nParameters: {Name: {Type: String}}\n")
    with pytest.raises(TemplateError, match=r"Name.*Default"):
        create_resources(path, NOWHERE)


def test_intrinsic_functions_in_both_notations(local: Local, template: Callable[[str], Path]) -> None:
    path = template("""
        Parameters:
          Name: {Type: String, Default: template-reader-intrinsics}
        Resources:
          Topic:
            Type: AWS::SNS::Topic
            Properties:
              TopicName:
                Ref: Name
        Outputs:
          Joined:
            Value: !Join [":", [a, !Ref Name, !GetAtt Topic.TopicName, {"Fn::Sub": "${AWS::Region}"}]]
          Written:
            Value: {"Fn::GetAtt": [Topic, TopicArn]}
          Literal:
            Value: !Sub "${!Name} is ${Name}"
    """)
    assert create_resources(path, local.url) == {
        "Joined": f"a:template-reader-intrinsics:template-reader-intrinsics:{REGION}",
        "Written": f"arn:aws:sns:{REGION}:123456789012:template-reader-intrinsics",
        "Literal": "${Name} is template-reader-intrinsics",
    }


def test_an_endpoint_that_does_not_answer_is_named() -> None:
    with pytest.raises(TemplateError, match=NOWHERE):
        create_resources(TEMPLATE_PATH, NOWHERE)


def test_a_template_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"absent\.yaml"):
        create_resources(tmp_path / "absent.yaml", NOWHERE)


def test_command_prints_the_outputs(local: Local) -> None:
    options = [f"--parameter={name}={value}" for name, value in PARAMETERS.items()]
    command = [sys.executable, "-m", "local_aws.template", "--endpoint", local.url, *options]
    finished = subprocess.run(  # noqa: S603  (our own command)
        command, cwd=TEMPLATE_PATH.parents[1], capture_output=True, text=True, check=True
    )
    assert finished.stdout.splitlines() == [f"{name}={value}" for name, value in local.outputs.items()]


def test_command_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--endpoint", NOWHERE, "--parameter", "Colour=red"]) == 1
    assert "Colour" in capsys.readouterr().err
    assert main(["--endpoint", NOWHERE, "--parameter", "Colour"]) == 1
    assert "NAME=VALUE" in capsys.readouterr().err
