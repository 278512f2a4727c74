"""The query-execution API: states, results page by page, stopping, repeating, workgroups."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import botocore.exceptions
import pytest

from local_aws import client_arguments
from tests.support.warehouse import BUCKET, DATABASE, DEADLINE_SECONDS, OUTPUT, Warehouse

SLOW = (
    "SELECT count(*) FROM UNNEST(sequence(1, 100000)) AS a(x) CROSS JOIN UNNEST(sequence(1, 100000)) AS b(y) "
    "WHERE (x * y) % 7 = 3"
)


def refused(call: Any, **request: Any) -> str:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == "InvalidRequestException"
    return caught.value.response["Error"]["Message"]


def test_an_execution_tells_its_story(warehouse: Warehouse) -> None:
    before = time.time()
    execution = warehouse.run("SELECT 1 AS a").execution
    query_id = execution["QueryExecutionId"]
    assert execution["Query"] == "SELECT 1 AS a"
    assert execution["StatementType"] == "DML"
    assert execution["WorkGroup"] == "primary"
    assert execution["QueryExecutionContext"]["Database"] == DATABASE
    assert execution["ResultConfiguration"]["OutputLocation"] == f"{OUTPUT}{query_id}.csv"
    assert execution["EngineVersion"]["EffectiveEngineVersion"] == "Athena engine version 3"
    submitted = execution["Status"]["SubmissionDateTime"].timestamp()
    completed = execution["Status"]["CompletionDateTime"].timestamp()
    # To the minute, because clocks are set now and then.
    assert before - 60 < submitted <= completed < time.time() + 60
    assert execution["Statistics"]["TotalExecutionTimeInMillis"] >= 0
    assert execution["Statistics"]["EngineExecutionTimeInMillis"] >= 0


def test_the_csv_quotes_every_value_and_leaves_null_out(warehouse: Warehouse) -> None:
    done = warehouse.run("SELECT 1 AS a, NULL AS b, '' AS c, 'say \"hi\"' AS d, 'x,y' AS e")
    key = f"athena-results/{done.execution['QueryExecutionId']}.csv"
    body = warehouse.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    assert body == '"a","b","c","d","e"\n"1",,"","say ""hi""","x,y"\n'


def test_results_come_in_pages_with_the_header_first(warehouse: Warehouse) -> None:
    query_id = warehouse.run("SELECT x FROM UNNEST(sequence(1, 25000)) AS t(x) ORDER BY x").execution[
        "QueryExecutionId"
    ]
    first = warehouse.athena.get_query_results(QueryExecutionId=query_id, MaxResults=3)
    assert [row["Data"][0]["VarCharValue"] for row in first["ResultSet"]["Rows"]] == ["x", "1", "2"]
    second = warehouse.athena.get_query_results(
        QueryExecutionId=query_id, MaxResults=2, NextToken=first["NextToken"]
    )
    assert [row["Data"][0]["VarCharValue"] for row in second["ResultSet"]["Rows"]] == ["3", "4"]
    pages = warehouse.athena.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)
    sizes, values = [], []
    for page in pages:
        sizes.append(len(page["ResultSet"]["Rows"]))
        values += [row["Data"][0]["VarCharValue"] for row in page["ResultSet"]["Rows"]]
    assert values == ["x", *map(str, range(1, 25001))]
    assert sizes == [1000] * 25 + [1]


def test_no_rows_is_a_header_alone(warehouse: Warehouse) -> None:
    query_id = warehouse.run("SELECT 1 AS a WHERE FALSE").execution["QueryExecutionId"]
    answer = warehouse.athena.get_query_results(QueryExecutionId=query_id)
    assert [row["Data"] for row in answer["ResultSet"]["Rows"]] == [[{"VarCharValue": "a"}]]
    assert "NextToken" not in answer


def test_column_info_gives_types_and_scales(warehouse: Warehouse) -> None:
    query_id = warehouse.run("SELECT CAST(1 AS decimal(10, 2)) AS d, 'x' AS s, 1 AS i").execution[
        "QueryExecutionId"
    ]
    metadata = warehouse.athena.get_query_results(QueryExecutionId=query_id)["ResultSet"]["ResultSetMetadata"]
    infos = [(info["Type"], info["Precision"], info["Scale"]) for info in metadata["ColumnInfo"]]
    assert infos == [("decimal", 10, 2), ("varchar", 2147483647, 0), ("integer", 10, 0)]


def test_a_running_query_is_stopped(warehouse: Warehouse) -> None:
    query_id = warehouse.start(SLOW)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while warehouse.athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"][
        "State"
    ] != ("RUNNING"):
        assert time.monotonic() < deadline
    refused(warehouse.athena.get_query_results, QueryExecutionId=query_id)
    warehouse.athena.stop_query_execution(QueryExecutionId=query_id)
    execution = warehouse.wait(query_id)
    assert execution["Status"]["State"] == "CANCELLED"
    warehouse.athena.stop_query_execution(QueryExecutionId=query_id)  # stopping again is fine
    assert warehouse.query("SELECT 1") == [["1"]]


def test_stopped_queries_give_their_workers_back(warehouse: Warehouse) -> None:
    waiting = [warehouse.start(SLOW) for _ in range(6)]  # more than the pool has workers: some are QUEUED
    for query_id in waiting:
        warehouse.athena.stop_query_execution(QueryExecutionId=query_id)
    assert {warehouse.wait(query_id)["Status"]["State"] for query_id in waiting} == {"CANCELLED"}
    assert warehouse.query("SELECT 2") == [["2"]]


