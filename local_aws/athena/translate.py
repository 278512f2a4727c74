"""Where DuckDB means something else by the same words: Trino's meaning, written in DuckDB's SQL."""

from __future__ import annotations

from sqlglot import ErrorLevel, UnsupportedError, exp

from local_aws.athena.analysis import NODE
from local_aws.athena.errors import QueryFailedError
from local_aws.athena.statements import position

UNNAMED = "athena_unnamed_column"  # takes the place of a name; the column's number is known only when it runs
_INTEGER_TEXT = r"^[+-]?[0-9]+$"
# Functions which both engines have and which do different things.
_FALSE_FRIENDS = (exp.ArraySlice, exp.Format, exp.Repeat, exp.Reduce)
_NAMED = (exp.Alias, exp.Column, exp.Dot, exp.Star)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.In, exp.Between)


def to_duckdb(query: exp.Expr, types: dict[int, exp.Expr]) -> str:
    """Write a bound query in DuckDB's SQL, with Trino's meaning.

    Args:
        query: the bound query; it is changed.
        types: its nodes' typed copies by node number, from `analyse`; what is missing has an unknown type.

    Raises:
        QueryFailedError: TYPE_MISMATCH where Trino compares no such types and DuckDB would convert;
            NOT_SUPPORTED for what has no translation, which is better than a wrong answer.
    """
    for node in list(query.walk(bfs=False)):
        if isinstance(node, _COMPARISONS):
            _check_comparison(node, types)
        elif isinstance(node, _FALSE_FRIENDS):
            raise QueryFailedError(
                "NOT_SUPPORTED",
                f"the local Athena does not run {node.key}(): DuckDB means something else by it",
            )
    for node in reversed(list(query.walk())):
        replacement = _translated(node, types)
        if replacement is not node and node.parent is not None:
            node.replace(replacement)
    try:
        return query.sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise QueryFailedError("NOT_SUPPORTED", f"the local Athena cannot run this: {error}") from error


def name_columns(query: exp.Expr) -> exp.Expr:
    """Mark a query's unnamed columns, which Trino calls `_col0`, `_col1` by position."""
    if isinstance(query, exp.Subquery):
        query = query.unnest()
    if isinstance(query, exp.Values):
        width = len(query.expressions[0].expressions or [1])
        aliases = [exp.to_identifier(f"{UNNAMED}{number}") for number in range(width)]
        query.set("alias", exp.TableAlias(this=exp.to_identifier("rows"), columns=aliases))
        return exp.select("*").from_(query)
    first = query
    while isinstance(first, exp.SetOperation):
        first = first.left.unnest()
    if isinstance(first, exp.Select):
        for number, projection in enumerate(first.expressions):
            if not projection.alias and not isinstance(projection, _NAMED):
                projection.replace(exp.alias_(projection.copy(), f"{UNNAMED}{number}"))
    return query


def _translated(node: exp.Expr, types: dict[int, exp.Expr]) -> exp.Expr:
    typed = types.get(node.meta.get(NODE, -1))
    match node:
        case exp.Div():
            return _divided(node, typed, types)
        case exp.DateAdd() | exp.DateSub() | exp.TimestampTrunc() | exp.DateTrunc():
            return _kept_a_date(node, types.get(node.this.meta.get(NODE, -1)))
        case exp.Add() | exp.Sub() if isinstance(node.expression, exp.Interval):
            return _kept_a_date(node, types.get(node.this.meta.get(NODE, -1)))
        case exp.Cast():
            return _strict_cast(node, types.get(node.this.meta.get(NODE, -1)))
        case exp.CountIf():
            # DuckDB's own is NULL where nothing is true or false; Trino's is 0.
            one = exp.If(this=node.this.copy(), true=exp.Literal.number(1))
            return exp.Count(this=exp.Case(ifs=[one]), big_int=True)
        case exp.RegexpExtract():
            matches = exp.RegexpLike(this=node.this.copy(), expression=node.expression.copy())
            return exp.Case(ifs=[exp.If(this=matches, true=node.copy())])
        case exp.RegexpReplace():
            node.set("modifiers", exp.Literal.string("g"))
    return node


