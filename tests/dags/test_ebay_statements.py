"""The statements of the ebay table: as they are rendered, and what they read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import jinja2
import pyarrow as pa
import pytest
import sqlglot
from airflow.dag_processing.dagbag import DagBag
from sqlglot import exp

from local_aws.query import StatementError
from stock_pipeline.ebay.plan import plan_table
from stock_pipeline.lake.tables import EBAY, STORE, SUPPLIER_STOCK
from stock_pipeline.suppliers import load_suppliers
from tests.support.runs.days import FIRST, SECOND
from tests.support.runs.stack import Stack
from tests.support.statements import render

LISTS = ("ebay/labels_without_listing.sql", "ebay/listings_without_stock.sql")
STATEMENTS = ("ebay/create_staging.sql", "ebay/audit.sql", "ebay/carry_over.sql", *LISTS)
CREATING = ("ebay/create_staging.sql", "ebay/carry_over.sql")
OLDER = date(2024, 7, 1)


@pytest.fixture(scope="session")
def templates(dag_bag: DagBag) -> jinja2.Environment:
    return dag_bag.dags["daily_stock"].get_template_env()


def plan(**snapshots: tuple[date | None, date | None]) -> dict[str, Any]:
    every = [code for code in snapshots if code == "RTG"]
    return {
        "snapshots": [
            {
                "supplier": code,
                "current": str(current) if current else None,
                "previous": str(previous) if previous else None,
            }
            for code, (current, previous) in snapshots.items()
        ],
        "suppliers_by_mapping": [code for code in snapshots if code not in every],
        "suppliers_knowing_every_label": every,
        "limits": load_suppliers().table_limits.model_dump(),
        "waived": [],
        "staging_table": "ebay_staging_x",
        "staging_location": "s3://bucket/staging/ebay_staging_x/",
        "carried_over": {"KLA": "its snapshot is lost"},
        "replaced_table": "ebay_staging_y",
    }


PLANS = {
    "one": plan(BGA=(FIRST, None)),
    "different dates": plan(BGA=(SECOND, FIRST), KLA=(FIRST, OLDER), FPS=(SECOND, None)),
    "no previous one": plan(BGA=(FIRST, None), KLA=(FIRST, None)),
    "every label known": plan(RTG=(SECOND, FIRST)),
    "both kinds": plan(BGA=(SECOND, FIRST), RTG=(SECOND, None)),
    "expired": plan(BGA=(None, FIRST), KLA=(SECOND, None)),
    "all expired": plan(BGA=(None, FIRST)),
}
every_plan = pytest.mark.parametrize("planned", PLANS.values(), ids=PLANS)


@every_plan
@pytest.mark.parametrize("name", STATEMENTS)
def test_each_is_one_statement_of_athena_s_sql(
    templates: jinja2.Environment, name: str, planned: dict[str, Any]
) -> None:
    (statement,) = sqlglot.parse(render(templates, name, planned), dialect="athena")
    wanted = exp.Create if name in CREATING else exp.Select | exp.Union
    assert isinstance(statement, wanted)


def named_partitions(templates: jinja2.Environment, planned: dict[str, Any]) -> list[set[tuple[str, ...]]]:
    """For each time supplier_stock is read: which partitions, by their four literal values."""
    statement = sqlglot.parse_one(render(templates, STATEMENTS[0], planned), dialect="athena")
    reads = []
    for select in statement.find_all(exp.Select):
        source = select.args.get("from_") or select.args.get("from")
        if source is None or source.this.name != SUPPLIER_STOCK.name:
            continue
        where = select.args["where"].this
        found = set()
        for branch in where.flatten() if isinstance(where, exp.Or) else [where]:
            values = {test.this.name: test.expression for test in branch.find_all(exp.EQ)}
            if values:
                assert all(value.is_string for value in values.values())
                found.add(tuple(values[key].name for key in SUPPLIER_STOCK.partition_keys))
            else:
                assert branch.sql() == "FALSE"
        reads.append(found)
    return reads


def partition_values(supplier: str, day: str) -> tuple[str, ...]:
    return (supplier, *day.split("-"))


@every_plan
def test_every_snapshot_is_named_literally_and_no_other(
    templates: jinja2.Environment, planned: dict[str, Any]
) -> None:
    wanted = [
        {partition_values(entry["supplier"], entry[which]) for entry in planned["snapshots"] if entry[which]}
        for which in ("current", "previous")
    ]
    assert named_partitions(templates, planned) == wanted


@every_plan
def test_only_the_columns_needed_are_read(templates: jinja2.Environment, planned: dict[str, Any]) -> None:
    statement = sqlglot.parse_one(render(templates, STATEMENTS[0], planned), dialect="athena")
    assert list(statement.find_all(exp.Star)) == []
    named = {column.name for column in statement.find_all(exp.Column)}
    assert named & {"title", "current_price", "updated_date"} == set()


def test_a_second_attempt_writes_elsewhere(templates: jinja2.Environment) -> None:
    first, second = (render(templates, STATEMENTS[0], PLANS["one"], attempt) for attempt in (1, 2))
    assert first != second
    assert "/ebay_staging_x/try=2/" in second


def stock(stack: Stack, supplier: str, day: date, **quantities: int) -> None:
    """Register a snapshot; one without labels holds what no reader could read."""
    values = partition_values(supplier, str(day))
    key = SUPPLIER_STOCK.key(*values)
    if quantities:
        columns = {
            "custom_label": list(quantities),
            "part_number": list(quantities),
            "quantity": pa.array(quantities.values(), pa.int32()),
            "updated_date": [day] * len(quantities),
        }
        stack.put_parquet(key, pa.table(columns))
    else:
        stack.put(key, b"not to be read")
    stack.register(SUPPLIER_STOCK.name, list(values), key)


def listings(stack: Stack, store: str, supplier: str, *listed: tuple[int, str | None]) -> None:
    key = STORE.key(store, supplier)
    if listed:
        items, labels = zip(*listed, strict=True)
        table = pa.table({"item_id": pa.array(items, pa.int64()), "custom_label": list(labels)})
        stack.put_parquet(key, table)
    else:
        stack.put(key, b"not to be read")
    stack.register(STORE.name, [store, supplier], key)


@pytest.fixture(scope="module")
def warehouse(stack: Stack) -> Stack:
    """Two suppliers with snapshots of different dates, RTG, and much that must not be read."""
    product = {
        # B1's only part and one of B2's cannot be named: neither label is known.
        "custom_label": [" a1 ", "A2", "A2", "K1", "A9", "B1", "B2", "B2"],
        "part_number": [*"12345", " ", "6", None],
        "supplier": ["BGA", "BGA", "BGA", "KLA", "KLA", "BGA", "BGA", "BGA"],
    }
    stack.put_parquet("product/data.parquet", pa.table(product))
    stock(stack, "BGA", OLDER)
    stock(stack, "BGA", FIRST, A1=3, A2=0)
    stock(stack, "BGA", SECOND, A1=10, A2=4)
    stock(stack, "KLA", OLDER, K1=7)
    stock(stack, "RTG", FIRST, R1=20, R2=0)
    stock(stack, "BGA", date(2024, 8, 9))
    listings(stack, "AMS", "BGA", (1, "A1"), (2, "a2 "), (3, "A3"))
    listings(stack, "PV", "BGA", (4, "A1"), (5, "A9"))
    listings(stack, "PV", "KLA", (6, "K1"), (7, "A9"), (8, "A1"))
    # A listing without a label has no supplier: not even the out list, which knows every label.
    listings(stack, "PV", "RTG", (9, "R1"), (10, "R2"), (11, "R3"), (12, " "), (13, None))
    listings(stack, "AST", "BGA", (14, "B1"), (15, "B2"))
    listings(stack, "PV", "ELR")
    return stack


@pytest.fixture(scope="module")
def made(warehouse: Stack, templates: jinja2.Environment) -> dict[str, Any]:
    planned = plan_table(
        warehouse.lake,
        suppliers=load_suppliers(),
        run_date=SECOND,
        run_id="test",
    )
    warehouse.query(render(templates, STATEMENTS[0], planned))
    return planned


def test_the_plan_takes_the_newest_two_on_or_before_the_day(made: dict[str, Any]) -> None:
    assert made["snapshots"] == [
        {"supplier": "BGA", "current": str(SECOND), "previous": str(FIRST)},
        {"supplier": "KLA", "current": str(OLDER), "previous": None},
        {"supplier": "RTG", "current": str(FIRST), "previous": None},
    ]
    assert made["suppliers_by_mapping"] == ["BGA", "KLA"]
    assert made["suppliers_knowing_every_label"] == ["RTG"]


def test_rows_and_nothing_else_is_read(warehouse: Stack, made: dict[str, Any]) -> None:
    # Snapshots of other days and suppliers without one hold rubbish, so reading them would fail.
    rows = warehouse.query(
        "SELECT item_id, quantity, quantity_delta, custom_label, supplier_store, ebay_store"
        f" FROM {made['staging_table']} ORDER BY item_id"
    )
    assert rows == [
        ["1", "10", "7", "A1", "BGA", "AMS"],
        ["2", "4", "4", "a2 ", "BGA", "AMS"],
        ["4", "10", "7", "A1", "BGA", "PV"],
        ["6", "7", "7", "K1", "KLA", "PV"],
        ["7", "0", "0", "A9", "KLA", "PV"],
        ["9", "20", "20", "R1", "RTG", "PV"],
        ["10", "0", "0", "R2", "RTG", "PV"],
        ["11", "0", "0", "R3", "RTG", "PV"],
    ]


def test_each_store_is_one_file(warehouse: Stack, made: dict[str, Any]) -> None:
    assert warehouse.partitions(made["staging_table"]) == [("AMS",), ("PV",)]
    prefix = made["staging_location"].removeprefix(f"s3://{warehouse.bucket}/")
    assert len(warehouse.keys(prefix)) == 2


def test_rubbish_in_a_named_partition_is_noticed(warehouse: Stack, templates: jinja2.Environment) -> None:
    planned = plan(BGA=(OLDER, None)) | {
        "staging_table": "never",
        "staging_location": f"s3://{warehouse.bucket}/staging/never/",
    }
    with pytest.raises(StatementError):
        warehouse.query(render(templates, STATEMENTS[0], planned))


@pytest.mark.parametrize("which", ["no previous one", "every label known"])
def test_it_runs_with_lists_that_are_empty(
    warehouse: Stack, templates: jinja2.Environment, which: str
) -> None:
    table = f"staging_{which.replace(' ', '_')}"
    current = {"no previous one": plan(BGA=(FIRST, None)), "every label known": plan(RTG=(FIRST, None))}
    planned = current[which] | {
        "staging_table": table,
        "staging_location": f"s3://{warehouse.bucket}/staging/{table}/",
    }
    warehouse.query(render(templates, STATEMENTS[0], planned))
    rows = warehouse.query(f"SELECT item_id, quantity, quantity_delta FROM {table} ORDER BY item_id")
    if which == "every label known":
        assert rows == [["9", "20", "20"], ["10", "0", "0"], ["11", "0", "0"]]
    else:
        assert rows == [["1", "3", "3"], ["2", "0", "0"], ["4", "3", "3"]]


Row = tuple[str, int | None, int | None, int | None, str]
"""Of a staging table: store, item, quantity, delta, supplier."""


def by_store(rows: list[Row]) -> Iterator[tuple[str, pa.Table]]:
    """Each store's rows as a file has them."""
    for store in dict.fromkeys(row[0] for row in rows):
        _, items, quantities, deltas, suppliers = zip(*(row for row in rows if row[0] == store), strict=True)
        columns = {
            "item_id": pa.array(items, pa.int64()),
            "quantity_delta": pa.array(deltas, pa.int32()),
            "quantity": pa.array(quantities, pa.int32()),
            "custom_label": ["L"] * len(items),
            "supplier_store": suppliers,
        }
        yield store, pa.table(columns)


