"""The suppliers file: what it says, and how it complains."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stock_pipeline.errors import SuppliersFileError
from stock_pipeline.lake.tables import STORES
from stock_pipeline.refresh.judgement import store_groups
from stock_pipeline.refresh.store import store_of_name
from stock_pipeline.suppliers import OTHER_FILE, FlagRule, load_suppliers
from stock_pipeline.text import fold
from tests.support import oracle

SUPPLIERS = load_suppliers()
RULE_KINDS = {"quantity": "quantity", "flag": "flag", "listed": "listed", "out list": "out_list"}

SOUND = """
version: 1
defaults:
  combine: lowest
  absent: zero
  thresholds:
    max_rejected_share: 0.05
    max_share_to_zero: 0.25
    max_share_from_zero: 0.25
    max_stock_lost: 0.15
    min_agreement: 0.7
    min_same_stock: 0.7
    min_same_stock_old: 0.4
    max_level: 1.5
    max_flips: 0.08
    max_flips_old: 0.15
    max_jumps: 0.15
    max_jumps_old: 0.25
    max_stock_returned: 0.3
    max_flips_in_part: 0.18
    max_jumps_in_part: 0.25
    min_agreement_in_part: 0.55
    max_same_step: 0.3
    max_gap: 0.04
    max_one_sided_change: 0.75
    max_row_count_change: 0.5
    min_codes_kept: 0.85
    max_match_rate_fall: 0.5
    max_conflicts: 0.01
    max_damaged_codes: 0.005
    max_unknown_lines: 0.3
    max_fraction_share: 0.02
    max_other_supplier_ratio: 3
    max_age_days: 7
table_limits:
  max_share_to_zero: 0.25
  max_share_from_zero: 0.25
  max_share_changed: 0.6
  max_share_gone: 0.25
  min_listings: 200
store_limits:
  {max_rejected_share: 0.05, max_lost_share: 0.2, max_moved_share: 0.2,
   max_relabelled_share: 0.1, max_share_of_other_stores: 0.01,
   min_listings: 20}
product_limits:
  {max_rejected_share: 0.01, max_lost_share: 0.2, max_lost_share_by_supplier: 0.2,
   max_share_parts_changed: 0.05, max_share_to_zero: 0.05, max_share_from_zero: 0.05, min_rows: 200}
stores: [AMS, RTG_FPS]
suppliers:
  APE:
    headers: [[Part no, Stock]]
    code_column: 1
    stock_column: 2
    rule: {kind: flag, in: ["YES"], out: ["NO"]}
  BGA:
    headers: [[BGA REFERENCE, Stock]]
    code_column: 1
    stock_column: 2
    rule: {kind: quantity, cap: 10}
