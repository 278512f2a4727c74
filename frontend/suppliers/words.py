"""A supplier's rules in words, for people who do not read YAML."""

from __future__ import annotations

from stock_pipeline.spreadsheets.export import column_name
from stock_pipeline.suppliers import FlagRule, ListedRule, OutListRule, QuantityRule, Supplier


def rule_in_words(supplier: Supplier) -> str:
    """What the stock cells mean."""
    match supplier.rule:
        case QuantityRule(cap=None):
            return "the number"
        case QuantityRule(cap=cap):
            return f"the number, at most {cap}"
        case FlagRule() as rule:
            in_words, out_words = " or ".join(rule.in_tokens), " or ".join(rule.out_tokens)
            return f"{in_words}: {rule.in_quantity}; {out_words}: 0"
        case ListedRule(in_quantity=quantity):
            return f"whatever is listed: {quantity}"
        case OutListRule(in_quantity=quantity):
            return f"the list names labels that are out: 0; all others: {quantity}"


def absent_in_words(supplier: Supplier) -> str:
    """What happens to what the list leaves out."""
    if supplier.lists_out_of_stock:
        return "in stock"
    return {"zero": "is 0", "keep": "stays as it was"}[supplier.absent]


def expired_in_words(supplier: Supplier) -> str:
    """What stock counts as that is older than a month."""
    return {"keep": "stays in force", "zero": "counts as 0"}[supplier.expired]


def kits_in_words(supplier: Supplier) -> str:
    """What a label of several parts is worth."""
    return {"lowest": "scarcest part", "max": "most plentiful part", "sum": "sum of its parts"}[
        supplier.combine
    ]


def headers_in_words(supplier: Supplier) -> str:
    """The header rows that are accepted."""
    headers = [", ".join(cell or "(empty)" for cell in header) for header in supplier.headers]
    return "  or  ".join(headers) or "none known yet: every file is rejected"


def overview(suppliers: dict[str, Supplier]) -> list[dict[str, str]]:
    """A line for each supplier."""
    return [
        {
            "Supplier": code,
            "Header": headers_in_words(supplier),
            "Codes in": column_name(supplier.code_column),
            "Stock in": column_name(supplier.stock_column or 0),
            "What stock means": rule_in_words(supplier),
            "What the list leaves out": absent_in_words(supplier),
            "A kit is worth its": kits_in_words(supplier),
            "Stock older than a month": expired_in_words(supplier),
        }
        for code, supplier in suppliers.items()
    ]


def limits(supplier: Supplier) -> list[dict[str, str]]:
    """The supplier's thresholds, a line for each."""
    return [
        {
            "Limit": name.replace("_", " "),
            "Value": f"{value:.0%}" if isinstance(value, float) and value <= 1 else f"{value:g}",
        }
        for name, value in supplier.thresholds.model_dump().items()
    ]
