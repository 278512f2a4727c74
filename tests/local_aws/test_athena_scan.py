"""What a query reads: registered partitions only, as few as its conditions allow, and what that costs."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.warehouse import BUCKET, DATABASE, Warehouse

SUPPLIERS = ("APE", "BET", "COM")
DAYS = ("06", "07", "08")


class Stock:
    """A table of 3 suppliers by 3 days with its files' footers."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.name = warehouse.new_table(
            "custom_label string, quantity int, updated_date date", "supplier string, year string, day string"
        )
        self.footers: dict[tuple[str, str], pq.FileMetaData] = {}
        for supplier in SUPPLIERS:
            for day in DAYS:
                rows = pa.table(
                    {
                        "custom_label": [f"{supplier}-{number}" for number in range(100)],
                        "quantity": pa.array(range(100), pa.int32()),
                        "updated_date": [datetime.date(2024, 8, int(day))] * 100,
                    }
                )
                prefix = warehouse.register(self.name, supplier, "2024", day)
                self.footers[supplier, day] = warehouse.put(f"{prefix}data.parquet", rows)

    def size(self, partitions: list[tuple[str, str]], columns: tuple[str, ...]) -> int:
        total = 0
        for partition in partitions:
            group = self.footers[partition].row_group(0)
            chunks = [group.column(number) for number in range(group.num_columns)]
            total += sum(chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema in columns)
        return total


@pytest.fixture(scope="module")
def stock(warehouse: Warehouse) -> Stock:
    return Stock(warehouse)


ALL = [(supplier, day) for supplier in SUPPLIERS for day in DAYS]
LATEST = [(supplier, "08") for supplier in SUPPLIERS]
EVERY_COLUMN = ("custom_label", "quantity", "updated_date")

READS = [
    ("SELECT * FROM {t}", ALL, EVERY_COLUMN),
    ("SELECT quantity FROM {t}", ALL, ("quantity",)),
    ("SELECT count(*) FROM {t}", ALL, ()),
    ("SELECT DISTINCT supplier FROM {t}", ALL, ()),
    ("SELECT sum(quantity) FROM {t} WHERE custom_label = 'x'", ALL, ("custom_label", "quantity")),
    ("SELECT quantity FROM {t} WHERE day = '08'", LATEST, ("quantity",)),
    ("SELECT quantity FROM {t} AS s WHERE s.Day = '08' AND quantity > 5", LATEST, ("quantity",)),
    (
        "SELECT quantity FROM {t} WHERE supplier IN ('APE', 'BET') AND day BETWEEN '07' AND '08'",
        [(s, d) for s in ("APE", "BET") for d in ("07", "08")],
        ("quantity",),
    ),
    (
        (
            "SELECT quantity FROM {t} WHERE (supplier = 'APE' AND day = '08') "
            "OR (supplier = 'BET' AND day = '06')"
        ),
        [("APE", "08"), ("BET", "06")],
        ("quantity",),
    ),
    (
        (
            "SELECT quantity FROM {t} WHERE (supplier = 'APE' AND quantity > 5) "
            "OR (supplier = 'BET' AND day = '06')"
        ),
        [("APE", d) for d in DAYS] + [("BET", "06")],
        ("quantity",),
    ),
    ("SELECT quantity FROM {t} WHERE supplier = 'APE' OR quantity > 5", ALL, ("quantity",)),
    ("SELECT quantity FROM {t} WHERE CAST(day AS integer) >= 8", LATEST, ("quantity",)),
    ("SELECT quantity FROM {t} WHERE year || day = '202408'", LATEST, ("quantity",)),
    ("SELECT quantity FROM {t} WHERE NOT (day < '08')", LATEST, ("quantity",)),
    ("SELECT quantity FROM {t} WHERE day > custom_label", ALL, ("custom_label", "quantity")),
    ("SELECT quantity FROM {t} WHERE FALSE", [], ()),
    ("SELECT quantity FROM {t} WHERE supplier = 'NOTHERE'", [], ()),
    ("WITH s AS (SELECT * FROM {t}) SELECT quantity FROM s WHERE day = '08'", LATEST, ("quantity",)),
    (
        "SELECT q FROM (SELECT quantity AS q, day AS d, custom_label FROM {t}) WHERE d = '08'",
        LATEST,
        ("quantity",),
    ),
    ("SELECT count(*) FROM (SELECT * FROM {t} WHERE day = '08') AS x", LATEST, ()),
    (
        "SELECT max(quantity) FROM {t} WHERE day = (SELECT max(day) FROM {t} WHERE supplier = 'APE')",
        ALL,
        ("quantity",),
    ),
    (
        (
            "SELECT sum(a.quantity) FROM {t} a JOIN {t} b ON a.custom_label = b.custom_label "
            "AND b.day = '07' "
            "WHERE a.day = '08'"
        ),
        None,
        None,
    ),
    # A condition on the side that an outer join may leave out.
    (
        (
            "SELECT count(*) FROM (VALUES 'APE-1') AS l(label) LEFT JOIN {t} s "
            "ON s.custom_label = l.label AND s.day = '08'"
        ),
        LATEST,
        ("custom_label",),
    ),
    (
        (
            "SELECT count(*) FROM {t} s LEFT JOIN (VALUES 'APE-1') AS l(label) "
            "ON s.custom_label = l.label AND s.day = '08'"
        ),
        ALL,
        ("custom_label",),
    ),
    (
        (
            "SELECT count(*) FROM (VALUES 'APE-1') AS l(label) LEFT JOIN {t} s ON s.custom_label = l.label "
            "WHERE s.day IS NULL"
        ),
        ALL,
        ("custom_label",),
    ),
    (
        (
            "SELECT count(*) FROM (VALUES 'APE-1') AS l(label) LEFT JOIN {t} s ON s.custom_label = l.label "
            "WHERE coalesce(s.day, '08') = '08'"
        ),
        ALL,
        ("custom_label",),
    ),
    (
        (
            "SELECT count(*) FROM (VALUES 'APE-1') AS l(label) FULL JOIN {t} s "
            "ON s.custom_label = l.label AND s.day = '08'"
        ),
        ALL,
        ("custom_label",),
    ),
]


