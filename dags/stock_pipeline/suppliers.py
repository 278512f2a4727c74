"""The suppliers file, read and validated.

Every mistake in it is reported with the supplier and the field, all of them at once. Nothing in the file is
evaluated: it is plain data, and the four rules it can name are code in `rules`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, StrictStr, ValidationError, model_validator

from stock_pipeline.errors import SuppliersFileError
from stock_pipeline.file_names import WORD_ENDS, first_word
from stock_pipeline.limits import ProductLimits, StoreLimits, Strict, TableLimits, Thresholds
from stock_pipeline.text import fold

SUPPLIERS_FILE = Path(__file__).with_name("suppliers.yaml")
OTHER_FILE = "STOCK_SUPPLIERS_FILE"
"""An environment variable by which another file takes the place of the one deployed, as in the tests."""

SupplierCode = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{1,9}$")]
# A store becomes a folder, a file name and a part of a statement: nothing else may be in it.
StoreName = Annotated[StrictStr, Field(pattern=r"^[A-Z][A-Z0-9]{1,9}(_[A-Z0-9]{1,10})?$")]


class QuantityRule(Strict):
    """The stock cell is a number; below 0 is 0, fractions round down, above `cap` is `cap`."""

    kind: Literal["quantity"]
    cap: Annotated[int, Field(ge=1)] | None = None


class FlagRule(Strict):
    """The stock cell is one of the `in` words (quantity 10) or of the `out` words (0)."""

    kind: Literal["flag"]
    in_tokens: Annotated[tuple[StrictStr, ...], Field(alias="in", min_length=1)]
    out_tokens: Annotated[tuple[StrictStr, ...], Field(alias="out", min_length=1)]
    in_quantity: Annotated[int, Field(ge=1)] = 10

    @model_validator(mode="after")
    def _no_token_means_both(self) -> FlagRule:
        both = {fold(token) for token in self.in_tokens} & {fold(token) for token in self.out_tokens}
        if both:
            raise ValueError(f"{sorted(both)} cannot mean both in and out of stock")
        return self


class ListedRule(Strict):
    """Being in the list means `in_quantity`; there is no stock cell."""

    kind: Literal["listed"]
    in_quantity: Annotated[int, Field(ge=1)] = 10


class OutListRule(Strict):
    """The list names custom labels that are out; every other label of the supplier is `in_quantity`."""

    kind: Literal["out_list"]
    in_quantity: Annotated[int, Field(ge=1)] = 20


class Supplier(Strict):
    """One supplier: the layout of its workbook and what its cells mean. Columns count from 1."""

    code: SupplierCode
    headers: tuple[tuple[StrictStr, ...], ...]
    code_column: Annotated[int, Field(ge=1, le=50)]
    stock_column: Annotated[int, Field(ge=1, le=50)] | None = None
    rule: Annotated[QuantityRule | FlagRule | ListedRule | OutListRule, Field(discriminator="kind")]
    combine: Literal["lowest", "max", "sum"]
    absent: Literal["zero", "keep"]
    expired: Literal["keep", "zero"] = "keep"
    thresholds: Thresholds

    @property
    def lists_out_of_stock(self) -> bool:
        """Whether the feed names the labels that are out, so that every label of the store is known."""
        return isinstance(self.rule, OutListRule)

    @property
    def width(self) -> int:
        """How many columns of the sheet matter: the widest header, or the last column used."""
        return max(self.code_column, self.stock_column or 0, *(len(header) for header in self.headers), 0)

    def accepts_header(self, row: Sequence[str | None]) -> bool:
        """Whether a row's cells, from column A on, are a header this supplier sends."""
        words = [fold(cell or "") for cell in row]
        headers = ([fold(cell) for cell in header] for header in self.headers)
        return any(words[: len(header)] == header for header in headers)

    @model_validator(mode="after")
    def _columns_fit_the_rule(self) -> Supplier:
        needs_stock = isinstance(self.rule, QuantityRule | FlagRule)
        if needs_stock and self.stock_column is None:
            raise ValueError(f"stock_column is missing: rule {self.rule.kind} reads it")
        if not needs_stock and self.stock_column is not None:
            raise ValueError(f"stock_column is {self.stock_column}, but rule {self.rule.kind} reads none")
        if self.stock_column == self.code_column:
            raise ValueError(f"code_column and stock_column are both {self.code_column}")
        for header in self.headers:
            if not any(fold(cell) for cell in header):
                raise ValueError("headers: a header row needs at least one word")
            if len(header) < max(self.code_column, self.stock_column or 0):
                raise ValueError(f"headers: {list(header)} ends before the columns that are read")
        return self


