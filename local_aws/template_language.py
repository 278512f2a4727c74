"""As much of CloudFormation's language as the infrastructure template uses; anything beyond is an error.

Parameters get their values, conditions hold or do not, and intrinsic functions become what they stand for.
"""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml
from botocore.exceptions import BotoCoreError, ClientError

PARAMETER_TYPES: dict[str, Callable[[str], Any]] = {
    "String": str,
    "Number": int,
    "CommaDelimitedList": lambda text: text.split(","),
}
"""For each type of parameter: what makes a value of its text."""

Lookup = Callable[[str, str], Any]
"""Gives an attribute of a name in the template; the attribute `Ref` is the value of the name itself."""


class TemplateError(Exception):
    """The template cannot be made here. The message names the parameter, resource or output at fault."""


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags in their long form: `!Sub x` is `{"Fn::Sub": x}`."""

    def construct_intrinsic(self, name: str, node: yaml.Node) -> dict[str, Any]:
        """The long form of a tagged node."""
        plain = copy.copy(node)
        plain.tag = self.resolve(type(node), node.value, (True, False))  # type: ignore[no-untyped-call]
        return {name if name == "Ref" else f"Fn::{name}": self.construct_object(plain, deep=True)}


Loader.add_multi_constructor("!", Loader.construct_intrinsic)
MISTAKES = (AttributeError, BotoCoreError, ClientError, OSError, TypeError, ValueError, yaml.YAMLError)
"""What a faulty template, or an endpoint that refuses it, makes the code below raise."""


@contextlib.contextmanager
def blaming(subject: str) -> Iterator[None]:
    """Turns whatever goes wrong inside into a `TemplateError` that begins with the subject."""
    try:
        yield
    except KeyError as error:
        raise TemplateError(f"{subject}: {error} is missing") from error
    except (TemplateError, *MISTAKES) as error:
        raise TemplateError(f"{subject}: {error}") from error


def only(mapping: Mapping[str, Any], known: str) -> None:
    """Raises `TemplateError` for keys that are not among the known ones, given as words."""
    if unknown := sorted(mapping.keys() - set(known.split())):
        raise TemplateError(f"the local reader does not know {', '.join(unknown)}")


def parameter_values(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """Each declared parameter's value, by the rules its declaration states."""
    if unknown := sorted(given.keys() - declared.keys()):
        raise TemplateError(f"the template has no parameter {', '.join(unknown)}")
    values: dict[str, Any] = {}
    for name, rules in declared.items():
        with blaming(f"parameter {name}"):
            only(rules, "Type Default Description AllowedPattern AllowedValues ConstraintDescription")
            text = str(given[name] if name in given else rules["Default"])
            values[name] = PARAMETER_TYPES[rules["Type"]](text)
            if text not in rules.get("AllowedValues", [text]):
                raise TemplateError(f"{text} is not one of {', '.join(rules['AllowedValues'])}")
            if not re.fullmatch(rules.get("AllowedPattern", ".*"), text):
                raise TemplateError(f"{text} is not allowed: {rules.get('ConstraintDescription')}")
    return values


def condition_values(declared: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, bool]:
    """Whether each declared condition holds, given the parameters' values."""

    def holds(expression: dict[str, Any]) -> bool:
        ((function, argument),) = expression.items()
        match function.removeprefix("Fn::"):
            case "Condition":
                return holds(declared[argument])
            case "Equals":
                first, second = resolve(argument, lambda name, _: parameters[name])
                return bool(first == second)
            case "Not":
                return not holds(*argument)
            case "And":
                return all(holds(item) for item in argument)
            case "Or":
                return any(holds(item) for item in argument)
        raise TemplateError(f"the local reader does not know {function} in a condition")

    values: dict[str, bool] = {}
    for name, expression in declared.items():
        with blaming(f"condition {name}"):
            values[name] = holds(expression)
    return values


def kept_entries(kind: str, entries: Mapping[str, Any], conditions: Mapping[str, bool]) -> dict[str, Any]:
    """The resources or outputs without a condition, or with one that holds."""
    kept: dict[str, Any] = {}
    for name, entry in entries.items():
        condition = entry.get("Condition")
        if condition is not None and condition not in conditions:
            raise TemplateError(f"{kind} {name}: the template has no Condition {condition}")
        if condition is None or conditions[condition]:
            kept[name] = entry
    return kept


def _get_attribute(argument: Any, lookup: Lookup) -> Any:
    return lookup(*(argument.split(".", 1) if isinstance(argument, str) else argument))


def _substitute(argument: Any, lookup: Lookup) -> str:
    if not isinstance(argument, str):
        raise TemplateError("the local reader does not know Fn::Sub with its own variables")
    name = re.compile(r"\$\{([^!.}]+)(?:\.([^}]+))?\}")
    return name.sub(lambda found: str(lookup(found[1], found[2] or "Ref")), argument).replace("${!", "${")


INTRINSICS: dict[str, Callable[[Any, Lookup], Any]] = {
    "Ref": lambda argument, lookup: lookup(argument, "Ref"),
    "Fn::GetAtt": _get_attribute,
    "Fn::Join": lambda argument, lookup: argument[0].join(map(str, resolve(argument[1], lookup))),
    "Fn::Sub": _substitute,
}


def resolve(value: Any, lookup: Lookup) -> Any:
    """The value with its intrinsic functions replaced by what they stand for."""
    if isinstance(value, list):
        return [resolve(item, lookup) for item in value]
    if not isinstance(value, dict):
        return value
    functions = [key for key in value if key == "Ref" or str(key).startswith("Fn::")]
    if not functions:
        return {key: resolve(item, lookup) for key, item in value.items()}
    if len(value) > 1 or functions[0] not in INTRINSICS:
        raise TemplateError(f"the local reader does not know {functions[0]} as it is here")
    return INTRINSICS[functions[0]](value[functions[0]], lookup)