def staged(stack: Stack, table: str, rows: list[Row]) -> None:
    """Make a staging table without a statement, which would take as long as all that is tried here."""
    like = stack.glue.get_table(DatabaseName=stack.database, Name=EBAY.name)["Table"]
    entry = {name: like[name] for name in ("PartitionKeys", "TableType", "Parameters", "StorageDescriptor")}
    entry["StorageDescriptor"]["Location"] = f"s3://{stack.bucket}/staging/{table}/"
    stack.glue.create_table(DatabaseName=stack.database, TableInput={"Name": table, **entry})
    for store, made in by_store(rows):
        key = f"staging/{table}/ebay_store={store}/data.parquet"
        stack.put_parquet(key, made)
        stack.register(table, [store], key)


def failing(
    stack: Stack, templates: jinja2.Environment, table: str, waived: list[str] | None = None
) -> set[tuple[str, str]]:
    planned = PLANS["one"] | {"staging_table": table, "waived": waived or []}
    rows = stack.query(render(templates, STATEMENTS[1], planned))
    return {(str(row[0]), str(row[1])) for row in rows if row[4] != "true"}


GOOD: list[Any] = [("AMS", number, 5, 0, "BGA") for number in range(300)]
"""A staging table that is as it should be; some of its rows are published as what the cases need."""


