"""What people ask on the Tables page, really asked of the local Athena."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from frontend.core.queries import Queries, QueryError, Statement, size
from frontend.tables.browse import Condition, NotAskableError, browse, find_listings, history, operators
from stock_pipeline.lake.tables import EBAY, PRODUCT, STORE, SUPPLIER_STOCK
from tests.support.runs.stack import Stack

LISTINGS = [
    ("AMS", "BGA", 111, "L-1", "A pump, 5'", 9.5),
    ("AMS", "FEB", 112, "l-2 ", "=1+1", 10.0),
    ("PG", "BGA", 113, "L-1", None, 8.0),
]


@pytest.fixture(scope="module")
def queries(stack: Stack) -> Queries:
    """A few listings, their quantities and two days' snapshots."""

    def put(table: Any, values: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
        key = table.key(*values)
        stack.put_parquet(key, pl.DataFrame(rows, schema=table.schema).to_arrow())
        if values:
            stack.register(table.name, list(values), key)

    for store, supplier, item, label, title, price in LISTINGS:
        row = {"item_id": item, "custom_label": label, "title": title, "current_price": price}
        put(STORE, (store, supplier), [row])
    ebay = {
        "item_id": 111,
        "quantity": 5,
        "quantity_delta": -2,
        "custom_label": "L-1",
        "supplier_store": "BGA",
    }
    put(EBAY, ("AMS",), [ebay])
    put(PRODUCT, (), [{"custom_label": "L-1", "part_number": "P'1", "supplier": "BGA"}])
    for day, quantity in (("07", 7), ("08", 5)):
        row = {"custom_label": "L-1", "quantity": quantity, "updated_date": date(2024, 8, int(day))}
        put(SUPPLIER_STOCK, ("BGA", "2024", "08", day), [row])
    return Queries(stack.athena, stack.s3, workgroup=stack.workgroup, database=stack.database)


def items(queries: Queries, *conditions: Condition, **chosen: list[str]) -> list[int]:
    statement = browse("store", chosen=chosen, days=None, conditions=conditions, limit=100)
    return sorted(queries.ask(statement).rows["item_id"])


ALL = {"supplier": ["BGA", "FEB"]}


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (Condition("title", "contains", "PUMP"), [111]),
        (Condition("title", "contains", "5'"), [111]),
        (Condition("title", "contains", "%"), []),
        (Condition("title", "begins with", "=1"), [112]),
        (Condition("title", "is", "' OR '1'='1"), []),
        (Condition("custom_label", "is", " L-1 "), [111, 113]),
        (Condition("custom_label", "is not", "L-1"), [112]),
        (Condition("current_price", "at least", "9"), [111, 112]),
        (Condition("current_price", "at most", "9.5"), [111, 113]),
        (Condition("item_id", "is", "113"), [113]),
        (Condition("item_id", "is", ""), [111, 112, 113]),
    ],
)
def test_a_condition_finds_the_rows_it_says(queries: Queries, condition, found):
    assert items(queries, condition, **ALL) == found


def test_conditions_hold_all_at_once(queries: Queries):
    conditions = (Condition("custom_label", "is", "L-1"), Condition("current_price", "at least", "9"))
    assert items(queries, *conditions, **ALL) == [111]


def test_partitions_that_were_not_chosen_are_not_read(queries: Queries):
    assert items(queries, ebay_store=["AMS"], supplier=["BGA"]) == [111]
    whole = browse("store", chosen=ALL, days=None, conditions=(), limit=100)
    part = browse("store", chosen={"ebay_store": ["PG"]}, days=None, conditions=(), limit=100)
    assert 0 < queries.ask(part).scanned < queries.ask(whole).scanned


@pytest.mark.parametrize(
    ("days", "quantities"),
    [
        (None, [5, 7]),
        ((date(2024, 8, 8), date(2024, 8, 31)), [5]),
        ((date(2024, 7, 31), date(2024, 8, 7)), [7]),
        ((date(2024, 9, 1), date(2024, 9, 30)), []),
    ],
)
def test_snapshots_are_chosen_by_day(queries: Queries, days, quantities):
    statement = browse("supplier_stock", chosen={"supplier": ["BGA"]}, days=days, conditions=(), limit=100)
    answer = queries.ask(statement)
    assert sorted(answer.rows["quantity"]) == quantities
    assert dict(answer.rows.schema)["updated_date"] == pl.Date


