"""Changed rules of a supplier, tried on a workbook before anybody commits them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from stock_pipeline.errors import SuppliersFileError
from stock_pipeline.feeds.comparison import Known
from stock_pipeline.feeds.known import what_is_known_soon
from stock_pipeline.feeds.rule_trial import Trial, feed_of_day, try_rules
from stock_pipeline.suppliers import load_suppliers, rules_as_text, with_rules
from stock_pipeline.verdicts import Verdict
from tests.support.lake import Lake
from tests.support.workbooks.contents import good_rows
from tests.support.workbooks.making import Rows, write_rows

DAY = date(2024, 8, 8)
SUPPLIERS = load_suppliers()
BGA = SUPPLIERS.supplier("BGA")
ROWS: Rows = [["BGA REFERENCE", "Stock"], ["MANY", 25], ["BLANK", None], *good_rows(60)]
RULES = rules_as_text("BGA")


@pytest.fixture
def lake(lake: Lake) -> Lake:
    lake.put_product([("L-MANY", "MANY", "BGA"), ("L-BLANK", "BLANK", "BGA"), ("L-GONE", "GONE", "BGA")])
    lake.put_snapshot("BGA", DAY - timedelta(days=1), {"L-MANY": 4, "L-BLANK": 3, "L-GONE": 2})
    lake.put_snapshot("BGA", DAY, {"L-MANY": 99})
    return lake


def known(lake: Lake, code: str = "BGA") -> Known:
    return what_is_known_soon(lake, supplier=SUPPLIERS.supplier(code), run_date=DAY)


def attempt(lake: Lake, path: Path, text: str, rows: Rows = ROWS) -> Trial:
    write_rows(path / "list.xlsx", rows)
    found = known(lake)
    return try_rules(path / "list.xlsx", BGA, with_rules("BGA", text).supplier("BGA"), found, found, DAY)


def test_the_text_of_a_supplier_s_rules_gives_the_same_rules_for_every_supplier():
    for code in SUPPLIERS.suppliers:
        assert with_rules(code, rules_as_text(code)) == SUPPLIERS


@pytest.mark.parametrize(
    ("rules", "labels"),
    [
        (RULES, []),
        (RULES.replace("cap: 10", "cap: 20"), [("L-MANY", 10, 20)]),
        (RULES + "absent: keep\n", [("L-GONE", 0, 2)]),
        ("headers: [[BGA REFERENCE, Stock]]\ncode_column: 1\nrule: {kind: listed}\n", [("L-BLANK", 3, 10)]),
    ],
)
def test_it_shows_the_labels_whose_quantity_changes(lake: Lake, tmp_path: Path, rules, labels):
    trial = attempt(lake, tmp_path, rules)
    assert trial.labels.rows() == labels
    assert Verdict.REJECTED not in {trial.before.verdict, trial.after.verdict}


def test_it_shows_the_rows_that_are_read_differently(lake: Lake, tmp_path: Path):
    trial = attempt(lake, tmp_path, RULES.replace("cap: 10", "cap: 20"))
    assert trial.rows.height == 17
    assert trial.rows.head(1).to_dicts() == [
        {
            "row": 2,
            "code_before": "MANY",
            "stock_before": "25",
            "before": 10,
            "code_after": "MANY",
            "stock_after": "25",
            "after": 20,
            "why": None,
        }
    ]
    assert (trial.before.counts["rejected"], trial.after.counts["changed"]) == (1, 2)


def test_rules_by_which_nothing_counts_say_why(lake: Lake, tmp_path: Path):
    trial = attempt(lake, tmp_path, "headers: [[Other]]\ncode_column: 1\nrule: {kind: listed}\n")
    assert trial.after.verdict is Verdict.REJECTED
    assert "no accepted header" in trial.after.reason
    assert trial.labels.rows() == [("L-BLANK", 3, None), ("L-GONE", 0, None), ("L-MANY", 10, None)]


def test_words_where_numbers_should_be_reject_the_list(lake: Lake, tmp_path: Path):
    rule = 'rule: {kind: flag, in: ["YES"], out: ["NO"]}\n'
    trial = attempt(
        lake, tmp_path, f"headers: [[BGA REFERENCE, Stock]]\ncode_column: 1\nstock_column: 2\n{rule}"
    )
    assert trial.after.verdict is Verdict.REJECTED
    assert trial.after.reason.startswith("62 of 62 rows (100.0%; limit 5%) have no usable stock")
    assert trial.rows.height == 61
    assert trial.rows["why"][0] == "none of the words YES, NO"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rule: [", "the rules of BGA: "),
        ("just words", "must be fields with values"),
        ("code_column: 1\ncode_column: 2\n", "code_column is there twice"),
        (RULES.replace("code_column: 1", "code_column: 0"), "supplier BGA: code_column: "),
        (RULES + "surprise: 1\n", "supplier BGA: surprise: "),
        ("rule: !!python/object/apply:os.system ['true']\n", "the rules of BGA: could not determine"),
    ],
)
def test_rules_that_cannot_be_are_refused_with_the_field_and_nothing_in_them_is_run(text, said):
    with pytest.raises(SuppliersFileError) as refusal:
        with_rules("BGA", text)
    assert said in str(refusal.value)


def test_rules_by_which_the_list_would_be_held_say_why(lake: Lake, tmp_path: Path):
    lake.put_snapshot("BGA", DAY - timedelta(days=1), {"L-MANY": 0, "L-BLANK": 0, "L-GONE": 0})
    rule = "rule: {kind: listed}\n"
    trial = attempt(lake, tmp_path, RULES.partition("stock_column")[0] + rule)
    assert trial.after.verdict is Verdict.HELD
    assert any(text.startswith("2 of 3 known labels came back from zero") for text in trial.after.reasons)


def test_the_file_of_a_day_is_the_supplier_s_newest_workbook(lake: Lake):
    def of_day(code: str) -> str | None:
        return feed_of_day(lake, suppliers=SUPPLIERS, code=code, run_date=DAY)

    lake.upload_feed(DAY, "BGA_a.xlsx", b"1")
    key = lake.upload_feed(DAY, "BGA_b.xlsx", b"2")
    lake.upload_feed(DAY, "BGA_c.csv", b"3")
    lake.upload_feed(DAY, "old/BGA_d.xlsx", b"4")
    assert (of_day("BGA"), of_day("FEB")) == (key, None)


def test_a_list_is_compared_with_the_snapshot_of_an_earlier_day(lake: Lake):
    found = known(lake)
    assert found.baseline is not None
    assert found.baseline.day == DAY - timedelta(days=1)
    assert found.last is not None
    assert dict(found.last.rows()) == {"L-MANY": 4, "L-BLANK": 3, "L-GONE": 2}


def test_an_out_list_is_read_against_the_labels_of_its_last_snapshot(lake: Lake):
    lake.put_snapshot("RTG", DAY - timedelta(days=3), {"R1": 20, "R2": 0})
    assert known(lake, "RTG").parts.rows() == [("R1", "R1", "R1"), ("R2", "R2", "R2")]


def test_a_supplier_s_first_list_is_compared_with_nothing(lake: Lake):
    found = known(lake, "RTG")
    assert (found.last, found.baseline, found.parts.height) == (None, None, 0)