"""


@pytest.fixture
def load(tmp_path):
    """Loads suppliers from the text of a file."""

    def load(text: str | bytes):
        path = tmp_path / "suppliers.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_suppliers(path)

    return load


def test_all_suppliers_are_known():
    assert set(SUPPLIERS.suppliers) == set(oracle.LAYOUTS)
    assert len(SUPPLIERS.suppliers) == 17


@pytest.mark.parametrize("code", oracle.LAYOUTS)
def test_a_supplier_is_laid_out_as_the_contract_says(code):
    supplier, layout = SUPPLIERS.supplier(code), oracle.LAYOUTS[code]
    assert [[fold(cell) for cell in header] for header in supplier.headers] == [
        [fold(cell) for cell in header] for header in layout.headers
    ]
    assert (supplier.code_column, supplier.stock_column) == (layout.code_column, layout.stock_column)
    assert supplier.rule.kind == RULE_KINDS[layout.rule]
    assert (supplier.combine, supplier.absent) == ("lowest", "zero")
    assert (supplier.thresholds.max_rejected_share, supplier.thresholds.max_age_days) == (0.05, 7)
    assert (supplier.thresholds.max_share_to_zero, supplier.thresholds.max_share_from_zero) == (0.25, 0.25)
    out_list = layout.rule == "out list"
    assert supplier.thresholds.min_codes_kept == (0.33 if out_list else 0.85)
    assert supplier.thresholds.max_row_count_change == (0.4 if out_list else 0.5)


@pytest.mark.parametrize(
    ("code", "cap"), [(code, row.cap) for code, row in oracle.LAYOUTS.items() if row.rule == "quantity"]
)
def test_the_cap_of_a_quantity(code, cap):
    assert SUPPLIERS.supplier(code).rule.model_dump()["cap"] == cap


@pytest.mark.parametrize("code", ["APE", "FIR", "KYB", "ROL"])
def test_the_words_of_a_flag(code):
    rule, layout = SUPPLIERS.supplier(code).rule, oracle.LAYOUTS[code]
    assert isinstance(rule, FlagRule)
    assert {fold(word) for word in rule.in_tokens} == set(layout.in_words)
    assert {fold(word) for word in rule.out_tokens} == set(layout.out_words)
    assert rule.in_quantity == 10


@pytest.mark.parametrize(("code", "quantity"), [("SMP", 10), ("RTG", 20)])
def test_what_being_listed_or_not_is_worth(code, quantity):
    assert SUPPLIERS.supplier(code).rule.model_dump()["in_quantity"] == quantity


def test_the_sound_file_of_these_tests_is_sound(load):
    assert set(load(SOUND).suppliers) == {"APE", "BGA"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('in: ["YES"]', "in: [YES]", ["supplier APE", "in", "string"]),
        ('in: ["YES"]', "in: []", ["supplier APE", "in"]),
        ('in: ["YES"], ', "", ["supplier APE", "in", "required"]),
        ('out: ["NO"]', 'out: [" yes "]', ["supplier APE", "rule", "'yes'", "both"]),
        ('out: ["NO"]', 'out: ["NO"], maybe: ["?"]', ["supplier APE", "maybe"]),
        ("    code_column: 1\n", "", ["supplier APE", "code_column", "required"]),
        ("code_column: 1", "code_column: 0", ["supplier APE", "code_column"]),
        ("code_column: 1", "code_column: A", ["supplier APE", "code_column"]),
        ("code_column: 1", "code_column: 2", ["supplier APE", "code_column", "stock_column", "both 2"]),
        ("code_column: 1", "code_column: 1\n    colour: red", ["supplier APE", "colour"]),
        ("stock_column: 2\n    rule: {kind: q", "rule: {kind: q", ["supplier BGA", "stock_column"]),
        ("stock_column: 2", "stock_column: 3", ["supplier APE", "headers", "before the columns"]),
        ("{kind: quantity, cap: 10}", "{kind: listed}", ["supplier BGA", "stock_column"]),
        ("{kind: quantity, cap: 10}", "{kind: quantity, cap: 0}", ["supplier BGA", "cap"]),
        ("{kind: quantity, cap: 10}", "{kind: quantity, cap: ten}", ["supplier BGA", "cap"]),
        ("{kind: quantity, cap: 10}", "{kind: formula}", ["supplier BGA", "rule", "formula"]),
        ("{kind: quantity, cap: 10}", "quantity", ["supplier BGA", "rule"]),
        ("[[BGA REFERENCE, Stock]]", "[[1, Stock]]", ["supplier BGA", "headers", "string"]),
        ("[[BGA REFERENCE, Stock]]", '[["", ""]]', ["supplier BGA", "headers", "at least one word"]),
        ("[[BGA REFERENCE, Stock]]", "[]\n    combine: average", ["supplier BGA", "combine"]),
        ("[[BGA REFERENCE, Stock]]", "[]\n    absent: guess", ["supplier BGA", "absent"]),
        ("[[BGA REFERENCE, Stock]]", "[]\n    thresholds: {max_rejected_share: 5}", ["max_rejected_share"]),
        ("[[BGA REFERENCE, Stock]]", "[]\n    thresholds: {max_age_days: 0}", ["BGA", "max_age_days"]),
        ("[[BGA REFERENCE, Stock]]", "[]\n    thresholds: {max_moods: 1}", ["BGA", "max_moods"]),
        ("[[BGA REFERENCE, Stock]]", "[]\n    thresholds: 5", ["supplier BGA", "thresholds"]),
        ("  BGA:", "  bga:", ["supplier bga", "pattern"]),
        ("  BGA:", "  NO:", ["supplier False", "pattern"]),
        ("  BGA:", "  APE:", ["line", "APE", "twice"]),
        ("    rule: {kind: q", "    code_column: 1\n    rule: {kind: q", ["line", "code_column", "twice"]),
        ("version: 1", "version: 2", ["version"]),
        ("version: 1", "", ["version", "required"]),
        ("stores: [AMS, RTG_FPS]", "", ["stores", "required"]),
        ("[AMS, RTG_FPS]", "[]", ["stores"]),
        ("[AMS, RTG_FPS]", "[AMS, ams]", ["stores.1", "pattern"]),
        ("[AMS, RTG_FPS]", "[AMS, RTG_FPS_2]", ["stores.1", "pattern"]),
        ("[AMS, RTG_FPS]", "[AMS, RTG/FPS]", ["stores.1", "pattern"]),
        ("[AMS, RTG_FPS]", '["AMS\\n"]', ["stores.0", "pattern"]),
        ("[AMS, RTG_FPS]", "[AMS, NO]", ["stores.1", "string"]),
        ("[AMS, RTG_FPS]", "[AMS, AST, AMS]", ["stores", "AMS", "twice"]),
        ("[AMS, RTG_FPS]", "[AMS, APE]", ["stores", "APE", "supplier"]),
        ("[AMS, RTG_FPS]", "AMS", ["stores"]),
        ("min_listings: 200", "min_listings: 0", ["table_limits.min_listings"]),
        ("max_share_changed: 0.6", "max_share_changed: 60", ["table_limits"]),
        ("  max_share_gone: 0.25\n", "", ["table_limits.max_share_gone", "required"]),
        ("min_codes_kept: 0.85", "min_codes_kept: 50", ["supplier APE", "min_codes_kept"]),
        ("    max_stock_lost: 0.15\n", "", ["supplier APE", "max_stock_lost", "required"]),
        ("absent: zero", "absent: zero\n  mood: good", ["supplier APE", "mood"]),
        ("defaults:\n", "defaults: 5\nrest:\n", ["defaults"]),
        ("thresholds:\n", "thresholds: 5\n  rest:\n", ["thresholds"]),
        ("max_moved_share: 0.2,", "", ["store_limits.max_moved_share"]),
        ("min_rows: 200", "min_rows: none", ["product_limits.min_rows"]),
        ("suppliers:", "supplier:", ["suppliers"]),
        ("version: 1", "version: [1", ["suppliers.yaml"]),
        ("version: 1", "version: !!python/object/apply:os.getcwd []", ["python/object"]),
        ("version: 1", "version: !!python/name:os.getcwd", ["python/name"]),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_supplier_and_field(load, old, new, words):
    assert old in SOUND
    with pytest.raises(SuppliersFileError) as caught:
        load(SOUND.replace(old, new, 1))
    for word in ["suppliers.yaml", *words]:
        assert word in str(caught.value)


def test_all_mistakes_are_told_at_once(load):
    with pytest.raises(SuppliersFileError) as caught:
        load(SOUND.replace("code_column: 1", "code_column: 0").replace("cap: 10", "cap: 0"))
    assert [line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:]] == [
        "supplier APE",
        "supplier BGA",
        "supplier BGA",
    ]


@pytest.mark.parametrize("text", ["", "just a sentence", "[]", "suppliers: []", b"\xff\xfe\x00", "\x01"])
def test_what_is_no_suppliers_file_at_all_is_refused(load, text):
    with pytest.raises(SuppliersFileError, match=r"suppliers\.yaml"):
        load(text)


def test_a_supplier_overrides_only_the_thresholds_it_names(load):
    changed = load(
        SOUND.replace("    headers: [[BGA", "    thresholds: {max_age_days: 30}\n    headers: [[BGA")
    )
    of_ape = changed.supplier("APE").thresholds
    assert changed.supplier("BGA").thresholds.model_dump() == of_ape.model_dump() | {"max_age_days": 30}
    assert of_ape.max_age_days == 7


NEWCOMER = """
  ACM:
    headers: [[Product, Stock]]
    code_column: 1
    stock_column: 2
    rule: {kind: quantity}