def test_no_more_rows_come_than_were_asked_for(queries: Queries):
    statement = browse("ebay", chosen={}, days=None, conditions=(), limit=100)
    assert statement.sql.endswith("LIMIT 100")
    assert queries.ask(statement).rows.height == 1


@pytest.mark.parametrize(
    ("table", "arguments", "said"),
    [
        ("store", {}, "store is large: choose ebay store or supplier first"),
        ("supplier_stock", {"days": (date(2024, 8, 1), date(2024, 8, 2))}, "choose supplier first"),
        (
            "ebay",
            {"conditions": [Condition("quantity", "is", "ten")]},
            "quantity: 'ten' cannot be compared; write it as 10",
        ),
        ("ebay", {"conditions": [Condition("quantity; DROP TABLE ebay", "is", "1")]}, "has no column"),
        ("ebay", {"conditions": [Condition("custom_label", "is", "x" * 201)]}, "is too long"),
        ("ebay", {"limit": 7}, "7 rows are not one of the choices"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(table, arguments, said):
    with pytest.raises(NotAskableError, match=said):
        browse(table, **{"chosen": {}, "days": None, "conditions": (), "limit": 100, **arguments})


def test_what_was_typed_never_stands_in_the_statement():
    conditions = [Condition("custom_label", "is", "typed'"), Condition("quantity", "at least", "4321")]
    statement = browse("ebay", chosen={"ebay_store": ["A'B"]}, days=None, conditions=conditions, limit=100)
    assert statement.parameters == ("'A''B'", "'typed'''", "4321")
    assert not any(word in statement.sql for word in ("A'B", "typed", "4321"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("111", [("AMS", "BGA", 111, "L-1", 5, -2)]),
        (" l-1", [("AMS", "BGA", 111, "L-1", 5, -2), ("PG", "BGA", 113, "L-1", None, None)]),
        ("L-2", [("AMS", "FEB", 112, "l-2 ", None, None)]),
        ("999", []),
    ],
)
def test_a_listing_is_found_by_its_id_or_label_whether_it_is_in_the_table_or_not(queries, text, found):
    assert sorted(queries.ask(find_listings(text)).rows.rows()) == found


def test_the_history_of_a_label_has_a_quantity_for_each_snapshot(queries: Queries):
    answer = queries.ask(history("BGA", "L-1", date(2024, 7, 9), date(2024, 8, 8)))
    assert sorted(answer.rows.rows()) == [("20240807", 7), ("20240808", 5)]


def test_a_failure_is_told_with_athena_s_reason(queries: Queries):
    with pytest.raises(QueryError, match=r"Athena could not answer: .*nothing"):
        queries.ask(Statement("SELECT nothing FROM ebay"))


def test_a_query_can_be_called_off(queries: Queries):
    # Ten billion pairs: it would run for minutes.
    query_id = queries.start(
        Statement(
            "WITH n AS (SELECT x FROM UNNEST(sequence(1, 100000)) AS t(x)) "
            "SELECT count(*) FROM n AS a CROSS JOIN n AS b WHERE a.x * b.x % 7 = 1"
        )
    )
    queries.cancel(query_id)
    assert queries.progress(query_id).state == "CANCELLED"
    with pytest.raises(QueryError, match="cancelled"):
        queries.answer(query_id)


def test_a_query_that_takes_too_long_is_called_off(queries: Queries):
    with pytest.raises(QueryError, match="longer than 0 seconds"):
        queries.ask(Statement("SELECT count(*) FROM UNNEST(sequence(1, 10000)) AS a(x)"), timeout_seconds=0)


def test_every_column_of_every_table_can_be_asked_something():
    for table in (EBAY, PRODUCT, STORE, SUPPLIER_STOCK):
        assert all(operators(table, column)[0] == "is" for column in table.columns)


@pytest.mark.parametrize(("count", "text"), [(0, "0 bytes"), (1_234, "1.2 kB"), (97_000_000, "97.0 MB")])
def test_sizes_are_told_in_words(count, text):
    assert size(count) == text
