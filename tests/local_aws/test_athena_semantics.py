"""Trino's meaning of words that DuckDB understands differently, and Athena's way of printing values."""

from __future__ import annotations

import pytest

from tests.support.warehouse import Warehouse

EXPRESSIONS = [
    ("7 / 2", "3", "integer"),
    ("-7 / 2", "-3", "integer"),
    ("7 % 4", "3", "integer"),
    ("7 / 2e0", "3.5", "double"),
    ("1e0 / 0e0", "Infinity", "double"),
    ("1.0 / 3", "0.3", "decimal"),
    ("100.0 * 1 / 3", "33.3", "decimal"),
    ("CAST(1 AS double) / 3", "0.3333333333333333", "double"),
    ("CAST(10 AS bigint) / 4", "2", "bigint"),
    ("sum(7) / count(*)", "7", "bigint"),
    ("sum(x) / 2", "3", "bigint"),
    ("avg(x)", "2.0", "double"),
    ("sum(x)", "6", "bigint"),
    ("sum(CAST(x AS bigint))", "6", "bigint"),
    ("count_if(x > 1)", "2", "bigint"),
    ("max_by(x, -x)", "1", "integer"),
    ("min_by(x, -x)", "3", "integer"),
    ("approx_distinct(x)", "3", "bigint"),
    ("array_agg(x ORDER BY x DESC)", "[3, 2, 1]", "array"),
    ("arbitrary(1)", "1", "integer"),
    ("element_at(ARRAY[1, 2], 5)", None, "integer"),
    ("element_at(ARRAY[1, 2], 2)", "2", "integer"),
    ("cardinality(ARRAY[1, 2])", "2", "bigint"),
    ("contains(ARRAY[1, 2], 2)", "true", "boolean"),
    ("array_join(ARRAY['a', 'b'], '-')", "a-b", "varchar"),
    ("date '2024-08-08'", "2024-08-08", "date"),
    ("date_add('day', -1, date '2024-08-01')", "2024-07-31", "date"),
    ("date_add('month', 1, date '2024-01-31')", "2024-02-29", "date"),
    ("date '2024-08-08' + interval '1' day", "2024-08-09", "date"),
    ("date '2024-08-08' - interval '1' month", "2024-07-08", "date"),
    ("max(date '2024-08-08') + interval '1' day", "2024-08-09", "date"),
    ("date_diff('day', date '2024-01-01', date '2024-02-01')", "31", "bigint"),
    ("date_trunc('month', date '2024-08-08')", "2024-08-01", "date"),
    ("year(date '2024-08-08')", "2024", "bigint"),
    ("timestamp '2024-08-08 01:02:03'", "2024-08-08 01:02:03.000", "timestamp"),
    ("date_format(timestamp '2024-08-08 01:02:03', '%Y/%m/%d')", "2024/08/08", "varchar"),
    ("CAST('2024-08-08' AS date)", "2024-08-08", "date"),
    ("CAST(2.5e0 AS integer)", "3", "integer"),
    ("CAST(-2.5e0 AS bigint)", "-3", "bigint"),
    ("CAST('12' AS bigint)", "12", "bigint"),
    ("TRY_CAST('2.5' AS integer)", None, "integer"),
    ("TRY_CAST(' 5' AS integer)", None, "integer"),
    ("TRY_CAST('10+' AS integer)", None, "integer"),
    ("TRY_CAST('x' AS double)", None, "double"),
    ("CAST(5 AS varchar)", "5", "varchar"),
    ("coalesce(NULL, 4)", "4", "integer"),
    ("nullif(4, 4)", None, "integer"),
    ("if(1 > 2, 3)", None, "integer"),
    ("if(1 < 2, 3, 4)", "3", "integer"),
    ("concat('a', 'b')", "ab", "varchar"),
    ("'a' || CAST(NULL AS varchar)", None, "varchar"),
    ("greatest(1, NULL)", None, "integer"),
    ("regexp_like('04-0016', '^[0-9-]+$')", "true", "boolean"),
    ("regexp_extract('UKD-APE', '[^-]+$')", "APE", "varchar"),
    ("regexp_extract('UKD-APE', '(\\w+)-(\\w+)', 2)", "APE", "varchar"),
    ("regexp_extract('a', 'b')", None, "varchar"),
    ("regexp_replace('aaa', 'a', 'b')", "bbb", "varchar"),
    ("split_part('UKD-APE', '-', 2)", "APE", "varchar"),
    ("substr('abc', 2)", "bc", "varchar"),
    ("strpos('abc', 'c')", "3", "bigint"),
    ("length('abc')", "3", "bigint"),
    ("upper(trim('  ab '))", "AB", "varchar"),
    ("lpad('8', 2, '0')", "08", "varchar"),
    ("replace('a,b', ',')", "ab", "varchar"),
    ("round(2.5e0)", "3.0", "double"),
    ("floor(-1.5e0)", "-2.0", "double"),
    ("CAST('abcdef' AS varchar(3))", "abc", "varchar"),
    ("transform(ARRAY[1, 2], x -> x + 1)", "[2, 3]", "array"),
    ("filter(ARRAY[1, 2], x -> x > 1)", "[2]", "array"),
    ("TRUE AND FALSE", "false", "boolean"),
    ("12e0", "12.0", "double"),
    ("1e7", "1.0E7", "double"),
    ("-123456789.125e0", "-1.23456789125E8", "double"),
    ("1.5e-4", "1.5E-4", "double"),
    ("0.001e0", "0.001", "double"),
    ("1.5e300", "1.5E300", "double"),
    ("CAST(1.50 AS decimal(10, 2))", "1.50", "decimal"),
    ("CAST(ROW(1, 'a') AS ROW(n integer, s varchar))", "{n=1, s=a}", "row"),
    ("'quote \" comma , line\nend'", 'quote " comma , line\nend', "varchar"),
]


