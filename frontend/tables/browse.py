"""Turns what someone picks on the Tables page into a statement for Athena.

Names of tables and columns come from `tables` only, and values only ever travel as execution parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from frontend.core.queries import Statement
from stock_pipeline.lake.tables import EBAY, STORE, SUPPLIER_STOCK, TABLES, Table

LONGEST_VALUE = 200
"""Athena takes a parameter of up to 1,024 characters. No label, title or profile comes near this."""

ROW_LIMITS = (100, 1_000, 10_000, 50_000)

NARROWED_BY = {SUPPLIER_STOCK.name: ("supplier",), STORE.name: ("ebay_store", "supplier")}
"""Large tables, and the partition keys by one of which a query has to narrow them down."""

DAYS_KEY = ("year", "month", "day")

OPERATORS: dict[str, dict[str, str]] = {
    "string": {
        "is": "{column} = ?",
        "contains": "strpos(upper({column}), upper(?)) > 0",
        "begins with": "starts_with(upper({column}), upper(?))",
        "is not": "{column} <> ?",
    },
    "number": {
        "is": "{column} = ?",
        "at least": "{column} >= ?",
        "at most": "{column} <= ?",
        "is not": "{column} <> ?",
    },
}
"""What can be asked of a column, by kind: the words people pick, and the condition."""


class NotAskableError(ValueError):
    """The question cannot be asked; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter: a column of the table, words from `operators`, and what was typed."""

    column: str
    operator: str
    value: str


def operators(table: Table, column: str) -> list[str]:
    """The words for what can be asked of a column."""
    return list(OPERATORS[_kind(table, column)])


def browse(
    table_name: str,
    *,
    chosen: Mapping[str, Sequence[str]],
    days: tuple[date, date] | None,
    conditions: Sequence[Condition],
    limit: int,
) -> Statement:
    """The statement for a look into a table.

    Args:
        table_name: which of the four.
        chosen: partition key to values; of supplier_stock only `supplier`.
        days: of supplier_stock: the first and last day.
        conditions: that hold all at once; those without a value are left out.
        limit: the most rows.

    Raises:
        NotAskableError: a large table is not narrowed down, or a value does not fit its column.
    """
    table = TABLES[table_name]
    needed = NARROWED_BY.get(table.name, ())
    if needed and not any(chosen.get(key) for key in needed):
        raise NotAskableError(f"{table.name} is large: choose {' or '.join(map(_words, needed))} first")
    where: list[str] = []
    parameters: list[str] = []
    for key in table.partition_keys:
        if values := chosen.get(key):
            where.append(f"{key} IN ({', '.join('?' * len(values))})")
            parameters += map(_text, values)
    if days and table is SUPPLIER_STOCK:
        where.append(f"{' || '.join(DAYS_KEY)} BETWEEN ? AND ?")
        parameters += [_text(f"{day:%Y%m%d}") for day in days]
    for condition in conditions:
        if condition.value.strip():
            kind = _kind(table, condition.column)
            where.append(OPERATORS[kind][condition.operator].format(column=condition.column))
            parameters.append(_literal(table, condition.column, condition.value.strip()))
    columns = ", ".join((*table.partition_keys, *table.columns))
    filters = f"\nWHERE {' AND '.join(where)}" if where else ""
    if limit not in ROW_LIMITS:
        raise NotAskableError(f"{limit} rows are not one of the choices")
    return Statement(f"SELECT {columns}\nFROM {table.name}{filters}\nLIMIT {limit}", tuple(parameters))


def find_listings(text: str, limit: int = 100) -> Statement:
    """The listings whose item id or custom label that is, with what the ebay table says of them."""
    wanted = text.strip()
    by_id = wanted.isdigit() and len(wanted) < 19
    condition = "store.item_id = ?" if by_id else "upper(trim(BOTH ' ' FROM store.custom_label)) = ?"
    sql = (
        "SELECT store.ebay_store, store.supplier, store.item_id, store.custom_label, "
        f"{EBAY.name}.quantity, {EBAY.name}.quantity_delta\n"
        f"FROM {STORE.name} AS store\n"
        f"LEFT JOIN {EBAY.name} AS ebay\n"
        "    ON ebay.ebay_store = store.ebay_store AND ebay.item_id = store.item_id\n"
        f"WHERE {condition}\nLIMIT {limit}"
    )
    return Statement(sql, (wanted if by_id else _text(wanted.upper()),))


def history(supplier: str, label: str, first: date, last: date) -> Statement:
    """A label's quantity in each snapshot of its supplier between two days."""
    sql = (
        f"SELECT {' || '.join(DAYS_KEY)} AS day, quantity\nFROM {SUPPLIER_STOCK.name}\n"
        f"WHERE supplier = ? AND {' || '.join(DAYS_KEY)} BETWEEN ? AND ? AND custom_label = ?"
    )
    return Statement(sql, (_text(supplier), _text(f"{first:%Y%m%d}"), _text(f"{last:%Y%m%d}"), _text(label)))


def _kind(table: Table, column: str) -> str:
    if column not in table.columns:
        raise NotAskableError(f"{table.name} has no column {column}")
    return "string" if table.columns[column] == "string" else "number"


def _literal(table: Table, column: str, value: str) -> str:
    """What was typed, as a literal of the column's type."""
    wanted = table.columns[column]
    readers: dict[str, Any] = {"bigint": int, "int": int, "double": float, "date": date.fromisoformat}
    if wanted == "string":
        return _text(value)
    try:
        read = readers[wanted](value)
    except ValueError as error:
        example = {"date": "2026-11-23", "double": "9.99"}.get(wanted, "10")
        raise NotAskableError(
            f"{_words(column)}: {value!r} cannot be compared; write it as {example}"
        ) from error
    if wanted == "double" and not abs(read) < float("inf"):
        raise NotAskableError(f"{_words(column)}: {value!r} is no price")
    return f"DATE '{read.isoformat()}'" if wanted == "date" else repr(read)


def _text(value: str) -> str:
    """Text as an SQL literal. A parameter of Athena is a literal, not a bare value."""
    if len(value) > LONGEST_VALUE:
        raise NotAskableError(f"{value[:20]!r}… is too long: {LONGEST_VALUE} characters are enough")
    return "'" + value.replace("'", "''") + "'"


def _words(column: str) -> str:
    return column.replace("_", " ")
