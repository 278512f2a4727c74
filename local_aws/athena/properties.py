"""The WITH (...) of a CTAS: which properties there are, and what Athena refuses."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from local_aws.athena.errors import QueryFailedError

_KNOWN = {
    "external_location",
    "format",
    "partitioned_by",
    "bucketed_by",
    "bucket_count",
    "write_compression",
    "parquet_compression",
    "table_type",
}
_CODECS = {"GZIP": "gzip", "SNAPPY": "snappy", "ZSTD": "zstd", "LZ4": "lz4", "NONE": "uncompressed"}
_INVALID = "INVALID_TABLE_PROPERTY"


@dataclasses.dataclass(frozen=True)
class CtasProperties:
    """A CTAS's properties; the defaults are Athena's.

    Attributes:
        external_location: where the objects go; empty if left to Athena.
        partitioned_by: partition columns, lower case, in order.
        bucketed_by: bucket columns, lower case.
        bucket_count: files a partition.
        compression: the Parquet codec as DuckDB spells it.
    """

    external_location: str = ""
    partitioned_by: tuple[str, ...] = ()
    bucketed_by: tuple[str, ...] = ()
    bucket_count: int = 1
    compression: str = "gzip"

    @classmethod
    def read(cls, create: exp.Expr) -> CtasProperties:
        """Read the properties of a parsed CTAS.

        Raises:
            QueryFailedError: for an unknown property, or a value Athena or this engine does not take.
        """
        values = dict(_pair(item) for item in getattr(create.args.get("properties"), "expressions", []))
        for name in values:
            if name not in _KNOWN:
                raise QueryFailedError(
                    _INVALID, f"line 1:1: Catalog 'awsdatacatalog' table property '{name}' does not exist"
                )
        if str(values.get("table_type", "HIVE")).upper() != "HIVE":
            raise QueryFailedError("NOT_SUPPORTED", "only Hive tables run locally, not table_type ICEBERG")
        file_format = str(values.get("format", "PARQUET")).upper()
        if file_format != "PARQUET":
            raise QueryFailedError("NOT_SUPPORTED", f"only format PARQUET runs locally, not {file_format}")
        if {"write_compression", "parquet_compression"} <= values.keys():
            raise QueryFailedError(
                _INVALID, "only one of write_compression and parquet_compression can be set"
            )
        if ("bucketed_by" in values) != ("bucket_count" in values):
            raise QueryFailedError(_INVALID, "bucketed_by and bucket_count must be set together")
        return cls(
            external_location=str(values.get("external_location", "")),
            partitioned_by=_names(values.get("partitioned_by", [])),
            bucketed_by=_names(values.get("bucketed_by", [])),
            bucket_count=_count(values.get("bucket_count", 1)),
            compression=_codec(
                str(values.get("write_compression", values.get("parquet_compression", "GZIP")))
            ),
        )

    def check_columns(self, columns: Sequence[str], unnamed: str) -> None:
        """Check the select's columns against the properties.

        Args:
            columns: their lower-case names, in order.
            unnamed: what the name of a column without one begins with.

        Raises:
            QueryFailedError: for unnamed or duplicate columns, and partition columns absent or not last.
        """
        seen = set()
        for number, column in enumerate(columns, start=1):
            if column.startswith(unnamed):
                raise QueryFailedError(
                    "MISSING_COLUMN_NAME", f"line 1:1: Column name not specified at position {number}"
                )
            if column in seen:
                raise QueryFailedError(
                    "DUPLICATE_COLUMN_NAME", f"line 1:1: Column name '{column}' specified more than once"
                )
            seen.add(column)
        for label, wanted in (("Partition", self.partitioned_by), ("Bucketing", self.bucketed_by)):
            missing = [column for column in wanted if column not in seen]
            if missing:
                raise QueryFailedError(
                    _INVALID, f"{label} columns [{', '.join(missing)}] not present in schema"
                )
        keys = self.partitioned_by
        if keys and len(keys) == len(columns):
            raise QueryFailedError(_INVALID, "Table contains only partition columns")
        if keys and tuple(columns[-len(keys) :]) != keys:
            raise QueryFailedError(
                "HIVE_COLUMN_ORDER_MISMATCH",
                "Partition keys must be the last columns in the table and in the same order as the table "
                f"properties: [{', '.join(keys)}]",
            )
        if set(keys) & set(self.bucketed_by):
            raise QueryFailedError(_INVALID, "Bucketing columns must not be partition columns")


def _pair(item: exp.Expr) -> tuple[str, Any]:
    # sqlglot has its own classes for a few properties, and one class for the rest.
    if isinstance(item, exp.FileFormatProperty):
        return "format", _value(item.this)
    if isinstance(item, exp.PartitionedByProperty):
        return "partitioned_by", _value(item.this)
    if isinstance(item, exp.Property) and "value" in item.args:
        return item.name.lower(), _value(item.args["value"])
    return item.key.removesuffix("property"), None


def _value(node: exp.Expr) -> Any:
    if isinstance(node, (exp.Array, exp.Tuple, exp.Schema)):
        return [element.name for element in node.expressions]
    return node.name


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise QueryFailedError(_INVALID, f"line 1:1: an array of column names is expected, not {value}")
    return tuple(name.lower() for name in value)


def _count(value: Any) -> int:
    if not str(value).isdigit() or int(value) < 1:
        raise QueryFailedError(_INVALID, f"bucket_count must be greater than zero, not {value}")
    return int(value)


def _codec(name: str) -> str:
    if name.upper() not in _CODECS:
        raise QueryFailedError(_INVALID, f"compression must be one of {', '.join(_CODECS)}, not {name}")
    return _CODECS[name.upper()]
