"""Feeds that read well but are unlike their supplier's: held, until someone releases them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from stock_pipeline.feeds.processing import process_feed
from stock_pipeline.feeds.report import FeedReport
from stock_pipeline.feeds.snapshot_files import snapshot_metadata
from stock_pipeline.lake import locations
from stock_pipeline.lake.tables import SUPPLIER_STOCK
from stock_pipeline.releases import Release
from stock_pipeline.suppliers import load_suppliers
from stock_pipeline.verdicts import Verdict
from tests.support.lake import Lake
from tests.support.workbooks.making import Rows

SUPPLIERS = load_suppliers()
YESTERDAY, DAY, TOMORROW = (date(2024, 8, number) for number in (7, 8, 9))
HEADERS = {
    "BGA": ["BGA REFERENCE", "Stock"],
    "BET": ["Part", "Free Stk", "Cond Ind"],
    "JUR": ["Part", "Free Stk", "Cond Ind"],
    "KYB": ["Part number", "Stock"],
    "RTG": ["Custom label", "Info"],
}
PARTS = 200
SNAPSHOT = SUPPLIER_STOCK.key("BGA", "2024", "08", "08")

Stock = Callable[[int], Any]


def list_of(supplier: str, stock: Stock, start: int = 0, stop: int = PARTS) -> list[list[Any]]:
    """A list in which the part of each number has the stock given; None leaves the part out."""
    rows = [[f"{supplier}{number:04}", stock(number)] for number in range(start, stop)]
    return [HEADERS[supplier], *(row for row in rows if row[1] is not None)]


def always(stock: Any) -> Stock:
    """The same stock for every part."""
    return lambda _: stock


def usual(number: int) -> int:
    """Nine parts of ten are in stock."""
    return 0 if number % 10 == 0 else 5


def few(number: int) -> int:
    """One part of five is in stock."""
    return 5 if number % 5 == 0 else 0


@pytest.fixture
def lake(lake: Lake) -> Lake:
    """Three suppliers whose parts are each a label, and RTG's 400 labels in the store table."""
    lake.put_product(
        [
            (f"L-{supplier}{number:04}", f"{supplier}{number:04}", supplier)
            for supplier in ("BGA", "BET", "JUR", "KYB")
            for number in range(PARTS)
        ]
    )
    lake.put_listings("AMS", "RTG", (f"RTG{number:04}" for number in range(400)))
    return lake


def process(
    lake: Lake, supplier: str, day: date = DAY, release: Release | None = None, *, accept_first: bool = True
) -> FeedReport:
    """Judge a feed and register its snapshot if there is one, as the DAG does."""
    report = process_feed(
        lake,
        suppliers=SUPPLIERS,
        supplier=SUPPLIERS.supplier(supplier),
        run_date=day,
        release=release,
        accept_first=accept_first,
    )
    values = (supplier, *locations.date_parts(day))
    if report.snapshot and values not in lake.registered(SUPPLIER_STOCK.name):
        lake.register(SUPPLIER_STOCK.name, values, report.snapshot)
    return report


def accepted_yesterday(lake: Lake, supplier: str, rows: Rows) -> None:
    lake.upload_feed(YESTERDAY, f"{supplier} SF.xlsx", rows)
    report = process(lake, supplier, YESTERDAY)
    assert report.verdict is Verdict.ACCEPTED, report.reason


def failed(report: FeedReport) -> set[str]:
    return {check.name for check in report.checks if not check.passed}


def inverted(number: int) -> str:
    return "N" if usual(number) else "Y"


