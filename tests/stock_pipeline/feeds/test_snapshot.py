"""From a judged feed to one quantity for every known label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stock_pipeline.feeds.reading import Feed
from stock_pipeline.feeds.snapshot import Snapshot, build_snapshot, movement
from stock_pipeline.suppliers import Supplier, load_suppliers
from tests.support import oracle

DAY = date(2024, 8, 8)
BGA, RTG = map(load_suppliers().supplier, ("BGA", "RTG"))
STOCK = {"custom_label": pl.String, "quantity": pl.Int32}

Row = tuple[str, int | None]


def feed_of(rows: Iterable[Row]) -> Feed:
    """A feed of codes and quantities; None is a rejected row."""
    listed = [
        (
            number,
            code,
            code.upper(),
            None,
            quantity,
            quantity,
            None if quantity is not None else "not a number",
        )
        for number, (code, quantity) in enumerate(rows, start=2)
    ]
    columns = {"row": pl.UInt32, "code": pl.String, "key": pl.String, "raw": pl.String, "number": pl.Float64}
    schema: Any = columns | {"quantity": pl.Int32, "reason": pl.String}
    return Feed(pl.DataFrame(listed, schema=schema, orient="row"), 1, pl.DataFrame(), ())


def stock(quantities: Mapping[str, int] | None) -> pl.DataFrame | None:
    if quantities is None:
        return None
    return pl.DataFrame(list(quantities.items()), schema=STOCK, orient="row")


def build(
    rows: Iterable[Row],
    mapping: Iterable[tuple[str, str]],
    last: Mapping[str, int] | None = None,
    supplier: Supplier = BGA,
    **changes: str,
) -> Snapshot:
    parts = pl.DataFrame(
        [(label, part, part.upper()) for label, part in mapping],
        schema={"custom_label": pl.String, "part_number": pl.String, "key": pl.String},
        orient="row",
    )
    return build_snapshot(feed_of(rows), parts, stock(last), supplier.model_copy(update=changes), DAY)


def quantities(snapshot: Snapshot) -> dict[str, int]:
    return dict(snapshot.table.select("custom_label", "quantity").rows())


def test_a_snapshot_has_the_columns_of_its_table_sorted_by_label():
    table = build([("p", 3)], [("B", "P"), ("A", "p"), ("C", "Q")]).table
    assert table.schema == pl.Schema(
        {
            "custom_label": pl.String,
            "part_number": pl.String,
            "quantity": pl.Int32,
            "updated_date": pl.Date,
        }
    )
    assert table.rows() == [("A", "p", 3, DAY), ("B", "P", 3, DAY), ("C", "Q", 0, DAY)]


@pytest.mark.parametrize(
    ("rows", "quantity"),
    [
        ([("P", 7)], 7),
        ([("p", 7)], 7),
        ([("P", 7), ("P", 7)], 7),
        ([("P", 7), ("P", 3), ("p", 9)], 3),
        ([("OTHER", 7)], 0),
        ([("P", None)], 4),
        ([("P", 9), ("P", None)], 4),
        ([("P", 2), ("P", None)], 2),
    ],
    ids=[
        "listed",
        "case",
        "equal",
        "differing",
        "absent",
        "rejected",
        "rejected once",
        "rejected once, lower",
    ],
)
def test_a_part_on_a_label_of_its_own(rows, quantity):
    assert quantities(build(rows, [("L", "P")], {"L": 4})) == {"L": quantity}


@pytest.mark.parametrize("last", [None, {}, {"OTHER": 9}])
def test_a_rejected_row_without_a_last_quantity_is_zero(last):
    assert quantities(build([("P", None), ("Q", 5)], [("L", "P"), ("M", "Q")], last)) == {"L": 0, "M": 5}


@pytest.mark.parametrize(
    ("rows", "lowest", "highest", "added"),
    [
        ([("P", 7), ("Q", 2)], 2, 7, 9),
        ([("P", 7), ("Q", 7)], 7, 7, 14),
        ([("P", 7)], 0, 7, 7),
        ([("P", 7), ("P", 5), ("Q", 9)], 5, 9, 14),
        ([("P", 7), ("Q", None)], 4, 4, 4),
        ([("P", 3), ("Q", None)], 3, 4, 4),
        ([("P", None), ("Q", None)], 4, 4, 4),
        ([("Q", None)], 0, 4, 4),
    ],
)
def test_several_parts_on_a_label(rows, lowest, highest, added):
    kit = [("L", "P"), ("L", "Q")]
    for combine, quantity in (("lowest", lowest), ("max", highest), ("sum", added)):
        assert quantities(build(rows, kit, {"L": 4}, combine=combine)) == {"L": quantity}


@pytest.mark.parametrize(("combine", "part"), [("lowest", "Q"), ("max", "P")])
def test_the_part_of_a_kit_is_the_one_that_decides(combine, part):
    table = build([("P", 7), ("Q", 2)], [("L", "P"), ("L", "Q")], combine=combine).table
    assert table["part_number"].to_list() == [part]


def test_one_part_on_several_labels_gives_each_a_row():
    assert quantities(build([("P", 5)], [("A", "P"), ("B", "P")])) == {"A": 5, "B": 5}


@pytest.mark.parametrize(
    ("absent", "expected"),
    [("zero", {"A": 5, "B": 0, "C": 0, "KIT": 0}), ("keep", {"A": 5, "B": 2, "C": 0, "KIT": 3})],
)
def test_a_label_the_feed_does_not_list(absent, expected):
    mapping = [("A", "P"), ("B", "Q"), ("C", "R"), ("KIT", "P"), ("KIT", "Q")]
    last = {"A": 1, "B": 2, "KIT": 3, "GONE": 8}
    assert quantities(build([("P", 5)], mapping, last, absent=absent)) == expected


def test_an_out_list_names_what_is_out():
    labels = [("A71", "A71"), ("B72", "B72"), ("C73", "C73")]
    snapshot = build([("a71", 0), ("NOT SOLD", 0), ("A71", 0)], labels, {"B72": 0}, supplier=RTG)
    assert quantities(snapshot) == {"A71": 0, "B72": 20, "C73": 20}
    assert snapshot.matched == 1
    assert snapshot.unmatched["code"].to_list() == ["NOT SOLD"]


def test_the_figures_of_a_feed_against_the_mapping():
    rows: list[Row] = [("P", 5), ("p", 5), ("Q", 1), ("Q", 2), ("X", 3), ("x", 3), ("Y", None)]
    snapshot = build(rows, [("A", "P"), ("B", "Q"), ("C", "Z")])
    codes = {row["key"]: row for row in snapshot.codes.to_dicts()}
    assert {key: (row["times"], row["quantities"], row["quantity"]) for key, row in codes.items()} == {
        "P": (2, 1, 5),
        "Q": (2, 2, 1),
        "X": (2, 1, 3),
        "Y": (1, 0, None),
    }
    assert [code for code, row in codes.items() if row["rejected"]] == ["Y"]
    assert snapshot.matched == 2
    assert snapshot.unmatched["row"].to_list() == [6, 7, 8]


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (None, {"labels": 4, "in_stock": 2, "changed": 2, "to_zero": 0, "from_zero": 2}),
        (
            {"A": 5, "B": 3, "C": 1, "D": 0, "GONE": 9},
            {"labels": 4, "in_stock": 2, "changed": 2, "to_zero": 1, "from_zero": 0},
        ),
        ({"B": 6}, {"labels": 4, "in_stock": 2, "changed": 1, "to_zero": 0, "from_zero": 1}),
    ],
)
def test_movement_against_the_last_snapshot(last, expected):
    snapshot = build([("A", 5), ("B", 6)], [(label, label) for label in "ABCD"])
    assert movement(snapshot.table, stock(last)) == expected


CODES = st.sampled_from("pPqQrsx")
ROWS = st.lists(st.tuples(CODES, st.none() | st.integers(0, 12)), max_size=8)
MAPPING = st.lists(st.tuples(st.sampled_from("ABCD"), st.sampled_from("PQRS")), unique=True, max_size=8)
LAST = st.none() | st.dictionaries(st.sampled_from("ABCDE"), st.integers(0, 12))
ABSENT = st.sampled_from(["zero", "keep"])


def oracle_feed(rows: Iterable[Row]) -> oracle.OracleFeed:
    feed = oracle.OracleFeed("BGA")
    for code, quantity in rows:
        feed.outcomes.setdefault(code.upper(), []).append(oracle.REJECTED if quantity is None else quantity)
    return feed


@given(ROWS, MAPPING, LAST, ABSENT)
def test_any_feed_gives_the_quantities_of_the_oracle(rows, mapping, last, absent):
    found = quantities(build(rows, mapping, last, absent=absent))
    assert found == oracle.snapshot(oracle_feed(rows), mapping, last, absent)
    assert set(found) == {label for label, _ in mapping}


@given(ROWS, MAPPING, LAST, st.sampled_from(["max", "sum"]))
def test_any_feed_without_rejected_rows_combines_parts_as_the_oracle_does(rows, mapping, last, combine):
    known = [(code, quantity or 0) for code, quantity in rows]
    found = quantities(build(known, mapping, last, combine=combine))
    assert found == oracle.snapshot(oracle_feed(known), mapping, last, several=combine)


@given(ROWS, MAPPING, LAST, ABSENT, st.sampled_from(["lowest", "max", "sum"]))
def test_no_quantity_comes_from_a_rejected_row(rows, mapping, last, absent, combine):
    """A label with a rejected part never has more than it last had, or it has a part that says so."""
    rejected = {code.upper() for code, quantity in rows if quantity is None}
    parts: dict[str, set[str]] = {}
    for label, part in mapping:
        parts.setdefault(label, set()).add(part)
    for label, quantity in quantities(build(rows, mapping, last, absent=absent, combine=combine)).items():
        if parts[label] & rejected:
            assert quantity <= (last or {}).get(label, 0)


@given(ROWS, MAPPING)
def test_every_code_is_either_matched_or_shown_to_staff(rows, mapping):
    snapshot = build(rows, mapping)
    matched = {code.upper() for code, _ in rows} & {part for _, part in mapping}
    assert snapshot.matched == len(matched)
    assert set(snapshot.unmatched["key"]) == {code.upper() for code, _ in rows} - matched
