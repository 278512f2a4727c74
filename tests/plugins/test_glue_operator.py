"""Partitions as the operator leaves them in a real catalog."""

from __future__ import annotations

from typing import Any

import pytest

from aws_operators.glue import GluePartitionsOperator
from aws_operators.glue_partitions import BATCH, GluePartitionsError, PartitionInput
from tests.support.runs.stack import Stack

STORAGE = ("Columns", "InputFormat", "OutputFormat", "SerdeInfo")


def entry(stack: Stack, store: str, folder: str = "ebay") -> PartitionInput:
    return {"values": [store], "location": f"s3://{stack.bucket}/{folder}/ebay_store={store}/"}


def register(stack: Stack, partitions: Any, table: str = "ebay") -> list[list[str]]:
    operator = GluePartitionsOperator(
        task_id="register", database=stack.database, table=table, partitions=partitions
    )
    return operator.execute({})


def partition(stack: Stack, store: str) -> dict[str, Any]:
    answer = stack.glue.get_partition(DatabaseName=stack.database, TableName="ebay", PartitionValues=[store])
    return answer["Partition"]


@pytest.fixture(autouse=True)
def no_partitions(stack: Stack) -> None:
    for values in stack.partitions("ebay"):
        stack.glue.delete_partition(
            DatabaseName=stack.database, TableName="ebay", PartitionValues=list(values)
        )


def test_creates_what_is_missing_in_the_table_s_format(stack: Stack) -> None:
    assert register(stack, [entry(stack, "AMS"), entry(stack, "PV")]) == [["AMS"], ["PV"]]
    table = stack.glue.get_table(DatabaseName=stack.database, Name="ebay")["Table"]["StorageDescriptor"]
    found = partition(stack, "PV")["StorageDescriptor"]
    assert found["Location"] == f"s3://{stack.bucket}/ebay/ebay_store=PV/"
    assert {name: found[name] for name in STORAGE} == {name: table[name] for name in STORAGE}


def test_again_changes_nothing(stack: Stack) -> None:
    partitions = [entry(stack, "AMS"), entry(stack, "PV")]
    register(stack, partitions)
    before = [partition(stack, "AMS"), partition(stack, "PV")]
    assert register(stack, partitions) == []
    assert [partition(stack, "AMS"), partition(stack, "PV")] == before
    assert stack.partitions("ebay") == [("AMS",), ("PV",)]


def test_new_ones_beside_old_ones(stack: Stack) -> None:
    register(stack, [entry(stack, "PV")])
    assert register(stack, [entry(stack, "AMS"), entry(stack, "PV")]) == [["AMS"]]


def test_more_than_one_batch(stack: Stack) -> None:
    partitions = [entry(stack, f"S{number:03}") for number in range(2 * BATCH + 1)]
    assert len(register(stack, partitions)) == len(partitions)
    assert stack.partitions("ebay") == [(f"S{number:03}",) for number in range(2 * BATCH + 1)]


def test_a_changed_location_is_mended(stack: Stack) -> None:
    register(stack, [entry(stack, "AMS", "elsewhere"), entry(stack, "PV")])
    assert register(stack, [entry(stack, "AMS"), entry(stack, "PV")]) == [["AMS"]]
    assert partition(stack, "AMS")["StorageDescriptor"]["Location"].endswith("/ebay/ebay_store=AMS/")


def test_a_foreign_format_is_mended(stack: Stack) -> None:
    stack.glue.create_partition(
        DatabaseName=stack.database,
        TableName="ebay",
        PartitionInput={
            "Values": ["AMS"],
            "StorageDescriptor": {
                "Location": entry(stack, "AMS")["location"],
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            },
        },
    )
    assert register(stack, [entry(stack, "AMS")]) == [["AMS"]]
    assert "Parquet" in partition(stack, "AMS")["StorageDescriptor"]["InputFormat"]


@pytest.mark.parametrize("nothing", [[], [None, None], None, ()])
def test_nothing_to_register_is_fine(stack: Stack, nothing: Any) -> None:
    assert register(stack, nothing) == []
    assert stack.partitions("ebay") == []


def test_entries_that_are_none_are_passed_over(stack: Stack) -> None:
    assert register(stack, [None, entry(stack, "PV"), None]) == [["PV"]]


def test_one_mapped_task_s_value_comes_bare(stack: Stack) -> None:
    assert register(stack, entry(stack, "PV")) == [["PV"]]


@pytest.fixture
def refusing(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Glue that refuses to create the partition BAD and to update OLD."""
    operator = GluePartitionsOperator(task_id="any", database="d", table="t", partitions=[])
    client: Any = operator.hook.conn
    detail = {"ErrorCode": "InternalServiceException", "ErrorMessage": "come back later"}
    create, update = client.batch_create_partition, client.batch_update_partition

    def create_others(**arguments: Any) -> Any:
        inputs = arguments.pop("PartitionInputList")
        kept = [one for one in inputs if one["Values"] != ["BAD"]]
        answer = create(**arguments, PartitionInputList=kept)
        errors = [{"PartitionValues": ["BAD"], "ErrorDetail": detail}] if len(kept) < len(inputs) else []
        return {"Errors": [*answer.get("Errors", []), *errors]}

    def update_others(**arguments: Any) -> Any:
        entries = arguments.pop("Entries")
        kept = [one for one in entries if one["PartitionValueList"] != ["OLD"]]
        answer = update(**arguments, Entries=kept) if kept else {}
        errors = [{"PartitionValueList": ["OLD"], "ErrorDetail": detail}]
        return {"Errors": [*answer.get("Errors", []), *errors]}

    monkeypatch.setattr(client, "batch_create_partition", create_others)
    monkeypatch.setattr(client, "batch_update_partition", update_others)
    monkeypatch.setattr(GluePartitionsOperator, "hook", type("Hook", (), {"conn": client})())


@pytest.mark.usefixtures("refusing")
def test_a_refused_one_is_named_and_the_others_are_registered(stack: Stack) -> None:
    partitions = [entry(stack, name) for name in ("AMS", "BAD", "PV")]
    with pytest.raises(GluePartitionsError, match="BAD: InternalServiceException come back later") as caught:
        register(stack, partitions)
    assert "AMS" not in str(caught.value)
    assert stack.database in str(caught.value)
    assert stack.partitions("ebay") == [("AMS",), ("PV",)]


def test_a_refused_update_is_named(stack: Stack, request: pytest.FixtureRequest) -> None:
    register(stack, [entry(stack, "OLD", "elsewhere"), entry(stack, "PV", "elsewhere")])
    request.getfixturevalue("refusing")
    with pytest.raises(GluePartitionsError, match="OLD: InternalServiceException"):
        register(stack, [entry(stack, "OLD"), entry(stack, "PV")])
    assert partition(stack, "PV")["StorageDescriptor"]["Location"].endswith("/ebay/ebay_store=PV/")


def test_a_table_that_is_not_there_is_an_error(stack: Stack) -> None:
    with pytest.raises(Exception, match="EntityNotFoundException"):
        register(stack, [entry(stack, "PV")], table="nowhere")