CASES: dict[str, tuple[str, Rows, Rows, set[str], list[str]]] = {
    # supplier, yesterday's list, today's, the checks it does not pass, words of the reason
    "a quarter to zero": (
        "BGA",
        list_of("BGA", usual),
        list_of("BGA", lambda number: 0 if number < 60 else usual(number)),
        {"flips", "labels_to_zero", "stock_lost", "worst_part"},
        ["54 of 200 known labels went to zero since 2024-08-07 (27.0%; limit 25%)"],
    ),
    "a quarter back from zero": (
        "BGA",
        list_of("BGA", few),
        list_of("BGA", lambda number: 5 if number < 70 else few(number)),
        {"flips", "labels_from_zero", "stock_returned", "worst_part"},
        ["56 of 200 known labels came back from zero", "28.0%"],
    ),
    "all there was of little": (
        "BGA",
        list_of("BGA", few),
        list_of("BGA", always(0)),
        {"flips", "stock_lost", "worst_part"},
        ["40 of the 40 labels that were in stock have none now, since 2024-08-07"],
    ),
    "every flag inverted": (
        "KYB",
        list_of("KYB", lambda number: "Y" if usual(number) else "N"),
        list_of("KYB", inverted),
        {"flips", "labels_to_zero", "stock_lost", "worst_part"},
        ["180 of 200 known labels went to zero"],
    ),
    "cut to less than half": (
        "BGA",
        list_of("BGA", usual),
        list_of("BGA", usual, stop=99),
        {"codes_kept", "gap", "labels_to_zero", "row_count_change", "stock_lost"},
        ["99 rows after 200", "99 of the 200 codes of 2024-08-07 are still listed (49.5%"],
    ),
    "twice as many rows": (
        "BGA",
        list_of("BGA", usual),
        [*list_of("BGA", usual), *list_of("BGA", usual)[1:]],
        {"row_count_change"},
        ["400 rows after 200"],
    ),
    "mostly unknown codes": (
        "BGA",
        list_of("BGA", usual),
        [*list_of("BGA", usual, stop=110), *([f"NEW{number}", 5] for number in range(130))],
        {"codes_kept", "gap", "labels_to_zero", "match_rate_fall", "stock_lost"},
        ["45.8% of the codes have a label, after 100.0%"],
    ),
    "prices for quantities": (
        "BGA",
        list_of("BGA", usual),
        list_of("BGA", lambda number: usual(number) if number > 5 else 12.99),
        {"fraction_share"},
        ["6 of 200 rows have a fraction as their stock (the first, on row 2, reads '12.99')"],
    ),
    "whole prices for quantities": (
        "BGA",
        list_of("BGA", usual),
        list_of("BGA", lambda number: 0 if usual(number) == 0 else 14 + number),
        {"jumps", "level", "one_sided_change", "worst_part"},
        ["of 180 codes in stock both times 180 have more and 0 less since 2024-08-07"],
    ),
    "pack sizes for quantities": (
        "BGA",
        list_of("BGA", usual),
        list_of("BGA", lambda number: 0 if usual(number) == 0 else 1),
        {"jumps", "level", "one_sided_change", "same_step", "worst_part"},
        ["0 have more and 180 less since 2024-08-07"],
    ),
    "another supplier's list": (
        "JUR",
        list_of("JUR", usual),
        [*list_of("BET", usual), *list_of("JUR", usual, stop=20)[1:]],
        {"codes_kept", "gap", "labels_to_zero", "match_rate_fall", "other_supplier_match", "stock_lost"},
        ["it looks like BET's list", "200 of its 220 codes are known for BET, 20 for this supplier"],
    ),
    "a short out list": (
        "RTG",
        list_of("RTG", always("out"), stop=100),
        list_of("RTG", always("out"), stop=30),
        {"row_count_change", "codes_kept", "gap"},
        ["30 rows after 100", "30 of the 100 codes"],
    ),
    "an out list cut in half": (
        "RTG",
        list_of("RTG", always("out"), stop=100),
        list_of("RTG", always("out"), stop=50),
        {"gap", "row_count_change"},
        ["50 rows after 100 on 2024-08-07 (50.0%; limit 40%)"],
    ),
    "nearly everything out": (
        "RTG",
        list_of("RTG", always("out"), stop=100),
        list_of("RTG", always("out"), stop=400),
        {"row_count_change", "labels_to_zero", "stock_lost"},
        ["300 of 400 known labels went to zero"],
    ),
}


