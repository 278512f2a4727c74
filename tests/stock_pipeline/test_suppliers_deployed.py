"""The suppliers file that is deployed, whatever suppliers and stores there are in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stock_pipeline.feeds.reading import read_feed
from stock_pipeline.lake.uploaded import WORKBOOK_ENDING
from stock_pipeline.suppliers import (
    SUPPLIERS_FILE,
    FlagRule,
    QuantityRule,
    Supplier,
    load_suppliers,
    rules_as_text,
    with_rules,
)
from tests.support.workbooks.making import write_rows

DEPLOYED = load_suppliers(SUPPLIERS_FILE)
LISTS = [
    pytest.param(supplier, header, id=f"{code} {number}")
    for code, supplier in DEPLOYED.suppliers.items()
    for number, header in enumerate(supplier.headers, start=1)
]


def stock_cells(supplier: Supplier) -> dict[str | None, int | None]:
    """Stock cells, and what each of them has to come to."""
    match supplier.rule:
        case FlagRule() as rule:
            words: dict[str | None, int | None] = dict.fromkeys(rule.in_tokens, rule.in_quantity)
            return words | dict.fromkeys(rule.out_tokens, 0) | {None: None, "no such word": None}
        case QuantityRule(cap=cap):
            return {"0": 0, "-3": 0, "1": 1, "999999": cap or 999999, "many": None, None: None}
        case _:
            return {None: 0 if supplier.lists_out_of_stock else supplier.rule.in_quantity}


@pytest.mark.parametrize(("supplier", "header"), LISTS)
def test_a_list_in_its_layout_is_read_by_its_rule(
    tmp_path: Path, supplier: Supplier, header: tuple[str, ...]
) -> None:
    cells = stock_cells(supplier)
    rows = []
    for number, cell in enumerate(cells):
        row: list[str | None] = [None] * supplier.width
        row[supplier.code_column - 1] = f"CODE-{number:03}"
        if supplier.stock_column:
            row[supplier.stock_column - 1] = cell
        rows.append(row)
    path = tmp_path / f"{supplier.code} list{WORKBOOK_ENDING}"
    write_rows(path, [list(header), *rows])
    feed = read_feed(path, supplier)
    assert feed.rows["quantity"].to_list() == list(cells.values())
    assert DEPLOYED.supplier_of_file(path.name) == supplier


@pytest.mark.parametrize("code", DEPLOYED.suppliers)
def test_its_rules_can_be_changed_and_tried_on_the_page(code: str) -> None:
    text = rules_as_text(code, SUPPLIERS_FILE)
    assert with_rules(code, text, SUPPLIERS_FILE) == DEPLOYED