def _divided(node: exp.Div, typed: exp.Expr | None, types: dict[int, exp.Expr]) -> exp.Expr:
    left, right = node.left.copy(), node.right.copy()
    scales = [_scale(side, types) for side in (node.left, node.right)]
    if scales == [0, 0]:
        return exp.IntDiv(this=left, expression=right)
    if None in scales:
        if typed is not None and typed.is_type(*exp.DataType.REAL_TYPES):
            return exp.Div(this=left, expression=right, typed=False, safe=False)
        # DuckDB's own // divides integers as integers and doubles as doubles.
        return exp.IntDiv(this=left, expression=right)
    scale = max(side for side in scales if side is not None)
    quotient = exp.Div(
        this=exp.cast(left, "double"), expression=exp.cast(right, "double"), typed=False, safe=False
    )
    # A decimal quotient keeps the wider operand's scale: 1.0 / 3 is 0.3.
    return exp.cast(exp.func("round", quotient, exp.Literal.number(scale)), f"decimal(38, {scale})")


def _scale(node: exp.Expr, types: dict[int, exp.Expr]) -> int | None:
    """Give an exact numeric expression's scale (0 for an integer); None if it is not exact or not known."""
    match node:
        case exp.Literal(is_string=False):
            text = node.name.lower()
            return None if "e" in text else len(text.partition(".")[2])
        case exp.Paren() | exp.Neg() | exp.Sum() | exp.Max() | exp.Min() | exp.Abs():
            return _scale(node.this, types)
        case exp.Mul() | exp.Add() | exp.Sub():
            left, right = _scale(node.left, types), _scale(node.right, types)
            if left is None or right is None:
                return None
            return left + right if isinstance(node, exp.Mul) else max(left, right)
        case exp.IntDiv():
            return 0 if _scale(node.left, types) == 0 == _scale(node.right, types) else None
        case exp.Div():
            left, right = _scale(node.left, types), _scale(node.right, types)
            return None if left is None or right is None else max(left, right)
    typed = types.get(node.meta.get(NODE, -1))
    data_type = node.to if isinstance(node, exp.Cast) else typed.type if typed is not None else None
    if data_type is None:
        return None
    if data_type.is_type(*exp.DataType.INTEGER_TYPES):
        return 0
    if data_type.is_type("decimal") and len(data_type.expressions) == 2:
        return int(data_type.expressions[1].name)
    return None


def _kept_a_date(node: exp.Expr, operand: exp.Expr | None) -> exp.Expr:
    """A date plus days is a date; DuckDB makes it a timestamp."""
    if operand is not None and operand.is_type(exp.DType.DATE):
        return exp.cast(node.copy(), "date")
    return node


def _strict_cast(node: exp.Cast, operand: exp.Expr | None) -> exp.Expr:
    """Cast as Trino does: varchar(n) cuts, an integer is digits only, halves are rounded away from zero."""
    if node.to.is_type(*exp.DataType.TEXT_TYPES) and node.to.expressions:
        length = node.to.expressions[0].copy()
        node.to.set("expressions", [])
        return exp.func("left", node.copy(), length.this if isinstance(length, exp.DataTypeParam) else length)
    if operand is None or not node.to.is_type(*exp.DataType.INTEGER_TYPES):
        return node
    if operand.is_type(*exp.DataType.REAL_TYPES):
        node.set("this", exp.func("round", node.this.copy()))
    elif operand.is_type(*exp.DataType.TEXT_TYPES):
        text = node.this.copy()
        digits = exp.RegexpLike(this=text, expression=exp.Literal.string(_INTEGER_TEXT))
        # Anything else becomes a text no engine takes for a number: an error, or NULL under TRY_CAST.
        quoted = exp.func("concat", exp.Literal.string("'"), text.copy(), exp.Literal.string("'"))
        node.set("this", exp.Case(ifs=[exp.If(this=digits, true=text.copy())], default=quoted))
    return node


def _check_comparison(node: exp.Expr, types: dict[int, exp.Expr]) -> None:
    typed = types.get(node.meta.get(NODE, -1))
    if typed is None or not isinstance(typed, _COMPARISONS):
        return
    others = (
        typed.expressions
        if isinstance(typed, exp.In)
        else [typed.args.get("low"), typed.args.get("high")]
        if isinstance(typed, exp.Between)
        else [typed.expression]
    )
    for other in others:
        families = {_family(side) for side in (typed.this, other)}
        if families == {"text", "number"}:
            names = [_type_name(side) for side in (typed.this, other)]
            raise QueryFailedError(
                "TYPE_MISMATCH", f"{position(node)}: Cannot apply operator: {names[0]} = {names[1]}"
            )


def _family(node: exp.Expr | None) -> str:
    if node is None:
        return ""
    if node.is_type(*exp.DataType.TEXT_TYPES):
        return "text"
    return "number" if node.is_type(*exp.DataType.NUMERIC_TYPES) else ""


def _type_name(node: exp.Expr | None) -> str:
    if node is None:
        return "unknown"
    return node.type.sql(dialect="athena").lower() if node.type is not None else "unknown"
