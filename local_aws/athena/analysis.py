"""What a query reads: its tables, the columns of each, and the conditions on partition keys.

The conclusions only narrow what is read, so wherever the analysis is unsure it says "everything".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.pushdown_predicates import pushdown_predicates
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

from local_aws.athena.catalog import Column, Table
from local_aws.athena.statements import DIALECT, Name, table_name
from local_aws.athena.types import duckdb_type

NODE = "athena_node"  # the meta key that ties a node to its copy in the analysed tree
_PARTITIONS_SUFFIX = "$partitions"


@dataclasses.dataclass
class Reference:
    """One mention of a table in a query; each is read, pruned and counted by itself.

    Attributes:
        view: the name it gets in DuckDB.
        table: the catalog's table.
        of_partitions: whether it is the metadata table `"t$partitions"`.
        columns: the data columns the query needs; None until known, meaning all.
        conditions: predicates over partition keys alone that every row needed satisfies.
    """

    view: str
    table: Table
    of_partitions: bool = False
    columns: frozenset[str] | None = None
    conditions: list[exp.Expr] = dataclasses.field(default_factory=list)

    @property
    def shown_columns(self) -> tuple[Column, ...]:
        """The columns the query can name."""
        return self.table.keys if self.of_partitions else self.table.all_columns


def bind_tables(query: exp.Expr, lookup: Callable[[Name], Table]) -> list[Reference]:
    """Replace every table of a query by its own view, in place; CTEs stay what they are.

    Args:
        query: the parsed query.
        lookup: finds a table in the catalog, raising if there is none.
    """
    nodes: dict[int, exp.Table] = {}
    for scope in traverse_scope(query):
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
                nodes.setdefault(id(source), source)
    references: list[Reference] = []
    for node in nodes.values():
        name = table_name(node)
        of_partitions = name.table.endswith(_PARTITIONS_SUFFIX)
        base = dataclasses.replace(name, table=name.table.removesuffix(_PARTITIONS_SUFFIX))
        reference = Reference(f"scan_{len(references)}", lookup(base), of_partitions)
        if not node.alias:
            node.set("alias", exp.TableAlias(this=exp.to_identifier(name.table, quoted=True)))
        node.set("this", exp.to_identifier(reference.view))
        node.set("db", None)
        node.set("catalog", None)
        references.append(reference)
    for column in query.find_all(exp.Column):
        column.set("db", None)
        column.set("catalog", None)
    return references


def analyse(query: exp.Expr, references: list[Reference]) -> dict[int, exp.Expr]:
    """Fill in what each reference reads, and find the types of the query's nodes.

    Args:
        query: a query whose tables are bound; only its nodes' meta is touched.
        references: what `bind_tables` gave; `columns` and `conditions` are set.

    Returns:
        Node number (in `meta[NODE]`) to its qualified, typed copy; empty if the analysis gave up, in which
        case everything is read and the engine reports what is wrong with the query.
    """
    for number, node in enumerate(query.walk()):
        node.meta[NODE] = number
    schema: dict[str, object] = {
        reference.view: {column.name: duckdb_type(column.type) for column in reference.shown_columns}
        for reference in references
    }
    try:
        qualified = qualify(
            query.copy(),
            schema=schema,
            dialect=DIALECT,
            validate_qualify_columns=False,
            quote_identifiers=False,
        )
        typed = annotate_types(qualified, schema=schema, dialect=DIALECT)
        nodes = {node.meta[NODE]: node for node in typed.walk() if NODE in node.meta}
        narrowed = pushdown_predicates(typed.copy(), dialect=DIALECT)
        conditions = {reference.view: _conditions(narrowed, reference) for reference in references}
        narrowed = pushdown_projections(narrowed, schema=schema, dialect=DIALECT)
        columns = _columns_by_view(narrowed)
    except (SqlglotError, ValueError, KeyError):
        return {}
    for reference in references:
        reference.columns = frozenset(columns.get(reference.view, ()))
        reference.conditions = conditions[reference.view]
    return nodes


def _columns_by_view(query: exp.Expr) -> dict[str, set[str]]:
    used: dict[str, set[str]] = {}
    for scope in traverse_scope(query):
        for column in scope.columns:
            source = scope.sources.get(column.table)
            if isinstance(source, exp.Table):
                used.setdefault(source.name, set()).add(column.name.lower())
    return used


def _conditions(query: exp.Expr, reference: Reference) -> list[exp.Expr]:
    keys = {key.name for key in reference.table.keys}
    found = []
    for scope in traverse_scope(query):
        for alias, source in scope.selected_sources.items():
            if not isinstance(source[1], exp.Table) or source[1].name != reference.view:
                continue
            for condition in _filters(scope, alias):
                weakened = weaken(condition, alias, keys)
                if weakened is not None:
                    found.append(weakened)
    return found


def _filters(scope: Scope, alias: str) -> Iterator[exp.Expr]:
    """Give the conditions that drop a source's rows: WHERE, and the ONs that do not preserve it.

    A condition that NULLs satisfy must still be left unused (an outer join makes NULL rows after the scan);
    its caller checks that.
    """
    where = scope.expression.args.get("where")
    if where is not None:
        yield where.this
    for join in scope.expression.args.get("joins") or []:
        on = join.args.get("on")
        own = join.alias_or_name == alias
        preserved = join.side == "FULL" or (join.side == "LEFT" and not own) or (join.side == "RIGHT" and own)
        if on is not None and not preserved:
            yield on


def weaken(condition: exp.Expr, source: str, keys: set[str]) -> exp.Expr | None:
    """Give what a condition implies about a source's partition keys alone, unqualified; None for nothing.

    Args:
        condition: a boolean expression with qualified columns.
        source: the alias whose keys count.
        keys: that source's partition columns.
    """
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        sides = [weaken(side, source, keys) for side in (condition.left, condition.right)]
        kept = [side for side in sides if side is not None]
        return exp.and_(*kept) if kept else None
    if isinstance(condition, exp.Or):
        left, right = weaken(condition.left, source, keys), weaken(condition.right, source, keys)
        return exp.or_(left, right) if left is not None and right is not None else None
    if condition.find(exp.Query, exp.AggFunc, exp.Window, exp.Rand, exp.Anonymous):
        return None
    if isinstance(condition, exp.Boolean):
        return None if condition.this else condition.copy()
    leaf = condition.copy()
    columns = list(leaf.find_all(exp.Column))
    if not columns or any(column.table != source or column.name not in keys for column in columns):
        return None
    for column in columns:
        column.set("table", None)
    return leaf