"""


@pytest.fixture
def deployed(tmp_path, monkeypatch):
    """The file of this process, to be changed."""
    path = tmp_path / "suppliers.yaml"
    path.write_text(SOUND)
    monkeypatch.setenv(OTHER_FILE, str(path))
    return path


def test_a_change_counts_at_once_even_if_the_file_keeps_its_size_and_time(deployed):
    assert load_suppliers().supplier("BGA").rule.model_dump()["cap"] == 10
    before = deployed.stat()
    deployed.write_text(SOUND.replace("cap: 10", "cap: 25"))
    os.utime(deployed, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load_suppliers().supplier("BGA").rule.model_dump()["cap"] == 25
    deployed.write_text(SOUND + NEWCOMER)
    assert "ACM" in load_suppliers().suppliers
    assert load_suppliers().supplier_of_file("acm 24-11.xlsx") == load_suppliers().supplier("ACM")


def test_a_file_that_stays_is_read_once(deployed):
    assert load_suppliers() is load_suppliers()


def test_a_mistake_is_told_until_it_is_mended(deployed):
    for _ in range(2):
        deployed.write_text(SOUND.replace("cap: 10", "cap: ten"))
        with pytest.raises(SuppliersFileError, match="supplier BGA"):
            load_suppliers()
        deployed.write_text(SOUND)
        assert load_suppliers().supplier("BGA").rule.model_dump()["cap"] == 10


def test_a_file_that_is_not_there_is_named(deployed):
    deployed.unlink()
    with pytest.raises(SuppliersFileError, match=f"{deployed} cannot be read"):
        load_suppliers()


def test_a_new_store_is_known_at_once(deployed):
    assert list(STORES) == ["AMS", "RTG_FPS"]
    assert (store_groups(), store_of_name("NEW 1.csv"), store_of_name("RTG 1.xlsx")) == (["RTG"], None, "RTG")
    deployed.write_text(SOUND.replace("[AMS, RTG_FPS]", "[AMS, NEW, RTG, RTG_FPS]"))
    assert (len(STORES), STORES[1], STORES[1:3]) == (4, "NEW", ("NEW", "RTG"))
    assert "NEW" in STORES
    assert "SJR" not in STORES
    assert {*STORES} == {"AMS", "NEW", "RTG", "RTG_FPS"}
    assert (store_groups(), store_of_name("NEW 1.csv"), store_of_name("RTG 1.xlsx")) == ([], "NEW", "RTG")


def test_an_unknown_supplier_is_named_beside_the_known_ones():
    with pytest.raises(SuppliersFileError, match=r"'XYZ'.*APE, BET"):
        SUPPLIERS.supplier("XYZ")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("APE SF.xlsx", "APE"),
        ("APE_2024.xlsx", "APE"),
        ("APE_2024-08-08 final.xlsx", "APE"),
        ("ape.xlsx", "APE"),
        ("Ape sf.XLSX", "APE"),
        ("RTG", "RTG"),
        ("APEX_1.xlsx", None),
        ("APE-1.xlsx", None),
        ("SF APE.xlsx", None),
        (" APE.xlsx", None),
        ("APE\u00a0SF.xlsx", "APE"),
        ("\ufb01r_1.xlsx", None),
        ("_APE.xlsx", None),
        (".xlsx", None),
        ("", None),
    ],
)
def test_a_file_belongs_to_the_supplier_its_name_begins_with(name, code):
    supplier = SUPPLIERS.supplier_of_file(name)
    assert (supplier.code if supplier else None) == code


NODES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 60) | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=3,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data())
def test_whatever_stands_there_is_taken_or_complained_about(tmp_path: Path, data):
    """A node anywhere in the file is replaced by anything: nothing but the file's own error comes out."""
    node = document = yaml.safe_load(SOUND)
    while True:
        key = data.draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.booleans()):
            node[key] = data.draw(NODES)
            break
        node = node[key]
    path = tmp_path / "suppliers.yaml"
    path.write_text(yaml.safe_dump(document))
    try:
        load_suppliers(path)
    except SuppliersFileError as error:
        assert "suppliers.yaml" in str(error)  # noqa: PT017 - either outcome is fine