class SuppliersFile(Strict):
    """The whole file: every supplier by its code, the stores, and the limits of the finished tables."""

    version: Literal[1]
    stores: Annotated[tuple[StoreName, ...], Field(min_length=1)]
    table_limits: TableLimits
    store_limits: StoreLimits
    product_limits: ProductLimits
    suppliers: Annotated[dict[SupplierCode, Supplier], Field(min_length=1)]

    @model_validator(mode="after")
    def _a_name_means_one_thing(self) -> SuppliersFile:
        if twice := sorted({store for store in self.stores if self.stores.count(store) > 1}):
            raise ValueError(f"stores: {', '.join(twice)} is there twice")
        # The audit and `accept_changes` name suppliers and stores alike.
        if both := sorted(set(self.stores) & self.suppliers.keys()):
            raise ValueError(f"stores: {', '.join(both)} is a supplier's code already")
        return self

    def supplier(self, code: str) -> Supplier:
        """The supplier of that code.

        Raises:
            SuppliersFileError: the file has no such supplier.
        """
        if code not in self.suppliers:
            raise SuppliersFileError(
                f"No supplier {code!r}; the suppliers file has {', '.join(self.suppliers)}"
            )
        return self.suppliers[code]

    def suppliers_with_header(self, rows: Iterable[Sequence[str | None]]) -> list[str]:
        """The suppliers of which one of the rows is a header."""
        rows = list(rows)
        return [
            code
            for code, supplier in self.suppliers.items()
            if any(supplier.accepts_header(row) for row in rows)
        ]

    def supplier_of_file(self, file_name: str) -> Supplier | None:
        """Whose feed a file is: the text before the first blank, underscore or dot names the supplier."""
        word = first_word(file_name)
        # Only plain letters have one other case: `ﬁ`, in upper case, would be FI.
        return self.suppliers.get(word.upper()) if word.isascii() else None


def file_pattern(code: str) -> str:
    """A wildcard for the workbooks whose `supplier_of_file` is `code`, whatever case they are named in."""
    letters = (f"[{letter}{letter.lower()}]" if letter.isalpha() else letter for letter in code)
    return "".join(letters) + f"[{WORD_ENDS}]*[xX][lL][sS][xX]"


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML as data only, in which a key said twice is a mistake (plain YAML keeps the last silently)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise SuppliersFileError(f"line {node.start_mark.line + 1}: {', '.join(twice)} is there twice")
        return super().construct_mapping(node, deep)


def load_suppliers(path: Path | None = None) -> SuppliersFile:
    """Read and validate the suppliers file, again only if it has changed: the caller has what it says now.

    Args:
        path: of another file.

    Raises:
        SuppliersFileError: it is not YAML or breaks a rule; the message has a line for each fault, naming
            the supplier and the field.
    """
    path = path or _path()
    return _loaded(_content(path), path.name)


def rules_as_text(code: str, path: Path | None = None) -> str:
    """What the suppliers file says of one supplier, as YAML: for people to change and try."""
    path = path or _path()
    fields = _raw(_content(path), path.name)["suppliers"][code]
    return yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)


def with_rules(code: str, text: str, path: Path | None = None) -> SuppliersFile:
    """The suppliers file as it would be with this text (YAML) for one supplier; the file itself stays.

    Raises:
        SuppliersFileError: as from `load_suppliers`.
    """
    path = path or _path()
    raw = _raw(_content(path), path.name)
    fields = _parsed(text, f"the rules of {code}")
    if not isinstance(fields, dict):
        raise SuppliersFileError(f"the rules of {code} must be fields with values, such as 'code_column: 1'")
    raw["suppliers"] = {**raw["suppliers"], code: fields}
    return _validated(raw, f"{path.name} with these rules")


def _path() -> Path:
    return Path(os.environ.get(OTHER_FILE) or SUPPLIERS_FILE)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SuppliersFileError(f"{path} cannot be read: {error.strerror}") from error


@lru_cache(maxsize=2)
def _loaded(content: bytes, name: str) -> SuppliersFile:
    # By what the file holds: a deployment may give a file an older time than it had.
    return _validated(_raw(content, name), name)


def _parsed(text: str, name: str) -> Any:
    try:
        return yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, SuppliersFileError) as error:
        raise SuppliersFileError(f"{name}: {error}") from error


def _raw(content: bytes, name: str) -> dict[str, Any]:
    """The file as plain data, of which only so much is certain that there are suppliers."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise SuppliersFileError(f"{name}: {error}") from error
    raw = _parsed(text, name)
    if not isinstance(raw, dict) or not isinstance(raw.get("suppliers"), dict):
        raise SuppliersFileError(f"{name}: there is no list of suppliers in it")
    return raw


def _validated(raw: dict[str, Any], name: str) -> SuppliersFile:
    defaults = raw.pop("defaults", {})
    if not isinstance(defaults, dict) or not isinstance(defaults.get("thresholds", {}), dict):
        raise SuppliersFileError(f"{name}: defaults and the thresholds in it must be fields with values")
    raw["suppliers"] = {
        str(code): _with_defaults(str(code), fields, defaults) for code, fields in raw["suppliers"].items()
    }
    try:
        return SuppliersFile.model_validate(raw)
    except ValidationError as error:
        faults = "\n".join(_fault(dict(entry)) for entry in error.errors())
        raise SuppliersFileError(f"{name} cannot be used:\n{faults}") from error


def _with_defaults(code: str, fields: object, defaults: dict[str, Any]) -> object:
    if not isinstance(fields, dict):
        return fields
    thresholds = fields.get("thresholds", {})
    if isinstance(thresholds, dict):
        thresholds = {**defaults.get("thresholds", {}), **thresholds}
    return {**defaults, **fields, "thresholds": thresholds, "code": code}


def _fault(entry: dict[str, Any]) -> str:
    place = [str(part) for part in entry["loc"] if part != "[key]"]
    message = entry["msg"].removeprefix("Value error, ")
    if place[:1] == ["suppliers"] and len(place) > 1:
        field = ".".join(place[2:])
        return f"  supplier {place[1]}: {field + ': ' if field else ''}{message}"
    return f"  {'.'.join(place)}: {message}"


SUPPLIER = r"^[A-Z][A-Z0-9]{1,9}$"
"""What a supplier's code looks like. It becomes a folder and part of statements: nothing else may."""