@pytest.mark.parametrize(("sql", "partitions", "columns"), READS, ids=[row[0][:80] for row in READS])
def test_bytes_scanned_are_the_columns_and_partitions_needed(
    warehouse: Warehouse,
    stock: Stock,
    sql: str,
    partitions: list[tuple[str, str]] | None,
    columns: tuple[str, ...] | None,
) -> None:
    done = warehouse.run(sql.format(t=stock.name))
    assert done.state == "SUCCEEDED", done.reason
    if partitions is None or columns is None:  # a self join: each side is read by itself
        both = ("custom_label", "quantity")
        earlier = [(supplier, "07") for supplier in SUPPLIERS]
        assert done.scanned == stock.size(LATEST, both) + stock.size(earlier, ("custom_label",))
        return
    assert done.scanned == stock.size(partitions, columns)


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("day = '08'", 300),
        ("supplier = 'APE' AND day >= '07' AND quantity < 10", 20),
        ("(supplier = 'APE' AND day = '08') OR (supplier = 'BET' AND day = '06')", 200),
        ("supplier LIKE '%T' OR quantity = 99", 300 + 6),
        ("day IN (SELECT max(day) FROM {t})", 300),
        ("supplier IS NULL", 0),
    ],
)
def test_pruning_changes_no_answer(warehouse: Warehouse, stock: Stock, where: str, count: int) -> None:
    rows = warehouse.query(f"SELECT count(*) FROM {stock.name} WHERE {where.format(t=stock.name)}")
    assert rows == [[str(count)]]


def test_a_left_join_keeps_its_rows_where_the_pruned_side_has_none(
    warehouse: Warehouse, stock: Stock
) -> None:
    sql = (
        "SELECT l.label, s.day FROM (VALUES 'APE-1', 'none') AS l(label) "
        "LEFT JOIN {t} s ON s.custom_label = l.label AND s.day = '08' ORDER BY 1"
    )
    assert warehouse.query(sql.format(t=stock.name)) == [["APE-1", "08"], ["none", None]]
    anti = (
        "SELECT l.label FROM (VALUES 'APE-1', 'none') AS l(label) "
        "LEFT JOIN {t} s ON s.custom_label = l.label WHERE s.day IS NULL"
    )
    assert warehouse.query(anti.format(t=stock.name)) == [["none"]]


def test_an_unregistered_partition_is_invisible_until_registered(warehouse: Warehouse) -> None:
    name = warehouse.new_table("a bigint", "day string")
    warehouse.put(f"{name}/day=08/data.parquet", pa.table({"a": [1]}))
    assert warehouse.query(f"SELECT count(*) FROM {name}") == [["0"]]
    warehouse.register(name, "08")
    assert warehouse.query(f"SELECT a, day FROM {name}") == [["1", "08"]]


def test_partition_values_come_from_the_catalog_not_from_the_path(warehouse: Warehouse) -> None:
    name = warehouse.new_table("a bigint", "day string, number int")
    warehouse.put(f"{name}/day=99/x.parquet", pa.table({"a": [1]}))
    warehouse.query(
        f"ALTER TABLE {name} ADD PARTITION (day = '08', number = '7') LOCATION 's3://{BUCKET}/{name}/day=99/'"
    )
    assert warehouse.query(f"SELECT a, day, number + 1 FROM {name} WHERE number = 7") == [["1", "08", "8"]]


