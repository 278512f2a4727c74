"""A query's rows on disk: Athena's CSV for S3, and pages for GetQueryResults without holding them."""

# ruff: noqa: S608 - the SELECT is the statement the client sent, translated

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from local_aws.athena.translate import UNNAMED
from local_aws.athena.types import athena_type, result_text

_ROW_GROUP = 10_000  # rows; a page of at most 1000 reads one or two groups
_INTEGER_DIGITS = {
    "tinyint": 3,
    "smallint": 5,
    "integer": 10,
    "bigint": 19,
    "float": 17,
    "double": 17,
    "date": 0,
}
_TEXT_LENGTH = 2147483647


@dataclasses.dataclass(frozen=True)
class ResultColumn:
    """A result column's name, Athena type, and the precision and scale ColumnInfo gives."""

    name: str
    type: str
    precision: int = 0
    scale: int = 0

    def info(self) -> dict[str, Any]:
        """Spell the column as a ColumnInfo of the API."""
        return {
            "CatalogName": "hive",
            "SchemaName": "",
            "TableName": "",
            "Name": self.name,
            "Label": self.name,
            "Type": self.type,
            "Precision": self.precision,
            "Scale": self.scale,
            "Nullable": "UNKNOWN",
            "CaseSensitive": self.type in {"varchar", "char"},
        }


@dataclasses.dataclass(frozen=True)
class Results:
    """The rows of a finished query.

    Attributes:
        columns: in order; empty for statements without rows.
        path: a Parquet file of texts, one column each, NULL for NULL; None if there are no rows at all.
        with_header: whether the first row of the first page names the columns, as for a SELECT.
    """

    columns: tuple[ResultColumn, ...] = ()
    path: Path | None = None
    with_header: bool = True

    def page(self, start: int, size: int) -> tuple[list[list[str | None]], int | None]:
        """Read rows.

        Args:
            start: the first row's number, the header being row 0 where there is one.
            size: how many at most.

        Returns:
            The rows' values, None for NULL, and where the next page starts (None after the last).
        """
        header = [[column.name for column in self.columns]] if self.with_header and self.columns else []
        if self.path is None:
            return [list(row) for row in header[start:]], None
        with pq.ParquetFile(self.path) as file:
            total = len(header) + file.metadata.num_rows
            rows: list[list[str | None]] = [list(row) for row in header[start : start + size]]
            first = max(0, start - len(header))
            wanted = size - len(rows)
            for group in range(file.metadata.num_row_groups):
                group_rows = file.metadata.row_group(group).num_rows
                if first >= group_rows:
                    first -= group_rows
                    continue
                if wanted <= 0:
                    break
                table = file.read_row_group(group).slice(first, wanted)
                rows += [
                    list(row) for row in zip(*(column.to_pylist() for column in table.columns), strict=True)
                ]
                wanted -= table.num_rows
                first = 0
        end = start + len(rows)
        return rows, end if end < total else None


def collect(connection: duckdb.DuckDBPyConnection, select: str, path: Path) -> Results:
    """Run a SELECT and keep its rows as Athena prints them.

    Args:
        connection: the query's DuckDB cursor.
        select: in DuckDB's SQL.
        path: where the Parquet file goes.
    """
    described = connection.sql(select)
    columns = tuple(
        _result_column(f"_col{number}" if name.startswith(UNNAMED) else name, column_type)
        for number, (name, column_type) in enumerate(zip(described.columns, described.types, strict=True))
    )
    names = [f"c{number}" for number in range(len(columns))]
    texts = ", ".join(
        f"{result_text(name, column_type)} AS {name}"
        for name, column_type in zip(names, described.types, strict=True)
    )
    connection.execute(
        f"COPY (SELECT {texts} FROM ({select}) AS rows({', '.join(names)})) "
        f"TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE {_ROW_GROUP})"
    )
    return Results(columns, path)


def texts(names_and_types: list[tuple[str, str]], rows: list[list[str]], path: Path) -> Results:
    """Keep a few rows of text, as SHOW and DESCRIBE give them: no header row."""
    columns = tuple(ResultColumn(name, column_type) for name, column_type in names_and_types)
    table = pa.table(
        {f"c{number}": pa.array([row[number] for row in rows], pa.string()) for number in range(len(columns))}
    )
    pq.write_table(table, path, row_group_size=_ROW_GROUP)
    return Results(columns, path, with_header=False)


def write_csv(results: Results, path: Path) -> None:
    """Write the rows as Athena's CSV: every value quoted, NULL nothing at all."""
    with path.open("w", encoding="utf-8", newline="") as file:
        if results.with_header and results.columns:
            csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(
                [column.name for column in results.columns]
            )
    if results.path is None:
        return
    with pq.ParquetFile(results.path) as source, path.open("ab") as target:
        options = pa_csv.WriteOptions(include_header=False, quoting_style="all_valid")
        with pa_csv.CSVWriter(target, source.schema_arrow, write_options=options) as writer:
            for batch in source.iter_batches():
                writer.write_batch(batch)


def write_text(results: Results, path: Path) -> None:
    """Write SHOW's and DESCRIBE's rows as Athena's .txt: tab-separated lines."""
    rows = results.page(0, results_size(results))[0] if results.path is not None else []
    path.write_text("".join("\t".join(value or "" for value in row) + "\n" for row in rows), encoding="utf-8")


def results_size(results: Results) -> int:
    """Count the rows, the header not among them."""
    return 0 if results.path is None else pq.read_metadata(results.path).num_rows


def _result_column(name: str, column_type: Any) -> ResultColumn:
    kind = athena_type(column_type)
    if kind == "decimal":
        children = dict(column_type.children)
        return ResultColumn(name, kind, children["precision"], children["scale"])
    if kind == "varchar":
        return ResultColumn(name, kind, _TEXT_LENGTH)
    return ResultColumn(name, kind, _INTEGER_DIGITS.get(kind, 0))