def of(quantity: int, count: int, start: int = 0, store: str = "AMS", supplier: str = "BGA") -> list[Any]:
    """Rows of a staging table."""
    return [(store, start + number, quantity, 0, supplier) for number in range(count)]


SOUND = [
    *of(5, 300),
    *of(0, 300, 1000, supplier="KLA"),
    *of(5, 900, 2000, "PV"),
    *of(5, 30, 5000, "OR", "FPS"),
]
"""The same as is published: AMS has 300 of BGA with 5 and 300 of KLA with 0, PV 900 of BGA, OR 30 of FPS."""


@pytest.fixture(scope="module")
def published(warehouse: Stack) -> Iterator[None]:
    """`SOUND` as the ebay table."""
    for store, made in by_store(SOUND):
        key = EBAY.key(store)
        warehouse.put_parquet(key, made)
        warehouse.register(EBAY.name, [store], key)
    yield
    for store, _ in by_store(SOUND):
        where = {"DatabaseName": warehouse.database, "TableName": EBAY.name}
        warehouse.glue.delete_partition(**where, PartitionValues=[store])


def instead(rows: list[Any]) -> list[Any]:
    """`SOUND` with some listings replaced."""
    named = {(row[0], row[1]) for row in rows}
    return [row for row in SOUND if (row[0], row[1]) not in named] + rows