@pytest.mark.parametrize(
    ("supplier", "before", "now", "checks", "words"), list(CASES.values()), ids=list(CASES)
)
def test_a_feed_unlike_its_supplier_s_is_held_and_changes_nothing(
    lake: Lake, supplier: str, before: Rows, now: Rows, checks: set[str], words: list[str]
):
    accepted_yesterday(lake, supplier, before)
    lake.upload_feed(DAY, f"{supplier} SF.xlsx", now)
    kept = lake.bodies("supplier_stock/")
    report = process(lake, supplier)
    assert report.verdict is Verdict.HELD
    assert failed(report) == checks
    for word in words:
        assert word in report.reason
    assert lake.bodies("supplier_stock/") == kept
    assert (report.snapshot, report.partition(lake.bucket)) == (None, None)
    assert lake.keys("quarantine/") == []
    assert report.message("s3://report").event == "feed_held"
    assert report.age_days == 1


HONEST: dict[str, tuple[str, Rows, Rows]] = {
    "the same": ("BGA", list_of("BGA", usual), list_of("BGA", usual)),
    "a few to zero": (
        "BGA",
        list_of("BGA", usual),
        list_of("BGA", lambda number: 0 if number % 14 == 1 else usual(number)),
    ),
    "as many rise as fall": (
        "BGA",
        list_of("BGA", usual),
        list_of("BGA", lambda number: 0 if usual(number) == 0 else (3, 4, 6, 7)[number % 4]),
    ),
    "a tenth of the codes gone, here and there": (
        "BGA",
        list_of("BGA", few),
        list_of("BGA", lambda number: None if number % 11 == 3 else few(number)),
    ),
    "an out list of which two in five came back": (
        "RTG",
        list_of("RTG", always("out"), stop=100),
        list_of("RTG", lambda number: None if number % 5 < 2 and number < 100 else "out", stop=140),
    ),
    "one fraction": (
        "BGA",
        list_of("BGA", usual),
        list_of("BGA", lambda number: 2.5 if number == 1 else usual(number)),
    ),
    "whole numbers with decimals": (
        "BGA",
        list_of("BGA", usual),
        list_of("BGA", lambda number: f"{usual(number)}.00"),
    ),
}


@pytest.mark.parametrize(("supplier", "before", "now"), list(HONEST.values()), ids=list(HONEST))
def test_an_honest_change_is_accepted(lake: Lake, supplier: str, before: Rows, now: Rows):
    accepted_yesterday(lake, supplier, before)
    lake.upload_feed(DAY, f"{supplier} SF.xlsx", now)
    report = process(lake, supplier)
    assert report.verdict is Verdict.ACCEPTED, report.reason
    assert failed(report) == set()


def test_labels_that_are_new_to_the_mapping_did_not_flip(lake: Lake):
    lake.put_product([(f"L-BGA{number:04}", f"BGA{number:04}", "BGA") for number in range(100)])
    accepted_yesterday(lake, "BGA", list_of("BGA", usual))
    lake.put_product([(f"L-BGA{number:04}", f"BGA{number:04}", "BGA") for number in range(PARTS)])
    lake.upload_feed(DAY, "BGA.xlsx", list_of("BGA", usual))
    report = process(lake, "BGA")
    assert report.verdict is Verdict.ACCEPTED
    assert report.counts["from_zero"] == 90


def test_the_first_feed_has_nothing_to_compare_with(lake: Lake):
    lake.upload_feed(DAY, "BGA.xlsx", list_of("BGA", always(0)))
    report = process(lake, "BGA")
    assert report.verdict is Verdict.ACCEPTED
    assert {check.name for check in report.checks if check.value is None} == {
        "one_list",
        "first_list",
        "labels_to_zero",
        "labels_from_zero",
        "stock_lost",
        "gap",
        "agreement",
        "level",
        "same_stock",
        "flips",
        "jumps",
        "stock_returned",
        "one_sided_change",
        "same_step",
        "worst_part",
        "older_list",
        "row_count_change",
        "codes_kept",
        "match_rate_fall",
        "thousands",
        "other_supplier_match",
    }


