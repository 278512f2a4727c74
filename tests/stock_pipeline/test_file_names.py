"""Names of uploads: what people use is taken, what misleads is refused, and nothing of it stops a run."""

from __future__ import annotations

import fnmatch
import unicodedata
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stock_pipeline.daily_summary.summary import quarantine_unrecognised
from stock_pipeline.feeds.processing import process_feed
from stock_pipeline.file_names import (
    LONGEST_NAME,
    SHOWN_CHARACTERS,
    copy_key,
    copy_name,
    given_name,
    name_fault,
    shown_name,
)
from stock_pipeline.lake import locations
from stock_pipeline.suppliers import file_pattern, load_suppliers
from stock_pipeline.verdicts import Verdict
from tests.support.lake import Lake

DAY = date(2024, 8, 8)
SUPPLIERS = load_suppliers()
HOSTILE_NAMES = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("./\\~$%#?+&=<>[]*\u202e\u00a0\n\0")),
    min_size=1,
    max_size=300,
)


@pytest.mark.parametrize(
    "name",
    [
        "APE.xlsx",
        "APE SF.xlsx",
        "ape_2024.08.08.final.XLSX",
        "APE (2).xlsx",
        "APE [new] {1}.xlsx",
        "APE & Söhne #1 +50% = ok!.xlsx",
        "APE_Prüfung é ñ.xlsx",
        "APE_価格表.xlsx",
        "APE_прайс.xlsx",
        "APE\u00a0list.xlsx",
        "APE 9.41\u202fAM.xlsx",
        "APE it's 'new'; \"really\".xlsx",
        "APE {{ 7*7 }}.xlsx",
        "APE <img src=x onerror=alert(1)>.xlsx",
        "APE ![x](http:) $x$ `y`.xlsx",
        "APE \U0001f468\u200d\U0001f469\u200d\U0001f467.xlsx",
        "APE_" + "x" * (LONGEST_NAME - 9) + ".xlsx",
        "COM.xlsx",
        "COM 1.xlsx",
        "CONSTANT.xlsx",
    ],
)
def test_what_people_call_files_is_taken(name):
    assert name_fault(name) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "no name"),
        (" . ", "no name"),
        ("APE\n.xlsx", "a control character in it (U+000A)"),
        ("APE\0.xlsx", "U+0000"),
        ("APE\x1b[31m.xlsx", "U+001B"),
        ("APE\x85.xlsx", "U+0085"),
        ("APE_\u202excod.xlsx", "turns the direction of the text in it (U+202E)"),
        ("APE_\u2066x.xlsx", "U+2066"),
        ("APE\u200b_1.xlsx", "an invisible character in it (U+200B)"),
        ("\ufeffAPE.xlsx", "U+FEFF"),
        ("APE\u2028.xlsx", "U+2028"),
        ("APE_\ud800.xlsx", "no character"),
        ("APE_\uffff.xlsx", "no character"),
        ("../APE.xlsx", "slash"),
        ("APE/1.xlsx", "slash"),
        ("APE\\1.xlsx", "slash"),
        (".APE.xlsx", "begins with a dot"),
        ("..xlsx", "begins with a dot"),
        ("~$APE.xlsx", "Excel's note"),
        ("APE_" + "x" * (LONGEST_NAME - 8) + ".xlsx", "201 characters"),
        ("CON.xlsx", "CON for a device"),
        ("con .xlsx", "CON for a device"),
        ("Com1.xlsx", "COM1 for a device"),
        ("LPT9.tar.xlsx", "LPT9 for a device"),
    ],
)
def test_what_misleads_is_refused_with_the_reason(name, words):
    fault = name_fault(name)
    assert fault is not None
    assert words in fault


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("C:\\lists\\BET_1.xlsx", "BET_1.xlsx"),
        ("../../BET_1.xlsx", "BET_1.xlsx"),
        (" BET 1.xlsx \n", "BET 1.xlsx"),
        ("BET_Pru\u0308fung.xlsx", "BET_Prüfung.xlsx"),
    ],
)
def test_a_browsers_name_loses_folders_and_blanks_around_it(given, name):
    assert given_name(given) == name