def test_a_repeated_token_is_the_same_query(warehouse: Warehouse) -> None:
    token = "t" * 32
    first = warehouse.start("SELECT 1", ClientRequestToken=token)
    assert warehouse.start("SELECT 1", ClientRequestToken=token) == first
    message = refused(
        warehouse.athena.start_query_execution,
        QueryString="SELECT 2",
        ClientRequestToken=token,
        ResultConfiguration={"OutputLocation": OUTPUT},
    )
    assert "Idempotent parameters" in message


def test_queries_run_side_by_side(warehouse: Warehouse) -> None:
    name = warehouse.new_table("a bigint", "k string")
    with ThreadPoolExecutor(8) as pool:
        writes = [
            pool.submit(warehouse.run, f"INSERT INTO {name} VALUES ({number}, 'k{number % 3}')")
            for number in range(12)
        ]
        reads = [
            pool.submit(warehouse.query, f"SELECT sum(x) FROM UNNEST(sequence(1, {number})) AS t(x)")
            for number in range(1, 13)
        ]
    assert {write.result().reason for write in writes} == {""}
    assert [read.result() for read in reads] == [[[str(n * (n + 1) // 2)]] for n in range(1, 13)]
    assert warehouse.query(f"SELECT count(*), sum(a), count(DISTINCT k) FROM {name}") == [["12", "66", "3"]]


def test_executions_are_found_in_batches_and_lists(warehouse: Warehouse) -> None:
    query_id = warehouse.run("SELECT 1").execution["QueryExecutionId"]
    answer = warehouse.athena.batch_get_query_execution(QueryExecutionIds=[query_id, "unknown-execution-id"])
    assert [found["QueryExecutionId"] for found in answer["QueryExecutions"]] == [query_id]
    assert [missing["QueryExecutionId"] for missing in answer["UnprocessedQueryExecutionIds"]] == [
        "unknown-execution-id"
    ]
    listed = [
        listed_id
        for page in warehouse.athena.get_paginator("list_query_executions").paginate(
            WorkGroup="primary", PaginationConfig={"PageSize": 5}
        )
        for listed_id in page["QueryExecutionIds"]
    ]
    assert listed[0] == query_id
    assert len(listed) == len(set(listed))


REFUSED_CALLS = [
    ({"QueryString": "SELECT 1; SELECT 2"}, "Only one sql statement is allowed. Got: SELECT 1; SELECT 2"),
    ({"QueryString": " ; "}, "must not be empty"),
    ({"WorkGroup": "nobodys"}, "WorkGroup nobodys is not found"),
    ({"ResultConfiguration": {}}, "No output location provided"),
    ({"ResultConfiguration": {"OutputLocation": "folder/x"}}, "not a valid S3 path"),
    ({"ResultConfiguration": {"OutputLocation": "s3://no-such-bucket/x/"}}, "output bucket no-such-bucket"),
]


@pytest.mark.parametrize(("request_part", "message"), REFUSED_CALLS)
def test_refused_calls(warehouse: Warehouse, request_part: dict[str, Any], message: str) -> None:
    request = {"QueryString": "SELECT 1", "ResultConfiguration": {"OutputLocation": OUTPUT}, **request_part}
    assert message in refused(warehouse.athena.start_query_execution, **request)


def test_an_unknown_execution_is_refused(warehouse: Warehouse) -> None:
    assert "was not found" in refused(warehouse.athena.get_query_execution, QueryExecutionId="nothing")


def test_a_semicolon_in_a_text_or_at_the_end_is_no_second_statement(warehouse: Warehouse) -> None:
    assert warehouse.query("SELECT 'a;b'; ") == [["a;b"]]


@pytest.mark.parametrize("enforced", [True, False])
def test_a_workgroup_says_where_results_go(warehouse: Warehouse, enforced: bool) -> None:
    name = f"group-{enforced}".lower()
    location = f"s3://{BUCKET}/{name}/"
    warehouse.athena.create_work_group(
        Name=name,
        Configuration={
            "ResultConfiguration": {"OutputLocation": location},
            "EnforceWorkGroupConfiguration": enforced,
        },
    )
    plain = warehouse.run("SELECT 1", WorkGroup=name, ResultConfiguration={})
    asked = warehouse.run("SELECT 1", WorkGroup=name)
    assert plain.execution["ResultConfiguration"]["OutputLocation"].startswith(location)
    expected = location if enforced else OUTPUT
    assert asked.execution["ResultConfiguration"]["OutputLocation"].startswith(expected)
    table = warehouse.new_name()
    placed = warehouse.run(
        f"CREATE TABLE {table} WITH (external_location = 's3://{BUCKET}/{table}/') AS SELECT 1 AS a",
        WorkGroup=name,
    )
    assert ("enforces a centralized output location" in placed.reason) == enforced


def test_regions_have_catalogs_of_their_own(warehouse: Warehouse) -> None:
    elsewhere = boto3.client("athena", **client_arguments(warehouse.endpoint, "us-east-1"))
    query_id = elsewhere.start_query_execution(
        QueryString=f"SHOW TABLES IN {DATABASE}", ResultConfiguration={"OutputLocation": OUTPUT}
    )["QueryExecutionId"]
    assert "SCHEMA_NOT_FOUND" in warehouse.wait(query_id)["Status"]["StateChangeReason"]


def test_the_other_services_answer(warehouse: Warehouse) -> None:
    arguments = client_arguments(warehouse.endpoint)
    sns, sqs = boto3.client("sns", **arguments), boto3.client("sqs", **arguments)
    topic = sns.create_topic(Name="events")["TopicArn"]
    queue = sqs.create_queue(QueueName="front-end")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    sns.publish(TopicArn=topic, Message="ebay_table_generated")
    messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1)["Messages"]
    assert [message["Body"] for message in messages] == ["ebay_table_generated"]
    names = [group["Name"] for group in warehouse.athena.list_work_groups()["WorkGroups"]]
    assert "primary" in names
