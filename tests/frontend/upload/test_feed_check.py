from __future__ import annotations

import itertools
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from frontend.core import aws
from frontend.upload.feed_check import FeedCheck, FeedRequest, Outlook, look_at
from frontend.upload.uploads import Chosen, check_feeds, sort_feeds
from local_aws.server import LocalAws
from stock_pipeline.feeds.feed_reader import FeedReader
from stock_pipeline.feeds.processing import process_feed
from stock_pipeline.verdicts import Verdict
from tests.support.lake import Lake
from tests.support.pages.day import DAY, SUPPLIERS
from tests.support.workbooks.making import Rows

PARTS = range(40)
BEFORE = DAY - timedelta(days=1)


def bet(*stock: Any) -> Rows:
    """BET's list, with these stock cells in turn."""
    cells = itertools.cycle(stock)
    return [["Part", "Free Stk", "Cond Ind"], *([f"P{part}", next(cells), 1] for part in PARTS)]


LISTS: dict[str, Rows] = {
    "as yesterday": bet(5),
    "one part out": bet(0, *[5] * (len(PARTS) - 1)),
    "half of it out": bet(0, 5),
    "nothing usable": bet("ask"),
    "unknown codes": [["Part", "Free Stk", "Cond Ind"], *([f"X{part}", 5, 1] for part in PARTS)],
    "another header": [["Part no", "Stock"], ["P1", "YES"]],
}


@pytest.fixture
def filled(lake: Lake) -> Lake:
    """BET and RTG with a mapping and a snapshot of the day before."""
    lake.put_product([(f"L{part}", f"P{part}", "BET") for part in PARTS])
    lake.put_listings("AMS", "RTG", [f"R{part}" for part in PARTS])
    for supplier, label, stock in (("BET", "L", 5), ("RTG", "R", 20)):
        lake.put_snapshot(supplier, BEFORE, {f"{label}{part}": stock for part in PARTS})
    return lake


def look(lake: Lake, content: bytes, supplier: str = "BET", day: date = DAY) -> FeedCheck:
    path = Path(lake.folder) / "chosen.xlsx"
    path.write_bytes(content)
    request = FeedRequest(path=path, name=f"{supplier}.xlsx", supplier=supplier, run_date=day)
    with FeedReader() as reader:
        return look_at(request, reader)


FORETOLD = {
    Verdict.ACCEPTED: Outlook.FINE,
    Verdict.HELD: Outlook.HELD,
    Verdict.REJECTED: Outlook.UNUSABLE,
}


@pytest.mark.parametrize("name", LISTS)
def test_the_page_foretells_what_the_run_says(filled: Lake, name: str) -> None:
    content = filled.workbook(LISTS[name])
    check = look(filled, content)
    filled.upload_feed(DAY, "BET_1.xlsx", content)
    report = process_feed(
        filled,
        suppliers=SUPPLIERS,
        supplier=SUPPLIERS.supplier("BET"),
        run_date=DAY,
        accept_first=True,
    )
    assert check.outlook is FORETOLD[report.verdict]
    assert [entry.model_dump() for entry in check.checks] == [entry.model_dump() for entry in report.checks]
    counts = check.counts.items() & report.counts.items()
    assert dict(counts) == report.counts
    if check.outlook is Outlook.UNUSABLE:
        assert check.text in report.reason


def test_a_first_list_has_nothing_to_be_compared_with(filled: Lake) -> None:
    check = look(filled, filled.workbook(LISTS["as yesterday"]), day=BEFORE)
    assert (check.outlook, check.last_snapshot) == (Outlook.HELD, None)
    assert "first list" in check.text


def test_what_was_accepted_that_very_day_is_not_compared_with(filled: Lake) -> None:
    assert look(filled, filled.workbook(LISTS["as yesterday"])).last_snapshot == BEFORE


def test_looking_writes_nothing_and_never_reads_the_store_table(
    filled: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, str]] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        calls.append((model.name, params["url_path"].split("/", 2)[-1]))

    aws.s3_client().meta.events.register("before-call.s3", note)
    before = filled.bodies()
    look(filled, filled.workbook(LISTS["half of it out"]))
    rtg: Rows = [["Custom label", "Info"], ["R1", None], ["R2", None], ["R99", None]]
    check = look(filled, filled.workbook(rtg), "RTG")
    assert filled.bodies() == before
    assert (check.counts["matched"], check.counts["to_zero"]) == (2, 2)
    assert calls
    assert not [call for call in calls if "store/" in str(call)]
    assert {name for name, _ in calls} <= {"GetObject", "HeadObject", "ListObjectsV2"}


def test_the_same_content_under_two_names_is_told_even_before_it_is_sent(filled: Lake) -> None:
    content = filled.workbook(LISTS["as yesterday"])
    chosen = [Chosen.of("BET_1.xlsx", content), Chosen.of("JUR_1.xlsx", content)]
    own, others = check_feeds(sort_feeds(chosen, SUPPLIERS), DAY)
    assert own.outlook is Outlook.FINE, own.text
    assert others.outlook is Outlook.UNUSABLE
    assert others.looks_like == "BET"


def test_without_the_product_table_the_list_is_read_and_the_reason_told(filled: Lake) -> None:
    filled.s3.delete_object(Bucket=filled.bucket, Key="product/data.parquet")
    check = look(filled, filled.workbook(LISTS["as yesterday"]))
    assert check.outlook is Outlook.FINE
    assert check.counts["rows"] == len(PARTS)
    assert "load the product table first" in check.text


def test_a_file_that_is_no_workbook_is_told_in_words(filled: Lake) -> None:
    assert look(filled, b"Part,Free Stk\n").text.startswith("not a workbook")
    assert "empty" in look(filled, BytesIO().getvalue()).text


@pytest.mark.parametrize(
    ("service", "action"), [("s3", "GetObject"), ("s3", "ListObjectsV2"), ("glue", "GetPartitions")]
)
def test_an_outage_is_not_the_files_fault(
    filled: Lake, local_aws: LocalAws, service: str, action: str
) -> None:
    local_aws.faults.add(service, action, "InternalError")
    try:
        check = look(filled, filled.workbook(LISTS["as yesterday"]))
    finally:
        local_aws.faults.clear()
    assert check.outlook is Outlook.UNKNOWN
    assert check.text.startswith("could not be checked because AWS does not answer")
    assert look(filled, filled.workbook(LISTS["as yesterday"])).outlook is Outlook.FINE


def test_a_file_that_is_wrong_is_wrong_in_an_outage_too(filled: Lake, local_aws: LocalAws) -> None:
    local_aws.faults.add("s3", "GetObject", "InternalError")
    try:
        check = look(filled, filled.workbook(LISTS["another header"]))
    finally:
        local_aws.faults.clear()
    assert check.outlook is Outlook.UNUSABLE