@pytest.mark.parametrize(("expression", "value", "kind"), EXPRESSIONS, ids=[row[0] for row in EXPRESSIONS])
def test_expression(warehouse: Warehouse, expression: str, value: str | None, kind: str) -> None:
    aggregate = ("sum", "avg", "count_if", "max_by", "min_by", "approx", "array_agg", "arbitrary", "max(")
    source = " FROM (VALUES 1, 2, 3) AS numbers(x)" if expression.startswith(aggregate) else ""
    if expression.startswith("sum(7)"):
        source = ""
    done = warehouse.run(f"SELECT {expression} AS value{source}")
    assert (done.reason, done.rows, done.kinds) == ("", [[value]], [kind])


STATEMENTS = [
    ("SELECT count_if(x > 1), count_if(x IS NULL) FROM (VALUES 1, NULL, 2) AS t(x)", [["1", "1"]]),
    ("SELECT count_if(x > 1) FROM (VALUES CAST(NULL AS integer)) AS t(x)", [["0"]]),
    ("SELECT count_if(x > 1) FROM (VALUES 1) AS t(x) WHERE x > 5", [["0"]]),
    ("SELECT x FROM (VALUES 1, NULL, 2) AS t(x) ORDER BY x", [["1"], ["2"], [None]]),
    ("SELECT x FROM (VALUES 1, NULL, 2) AS t(x) ORDER BY x DESC", [["2"], ["1"], [None]]),
    ("VALUES (1, 'a'), (2, NULL)", [["1", "a"], ["2", None]]),
    ("SELECT 1 UNION ALL SELECT 2 ORDER BY 1 DESC", [["2"], ["1"]]),
    ("SELECT 1 UNION SELECT 1", [["1"]]),
    ("SELECT 1 INTERSECT SELECT 2", []),
    ("WITH a AS (SELECT 1 x), b AS (SELECT x + 1 x FROM a) SELECT * FROM b", [["2"]]),
    ('SELECT "Mixed".X FROM (SELECT 5 AS x) AS "mixed"', [["5"]]),
    (
        "SELECT t.x, u.y FROM (VALUES 1, 2) AS t(x) LEFT JOIN (VALUES 2) AS u(y) ON t.x = u.y ORDER BY 1",
        [["1", None], ["2", "2"]],
    ),
    (
        (
            "SELECT x, row_number() OVER (PARTITION BY x % 2 ORDER BY x DESC) "
            "FROM (VALUES 1, 2, 3) AS t(x) ORDER BY 1"
        ),
        [["1", "2"], ["2", "1"], ["3", "1"]],
    ),
    ("SELECT x FROM UNNEST(ARRAY[3, 4]) AS t(x)", [["3"], ["4"]]),
    ("SELECT x FROM UNNEST(sequence(1, 5)) AS t(x) ORDER BY x OFFSET 1 LIMIT 2", [["2"], ["3"]]),
    ("SELECT count(*) FROM (VALUES 1) AS t(x) WHERE x NOT IN (SELECT 2)", [["1"]]),
    ("SELECT x, count(*) FROM (VALUES 1, 1) AS t(x) GROUP BY x HAVING count(*) > 1;", [["1", "2"]]),
    ("-- a comment\nSELECT 1 -- another", [["1"]]),
]


@pytest.mark.parametrize(("sql", "rows"), STATEMENTS, ids=[row[0][:50] for row in STATEMENTS])
def test_statement(warehouse: Warehouse, sql: str, rows: list[list[str | None]]) -> None:
    assert warehouse.query(sql) == rows


@pytest.mark.parametrize("expression", ["slice(ARRAY[1, 2, 3], 2, 2)", "format('%d', 1)", "repeat('x', 2)"])
def test_words_that_mean_something_else_are_refused(warehouse: Warehouse, expression: str) -> None:
    assert warehouse.run(f"SELECT {expression}").reason.startswith("NOT_SUPPORTED: ")


def test_unnamed_columns_are_called_by_their_place(warehouse: Warehouse) -> None:
    done = warehouse.run("SELECT t.*, x + 1, x AS named, count(*) OVER () FROM (VALUES (1, 2)) AS t(x, y)")
    assert done.header == ["x", "y", "_col2", "named", "_col4"]


def test_execution_parameters_fill_the_placeholders(warehouse: Warehouse) -> None:
    sql = "SELECT x FROM (VALUES (1, 'a'), (2, 'b')) AS t(x, y) WHERE y = ? AND x > ?"
    assert warehouse.query(sql, ExecutionParameters=["'b'", "1"]) == [["2"]]
    assert warehouse.run(sql, ExecutionParameters=["'b'"]).reason.startswith("INVALID_PARAMETER_USAGE")


def test_sql_files_do_not_reach_this_machine(warehouse: Warehouse) -> None:
    done = warehouse.run("SELECT * FROM read_csv('/etc/hostname')")
    assert done.state == "FAILED"
