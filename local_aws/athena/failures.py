"""DuckDB's errors in Athena's words."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import duckdb
from sqlglot import exp

from local_aws.athena.errors import QueryCancelledError, QueryFailedError
from local_aws.athena.statements import position

_COLUMN = re.compile(
    r'Referenced column "(?P<missing>[^"]+)"|does not have a column named "(?P<absent>[^"]+)"'
    r'|Referenced table "(?P<table>[^"]+)"'
)
_FUNCTION = re.compile(r"Function with name \"?(?P<name>\w+)\"? does not exist")
_UNGROUPED = re.compile(r'column "?(?P<name>[^"]+)"? must appear in the GROUP BY')


@contextlib.contextmanager
def explained(query: exp.Expr) -> Iterator[None]:
    """Turn DuckDB's errors inside the block into what Athena would say of the query.

    Args:
        query: as parsed, for positions.

    Raises:
        QueryFailedError: with Athena's error name.
        QueryCancelledError: if the connection was interrupted.
    """
    try:
        yield
    except duckdb.InterruptException as error:
        raise QueryCancelledError from error
    except duckdb.Error as error:
        raise _explain(error, query) from error


def _explain(error: duckdb.Error, query: exp.Expr) -> QueryFailedError:
    text = str(error).split("\n\n", maxsplit=1)[0].strip()
    text = re.sub(r"^\w[\w ]* Error: ", "", text)
    if column := _COLUMN.search(text):
        name = next(group for group in column.groups() if group)
        where = _find(query, name)
        return QueryFailedError("COLUMN_NOT_FOUND", f"{where}: Column '{name}' cannot be resolved")
    if function := _FUNCTION.search(text):
        return QueryFailedError(
            "FUNCTION_NOT_FOUND", f"line 1:1: Function '{function['name']}' not registered"
        )
    if ungrouped := _UNGROUPED.search(text):
        where = _find(query, ungrouped["name"])
        return QueryFailedError(
            "EXPRESSION_NOT_AGGREGATE",
            f"{where}: '{ungrouped['name']}' must be an aggregate expression or appear in GROUP BY clause",
        )
    if "Division by zero" in text:
        return QueryFailedError("DIVISION_BY_ZERO", "Division by zero")
    if isinstance(error, duckdb.ConversionException):
        return QueryFailedError("INVALID_CAST_ARGUMENT", text)
    if isinstance(error, duckdb.OutOfRangeException):
        return QueryFailedError("NUMERIC_VALUE_OUT_OF_RANGE", text)
    if isinstance(error, duckdb.OutOfMemoryException):
        return QueryFailedError("EXCEEDED_LOCAL_MEMORY_LIMIT", text)
    if isinstance(error, (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException)):
        return QueryFailedError("SYNTAX_ERROR", f"line 1:1: {text}")
    return QueryFailedError("GENERIC_INTERNAL_ERROR", text)


def _find(query: exp.Expr, name: str) -> str:
    for column in query.find_all(exp.Column):
        if name.lower() in {column.name.lower(), column.table.lower()}:
            return position(column)
    return "line 1:1"
