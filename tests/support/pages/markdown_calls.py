"""Finds, in the source of the pages, text that Streamlit would take for Markdown and that no one made plain.

Text of ours is in the code: a literal, or something built from literals, numbers, dates (recognised by
their formats) and what the functions of `frontend.shell.plain` return. Anything else may have been typed by
a stranger.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any

ALL = "*"
RENDERS: dict[str, tuple[int | str, ...]] = {
    name: places
    for names, places in {
        "markdown caption title header subheader info success warning error latex toast spinner dialog": (0,),
        "button download_button link_button form_submit_button checkbox toggle expander popover status": (0,),
        "selectbox multiselect slider select_slider text_input text_area number_input chat_input": (0,),
        "date_input time_input file_uploader camera_input color_picker audio_input feedback": (0,),
        "radio segmented_control pills": (0, 1, "options", "captions"),
        "metric": (0, 1, 2, "value", "delta"),
        "tabs": (0, "tabs"),
        "write write_stream": (ALL,),
        "progress": (1,),
        "page_link": (1,),
        "badge": (0,),
        "html": (0,),
    }.items()
    for name in names.split()
}
"""Streamlit's functions, and which of their arguments are Markdown (or HTML)."""

NAMED = {"label", "help", "body", "text", "title", "placeholder"}
ONLY_IN_PLAIN = {"table", "iframe", "components", "image", "exception"}
"""What only `frontend.shell.plain` may call, or no one, because text in it cannot be seen to be harmless."""

MADE_PLAIN = {"plain", "link", "badge", "bullets", "size", "len", "Markdown"}
FORMATS = re.compile(r"[^sr]*(,|\.\d+[f%]|%|d|f|%[A-Za-z].*)")
NOT_STREAMLIT = {"log", "queries"}


def unsafe(source: str) -> list[str]:
    """A line for each place in a module where text that may be another's is drawn as Markdown."""
    tree = ast.parse(source)
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    if not any(name.split(".")[0] == "streamlit" for name in names):
        return []
    return [f"line {line}: {words}" for line, words in sorted(_faults(tree))]


def _faults(tree: ast.Module) -> Iterator[tuple[int, str]]:
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and target.id.isupper()
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "streamlit":
            taken = {alias.name for alias in node.names} & ({*RENDERS} | ONLY_IN_PLAIN)
            if taken:
                yield node.lineno, f"{', '.join(sorted(taken))} is imported by itself, so it cannot be found"
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="st"), attr=name) if (
                name in RENDERS and id(node) not in called
            ):
                yield node.lineno, f"st.{name} is passed on, so what it draws cannot be found"
    for scope in _scopes(tree):
        values = _assigned(scope)
        for call in (node for node in _own(scope) if isinstance(node, ast.Call)):
            yield from _of_call(call, values, constants)


def _of_call(
    call: ast.Call, values: dict[str, list[ast.expr | None]], constants: dict[str, ast.expr]
) -> Iterator[tuple[int, str]]:
    if any(
        word.arg == "unsafe_allow_html" and getattr(word.value, "value", True) is not False
        for word in call.keywords
    ):
        yield call.lineno, "unsafe_allow_html"
    if not isinstance(call.func, ast.Attribute):
        return
    name, of = call.func.attr, call.func.value
    if (isinstance(of, ast.Name) and of.id in NOT_STREAMLIT) or isinstance(of, ast.Call):
        return
    if name in ONLY_IN_PLAIN and isinstance(of, ast.Name) and of.id == "st":
        yield call.lineno, f"st.{name}: use frontend.shell.plain"
    if name not in RENDERS:
        return
    places = RENDERS[name]
    drawn = [value for at, value in enumerate(call.args) if ALL in places or at in places]
    drawn += [word.value for word in call.keywords if word.arg in NAMED or word.arg in places]
    for value in drawn:
        if not _ours(value, values, constants, frozenset()):
            yield value.lineno, f"{name}({ast.unparse(value)})"


def _ours(
    node: ast.expr | None,
    values: dict[str, list[ast.expr | None]],
    constants: dict[str, ast.expr],
    seen: frozenset[str],
) -> bool:
    """Whether a text is ours or was made plain."""
    name = None
    if isinstance(node, ast.Name | ast.Subscript):
        of = node if isinstance(node, ast.Name) else node.value
        name = of.id if isinstance(of, ast.Name) else ""
        if name in seen:
            return True
        known = values.get(name) if node is of else None
        parts = known or ([constants[name]] if name in constants else None)
    elif isinstance(node, ast.Call):
        parts = _parts_of_call(node)
    elif isinstance(node, ast.FormattedValue):
        spec = ast.unparse(node.format_spec)[2:-1] if node.format_spec else ""
        parts = [] if FORMATS.fullmatch(spec) else [node.value]
    elif isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Add):
        parts = None
    else:
        parts = PARTS[type(node)](node) if type(node) in PARTS else None
    if parts is None:
        return False
    return all(_ours(part, values, constants, seen | {name or ""}) for part in parts)


PARTS: dict[type, Callable[[Any], list[ast.expr | None]]] = {
    ast.Constant: lambda _: [],
    ast.JoinedStr: lambda node: node.values,
    ast.BinOp: lambda node: [node.left, node.right],
    ast.IfExp: lambda node: [node.body, node.orelse],
    ast.BoolOp: lambda node: node.values,
    ast.List: lambda node: node.elts,
    ast.Tuple: lambda node: node.elts,
    ast.Dict: lambda node: node.values,
    ast.GeneratorExp: lambda node: [node.elt],
    ast.ListComp: lambda node: [node.elt],
    ast.Starred: lambda node: [node.value],
}
"""What a text is put together of, by the kind of expression."""


def _parts_of_call(call: ast.Call) -> list[ast.expr | None] | None:
    """What the text that a call gives is put together of; None if that is not known."""
    match call:
        case ast.Call(func=ast.Name(id=name)) if name in MADE_PLAIN:
            return []
        case ast.Call(func=ast.Name(id="list" | "sorted"), args=args):
            return [*args]
        case ast.Call(func=ast.Attribute(value=joiner, attr="join"), args=[parts]):
            return [joiner, parts]
    return None


def _scopes(tree: ast.Module) -> Iterator[ast.AST]:
    yield tree
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """What is in a scope, without the functions in it."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.FunctionDef) and child is not scope:
            yield from child.decorator_list
            for decorator in child.decorator_list:
                yield from ast.walk(decorator)
            continue
        yield child
        yield from _own(child)


def _assigned(scope: ast.AST) -> dict[str, list[ast.expr | None]]:
    """By local name all that is assigned to it; None for what cannot be followed, such as an argument."""
    found: dict[str, list[ast.expr | None]] = {}
    if isinstance(scope, ast.FunctionDef):
        arguments = scope.args
        for entry in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            found[entry.arg] = [None]
    for node in _own(scope):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found.setdefault(name, []).append(value)
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                found.setdefault(name, []).append(value)
            case ast.For(target=ast.Tuple(elts=names), iter=ast.Tuple(elts=rows)):
                for at, target in enumerate(names):
                    if isinstance(target, ast.Name):
                        cells = [
                            row.elts[at] if isinstance(row, ast.Tuple) and at < len(row.elts) else None
                            for row in rows
                        ]
                        found.setdefault(target.id, []).extend(cells)
            case ast.Name(id=name, ctx=ast.Store()) if name not in found:
                found[name] = []
    # A name that is stored, but by nothing that was followed above, is not known.
    return {name: entries or [None] for name, entries in found.items()}
