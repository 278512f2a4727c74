"""CTAS, INSERT INTO and DDL: what they write, what they register, and what Athena refuses."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.warehouse import BUCKET, DATABASE, OUTPUT, Warehouse


def ctas(name: str, properties: str, select: str) -> str:
    return f"CREATE TABLE {name} WITH ({properties}) AS {select}"


def test_ctas_writes_one_object_a_partition_and_a_catalog_entry(warehouse: Warehouse) -> None:
    name = warehouse.new_name()
    done = warehouse.run(
        ctas(
            name,
            f"format = 'PARQUET', external_location = 's3://{BUCKET}/{name}/', write_compression = 'ZSTD', "
            "partitioned_by = ARRAY['store', 'day'], bucketed_by = ARRAY['item_id'], bucket_count = 1",
            "SELECT CAST(x AS bigint) AS Item_ID, x * 1.5e0 AS price, date '2024-08-08' AS seen, "
            "if(x % 2 = 0, 'A', 'B') AS store, lpad(CAST(x % 3 AS varchar), 2, '0') AS day "
            "FROM UNNEST(sequence(1, 12)) AS t(x) ORDER BY x DESC",
        )
    )
    assert done.state == "SUCCEEDED", done.reason
    assert done.execution["StatementType"] == "DDL"
    assert done.execution["SubstatementType"] == "CREATE_TABLE_AS_SELECT"
    keys = warehouse.keys(f"{name}/")
    assert [re.sub(r"/[^/]+$", "", key) for key in keys] == [
        f"{name}/store={store}/day={day}" for store in "AB" for day in ("00", "01", "02")
    ]
    table = warehouse.glue.get_table(DatabaseName=DATABASE, Name=name)["Table"]
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert [(column["Name"], column["Type"]) for column in table["StorageDescriptor"]["Columns"]] == [
        ("item_id", "bigint"),
        ("price", "double"),
        ("seen", "date"),
    ]
    assert table["PartitionKeys"] == [{"Name": "store", "Type": "string"}, {"Name": "day", "Type": "string"}]
    partitions = warehouse.glue.get_partitions(DatabaseName=DATABASE, TableName=name)["Partitions"]
    assert {tuple(partition["Values"]) for partition in partitions} == {
        (store, day) for store in "AB" for day in ("00", "01", "02")
    }
    first = warehouse.read(keys[0])
    assert first.column_names == ["item_id", "price", "seen"]
    assert first["item_id"].to_pylist() == [12, 6]  # the order asked for
    manifest = done.execution["Statistics"]["DataManifestLocation"]
    listed = (
        warehouse.s3.get_object(Bucket=BUCKET, Key=manifest.split(f"{BUCKET}/")[1])["Body"].read().decode()
    )
    assert sorted(listed.split()) == sorted(f"s3://{BUCKET}/{key}" for key in keys)
    assert warehouse.query(f"SELECT store, count(*), sum(item_id) FROM {name} GROUP BY 1 ORDER BY 1") == [
        ["A", "6", "42"],
        ["B", "6", "36"],
    ]


def test_ctas_of_two_million_rows_is_sorted_within_its_partitions(warehouse: Warehouse) -> None:
    name = warehouse.new_name()
    warehouse.query(
        ctas(
            name,
            f"external_location = 's3://{BUCKET}/{name}/', parquet_compression = 'SNAPPY', "
            "partitioned_by = ARRAY['store'], bucketed_by = ARRAY['i'], bucket_count = 1",
            "SELECT a.i * 1414 + b.i AS i, CAST(b.i % 16 AS varchar) AS store "
            "FROM UNNEST(sequence(0, 1413)) AS a(i) "
            "CROSS JOIN UNNEST(sequence(0, 1413)) AS b(i) ORDER BY i DESC",
        )
    )
    keys = warehouse.keys(f"{name}/")
    assert len(keys) == 16
    numbers = warehouse.read(keys[3])["i"].to_numpy()
    assert (numbers[1:] < numbers[:-1]).all()
    assert warehouse.query(f"SELECT count(*), count(DISTINCT i), max(i) FROM {name}") == [
        ["1999396", "1999396", "1999395"]
    ]


@pytest.mark.parametrize("count", [1, 3])
def test_buckets_are_so_many_files_with_each_value_in_one(warehouse: Warehouse, count: int) -> None:
    name = warehouse.new_name()
    warehouse.query(
        ctas(
            name,
            f"external_location = 's3://{BUCKET}/{name}/', bucketed_by = ARRAY['k'], bucket_count = {count}",
            "SELECT x % 50 AS k, x FROM UNNEST(sequence(1, 500)) AS t(x)",
        )
    )
    keys = warehouse.keys(f"{name}/")
    values = [set(warehouse.read(key)["k"].to_pylist()) for key in keys]
    assert len(keys) == count
    assert sum(map(len, values)) == len(set().union(*values)) == 50


def test_ctas_without_a_location_goes_below_the_results(warehouse: Warehouse) -> None:
    name = warehouse.new_name()
    done = warehouse.run(f"CREATE TABLE {name} AS SELECT 1 AS a")
    location = f"{OUTPUT}tables/{done.execution['QueryExecutionId']}"
    table = warehouse.glue.get_table(DatabaseName=DATABASE, Name=name)["Table"]
    assert table["StorageDescriptor"]["Location"].rstrip("/") == location
    assert done.execution["ResultConfiguration"]["OutputLocation"] == location
    assert warehouse.query(f"SELECT a FROM {name}") == [["1"]]


def test_odd_partition_values_survive_the_journey(warehouse: Warehouse) -> None:
    name = warehouse.new_name()
    values = ["a/b", "50%", "x=y", "two words", "08", "é", "it's"]
    listed = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    warehouse.query(
        ctas(name, "partitioned_by = ARRAY['k']", f"SELECT 1 AS n, k FROM (VALUES {listed}, NULL) AS t(k)")
    )
    assert warehouse.query(f"SELECT k FROM {name} ORDER BY k") == [[value] for value in sorted(values)] + [
        [None]
    ]
    for value in values:
        quoted = value.replace("'", "''")
        assert warehouse.query(f"SELECT n, k FROM {name} WHERE k = '{quoted}'") == [["1", value]]
    assert warehouse.query(f"SELECT n FROM {name} WHERE k IS NULL") == [["1"]]


def test_types_reach_the_catalog_and_come_back(warehouse: Warehouse) -> None:
    name = warehouse.new_name()
    warehouse.query(
        f"CREATE TABLE {name} AS SELECT sum(1) AS a, CAST(1 AS decimal(10, 2)) AS b, ARRAY[1] AS c, "
        "TRUE AS d, "
        "timestamp '2024-08-08 01:02:03' AS e, CAST(1 AS real) AS f, CAST(2 AS smallint) AS g"
    )
    described = warehouse.query(f"DESCRIBE {name}")
    assert [row[1] for row in described] == [
        "bigint",
        "decimal(10,2)",
        "array<int>",
        "boolean",
        "timestamp",
        "float",
        "smallint",
    ]
    assert warehouse.query(f"SELECT * FROM {name}") == [
        ["1", "1.00", "[1]", "true", "2024-08-08 01:02:03.000", "1.0", "2"]
    ]


def test_insert_appends_objects_and_registers_new_partitions(warehouse: Warehouse) -> None:
    name = warehouse.new_table("item_id bigint, title string, price double", "store string")
    done = warehouse.run(f"INSERT INTO {name} VALUES (1, 'x', 1.5e0, 'A'), (2, 'y', NULL, 'B')")
    assert (done.state, done.execution["StatementType"]) == ("SUCCEEDED", "DML")
    warehouse.query(f"INSERT INTO {name} (store, item_id) SELECT 'A', 3")
    assert len(warehouse.keys(f"{name}/store=A/")) == 2
    assert warehouse.query(f"SELECT * FROM {name} ORDER BY item_id") == [
        ["1", "x", "1.5", "A"],
        ["2", "y", None, "B"],
        ["3", None, None, "A"],
    ]
    assert warehouse.query(f"SHOW PARTITIONS {name}") == [["store=A"], ["store=B"]]


def test_insert_writes_where_the_partition_is_registered(warehouse: Warehouse) -> None:
    name = warehouse.new_table("a int", "k string")
    elsewhere = f"s3://{BUCKET}/{name}-elsewhere/"
    warehouse.query(f"ALTER TABLE {name} ADD PARTITION (k = 'x') LOCATION '{elsewhere}'")
    warehouse.query(f"INSERT INTO {name} VALUES (1, 'x')")
    assert len(warehouse.keys(f"{name}-elsewhere/")) == 1
    assert warehouse.query(f"SELECT a, k FROM {name}") == [["1", "x"]]


def test_dropping_a_table_leaves_its_objects(warehouse: Warehouse) -> None:
    name = warehouse.new_name()
    warehouse.query(ctas(name, f"external_location = 's3://{BUCKET}/{name}/'", "SELECT 1 AS a"))
    warehouse.query(f"DROP TABLE `{DATABASE}`.{name}")
    assert len(warehouse.keys(f"{name}/")) == 1
    warehouse.query(f"DROP TABLE IF EXISTS {name}")
    assert "Table not found" in warehouse.run(f"DROP TABLE {name}").reason


def test_ddl_puts_its_rows_in_a_text_object(warehouse: Warehouse) -> None:
    name = warehouse.new_table("a int", "k string")
    warehouse.register(name, "x")
    done = warehouse.run(f"SHOW PARTITIONS {name}")
    location = done.execution["ResultConfiguration"]["OutputLocation"]
    assert location.endswith(".txt")
    body = warehouse.s3.get_object(Bucket=BUCKET, Key=location.split(f"{BUCKET}/")[1])["Body"].read()
    assert body == b"k=x\n"
    assert [name] in warehouse.query("SHOW TABLES")
    assert [name] in warehouse.query(f"SHOW TABLES IN {DATABASE}")
    assert [DATABASE] in warehouse.query("SHOW DATABASES")


def test_partitions_are_added_and_dropped(warehouse: Warehouse) -> None:
    name = warehouse.new_table("a int", "year string, month string")
    for month in ("08", "09", "09"):
        warehouse.query(f"ALTER TABLE {name} ADD IF NOT EXISTS PARTITION (year = '2024', month = '{month}')")
    again = warehouse.run(f"ALTER TABLE {name} ADD PARTITION (year = '2024', month = '08')")
    assert "already exists" in again.reason
    wrong = warehouse.run(f"ALTER TABLE {name} ADD PARTITION (year = '2024')")
    assert "does not match keys" in wrong.reason
    assert warehouse.query(f'SELECT * FROM "{name}$partitions" ORDER BY month') == [
        ["2024", "08"],
        ["2024", "09"],
    ]
    warehouse.query(f"ALTER TABLE {name} DROP PARTITION (year = '2024', month = '08')")
    assert warehouse.query(f"SHOW PARTITIONS {name}") == [["year=2024/month=09"]]


def test_if_not_exists_changes_nothing(warehouse: Warehouse) -> None:
    name = warehouse.new_table("a int")
    warehouse.query(f"CREATE TABLE IF NOT EXISTS {name} AS SELECT 1 AS b")
    warehouse.query(
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {name} (c int) STORED AS PARQUET "
        f"LOCATION 's3://{BUCKET}/other/' TBLPROPERTIES ('has_encrypted_data' = 'false')"
    )
    assert warehouse.query(f"DESCRIBE {name}") == [["a", "int", ""]]


FULL = "taken-place"
REFUSALS = [
    (
        "path exists",
        f"external_location = 's3://{BUCKET}/{FULL}/'",
        "SELECT 1 AS a",
        (
            rf"HIVE_PATH_ALREADY_EXISTS: Target directory for table '{DATABASE}\.\w+' already exists: "
            rf"s3://{BUCKET}/{FULL}/"
        ),
    ),
    (
        "too many partitions",
        "partitioned_by = ARRAY['k']",
        "SELECT 1 AS a, CAST(x AS varchar) AS k FROM UNNEST(sequence(1, 101)) AS t(x)",
        "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions/buckets$",
    ),
    (
        "too many buckets of partitions",
        "partitioned_by = ARRAY['k'], bucketed_by = ARRAY['a'], bucket_count = 20",
        (
            "SELECT y AS a, CAST(x AS varchar) AS k FROM UNNEST(sequence(1, 10)) AS t(x) "
            "CROSS JOIN UNNEST(sequence(1, 200)) AS u(y)"
        ),
        "HIVE_TOO_MANY_OPEN_PARTITIONS",
    ),
    (
        "keys not last",
        "partitioned_by = ARRAY['k']",
        "SELECT 'x' AS k, 1 AS a",
        (
            r"HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns in the table and in the "
            r"same order as the table properties: \[k\]"
        ),
    ),
    (
        "keys out of order",
        "partitioned_by = ARRAY['k', 'j']",
        "SELECT 1 AS a, 'x' AS j, 'y' AS k",
        "HIVE_COLUMN_ORDER_MISMATCH",
    ),
    (
        "key absent",
        "partitioned_by = ARRAY['k']",
        "SELECT 1 AS a",
        r"Partition columns \[k\] not present in schema",
    ),
    ("only keys", "partitioned_by = ARRAY['k']", "SELECT 'x' AS k", "Table contains only partition columns"),
    (
        "bucket column absent",
        "bucketed_by = ARRAY['k'], bucket_count = 2",
        "SELECT 1 AS a",
        r"Bucketing columns \[k\] not present in schema",
    ),
    (
        "no buckets",
        "bucketed_by = ARRAY['a'], bucket_count = 0",
        "SELECT 1 AS a",
        "bucket_count must be greater",
    ),
    ("count without columns", "bucket_count = 2", "SELECT 1 AS a", "INVALID_TABLE_PROPERTY"),
    (
        "unknown property",
        "external_locaton = 's3://x/'",
        "SELECT 1 AS a",
        r"INVALID_TABLE_PROPERTY: line \d+:\d+: Catalog 'awsdatacatalog' table property 'external_locaton'",
    ),
    (
        "not Parquet",
        "format = 'TEXTFILE'",
        "SELECT 1 AS a",
        "NOT_SUPPORTED: only format PARQUET runs locally",
    ),
    ("Iceberg", "table_type = 'ICEBERG'", "SELECT 1 AS a", "NOT_SUPPORTED"),
    ("unknown codec", "write_compression = 'BEST'", "SELECT 1 AS a", "INVALID_TABLE_PROPERTY: compression"),
    (
        "two codecs",
        "write_compression = 'ZSTD', parquet_compression = 'ZSTD'",
        "SELECT 1 AS a",
        "only one of",
    ),
    ("not S3", "external_location = 'folder/x'", "SELECT 1 AS a", "External location is not a valid S3 URI"),
    (
        "column twice",
        "format = 'PARQUET'",
        "SELECT 1 AS a, 2 AS A",
        r"DUPLICATE_COLUMN_NAME: line \d+:\d+: Column name 'a' specified more than once",
    ),
    (
        "column without name",
        "format = 'PARQUET'",
        "SELECT 1 AS a, 2 + 2",
        r"MISSING_COLUMN_NAME: line \d+:\d+: Column name not specified at position 2",
    ),
    (
        "select fails late",
        "format = 'PARQUET'",
        "SELECT 1 / (x - 5) AS a FROM UNNEST(sequence(1, 10)) AS t(x)",
        "DIVISION_BY_ZERO: Division by zero",
    ),
]


@pytest.mark.parametrize(
    ("properties", "select", "reason"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_a_refused_ctas_leaves_no_catalog_entry(
    warehouse: Warehouse, properties: str, select: str, reason: str
) -> None:
    warehouse.s3.put_object(Bucket=BUCKET, Key=f"{FULL}/anything", Body=b"x")
    name = warehouse.new_name()
    done = warehouse.run(ctas(name, properties, select))
    assert done.state == "FAILED"
    assert re.search(reason, done.reason), done.reason
    assert [name] not in warehouse.query("SHOW TABLES")
    error = done.execution["Status"]["AthenaError"]
    assert (error["ErrorCategory"], error["ErrorMessage"]) == (2, done.reason)


def test_exactly_a_hundred_partitions_are_written(warehouse: Warehouse) -> None:
    name = warehouse.new_name()
    warehouse.query(
        ctas(
            name,
            "partitioned_by = ARRAY['k']",
            "SELECT x AS a, CAST(x % 100 AS varchar) AS k FROM UNNEST(sequence(1, 300)) AS t(x)",
        )
    )
    assert warehouse.query(f"SELECT count(*), count(DISTINCT k) FROM {name}") == [["300", "100"]]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (
            "SELECT * FROM nowhere",
            rf"TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{DATABASE}.nowhere' does not ",
        ),
        ("SELECT 1\nFROM other.t", r"SCHEMA_NOT_FOUND: line 2:6: Schema 'other' does not exist"),
        ("SELECT a,\n  b FROM {t}", r"COLUMN_NOT_FOUND: line 2:3: Column 'b' cannot be resolved"),
        ("SELECT x.a FROM {t}", r"COLUMN_NOT_FOUND: line 1:8: Column 'x"),
        ("SELECT nofunction(a) FROM {t}", r"FUNCTION_NOT_FOUND: .*nofunction"),
        ("SELECT a, count(*) FROM {t}", r"EXPRESSION_NOT_AGGREGATE: line 1:8: 'a' must be an aggregate"),
        (
            "SELECT a FROM {t} WHERE k = 8",
            r"TYPE_MISMATCH: line 1:\d+: Cannot apply operator: varchar = integer",
        ),
        ("SELECT a FROM {t} WHERE k IN (8, 9)", r"TYPE_MISMATCH"),
        ("SELECT a FROM {t} WHERE a BETWEEN '1' AND '2'", r"TYPE_MISMATCH"),
        ("SELEC 1", r"SYNTAX_ERROR: line 1:\d+"),
        ("SELECT FROM WHERE", r"SYNTAX_ERROR: line 1:\d+"),
        ("SELECT 'unclosed", r"SYNTAX_ERROR"),
        ("SELECT CAST('x' AS integer)", r"INVALID_CAST_ARGUMENT"),
        ("SELECT CAST('1.5' AS integer)", r"INVALID_CAST_ARGUMENT"),
        ("SELECT 1 / 0", r"DIVISION_BY_ZERO"),
        ("CREATE TABLE {t} AS SELECT 1 AS a", r"TABLE_ALREADY_EXISTS: .*already exists"),
        (
            "CREATE TABLE other.t AS SELECT 1 AS a",
            r"SCHEMA_NOT_FOUND: line 1:14: Schema 'other' does not exist",
        ),
        ("CREATE TABLE newer (a int)", r"NOT_SUPPORTED: only CREATE EXTERNAL TABLE"),
        (
            "CREATE EXTERNAL TABLE {t} (a int) STORED AS PARQUET LOCATION 's3://x/'",
            r"FAILED: .*already exists",
        ),
        (
            "CREATE EXTERNAL TABLE n (a int) STORED AS ORC LOCATION 's3://x/'",
            r"NOT_SUPPORTED: only STORED AS PARQUET",
        ),
        (
            "INSERT INTO {t} VALUES ('x', 'k')",
            r"TYPE_MISMATCH: .*Table: \[int, string\], Query: \[string, string\]",
        ),
        ("INSERT INTO {t} VALUES (1)", r"TYPE_MISMATCH: .*mismatched column types"),
        ("INSERT INTO {t} (a, z) VALUES (1, 'k')", r"COLUMN_NOT_FOUND: .*does not exist in target table: z"),
        ("INSERT INTO nowhere VALUES (1)", r"TABLE_NOT_FOUND"),
        ("MSCK REPAIR TABLE {t}", r"NOT_SUPPORTED: .*MSCK"),
        ("SHOW PARTITIONS nowhere", r"TABLE_NOT_FOUND"),
    ],
)
def test_refused_statements_say_why(warehouse: Warehouse, sql: str, reason: str) -> None:
    name = warehouse.new_table("a int", "k string")
    done = warehouse.run(sql.format(t=name))
    assert done.state == "FAILED"
    assert re.match(reason, done.reason), done.reason


def test_a_glue_table_made_by_a_client_is_read(warehouse: Warehouse) -> None:
    name = warehouse.new_name()
    warehouse.put(f"{name}/part.parquet", pa.table({"A": pa.array([1, 2]), "extra": ["x", "y"]}))
    warehouse.glue.create_table(
        DatabaseName=DATABASE,
        TableInput={
            "Name": name,
            "StorageDescriptor": {
                "Location": f"s3://{BUCKET}/{name}",
                "Columns": [{"Name": "a", "Type": "bigint"}, {"Name": "later", "Type": "string"}],
            },
        },
    )
    assert warehouse.query(f"SELECT * FROM {name} ORDER BY a") == [["1", None], ["2", None]]


def test_the_codec_asked_for_is_written(warehouse: Warehouse) -> None:
    for codec in ("GZIP", "SNAPPY", "ZSTD"):
        name = warehouse.new_name()
        properties = f"external_location = 's3://{BUCKET}/{name}/', write_compression = '{codec}'"
        warehouse.query(ctas(name, properties, "SELECT 1 AS a"))
        body = warehouse.s3.get_object(Bucket=BUCKET, Key=warehouse.keys(f"{name}/")[0])["Body"].read()
        metadata = pq.read_metadata(pa.BufferReader(body))
        assert metadata.row_group(0).column(0).compression == codec