def test_a_first_list_is_held_unless_the_run_accepts_it(lake: Lake):
    lake.upload_feed(DAY, "BGA.xlsx", list_of("BGA", usual))
    report = process(lake, "BGA", accept_first=False)
    assert (report.verdict, failed(report)) == (Verdict.HELD, {"first_list"})
    assert "first list of this supplier: nothing to compare with" in report.reason
    assert process(lake, "BGA").verdict is Verdict.ACCEPTED
    # A run for the same day and file ends the same without being told again.
    assert process(lake, "BGA", accept_first=False).verdict is Verdict.ACCEPTED


def test_even_a_first_feed_may_not_be_another_supplier_s(lake: Lake):
    lake.upload_feed(DAY, "JUR.xlsx", [*list_of("BET", usual), ["JUR0001", 5]])
    report = process(lake, "JUR")
    assert report.verdict is Verdict.HELD
    assert (report.looks_like, failed(report)) == ("BET", {"other_supplier_match"})


def test_one_list_under_two_names_is_held_for_the_one_it_is_not(lake: Lake):
    accepted_yesterday(lake, "JUR", list_of("JUR", usual))
    accepted_yesterday(lake, "BET", list_of("BET", usual))
    body = lake.workbook([*list_of("BET", usual), ["JUR0001", 5]])
    for name in ("BET SF.xlsx", "JUR SF.xlsx"):
        lake.upload_feed(DAY, name, body)
    wrong, right = process(lake, "JUR"), process(lake, "BET")
    assert wrong.verdict is Verdict.HELD
    assert "same_content" in failed(wrong)
    assert "it has the same content as BET SF.xlsx of 2024-08-08" in wrong.reason
    assert right.verdict is Verdict.ACCEPTED
    assert next(check for check in right.checks if check.name == "same_content").value == 1


def test_yesterday_s_list_of_another_supplier_is_recognised(lake: Lake):
    accepted_yesterday(lake, "JUR", list_of("JUR", usual))
    body = lake.workbook([*list_of("BET", usual), ["JUR0001", 5]])
    lake.upload_feed(YESTERDAY, "BET SF.xlsx", body)
    lake.upload_feed(DAY, "JUR SF.xlsx", body)
    report = process(lake, "JUR")
    assert report.verdict is Verdict.HELD
    assert "it has the same content as BET SF.xlsx of 2024-08-07" in report.reason


def test_a_list_nobody_s_mapping_prefers_is_held_for_both(lake: Lake):
    shared = [("L-X1", "X1"), ("L-X2", "X2")]
    lake.put_product([(label, part, code) for label, part in shared for code in ("JUR", "BET")])
    body = lake.workbook([HEADERS["JUR"], ["X1", 5], ["X2", 0]])
    for name in ("BET.xlsx", "JUR.xlsx"):
        lake.upload_feed(DAY, name, body)
    assert [process(lake, code).verdict for code in ("BET", "JUR")] == [Verdict.HELD, Verdict.HELD]


def test_whose_header_it_is_stands_in_the_reason_of_a_rejection(lake: Lake):
    lake.upload_feed(DAY, "BGA.xlsx", list_of("BET", usual))
    report = process(lake, "BGA")
    assert report.verdict is Verdict.REJECTED
    assert "that is how lists of BET and JUR begin" in report.reason


def test_a_rejection_says_whose_list_it_seems_to_be(lake: Lake):
    lake.upload_feed(DAY, "JUR.xlsx", list_of("BET", usual))
    report = process(lake, "JUR")
    assert (report.verdict, report.looks_like) == (Verdict.REJECTED, "BET")
    assert "it looks like BET's list; no usable row" in report.reason


# --- release ---------------------------------------------------------------------------------------------

HALF = list_of("BGA", usual, stop=99)
RELEASE = Release(by="jo", reason="they closed a warehouse")