@pytest.mark.parametrize(
    ("name", "rows", "wanted"),
    [
        ("good", GOOD, set()),
        ("repeated", [*GOOD, GOOD[0]], {("listings_repeated", "ebay")}),
        ("in_two_stores", [*GOOD, ("PV", 1, 5, 0, "BGA")], set()),
        ("no_quantity", [*GOOD, ("AMS", 900, None, 0, "BGA")], {("values_missing", "ebay")}),
        ("no_item", [*GOOD, ("AMS", None, 1, 0, "BGA")], {("values_missing", "ebay")}),
        ("negative", [*GOOD, ("AMS", 900, -1, -1, "BGA")], {("quantities_negative", "ebay")}),
        ("before_negative", [*GOOD, ("AMS", 900, 1, 2, "BGA")], {("quantities_negative", "ebay")}),
        ("all_zero_at_first", of(0, 300), set()),
    ],
)
def test_what_the_audit_lets_pass_before_anything_is_published(
    warehouse: Stack, templates: jinja2.Environment, name: str, rows: list[Any], wanted: set[Any]
) -> None:
    staged(warehouse, f"audit_{name}", rows)
    assert failing(warehouse, templates, f"audit_{name}") == wanted


@pytest.mark.parametrize(
    ("name", "rows", "waived", "wanted"),
    [
        ("same", SOUND, [], set()),
        ("a_quarter_of_the_store_to_zero", instead(of(0, 150)), ["BGA"], set()),
        ("a_quarter_of_the_supplier_to_zero", instead(of(0, 300)), [], {("to_zero_by_store", "AMS")}),
        (
            "more_than_a_quarter_to_zero",
            instead(of(0, 301, 2000, "PV")),
            [],
            {("to_zero_by_supplier", "BGA"), ("to_zero_by_store", "PV")},
        ),
        ("that_supplier_is_waived", instead(of(0, 301, 2000, "PV")), ["BGA"], set()),
        (
            "that_store_is_waived",
            instead(of(0, 301, 2000, "PV")),
            ["PV"],
            {("to_zero_by_supplier", "BGA")},
        ),
        (
            "back_from_zero",
            instead(of(4, 151, 1000, supplier="KLA")),
            [],
            {("from_zero_by_supplier", "KLA"), ("from_zero_by_store", "AMS")},
        ),
        (
            "changed_at_all",
            instead(of(6, 721, 2000, "PV")),
            [],
            {("changed_by_supplier", "BGA"), ("changed_by_store", "PV")},
        ),
        (
            "gone",
            [row for row in SOUND if row[4] != "KLA"],
            [],
            {("gone_by_supplier", "KLA"), ("gone_by_store", "AMS")},
        ),
        # However small, since its snapshot may be lost.
        (
            "a_small_supplier_gone",
            [row for row in SOUND if row[4] != "FPS"],
            [],
            {("gone_by_supplier", "FPS")},
        ),
        ("that_goes_by_intent", [row for row in SOUND if row[4] != "FPS"], ["FPS"], set()),
        ("listings_move_to_another", instead(of(5, 30, 5000, "OR", "BGA")), [], set()),
        ("a_store_gone", [row for row in SOUND if row[0] != "PV"], ["BGA"], set()),
        ("a_small_supplier", instead(of(0, 30, 5000, "OR", "FPS")), [], set()),
        ("new_listings_do_not_count", [*SOUND, *of(0, 5000, 20000, supplier="KLA")], [], set()),
    ],
)
def test_how_far_the_new_table_may_be_from_the_published_one(
    warehouse: Stack,
    templates: jinja2.Environment,
    published: None,
    name: str,
    rows: list[Any],
    waived: list[str],
    wanted: set[Any],
) -> None:
    staged(warehouse, f"moved_{name}", rows)
    found = failing(warehouse, templates, f"moved_{name}", waived)
    assert found == {(f"share_{check}", subject) for check, subject in wanted}


