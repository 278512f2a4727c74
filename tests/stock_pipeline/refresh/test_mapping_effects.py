"""What a new mapping would do to the stock."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from stock_pipeline.lake.locations import stock_feed_codes_key
from stock_pipeline.lake.objects import parquet
from stock_pipeline.refresh.mapping_effects import MappingEffect, effects_of_mapping, last_accepted_codes
from stock_pipeline.suppliers import SuppliersFile, load_suppliers
from tests.support.lake import Lake

SUPPLIERS = load_suppliers()
OLDER: dict[str, bool | None] = {"OLD": True}
CODES: dict[str, bool | None] = {"P1": True, "P2": False, "P3": True, "P4": None}


def mapping(*rows: tuple[str, str], supplier: str = "BGA") -> pl.DataFrame:
    return pl.DataFrame(
        [(label, part, supplier) for label, part in rows],
        schema=["custom_label", "part_number", "supplier"],
        orient="row",
    )


def record(stock: dict[str, bool | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {"key": list(stock), "in_stock": list(stock.values())},
        schema={"key": pl.String, "in_stock": pl.Boolean},
    )


def rules(**fields: str) -> SuppliersFile:
    bga = SUPPLIERS.supplier("BGA").model_copy(update=fields)
    return SUPPLIERS.model_copy(update={"suppliers": SUPPLIERS.suppliers | {"BGA": bga}})


def effect(old: pl.DataFrame, new: pl.DataFrame, **fields: str) -> MappingEffect:
    (found,) = effects_of_mapping(new, old, {"BGA": record(CODES)}, rules(**fields))
    return found


@pytest.mark.parametrize(
    ("old", "new", "fields", "wanted"),
    [
        # labels in both, with other parts, to zero, from zero
        ([("A", "P1")], [("A", "P1")], {}, (1, 0, 0, 0)),
        ([("a ", "p1")], [("A", " P1")], {}, (1, 0, 0, 0)),
        ([("A", "P1")], [("A", "P2")], {}, (1, 1, 1, 0)),
        ([("A", "P2")], [("A", "P1")], {}, (1, 1, 0, 1)),
        ([("A", "P1")], [("A", "P3")], {}, (1, 1, 0, 0)),
        ([("A", "P1")], [("B", "P1")], {}, (0, 0, 0, 0)),
        # A kit needs all its parts, unless the supplier says otherwise.
        ([("A", "P1")], [("A", "P1"), ("A", "P2")], {}, (1, 1, 1, 0)),
        ([("A", "P1")], [("A", "P1"), ("A", "P2")], {"combine": "max"}, (1, 1, 0, 0)),
        # What the list does not name has no stock, or is not known.
        ([("A", "P1")], [("A", "P9")], {}, (1, 1, 1, 0)),
        ([("A", "P1")], [("A", "P9")], {"absent": "keep"}, (1, 1, 0, 0)),
        ([("A", "P1")], [("A", "P4")], {}, (1, 1, 0, 0)),
        ([("A", "P1"), ("B", "P2")], [("A", "P2"), ("B", "P1")], {}, (2, 2, 1, 1)),
    ],
)
def test_labels_that_change(
    old: list[tuple[str, str]], new: list[tuple[str, str]], fields: dict[str, str], wanted: tuple[int, ...]
):
    found = effect(mapping(*old), mapping(*new), **fields)
    assert (found.labels, found.parts_changed, found.to_zero, found.from_zero) == wanted


def test_samples_name_the_parts_before_and_now():
    found = effect(mapping(("A", "P1"), ("B", "P3")), mapping(("A", "P2"), ("A", "P1"), ("B", "P3")))
    assert found.samples == [
        {"supplier": "BGA", "custom_label": "A", "parts_before": "P1", "parts_now": "P1, P2"}
    ]


def test_without_a_list_only_the_parts_are_compared():
    (found,) = effects_of_mapping(mapping(("A", "P2")), mapping(("A", "P1")), {}, SUPPLIERS)
    assert (found.parts_changed, found.to_zero, found.from_zero) == (1, None, None)


def test_an_out_list_and_a_supplier_that_is_not_in_the_file_are_judged_by_their_parts_alone():
    for code in ("RTG", "OTHER"):
        codes = {code: record(CODES)}
        old, new = (mapping(("A", part), supplier=code) for part in ("P1", "P2"))
        (found,) = effects_of_mapping(new, old, codes, SUPPLIERS)
        assert (found.parts_changed, found.to_zero) == (1, None)


def test_a_supplier_that_is_new_or_gone_is_not_compared():
    assert effects_of_mapping(mapping(("A", "P"), supplier="KLA"), mapping(("A", "P")), {}, SUPPLIERS) == []


def test_the_newest_accepted_list_counts(lake: Lake):
    for day, stock in ((date(2024, 8, 1), OLDER), (date(2024, 8, 8), CODES)):
        lake.put_snapshot("BGA", day, {})
        lake.put(stock_feed_codes_key(day, "BGA"), parquet(record(stock)))
    lake.put_snapshot("KLA", date(2024, 8, 8), {})
    found = last_accepted_codes(lake, SUPPLIERS)
    assert list(found) == ["BGA"]
    assert dict(found["BGA"].rows()) == CODES