@given(name=HOSTILE_NAMES)
def test_a_name_in_a_sentence_is_short_and_has_nothing_invisible_in_it(name):
    shown = shown_name(name)
    assert len(shown) <= SHOWN_CHARACTERS
    assert not any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} for letter in shown)
    assert "\u202e" not in shown


@given(names=st.sets(HOSTILE_NAMES, min_size=2, max_size=5))
@example(names={"x.xlsx", "x.xlsx.txt"})
@example(names={"a/../b.xlsx", "b.xlsx", "a/b.xlsx"})
def test_copies_have_keys_that_work_and_never_share_one(names):
    keys = set()
    for name in names:
        key = locations.quarantine_key(DAY, name)
        assert len(f"{key}.txt".encode()) <= 1024
        assert all(part not in {"", ".", ".."} for part in key.split("/"))
        keys |= {key, f"{key}.txt"}
    assert len(keys) == 2 * len(names)


@given(name=HOSTILE_NAMES)
def test_a_copy_keeps_a_good_name_and_the_folder_of_its_day(name):
    if name_fault(name) is None and not name.lower().endswith(".txt") and len(name.encode()) <= 700:
        assert copy_name(name) == name
    folder = f"store_feed/{locations.day_prefix(DAY)}"
    assert copy_key(folder + name) == folder + copy_name(name)


CODES = [*SUPPLIERS.suppliers]
NAMES_OF_SUPPLIERS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from([*CODES, *map(str.lower, CODES), "\ufb01r", "\u017fmp", "APEX", ""]),
    st.sampled_from([" ", "_", ".", "\u00a0", "\u202f", "-", "(", "", "\t"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), max_size=12),
    st.sampled_from([".xlsx", ".XLSX", ".Xlsx", ".xls", ".xlsx ", ""]),
)


@given(name=NAMES_OF_SUPPLIERS)
def test_the_sensor_waits_for_exactly_the_workbooks_that_the_run_takes_for_the_suppliers(name):
    owner = SUPPLIERS.supplier_of_file(name)
    waited_for = {code for code in CODES if fnmatch.fnmatch(name, file_pattern(code))}
    if name.lower().endswith(".xlsx"):
        assert waited_for == ({owner.code} if owner else set())
    else:
        assert waited_for <= ({owner.code} if owner else set())


ODD_NAMES = [
    "APE_{{ 7*7 }}.xlsx",
    "APE_\u202excod.xlsx",
    "APE_a%2Fb+c #1?.xlsx",
    "APE_<img src=x>.xlsx",
    "APE_" + "ü" * 400 + ".xlsx",
    "APE ..%00.xlsx",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_that_came_past_the_page_gets_a_verdict_a_report_and_a_copy_that_works(lake: Lake, name):
    lake.put_product([("L1", "P1", "APE")])
    key = locations.stock_feed_prefix(DAY) + name
    lake.put(key, b"not a workbook")
    report = process_feed(
        lake,
        suppliers=SUPPLIERS,
        supplier=SUPPLIERS.supplier("APE"),
        run_date=DAY,
        accept_first=True,
    )
    assert report.verdict is Verdict.REJECTED
    assert report.reason.startswith(f"{shown_name(name)} is rejected")
    assert report.quarantined is not None
    assert lake.read(report.quarantined) == b"not a workbook"
    assert lake.read(f"{report.quarantined}.txt").decode().strip() == report.reason
    assert lake.json(locations.stock_feed_report_key(DAY, "APE"))["file"]["key"] == key


@pytest.mark.parametrize(
    "name", ["\u202eAPE.xlsx", "../APE_1.xlsx", "a//b.xlsx", ".hidden", "x" * 900, "\x07"]
)
def test_a_stray_file_of_any_name_is_put_aside_with_the_reason(lake: Lake, name):
    lake.put(locations.stock_feed_prefix(DAY) + name, b"whose?")
    (found,) = quarantine_unrecognised(lake, SUPPLIERS, DAY)
    assert found.name == shown_name(name)
    assert lake.read(found.quarantined) == b"whose?"
    assert lake.read(f"{found.quarantined}.txt").decode().strip() == found.reason
