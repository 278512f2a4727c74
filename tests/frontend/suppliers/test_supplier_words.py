"""Every supplier's rules in words."""

from __future__ import annotations

import pytest

from frontend.suppliers.words import limits, overview
from stock_pipeline.suppliers import load_suppliers

SUPPLIERS = load_suppliers().suppliers
LINES = {line["Supplier"]: line for line in overview(SUPPLIERS)}


@pytest.mark.parametrize(
    ("code", "column", "words"),
    [
        ("BGA", "What stock means", "the number, at most 10"),
        ("KLA", "What stock means", "the number"),
        ("ROL", "What stock means", "In Stock: 10; Out of Stock or Low Stock: 0"),
        ("SMP", "What stock means", "whatever is listed: 10"),
        ("RTG", "What stock means", "the list names labels that are out: 0; all others: 20"),
        ("COM", "Header", "Part No., (empty), Stock  or  Part No., Stock, (empty)"),
        ("ELR", "Header", "none known yet: every file is rejected"),
        ("FPS", "Stock in", "D"),
        ("SMP", "Stock in", ""),
        ("BGA", "What the list leaves out", "is 0"),
        ("RTG", "What the list leaves out", "in stock"),
        ("BGA", "A kit is worth its", "scarcest part"),
    ],
)
def test_a_rule_is_told_in_words(code, column, words):
    assert LINES[code][column] == words


def test_every_limit_is_told():
    told = {line["Limit"]: line["Value"] for line in limits(SUPPLIERS["BGA"])}
    assert told["max rejected share"] == "5%"
    assert told["max age days"] == "7"
    assert len(told) == len(SUPPLIERS["BGA"].thresholds.model_dump())
