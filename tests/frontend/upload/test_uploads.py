from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote

import pytest

from frontend.upload import uploads
from frontend.upload.feed_check import Outlook
from frontend.upload.uploads import UPLOADED_BY, Chosen, Line, Outcome, sort_feeds
from stock_pipeline.feeds.day_files import Uploads
from stock_pipeline.lake.locations import stock_feed_prefix
from tests.support.pages.day import DAY, SUPPLIERS
from tests.support.runs.stack import Stack

_days = itertools.count()


@pytest.fixture
def day() -> date:
    return DAY + timedelta(days=next(_days))


@pytest.mark.parametrize(
    ("name", "supplier", "words"),
    [
        ("APE_stock.xlsx", "APE", None),
        ("ape stock.XLSX", "APE", None),
        ("APE.xlsx", "APE", None),
        ("C:\\lists\\BET_1.xlsx", "BET", None),
        ("../../BET_1.xlsx", "BET", None),
        (" APE & Söhne #1 +50%.xlsx", "APE", None),
        ("APE_\u202excod.xlsx", "APE", "turns the direction"),
        ("APE_\x07.xlsx", "APE", "control character"),
        (".APE.xlsx", None, "begins with a dot"),
        ("APE_" + 200 * "x" + ".xlsx", "APE", "209 characters"),
        ("stock APE.xlsx", None, "begins with no supplier's code"),
        ("APEX_1.xlsx", None, "begins with no supplier's code"),
        ("APE_stock.xls", "APE", "not an .xlsx workbook"),
        ("APE_stock.csv", "APE", "not an .xlsx workbook"),
        ("~$APE_stock.xlsx", None, "note that the workbook is open"),
    ],
)
def test_whose_a_file_is_and_why_it_cannot_be_used(
    name: str, supplier: str | None, words: str | None
) -> None:
    (entry,) = sort_feeds([Chosen.of(name, b"x")], SUPPLIERS)
    assert entry.supplier == supplier
    assert (entry.refusal is None) is (words is None)
    assert (words or "") in (entry.refusal or "")


def test_a_file_beyond_the_limit_is_refused_before_it_is_read() -> None:
    (entry,) = sort_feeds([Chosen.of("APE.xlsx", bytes((64 << 20) + 1))], SUPPLIERS)
    assert "a workbook may have 64" in (entry.refusal or "")


def test_of_two_files_of_one_supplier_neither_goes_before_somebody_chooses() -> None:
    files = [Chosen.of(name, b"x") for name in ("APE_1.xlsx", "APE_2.xlsx", "BET.xlsx", "APE.csv")]
    refusals = [entry.refusal for entry in sort_feeds(files, SUPPLIERS)]
    assert ["2 files of APE" in (refusal or "") for refusal in refusals] == [True, True, False, False]
    assert refusals[2] is None


@pytest.mark.parametrize(
    ("outlook", "can"), [(Outlook.FINE, True), (Outlook.HELD, True), (Outlook.UNUSABLE, False)]
)
def test_what_would_be_held_may_be_sent_and_what_cannot_be_used_may_not(outlook: Outlook, can: bool) -> None:
    assert Line(Chosen("APE.xlsx", b""), "APE", outlook, "").can_be_sent is can


def send(stack: Stack, day: date, name: str, content: bytes) -> tuple[str, Outcome]:
    folder = stock_feed_prefix(day)
    sent = uploads.send(stack.lake, folder, Chosen.of(name, content), "Zoë <zoë@seller.example>")
    return sent.key.removeprefix(folder), sent.outcome


def test_a_file_goes_where_the_pipeline_looks_with_who_sent_it(stack: Stack, day: date) -> None:
    assert send(stack, day, "APE_1.xlsx", b"one") == ("APE_1.xlsx", Outcome.SENT)
    assert Uploads.of_day(stack.lake, SUPPLIERS, day).of_supplier("APE")
    head = stack.s3.head_object(Bucket=stack.bucket, Key=stock_feed_prefix(day) + "APE_1.xlsx")
    assert unquote(head["Metadata"][UPLOADED_BY]) == "Zoë <zoë@seller.example>"


@pytest.fixture
def aged(stack: Stack, day: date) -> Any:
    """Sends files as if an hour lay between them, since S3's times are no finer than a second."""

    def sent(name: str, content: bytes) -> tuple[str, Outcome]:
        for key in stack.keys(stock_feed_prefix(day)):
            stack.age(key, timedelta(hours=1))
        return send(stack, day, name, content)

    return sent


def test_nothing_is_ever_overwritten(stack: Stack, day: date, aged: Any) -> None:
    assert aged("APE_1.xlsx", b"one") == ("APE_1.xlsx", Outcome.SENT)
    assert aged("APE_1.xlsx", b"two") == ("APE_1 (2).xlsx", Outcome.SENT_BESIDE)
    assert aged("APE_1.xlsx", b"three") == ("APE_1 (3).xlsx", Outcome.SENT_BESIDE)
    folder = stock_feed_prefix(day)
    assert {key.removeprefix(folder): stack.body(key) for key in stack.keys(folder)} == {
        "APE_1.xlsx": b"one",
        "APE_1 (2).xlsx": b"two",
        "APE_1 (3).xlsx": b"three",
    }
    newest = max(
        Uploads.of_day(stack.lake, SUPPLIERS, day).of_supplier("APE"),
        key=lambda file: file.last_modified,
    )
    assert newest.name == "APE_1 (3).xlsx"


def test_the_same_file_again_is_not_sent_twice(stack: Stack, day: date, aged: Any) -> None:
    aged("APE_1.xlsx", b"one")
    assert aged("APE_1.xlsx", b"one") == ("APE_1.xlsx", Outcome.THERE_ALREADY)
    assert len(stack.keys(stock_feed_prefix(day))) == 1


def test_going_back_to_an_earlier_file_makes_it_the_newest_again(aged: Any) -> None:
    aged("APE_1.xlsx", b"right")
    aged("APE_2.xlsx", b"wrong")
    assert aged("APE_1.xlsx", b"right") == ("APE_1 (2).xlsx", Outcome.SENT_BESIDE)


def test_another_suppliers_newer_file_makes_no_difference(aged: Any) -> None:
    aged("APE_1.xlsx", b"one")
    aged("BET_1.xlsx", b"two")
    assert aged("APE_1.xlsx", b"one") == ("APE_1.xlsx", Outcome.THERE_ALREADY)
