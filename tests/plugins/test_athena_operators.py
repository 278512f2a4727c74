"""The Athena operators on an Athena that executes."""

from __future__ import annotations

from typing import Any, cast
from unittest.mock import Mock

import pyarrow as pa
import pytest
from airflow.providers.amazon.aws.operators.athena import AthenaOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from aws_operators.athena import AthenaCheckOperator, AthenaPlanOperator, AthenaReplaceTableOperator
from tests.support.runs.stack import Stack

TABLE = "ebay_staging_test"
PASSING = "SELECT 'rows' AS check_name, 'ebay' AS subject, 3 AS figure, TRUE AS passed"


def arguments(stack: Stack, query: str) -> dict[str, Any]:
    return {
        "task_id": "run",
        "query": query,
        "database": stack.database,
        "workgroup": stack.workgroup,
        "sleep_time": 0.05,
    }


def create(stack: Stack, attempt: int, rows: str = "SELECT 1 AS item_id") -> Any:
    location = f"s3://{stack.bucket}/staging/{TABLE}/try={attempt}/"
    query = f"CREATE TABLE {TABLE} WITH (format = 'PARQUET', external_location = '{location}') AS {rows}"
    return AthenaReplaceTableOperator(table=TABLE, **arguments(stack, query)).execute({})


def check(stack: Stack, query: str) -> list[dict[str, str]]:
    return AthenaCheckOperator(**arguments(stack, query)).execute({"ti": Mock()})


@pytest.fixture(scope="module", autouse=True)
def product(stack: Stack) -> None:
    columns = {"custom_label": ["A"], "part_number": ["1"], "supplier": ["BGA"]}
    stack.put_parquet("product/data.parquet", pa.table(columns))


def test_a_table_is_replaced_as_often_as_it_is_run(stack: Stack) -> None:
    for attempt in (1, 2, 3):
        create(stack, attempt, f"SELECT {attempt} AS item_id")
        assert stack.query(f"SELECT item_id FROM {TABLE}") == [[str(attempt)]]


def test_a_table_whose_first_attempt_failed_midway_is_made(stack: Stack) -> None:
    stack.put(f"staging/{TABLE}/try=8/part", b"half a file")
    with pytest.raises(AirflowException):
        create(stack, 8)
    create(stack, 9)
    assert stack.query(f"SELECT count(*) FROM {TABLE}") == [["1"]]


def test_replacing_needs_its_table_templated() -> None:
    assert "table" in AthenaReplaceTableOperator.template_fields
    assert set(AthenaOperator.template_fields) < set(AthenaReplaceTableOperator.template_fields)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [("SELECT nothing FROM product", "nothing"), ("SELECT * FROM no_such_table", "no_such_table")],
)
def test_a_failing_statement_s_reason_is_in_the_error(stack: Stack, rows: str, reason: str) -> None:
    with pytest.raises(AirflowException, match=reason):
        create(stack, 20, rows)


def test_passing_checks_are_returned(stack: Stack) -> None:
    wanted = {"check_name": "rows", "subject": "ebay", "figure": "3", "passed": "true"}
    assert check(stack, PASSING) == [wanted]


def test_failing_checks_are_named_and_passing_ones_are_not(stack: Stack) -> None:
    query = (
        f"{PASSING} UNION ALL SELECT 'share_to_zero', 'BGA', 26, FALSE"
        " UNION ALL SELECT 'share_to_zero', 'KLA', 31, FALSE"
    )
    with pytest.raises(AirflowFailException) as caught:
        check(stack, query)
    message = str(caught.value)
    for part in ("share_to_zero", "BGA", "26", "KLA", "31"):
        assert part in message
    assert "rows" not in message


def test_a_check_that_gives_null_has_not_passed(stack: Stack) -> None:
    with pytest.raises(AirflowFailException, match="Not passed"):
        check(stack, "SELECT 'share' AS check_name, CAST(NULL AS boolean) AS passed")


def test_no_check_at_all_is_a_failure(stack: Stack) -> None:
    with pytest.raises(AirflowFailException, match="nothing is known"):
        check(stack, f"SELECT * FROM ({PASSING}) WHERE figure > 3")


def test_more_checks_than_one_page_of_results(stack: Stack) -> None:
    values = ", ".join(f"({number}, {'FALSE' if number == 1499 else 'TRUE'})" for number in range(1500))
    with pytest.raises(AirflowFailException, match="1499"):
        check(stack, f"SELECT number, passed FROM (VALUES {values}) AS checks (number, passed)")


def test_a_check_statement_that_fails_says_why(stack: Stack) -> None:
    with pytest.raises(AirflowException, match="no_such_table"):
        check(stack, "SELECT TRUE AS passed FROM no_such_table")


def test_the_checks_are_known_even_if_one_does_not_pass(stack: Stack) -> None:
    ti = Mock()
    query = "SELECT 'rows' AS check_name, 3 AS figure, FALSE AS passed"
    with pytest.raises(AirflowFailException):
        AthenaCheckOperator(**arguments(stack, query)).execute({"ti": ti})
    ti.xcom_push.assert_any_call(
        key="checks", value=[{"check_name": "rows", "figure": "3", "passed": "false"}]
    )


def test_a_statement_knows_its_plan() -> None:
    operator = AthenaReplaceTableOperator(
        task_id="run",
        plan={"table": "planned"},
        table="{{ plan['table'] }}",
        query="CREATE TABLE {{ plan['table'] }} AS SELECT {{ number }} AS item_id",
    )
    operator.render_template_fields(cast("Any", {"number": 5}))
    assert operator.table == "planned"
    assert operator.query == "CREATE TABLE planned AS SELECT 5 AS item_id"


@pytest.mark.parametrize("fetched", [True, False])
def test_nothing_in_a_plan_is_rendered(fetched: bool) -> None:
    plan = {"label": "{{ 6 * 7 }}", "labels": ["{% raise %}", "x.sql"]}
    with DAG("built_for_a_test", schedule=None):
        given = AthenaPlanOperator(task_id="plan", query="SELECT 1").output if fetched else plan
        operator = AthenaPlanOperator(task_id="run", plan=given, query="SELECT '{{ plan['label'] }}'")
    ti: Any = Mock(xcom_pull=Mock(return_value=plan), map_index=-1)
    operator.render_template_fields({"ti": ti})
    assert operator.plan == plan
    assert operator.query == "SELECT '{{ 6 * 7 }}'"
