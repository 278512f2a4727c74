"""From an Athena statement's text to what kind of statement it is, and the errors of its form."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import re
from collections.abc import Iterator, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from local_aws.athena.errors import InvalidRequestError, QueryFailedError

DIALECT = "athena"
_SHOW = re.compile(
    r"show\s+(?:(?P<partitions>partitions)\s+(?P<table>\S+)|tables(?:\s+(?:in|from)\s+(?P<database>\S+))?"
    r"|(?P<databases>databases|schemas))\s*$",
    re.IGNORECASE,
)


@dataclasses.dataclass(frozen=True)
class Name:
    """A table's name as written: lower-case parts, the database empty if unqualified, and where it is."""

    database: str
    table: str
    position: str

    def resolve(self, default_database: str) -> tuple[str, str]:
        """Give database and table, with the execution context's database if none was written."""
        return self.database or default_database, self.table


@dataclasses.dataclass(frozen=True)
class Statement:
    """A parsed statement.

    Attributes:
        kind: what it does: `select`, `ctas`, `insert`, `create_table`, `create_database`, `drop_table`,
            `alter_partitions`, `describe`, `show_partitions`, `show_tables` or `show_databases`.
        tree: the whole parsed statement.
        name: the table it is about, if it is about one.
    """

    kind: str
    tree: exp.Expr
    name: Name | None = None

    @property
    def type(self) -> str:
        """Athena's StatementType."""
        if self.kind in {"select", "insert"}:
            return "DML"
        return "UTILITY" if self.kind.startswith(("show", "describe")) else "DDL"

    @property
    def substatement_type(self) -> str:
        """Athena's SubstatementType."""
        return {"ctas": "CREATE_TABLE_AS_SELECT"}.get(self.kind, self.kind.upper())


def check_single(sql: str) -> None:
    """Refuse an empty call or one with several statements, as StartQueryExecution does.

    Raises:
        InvalidRequestError: naming what was sent.
    """
    try:
        tokens = sqlglot.tokenize(sql, read=DIALECT)
    except TokenError:
        return  # a syntax error, which ends the query rather than refusing the call
    while tokens and tokens[-1].token_type == sqlglot.TokenType.SEMICOLON:
        tokens.pop()
    if not tokens:
        raise InvalidRequestError("QueryString must not be empty")
    if any(token.token_type == sqlglot.TokenType.SEMICOLON for token in tokens):
        raise InvalidRequestError(f"Only one sql statement is allowed. Got: {sql}")


def parse(sql: str, parameters: Sequence[str] = ()) -> Statement:
    """Parse one statement and tell its kind.

    Args:
        sql: the statement in Athena's SQL; a closing semicolon is fine.
        parameters: SQL literals for the `?` placeholders, in order.

    Raises:
        QueryFailedError: SYNTAX_ERROR, INVALID_PARAMETER_USAGE, or NOT_SUPPORTED for what is not run here.
    """
    try:
        with _quiet_parser():
            trees = [tree for tree in sqlglot.parse(sql, read=DIALECT) if tree is not None]
    except (ParseError, TokenError) as error:
        raise QueryFailedError("SYNTAX_ERROR", _syntax_message(error)) from error
    tree = _with_parameters(trees[0], parameters)
    return _classify(tree, sql)


def position(node: exp.Expr | None) -> str:
    """Say where a node is in the statement, as `line l:c`."""
    if isinstance(node, exp.Table):
        node = node.args.get("catalog") or node.args.get("db") or node.this
    elif isinstance(node, exp.Column):
        node = node.args.get("table") or node.this
    identifier = node.find(exp.Identifier) if node is not None else None
    meta = identifier.meta if identifier is not None else {}
    if "line" not in meta:
        return "line 1:1"
    # sqlglot counts to a token's end, Athena to its beginning.
    width = meta["end"] - meta["start"]
    return f"line {meta['line']}:{max(1, meta['col'] - width)}"


def table_name(node: exp.Expr) -> Name:
    """Read a table's name from the node that holds it."""
    table = node if isinstance(node, exp.Table) else node.find(exp.Table)
    if table is None:
        raise QueryFailedError("SYNTAX_ERROR", "line 1:1: a table name is missing")
    return Name(table.db.lower(), table.name.lower(), position(table))


def _classify(tree: exp.Expr, sql: str) -> Statement:
    match tree:
        case exp.Query() | exp.Values():
            return Statement("select", tree)
        case exp.Create(kind="TABLE", expression=exp.Expr()):
            return Statement("ctas", tree, table_name(tree.this))
        case exp.Create(kind="TABLE"):
            return Statement("create_table", tree, table_name(tree.this))
        case exp.Create(kind="SCHEMA" | "DATABASE"):
            return Statement("create_database", tree)
        case exp.Insert(expression=exp.Expr()):
            return Statement("insert", tree, table_name(tree.this))
        case exp.Drop(kind="TABLE"):
            return Statement("drop_table", tree, table_name(tree.this))
        case exp.Alter() if all(
            isinstance(action, (exp.AddPartition, exp.DropPartition)) for action in tree.args["actions"]
        ):
            return Statement("alter_partitions", tree, table_name(tree.this))
        case exp.Describe(this=exp.Table()):
            return Statement("describe", tree, table_name(tree.this))
    shown = _SHOW.match(sql.strip().rstrip(";").strip())
    if shown:
        return _show(tree, shown)
    raise QueryFailedError(
        "NOT_SUPPORTED",
        f"the local Athena does not run this statement: {sql.strip().split(maxsplit=1)[0].upper()}",
    )


def _show(tree: exp.Expr, shown: re.Match[str]) -> Statement:
    if shown["databases"]:
        return Statement("show_databases", tree)
    if shown["partitions"]:
        return Statement("show_partitions", tree, table_name(exp.to_table(shown["table"], dialect=DIALECT)))
    database = (shown["database"] or "").strip('`"').lower()
    return Statement("show_tables", tree, Name(database, "", "line 1:1"))


def _with_parameters(tree: exp.Expr, parameters: Sequence[str]) -> exp.Expr:
    placeholders = [node for node in tree.find_all(exp.Placeholder, bfs=False) if not node.args.get("this")]
    if len(placeholders) != len(parameters):
        raise QueryFailedError(
            "INVALID_PARAMETER_USAGE",
            f"line 1:1: Incorrect number of parameters: "
            f"expected {len(placeholders)} but found {len(parameters)}",
        )
    for placeholder, parameter in zip(placeholders, parameters, strict=True):
        try:
            placeholder.replace(sqlglot.parse_one(parameter, read=DIALECT, into=exp.Condition))
        except (ParseError, TokenError) as error:
            raise QueryFailedError("INVALID_PARAMETER_USAGE", f"not a literal: {parameter}") from error
    return tree


def _syntax_message(error: ParseError | TokenError) -> str:
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        return f"line {first['line']}:{first['col']}: {first['description']} near '{first['highlight']}'"
    return f"line 1:1: {error}"


@contextlib.contextmanager
def _quiet_parser() -> Iterator[None]:
    """Keep sqlglot from warning about SHOW, which it passes through unparsed and we read ourselves."""
    logger = logging.getLogger("sqlglot")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