def test_the_audit_counts_what_moves_in_each_store(
    warehouse: Stack, templates: jinja2.Environment, published: None
) -> None:
    staged(warehouse, "counted", [*instead(of(0, 7) + of(3, 11, 1000, supplier="KLA"))[1:], *of(1, 4, 9000)])
    rows = warehouse.query(render(templates, STATEMENTS[1], PLANS["one"] | {"staging_table": "counted"}))
    figures = {(row[0], row[1]): (row[6], row[7]) for row in rows}
    assert figures["listings_by_store", "AMS"] == ("603", "603")
    assert figures["share_to_zero_by_store", "AMS"] == ("600", "7")
    assert figures["share_from_zero_by_store", "AMS"] == ("600", "11")
    assert figures["share_changed_by_store", "AMS"] == ("600", "18")
    assert figures["share_gone_by_store", "AMS"] == ("600", "1")
    assert figures["share_changed_by_supplier", "KLA"] == ("300", "11")


@every_plan
def test_the_audit_reads_each_table_once(templates: jinja2.Environment, planned: dict[str, Any]) -> None:
    statement = sqlglot.parse_one(render(templates, STATEMENTS[1], planned), dialect="athena")
    parts = {part.alias: part for part in statement.find_all(exp.CTE)}
    reads: Counter[str] = Counter()

    def count(node: Any) -> None:
        for table in node.find_all(exp.Table):
            if table.find_ancestor(exp.CTE) is (node if isinstance(node, exp.CTE) else None):
                reads[table.name] += 1
                if table.name in parts:
                    count(parts[table.name])

    count(statement)
    assert {reads[name] for name in ("ebay_staging_x", "ebay")} == {1}
    assert reads["supplier_stock"] == (1 if any(entry["current"] for entry in planned["snapshots"]) else 0)