def test_an_overwritten_object_is_read_anew(warehouse: Warehouse) -> None:
    name = warehouse.new_table("a bigint")
    for value in (1, 2):
        warehouse.put(f"{name}/data.parquet", pa.table({"a": [value]}))
        assert warehouse.query(f"SELECT a FROM {name}") == [[str(value)]]
    warehouse.s3.delete_object(Bucket=BUCKET, Key=f"{name}/data.parquet")
    assert warehouse.query(f"SELECT a FROM {name}") == []


def test_hidden_and_empty_objects_are_not_data(warehouse: Warehouse) -> None:
    name = warehouse.new_table("a bigint")
    warehouse.put(f"{name}/data.parquet", pa.table({"a": [1]}))
    for key in ("_SUCCESS", ".hidden", "folder/"):
        warehouse.s3.put_object(Bucket=BUCKET, Key=f"{name}/{key}", Body=b"" if key.endswith("/") else b"x")
    assert warehouse.query(f"SELECT a FROM {name}") == [["1"]]


def test_files_of_different_columns_and_widths_are_one_table(warehouse: Warehouse) -> None:
    name = warehouse.new_table("a bigint, b string, c double")
    warehouse.put(f"{name}/1.parquet", pa.table({"b": ["x"], "a": pa.array([1], pa.int32())}))
    warehouse.put(f"{name}/2.parquet", pa.table({"a": pa.array([2], pa.int64()), "c": [2.5]}))
    warehouse.put(f"{name}/3.parquet", pa.table({"b": pa.array([b"y"], pa.binary()), "z": ["ignored"]}))
    assert warehouse.query(f"SELECT * FROM {name} ORDER BY a") == [
        ["1", "x", None],
        ["2", None, "2.5"],
        [None, "y", None],
    ]


BAD_TYPES = [
    ("string", pa.array([1], pa.int64()), "INT64", "varchar"),
    ("int", pa.array([1], pa.int64()), "INT64", "integer"),
    ("bigint", pa.array([1.0]), "DOUBLE", "bigint"),
    ("bigint", pa.array(["1"]), "BYTE_ARRAY", "bigint"),
    ("double", pa.array([1], pa.int64()), "INT64", "double"),
    ("date", pa.array(["2024-08-08"]), "BYTE_ARRAY", "date"),
]


@pytest.mark.parametrize(("glue_type", "values", "physical", "spelled"), BAD_TYPES)
def test_a_column_of_another_type_is_bad_data(
    warehouse: Warehouse, glue_type: str, values: pa.Array, physical: str, spelled: str
) -> None:
    name = warehouse.new_table(f"fine bigint, quantity {glue_type}")
    warehouse.put(f"{name}/data.parquet", pa.table({"fine": [1], "quantity": values}))
    assert warehouse.run(f"SELECT quantity FROM {name}").reason == (
        f"HIVE_BAD_DATA: Field quantity's type {physical} in parquet file s3://{BUCKET}/{name}/data.parquet "
        f"is incompatible with type {spelled} defined in table schema"
    )
    assert warehouse.query(f"SELECT fine FROM {name}") == [["1"]]


def test_an_object_that_is_not_parquet_is_named(warehouse: Warehouse) -> None:
    name = warehouse.new_table("a bigint")
    warehouse.s3.put_object(Bucket=BUCKET, Key=f"{name}/notes.txt", Body=b"not a table")
    reason = warehouse.run(f"SELECT a FROM {name}").reason
    assert reason.startswith(f"HIVE_BAD_DATA: Not valid Parquet file: s3://{BUCKET}/{name}/notes.txt")


def test_names_are_qualified_quoted_and_of_any_case(warehouse: Warehouse, stock: Stock) -> None:
    for table in (
        stock.name.upper(),
        f'"{stock.name}"',
        f"{DATABASE}.{stock.name}",
        f'"awsdatacatalog"."{DATABASE}"."{stock.name}"',
    ):
        where = "SUPPLIER = 'APE' AND \"day\" = '08'"
        sql = f'SELECT "QUANTITY", Custom_Label FROM {table} WHERE {where} LIMIT 1'
        assert warehouse.query(sql) == [["0", "APE-0"]]
    qualified = f"SELECT {DATABASE}.{stock.name}.quantity FROM {DATABASE}.{stock.name} LIMIT 1"
    assert warehouse.query(qualified) == [["0"]]


def test_a_cte_hides_a_table_of_its_name(warehouse: Warehouse, stock: Stock) -> None:
    done = warehouse.run(f"WITH {stock.name} AS (SELECT 5 AS x) SELECT * FROM {stock.name}")
    assert (done.rows, done.scanned) == ([["5"]], 0)


def test_a_partition_key_inside_the_file_does_not_count(warehouse: Warehouse) -> None:
    name = warehouse.new_table("a bigint", "day string")
    prefix = warehouse.register(name, "08")
    warehouse.put(f"{prefix}data.parquet", pa.table({"a": [1], "day": ["31"]}))
    assert warehouse.query(f"SELECT a, day FROM {name} WHERE day = '08'") == [["1", "08"]]