@pytest.fixture
def held(lake: Lake) -> FeedReport:
    """A held feed of BGA."""
    accepted_yesterday(lake, "BGA", list_of("BGA", usual))
    lake.upload_feed(DAY, "BGA SF.xlsx", HALF)
    return process(lake, "BGA")


def test_a_released_feed_is_accepted_and_says_by_whom_and_why(lake: Lake, held: FeedReport):
    report = process(lake, "BGA", release=RELEASE)
    assert report.verdict is Verdict.ACCEPTED
    assert held.file is not None
    assert report.release == Release(by="jo", reason="they closed a warehouse", sha256=held.file.sha256)
    assert "released by jo (they closed a warehouse) although" in report.reason
    assert failed(report) == failed(held)
    assert snapshot_metadata(lake, "BGA", DAY)["released"] == "true"
    # What releasing would change was told before.
    assert report.counts == held.counts


def test_a_released_feed_is_what_the_next_one_is_compared_with(lake: Lake, held: FeedReport):
    process(lake, "BGA", release=RELEASE)
    lake.upload_feed(TOMORROW, "BGA SF.xlsx", HALF)
    report = process(lake, "BGA", TOMORROW)
    assert (report.verdict, report.release) == (Verdict.ACCEPTED, None)
    assert "released" not in snapshot_metadata(lake, "BGA", TOMORROW)


def test_running_the_day_again_holds_to_the_release_of_the_same_file(lake: Lake, held: FeedReport):
    released = process(lake, "BGA", release=RELEASE)
    before = lake.bodies()
    assert process(lake, "BGA") == released
    assert lake.bodies() == before


def test_a_release_is_for_the_file_that_was_looked_at(lake: Lake, held: FeedReport):
    assert held.file is not None
    looked_at = lake.read(held.file.key)
    other = lake.workbook(list_of("BGA", usual, stop=50))
    release = RELEASE.model_copy(update={"sha256": held.file.sha256})
    lake.upload_feed(DAY, "BGA SF.xlsx", other)
    report = process(lake, "BGA", release=release)
    assert report.verdict is Verdict.HELD
    assert "the release that was given is for another file" in report.reason
    # Nor does a release from before the file was replaced hold.
    lake.upload_feed(DAY, "BGA SF.xlsx", looked_at)
    assert process(lake, "BGA", release=release).verdict is Verdict.ACCEPTED
    lake.upload_feed(DAY, "BGA SF.xlsx", other)
    assert process(lake, "BGA").verdict is Verdict.HELD


def test_a_worse_file_keeps_what_was_released(lake: Lake, held: FeedReport):
    process(lake, "BGA", release=RELEASE)
    before = lake.bodies("supplier_stock/")
    lake.upload_feed(DAY, "BGA SF.xlsx", list_of("BGA", usual, stop=20))
    report = process(lake, "BGA")
    assert (report.verdict, report.age_days) == (Verdict.HELD, 0)
    assert lake.bodies("supplier_stock/") == before


def test_what_is_accepted_anyway_needs_no_release(lake: Lake):
    accepted_yesterday(lake, "BGA", list_of("BGA", usual))
    lake.upload_feed(DAY, "BGA.xlsx", list_of("BGA", usual))
    report = process(lake, "BGA", release=RELEASE)
    assert (report.verdict, report.release) == (Verdict.ACCEPTED, None)


def test_nobody_can_release_what_is_rejected(lake: Lake):
    lake.upload_feed(DAY, "BGA.xlsx", list_of("BGA", always("?")))
    assert process(lake, "BGA", release=RELEASE).verdict is Verdict.REJECTED


def test_it_is_judged_by_earlier_days_only(lake: Lake, held: FeedReport):
    """A rerun of the day judges as the first run did, whatever came later."""
    lake.upload_feed(TOMORROW, "BGA.xlsx", list_of("BGA", usual))
    assert process(lake, "BGA", TOMORROW).verdict is Verdict.ACCEPTED
    assert process(lake, "BGA") == held
    assert (DAY - timedelta(days=1)) == held.last_snapshot