def test_suppliers_in_trouble_keep_their_published_rows(
    warehouse: Stack, templates: jinja2.Environment, published: None
) -> None:
    # KLA is to be kept. One of its listings ends, one is new, one goes to it from BGA and one from it to BGA.
    replaced = [
        *of(5, 299, 0),
        ("AMS", 299, 8, 0, "KLA"),
        ("AMS", 1000, 9, 0, "BGA"),
        *of(9, 298, 1001, supplier="KLA"),
        ("AMS", 1500, 9, 0, "KLA"),
        *of(5, 900, 2000, "PV"),
    ]
    staged(warehouse, "replaced", replaced)
    table = "carried_over"
    planned = PLANS["one"] | {
        "staging_table": table,
        "staging_location": f"s3://{warehouse.bucket}/staging/{table}/",
        "replaced_table": "replaced",
        "carried_over": {"KLA": "it fails the audit"},
    }
    warehouse.query(render(templates, "ebay/carry_over.sql", planned))
    rows = warehouse.query(
        f"SELECT ebay_store, item_id, quantity, quantity_delta, supplier_store FROM {table} ORDER BY item_id"
    )
    wanted = [
        *of(5, 299, 0),
        ("AMS", 299, 5, 0, "BGA"),
        ("AMS", 1000, 9, 0, "BGA"),
        *of(0, 299, 1001, supplier="KLA"),
        *of(5, 900, 2000, "PV"),
    ]
    assert rows == [[row[0], *map(str, row[1:4]), row[4]] for row in wanted]
    assert failing(warehouse, templates, table) == {("share_gone_by_supplier", "FPS")}


def test_what_does_not_meet_is_listed(
    warehouse: Stack, templates: jinja2.Environment, made: dict[str, Any]
) -> None:
    listings(warehouse, "PV", "ELR", (16, "E1"))  # until here no one was to read it
    labels, stock = (warehouse.query(render(templates, name, made)) for name in LISTS)
    # K1's listing is KLA's own; BGA lists no B1 and B2 but AST does.
    assert labels == []
    why = "the product table does not know this label for this supplier"
    assert stock == [
        ["BGA", "A3", "1", "3", why],
        ["BGA", "A9", "1", "5", why],
        ["BGA", "B1", "1", "14", why],
        ["BGA", "B2", "1", "15", why],
        ["ELR", "E1", "1", "16", "no feed of this supplier has been accepted yet"],
        ["KLA", "A1", "1", "8", why],
        ["RTG", "", "1", "12", "the listing has no custom label"],
        ["RTG", None, "1", "13", "the listing has no custom label"],
    ]


def test_a_snapshot_that_went_meanwhile_does_not_pass(
    warehouse: Stack, templates: jinja2.Environment
) -> None:
    staged(warehouse, "vanished", GOOD)
    planned = plan(BGA=(FIRST, None), KLA=(date(2024, 8, 2), None)) | {"staging_table": "vanished"}
    rows = warehouse.query(render(templates, STATEMENTS[1], planned))
    found = {row[1]: row[4:6] for row in rows if row[0] == "snapshot_empty_by_supplier"}
    assert found == {"BGA": ["true", "false"], "KLA": ["false", "false"]}


def test_an_empty_table_does_not_pass(warehouse: Stack, templates: jinja2.Environment) -> None:
    # CTAS of no row makes no partition; what follows is about the checks alone.
    location = f"s3://{warehouse.bucket}/staging/audit_empty/"
    warehouse.query(
        f"CREATE TABLE audit_empty WITH (format = 'PARQUET', external_location = '{location}') AS"
        " SELECT * FROM audit_good WHERE item_id < 0"
    )
    assert ("listings", "ebay") in failing(warehouse, templates, "audit_empty")
