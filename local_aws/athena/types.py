"""One column type in its three spellings: Glue (Hive), DuckDB and Athena's result metadata."""

from __future__ import annotations

import functools
from typing import Any

from sqlglot import exp

from local_aws.athena.sql import literal

_SIMPLE = {  # DuckDB type id: (Glue type, Athena result type)
    "boolean": ("boolean", "boolean"),
    "tinyint": ("tinyint", "tinyint"),
    "smallint": ("smallint", "smallint"),
    "integer": ("int", "integer"),
    "bigint": ("bigint", "bigint"),
    "float": ("float", "float"),
    "double": ("double", "double"),
    "varchar": ("string", "varchar"),
    "date": ("date", "date"),
    "blob": ("binary", "varbinary"),
    "time": ("string", "time"),
    "interval": ("string", "interval day to second"),
    "null": ("string", "unknown"),
}

# The Parquet physical types that Athena's reader takes for a Glue type; nested types are not listed.
_PHYSICAL = {
    "boolean": {"BOOLEAN"},
    "tinyint": {"INT32"},
    "smallint": {"INT32"},
    "int": {"INT32"},
    "bigint": {"INT32", "INT64"},
    "float": {"FLOAT"},
    "double": {"DOUBLE", "FLOAT"},
    "date": {"INT32"},
    "timestamp": {"INT64", "INT96"},
    "decimal": {"INT32", "INT64", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"},
    "string": {"BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"},
    "varchar": {"BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"},
    "char": {"BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"},
    "binary": {"BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"},
}

# What DuckDB makes of sums and counts, wider than Trino's bigint.
_WIDE_INTEGERS = {"hugeint", "uhugeint", "ubigint", "uinteger", "bignum"}
_SMALL_UNSIGNED = {"utinyint", "usmallint"}


@functools.cache
def duckdb_type(glue_type: str) -> str:
    """Spell a Glue type as DuckDB's, for a CAST.

    Args:
        glue_type: such as `bigint`, `decimal(10,2)`, `array<string>`.
    """
    if glue_type.strip().lower() == "decimal":
        return "DECIMAL(10, 0)"  # Hive's default precision, not DuckDB's
    return exp.DataType.build(glue_type, dialect="hive").sql(dialect="duckdb")


def glue_type(column_type: Any) -> str:
    """Spell a DuckDB type (a `DuckDBPyType`) as Glue's."""
    kind = column_type.id
    if kind in _SIMPLE:
        return _SIMPLE[kind][0]
    if kind in _WIDE_INTEGERS:
        return "bigint"
    if kind in _SMALL_UNSIGNED:
        return "int"
    if kind.startswith("timestamp"):
        return "timestamp"
    children = dict(column_type.children) if kind in {"decimal", "list", "array", "map", "struct"} else {}
    if kind == "decimal":
        return f"decimal({children['precision']},{children['scale']})"
    if kind in {"list", "array"}:
        return f"array<{glue_type(children['child'])}>"
    if kind == "map":
        return f"map<{glue_type(children['key'])},{glue_type(children['value'])}>"
    if kind == "struct":
        return f"struct<{','.join(f'{name}:{glue_type(child)}' for name, child in children.items())}>"
    return "string"


def athena_type(column_type: Any) -> str:
    """Name a DuckDB type as Athena's ColumnInfo does, such as `bigint`, `varchar`, `array`."""
    kind: str = column_type.id
    if kind in _SIMPLE:
        return _SIMPLE[kind][1]
    if kind in _WIDE_INTEGERS:
        return "bigint"
    if kind in _SMALL_UNSIGNED:
        return "integer"
    if kind == "timestamp with time zone":
        return kind
    if kind.startswith("timestamp"):
        return "timestamp"
    return {"list": "array", "struct": "row"}.get(kind, kind)


def normal_sql_type(column_type: Any) -> str:
    """Give the DuckDB type a column is cast to before it leaves the engine: sums are bigint as in Trino."""
    if column_type.id in _WIDE_INTEGERS:
        return "BIGINT"
    if column_type.id in _SMALL_UNSIGNED:
        return "INTEGER"
    if column_type.id == "null":
        return "VARCHAR"
    return str(column_type)


def readable(physical_type: str, glue: str) -> bool:
    """Tell whether Athena reads a Parquet physical type as this Glue type."""
    accepted = _PHYSICAL.get(glue.split("(", maxsplit=1)[0].strip().lower())
    return accepted is None or physical_type in accepted


def result_text(value: str, column_type: Any) -> str:
    """Give the DuckDB expression which prints a value as Athena does.

    Args:
        value: a DuckDB expression of that type.
        column_type: its `DuckDBPyType`.
    """
    kind = column_type.id
    if kind in _WIDE_INTEGERS:
        return f"CAST(CAST({value} AS BIGINT) AS VARCHAR)"
    if kind in {"double", "float"}:
        # Java prints 1.0E7 where DuckDB prints 10000000.0, and NaN and Infinity in its own case.
        return f"athena_double(CAST({value} AS DOUBLE), CAST({value} AS VARCHAR))"
    if kind == "timestamp with time zone":
        return f"strftime({value}, '%Y-%m-%d %H:%M:%S.%g') || ' UTC'"
    if kind.startswith("timestamp"):
        return f"strftime({value}, '%Y-%m-%d %H:%M:%S.%g')"
    if kind == "blob":
        return f"trim(regexp_replace(lower(hex({value})), '(..)', '\\1 ', 'g'))"
    if kind in {"list", "array"}:
        element = result_text("element", dict(column_type.children)["child"])
        return (
            f"CASE WHEN {value} IS NOT NULL THEN '[' || array_to_string("
            f"list_transform({value}, lambda element: coalesce({element}, 'null')), ', ') || ']' END"
        )
    if kind == "struct":
        fields = " || ', ' || ".join(
            f"{literal(name + '=')} || coalesce("
            f"{result_text(f'struct_extract({value}, {literal(name)})', child)}, 'null')"
            for name, child in column_type.children
        )
        return f"CASE WHEN {value} IS NOT NULL THEN '{{' || {fields} || '}}' END"
    return f"CAST({value} AS VARCHAR)"


# Outside [0.001, 10 million) Java's Double.toString, and so Athena, is scientific: 1.0E7, 1.5E-4.
DOUBLE_MACROS = (
    """
CREATE MACRO athena_mantissa(digits) AS
    digits[1] || '.' || CASE WHEN len(digits) > 1 THEN digits[2:] ELSE '0' END
""",
    """
CREATE MACRO athena_scientific(plain, number) AS CASE
    WHEN contains(plain, 'e') THEN
        athena_mantissa(replace(split_part(plain, 'e', 1), '.', ''))
        || 'E' || CAST(CAST(split_part(plain, 'e', 2) AS INTEGER) AS VARCHAR)
    WHEN number >= 1 THEN
        athena_mantissa(rtrim(replace(plain, '.', ''), '0'))
        || 'E' || CAST(strpos(plain, '.') - 2 AS VARCHAR)
    ELSE
        athena_mantissa(ltrim(plain[3:], '0'))
        || 'E-' || CAST(len(plain) - 1 - len(ltrim(plain[3:], '0')) AS VARCHAR)
END
""",
    """
CREATE MACRO athena_double(number, plain) AS CASE
    WHEN isnan(number) THEN 'NaN'
    WHEN isinf(number) THEN CASE WHEN number > 0 THEN 'Infinity' ELSE '-Infinity' END
    WHEN number = 0 OR (abs(number) >= 1e-3 AND abs(number) < 1e7) THEN plain
    WHEN number < 0 THEN '-' || athena_scientific(ltrim(plain, '-'), -number)
    ELSE athena_scientific(plain, number)
END
""",
)
