"""A file that ends its reader ends in a verdict, with quarantine and report, no matter who reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from stock_pipeline.feeds import processing
from stock_pipeline.feeds.comparison import Known
from stock_pipeline.feeds.feed_reader import FEED_LIMITS, FeedReader
from stock_pipeline.feeds.known import what_is_known_soon
from stock_pipeline.feeds.report import FeedReport
from stock_pipeline.feeds.rule_trial import try_rules
from stock_pipeline.lake import locations
from stock_pipeline.refresh.list_reader import ListReader
from stock_pipeline.refresh.product import read_product
from stock_pipeline.refresh.report import RefreshFile, RefreshReport
from stock_pipeline.refresh.store import find_files, read_store
from stock_pipeline.suppliers import load_suppliers, rules_as_text, with_rules
from stock_pipeline.verdicts import Verdict
from tests.support.hostile import short_texts_by_the_million
from tests.support.lake import Lake
from tests.support.workbooks.in_order import in_order

DAY = date(2024, 8, 8)
SUPPLIERS = load_suppliers()
BGA = SUPPLIERS.supplier("BGA")
STRANGERS = "tests.support.strangers"
WORDS = "cannot be read safely"
WHAT_TO_DO = "open it in Excel, check the list, save it again as .xlsx and send that"

Deadly = Callable[[str], None]


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> Deadly:
    """Makes the reader die of whatever it is given."""
    monkeypatch.setattr(FeedReader, "limits", replace(FEED_LIMITS, cpu_seconds=1))

    def make_deadly(way: str) -> None:
        for reader in (FeedReader, ListReader):
            monkeypatch.setattr(reader, "function", f"{STRANGERS}:{way}")

    return make_deadly


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    path = tmp_path / "feed.xlsx"
    in_order(path)
    return path.read_bytes()


def process(lake: Lake) -> FeedReport:
    return processing.process_feed(lake, suppliers=SUPPLIERS, supplier=BGA, run_date=DAY, accept_first=True)


def feed_is_rejected(lake: Lake, how: str) -> None:
    """Process BGA's feed, which is to be put aside with the reason beside it."""
    report = process(lake)
    assert report.verdict is Verdict.REJECTED
    assert f"the workbook {WORDS} ({how}): {WHAT_TO_DO}" in report.reason
    assert report.quarantined is not None
    assert lake.read(report.quarantined) == lake.read(f"{locations.stock_feed_prefix(DAY)}BGA.xlsx")
    assert lake.read(f"{report.quarantined}.txt").decode().strip() == report.reason
    assert lake.json(locations.stock_feed_report_key(DAY, "BGA"))["verdict"] == "rejected"


@pytest.mark.parametrize(
    ("way", "how"),
    [
        ("abort", "it ended with SIGABRT"),
        ("segfault", "it ended with SIGSEGV"),
        ("be_killed", "it ended with SIGKILL"),
        ("run_out_of_memory", "MemoryError"),
        ("take_for_ever", "it took more than 1 s"),
    ],
)
def test_a_feed_that_ends_its_reader_is_rejected(
    lake: Lake, deadly: Deadly, content: bytes, way: str, how: str
) -> None:
    lake.put_product([("L", "PX0001", "BGA")])
    lake.upload_feed(DAY, "BGA.xlsx", content)
    deadly(way)
    feed_is_rejected(lake, how)


def test_a_feed_beyond_the_real_limits_is_rejected(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "hostile.xlsx"
    short_texts_by_the_million(path)
    lake.put_product([("L", "PX0001", "BGA")])
    lake.upload_feed(DAY, "BGA.xlsx", path.read_bytes())
    feed_is_rejected(lake, "it ended with SIGABRT")


def refresh(lake: Lake, table: str, subject: str, key: str, content: bytes) -> RefreshReport:
    """A report on an upload, as the task makes it."""
    lake.put(key, content)
    found = lake.s3.head_object(Bucket=lake.bucket, Key=key)
    file = RefreshFile(key=key, size=found["ContentLength"], last_modified=found["LastModified"])
    return RefreshReport(
        run_date=DAY, run_id="run", table=table, subject=subject, replace_store=True, file=file
    )


@pytest.mark.parametrize(("ending", "what"), [(".xlsx", "the workbook"), (".csv", "the file")])
def test_a_store_s_list_that_ends_its_reader_is_rejected(
    lake: Lake, deadly: Deadly, content: bytes, ending: str, what: str
) -> None:
    key = f"{locations.STORE_FEEDS}{locations.day_prefix(DAY)}AMS{ending}"
    report = refresh(lake, "store", "AMS", key, content)
    deadly("abort")
    assert read_store(lake, suppliers=SUPPLIERS, report=report) is None
    assert report.verdict is Verdict.REJECTED
    assert f"{what} {WORDS}" in report.reason
    assert report.quarantined is not None
    assert lake.read(report.quarantined) == content


def test_a_mapping_that_ends_its_reader_is_rejected(lake: Lake, deadly: Deadly, content: bytes) -> None:
    key = f"{locations.PRODUCT_FEEDS}{locations.day_prefix(DAY)}mapping.xlsx"
    report = refresh(lake, "product", "product", key, content)
    deadly("segfault")
    assert read_product(lake, suppliers=SUPPLIERS, report=report) is None
    assert report.verdict is Verdict.REJECTED
    assert WORDS in report.reason
    assert report.quarantined is not None


def test_a_workbook_of_several_stores_that_ends_its_reader_is_put_aside(
    lake: Lake, deadly: Deadly, content: bytes
) -> None:
    key = f"{locations.STORE_FEEDS}{locations.day_prefix(DAY)}RTG.xlsx"
    lake.put(key, content)
    deadly("be_killed")
    found = find_files(lake, DAY)
    assert found.by_store == {}
    assert [WORDS in reason for reason in found.not_read.values()] == [True]
    assert lake.read(locations.quarantined_key(key)) == content


def test_a_trial_of_rules_survives_a_workbook_that_ends_its_reader(
    lake: Lake, deadly: Deadly, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "list.xlsx"
    path.write_bytes(content)
    lake.put_product([("L", "PX0001", "BGA")])
    known: Known = what_is_known_soon(lake, supplier=BGA, run_date=DAY)
    after = with_rules("BGA", rules_as_text("BGA").replace("cap: 10", "cap: 20")).supplier("BGA")
    deadly("abort")
    trial = try_rules(path, BGA, after, known, known, DAY)
    for reading in (trial.before, trial.after):
        assert WORDS in reading.reason
    assert trial.labels.is_empty()
