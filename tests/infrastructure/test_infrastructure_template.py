"""What the template says, read with cfn-lint's own parser rather than with ours."""

import json
from pathlib import Path
from typing import Any

import cfnlint.api
import cfnlint.decode
import pytest

from stock_pipeline.lake.locations import ATHENA_RESULTS, STAGING
from stock_pipeline.lake.tables import TABLES

TEMPLATE_PATH = Path(__file__).parents[2] / "infrastructure" / "template.yaml"
PARQUET = "org.apache.hadoop.hive.ql.io.parquet"


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    template, problems = cfnlint.decode.decode(str(TEMPLATE_PATH))
    assert problems == []
    # Through JSON, for plain values instead of cfn-lint's, which remember their line.
    return json.loads(json.dumps(template["Resources"]))


def one(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    """The properties of the only resource of a kind."""
    (found,) = (resource["Properties"] for resource in resources.values() if resource["Type"] == kind)
    return found


@pytest.fixture(scope="module")
def bucket(resources: dict[str, Any]) -> dict[str, Any]:
    return one(resources, "AWS::S3::Bucket")


def test_cfn_lint_has_no_error_warning_or_remark() -> None:
    assert cfnlint.api.lint_file(TEMPLATE_PATH, config={"include_checks": ["I"]}) == []


def test_cfn_lint_is_asked_the_right_way(tmp_path: Path) -> None:
    faulty = tmp_path / "template.yaml"
    faulty.write_text(TEMPLATE_PATH.read_text().replace("ReceiveMessageWaitTimeSeconds: 20", "WaitTime: 20"))
    assert [match.rule.id for match in cfnlint.api.lint_file(faulty)] == ["E3002"]


def test_the_tables_are_those_of_the_pipeline(resources: dict[str, Any]) -> None:
    inputs = [r["Properties"]["TableInput"] for r in resources.values() if r["Type"] == "AWS::Glue::Table"]
    assert [table["Name"] for table in inputs] == list(TABLES)
    for table, declared in zip(inputs, TABLES.values(), strict=True):
        storage = table["StorageDescriptor"]
        columns = [(column["Name"], column["Type"]) for column in storage["Columns"]]
        assert columns == list(declared.columns.items())
        keys = [(key["Name"], key["Type"]) for key in table["PartitionKeys"]]
        assert keys == [(key, "string") for key in declared.partition_keys]
        assert storage["Location"] == {"Fn::Sub": f"s3://${{Bucket}}/{declared.name}/"}
        assert table["TableType"] == "EXTERNAL_TABLE"
        assert table["Parameters"] == {"EXTERNAL": "TRUE", "classification": "parquet"}
        assert storage["InputFormat"] == f"{PARQUET}.MapredParquetInputFormat"
        assert storage["OutputFormat"] == f"{PARQUET}.MapredParquetOutputFormat"
        assert storage["SerdeInfo"]["SerializationLibrary"] == f"{PARQUET}.serde.ParquetHiveSerDe"


def test_what_would_hurt_to_lose_is_retained(resources: dict[str, Any]) -> None:
    precious = {"AWS::S3::Bucket", "AWS::Glue::Database", "AWS::Glue::Table"}
    for name, resource in resources.items():
        policies = {resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")}
        assert (policies == {"Retain"}) is (resource["Type"] in precious), name


def test_no_lifecycle_rule_reaches_a_current_object_of_a_table(bucket: dict[str, Any]) -> None:
    # Whatever is not named here (a date, a transition, a filter on tags) has to be thought about first.
    harmless = {
        *("Id", "Status", "Prefix", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"),
        "ExpiredObjectDeleteMarker",  # removes a marker under which no version is left, never an object
    }
    rules = bucket["LifecycleConfiguration"]["Rules"]
    expiring = {}
    for rule in rules:
        if rule.keys() - harmless:
            assert rule.keys() == {"Id", "Status", "Prefix", "ExpirationInDays"}
            expiring[rule["Prefix"]] = rule["ExpirationInDays"]
    assert expiring == {STAGING: 7, ATHENA_RESULTS: 7}
    for prefix in expiring:
        for table in TABLES.values():
            key = table.key(*table.partition_keys)
            assert not key.startswith(prefix)
            assert not prefix.startswith(f"{table.name}/")
    assert {rule["Status"] for rule in rules} == {"Enabled"}


def test_old_versions_and_abandoned_uploads_end_everywhere(bucket: dict[str, Any]) -> None:
    everywhere = [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if "Prefix" not in rule]
    assert [rule.get("NoncurrentVersionExpiration") for rule in everywhere] == [{"NoncurrentDays": 30}, None]
    assert [rule.get("AbortIncompleteMultipartUpload") for rule in everywhere] == [
        None,
        {"DaysAfterInitiation": 7},
    ]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}


def test_the_bucket_is_closed_and_encrypted(resources: dict[str, Any], bucket: dict[str, Any]) -> None:
    blocked = bucket["PublicAccessBlockConfiguration"]
    assert blocked == dict.fromkeys(
        ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
    )
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    (statement,) = one(resources, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == "*"
    assert statement["Action"] == "s3:*"
    assert statement["Resource"] == [{"Fn::GetAtt": ["Bucket", "Arn"]}, {"Fn::Sub": "${Bucket.Arn}/*"}]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_only_the_topic_may_send_to_the_queue(resources: dict[str, Any]) -> None:
    statements = one(resources, "AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]
    (allowed,) = [statement for statement in statements if statement["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "sns.amazonaws.com"}
    assert allowed["Action"] == "sqs:SendMessage"
    assert allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "Topic"}}}


def test_encryption_lets_the_topic_reach_the_queue(resources: dict[str, Any]) -> None:
    assert resources["Topic"]["Properties"]["KmsMasterKeyId"]
    queues = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::SQS::Queue"]
    assert len(queues) == 2
    for queue in queues:
        assert queue["SqsManagedSseEnabled"] is True
        assert "KmsMasterKeyId" not in queue


def test_a_dead_letter_outlives_the_queue_it_came_from(resources: dict[str, Any]) -> None:
    retention = {
        name: resources[name]["Properties"]["MessageRetentionPeriod"] for name in ("Queue", "DeadLetterQueue")
    }
    assert retention["DeadLetterQueue"] > retention["Queue"]
