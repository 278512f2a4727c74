"""What eBay was last sent: whatever was uploaded and marked, and whatever was not."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_pipeline.ebay import upload_ledger
from stock_pipeline.ebay.upload_files import UploadFiles, write_files, write_upload_files
from stock_pipeline.ebay.upload_ledger import Mark, mark_uploaded, read_marks, upload_set
from stock_pipeline.errors import MarkRefusedError
from stock_pipeline.lake import locations
from stock_pipeline.lake.tables import EBAY
from tests.support.interruption import stop_at_every_call
from tests.support.lake import Lake
from tests.support.memory_s3 import memory_lake

FIRST = date(2024, 8, 1)
STORE = "AMS"
_numbers = itertools.count()

Table = dict[int, int]
"""Items and their quantities."""


@dataclass
class Seller:
    """A seller with one store, and an eBay that knows what it was told."""

    lake: Lake
    store: str = STORE
    table: Table = field(default_factory=dict)
    ebay: Table = field(default_factory=dict)
    numbers: dict[date, int] = field(default_factory=dict)
    day: date = FIRST

    def publish(self, table: Table, day: date | None = None, *, full: bool = False) -> UploadFiles:
        """Publish a day's table and write its files."""
        self.day = day or self.day
        rows = [
            {"item_id": item, "quantity": quantity, "quantity_delta": quantity - self.table.get(item, 0)}
            for item, quantity in table.items()
        ]
        self.lake.put_rows(EBAY.key(self.store), EBAY.schema, rows)
        self.table = table
        return self.write(full=full)

    def write(self, *, full: bool = False) -> UploadFiles:
        return write_upload_files(self.lake, stores=[self.store], run_date=self.day, full=full)

    def file(self, day: date | None = None) -> Table:
        """What the day's file says."""
        prefix = locations.ebay_upload_prefix(day or self.day)
        key = f"{prefix}{self.store}.csv"
        if key not in self.lake.keys(prefix):
            return {}
        lines = csv.DictReader(io.StringIO(self.lake.read(key).decode()))
        return {int(line["ItemID"]): int(line["Quantity"]) for line in lines}

    def number(self, day: date | None = None) -> int:
        found = upload_set(self.lake, f"date={day or self.day}")
        assert found is not None
        return found.stores[self.store].number

    def mark(self, day: date | None = None, number: int | None = None) -> None:
        mark_uploaded(
            self.lake,
            numbers={self.store: number or self.number(day)},
            by="ann",
            at=datetime(2024, 9, 1, tzinfo=UTC) + timedelta(seconds=next(_numbers)),
        )

    def marks(self) -> dict[str, Mark]:
        """The marks of the day's files."""
        return read_marks(self.lake, {self.store: self.number()})

    def next_day(self) -> date:
        self.day += timedelta(days=1)
        return self.day

    def upload(self, day: date | None = None) -> None:
        """Upload a day's file to eBay, and mark it."""
        self.ebay |= self.file(day)
        self.mark(day)


@pytest.fixture
def seller(lake: Lake) -> Seller:
    return Seller(lake)


@pytest.fixture
def begun(seller: Seller) -> Seller:
    """A seller whose first day told everything: items 1, 2 and 3 are 5."""
    seller.publish({1: 5, 2: 5, 3: 5})
    seller.upload()
    seller.next_day()
    return seller


def test_without_a_mark_the_files_tell_what_changed_since_the_snapshots_before(seller: Seller):
    seller.publish({1: 5, 2: 5, 3: 0})
    seller.next_day()
    seller.publish({1: 5, 2: 4, 3: 0})
    assert seller.file() == {2: 4}


def test_a_day_that_was_not_uploaded_is_in_the_next_files(begun: Seller):
    begun.publish({1: 0, 2: 5, 3: 5})
    begun.next_day()
    begun.publish({1: 0, 2: 6, 3: 5})
    assert begun.file() == {1: 0, 2: 6}


def test_a_day_that_was_uploaded_is_not(begun: Seller):
    begun.publish({1: 0, 2: 5, 3: 5})
    begun.upload()
    begun.next_day()
    begun.publish({1: 0, 2: 6, 3: 5})
    assert begun.file() == {2: 6}


def test_files_that_may_be_uploaded_without_a_mark_are_taken_back(begun: Seller):
    begun.publish({1: 0, 2: 5, 3: 5})
    begun.next_day()
    begun.publish({1: 5, 2: 5, 3: 5})
    assert begun.file() == {1: 5}


def test_a_mark_after_the_table_moved_on_records_its_own_day_s_quantities(begun: Seller):
    begun.publish({1: 1, 2: 5, 3: 5})
    first = begun.day
    begun.next_day()
    begun.publish({1: 2, 2: 2, 3: 5})
    begun.mark(first)
    begun.next_day()
    begun.publish({1: 1, 2: 5, 3: 5})
    # 1 is as eBay was sent, but the second day's file may have been uploaded, and says 2.
    assert begun.file() == {1: 1, 2: 5}


def test_the_first_mark_takes_its_own_day_s_table_too(seller: Seller):
    seller.publish({1: 5, 2: 5})
    seller.next_day()
    seller.publish({1: 7, 2: 5})
    seller.mark(FIRST)
    seller.next_day()
    seller.publish({1: 7, 2: 5})
    assert seller.file() == {1: 7}


def test_a_mark_begins_the_ledger_of_a_store_with_nothing_to_tell(seller: Seller):
    seller.publish({1: 0})
    assert seller.file() == {}
    seller.mark()
    seller.next_day()
    seller.publish({1: 3})
    seller.next_day()
    seller.publish({1: 3})
    assert seller.file() == {1: 3}


def test_a_new_listing_is_told_even_if_it_is_0(begun: Seller):
    begun.publish({1: 5, 2: 5, 3: 5, 4: 0})
    assert begun.file() == {4: 0}


def test_of_a_vanished_listing_nothing_is_told_and_its_quantity_is_remembered(begun: Seller):
    begun.publish({1: 5, 2: 5})
    assert begun.file() == {}
    begun.upload()
    begun.next_day()
    begun.publish({1: 5, 2: 5, 3: 5})
    assert begun.file() == {}
    begun.publish({1: 5, 2: 5, 3: 4})
    assert begun.file() == {3: 4}


def test_full_files_tell_everything_and_are_told_like_any_others(begun: Seller):
    begun.publish({1: 5, 2: 4, 3: 5}, full=True)
    assert begun.file() == {1: 5, 2: 4, 3: 5}
    begun.upload()
    begun.next_day()
    begun.publish({1: 5, 2: 4, 3: 5})
    assert begun.file() == {}


def test_a_rerun_of_a_marked_day_tells_only_what_is_new(begun: Seller):
    begun.publish({1: 0, 2: 5, 3: 5})
    begun.upload()
    begun.publish({1: 0, 2: 3, 3: 5})
    assert begun.file() == {2: 3}
    begun.upload()
    assert begun.ebay == begun.table


def test_a_mark_names_the_files_that_were_fetched_not_those_a_rerun_wrote_since(begun: Seller):
    begun.publish({1: 1, 2: 5, 3: 5})
    fetched = begun.number()
    begun.publish({1: 2, 2: 5, 3: 5})
    begun.mark(number=fetched)
    begun.next_day()
    begun.publish({1: 2, 2: 5, 3: 5})
    assert begun.file() == {1: 2}


def test_marking_twice_keeps_the_first_mark(begun: Seller):
    begun.publish({1: 1, 2: 5, 3: 5})
    begun.mark()
    first = begun.marks()
    again = mark_uploaded(
        begun.lake,
        numbers={STORE: begun.number()},
        by="bob",
        at=datetime(2024, 10, 1, tzinfo=UTC),
    )
    assert again == first == begun.marks()
    assert (first[STORE].by, first[STORE].run_date) == ("ann", begun.day)


@pytest.mark.parametrize("quantity", [1, 2, 3])
def test_what_was_marked_after_later_files_is_told_again_where_they_differ(begun: Seller, quantity):
    begun.publish({1: 1, 2: 1, 3: 5})
    older = begun.day
    begun.next_day()
    begun.publish({1: 2, 2: 1, 3: 5})
    begun.mark()
    begun.mark(older)
    begun.next_day()
    begun.publish({1: quantity, 2: 1, 3: 5})
    assert begun.file() == {1: quantity}


def test_stores_are_marked_one_by_one(lake: Lake):
    ams, pg = Seller(lake, "AMS"), Seller(lake, "PG")
    for at, day in enumerate((FIRST, FIRST + timedelta(days=1), FIRST + timedelta(days=2))):
        for seller in (ams, pg):
            seller.day = day
            seller.lake.put_rows(
                EBAY.key(seller.store),
                EBAY.schema,
                [{"item_id": 1, "quantity": min(at, 1), "quantity_delta": int(at == 1)}],
            )
        write_upload_files(lake, stores=["AMS", "PG"], run_date=day)
        for seller in (ams, pg) if at == 0 else (ams,):
            seller.mark(day)
    assert (ams.file(), pg.file()) == ({}, {1: 1})


def test_files_too_old_to_be_marked_are_doubted_and_removed(begun: Seller):
    begun.publish({1: 1, 2: 5, 3: 5})
    number = begun.number()
    begun.day += timedelta(days=upload_ledger.KEPT_DAYS + 1)
    begun.publish({1: 5, 2: 5, 3: 5})
    assert begun.file() == {1: 5}
    begun.next_day()
    begun.publish({1: 5, 2: 5, 3: 5})
    # Until the files that say so are marked, no one knows what eBay has of 1.
    assert begun.file() == {1: 5}
    with pytest.raises(MarkRefusedError, match=r"older than 14 days.*full_upload"):
        begun.mark(number=number)
    begun.upload()
    begun.next_day()
    begun.publish({1: 5, 2: 5, 3: 5})
    assert begun.file() == {}
    assert len(begun.lake.keys(locations.written_prefix(STORE))) == 3


def test_nothing_is_marked_if_a_store_of_them_cannot_be(begun: Seller):
    begun.publish({1: 1, 2: 5, 3: 5})
    with pytest.raises(MarkRefusedError, match="PG"):
        mark_uploaded(
            begun.lake,
            numbers={STORE: begun.number(), "PG": 1},
            by="ann",
            at=datetime(2024, 10, 1, tzinfo=UTC),
        )
    assert begun.marks() == {}


@pytest.mark.parametrize("uploaded", [True, False])
def test_the_files_of_a_rollback_tell_what_ebay_was_told_otherwise(begun: Seller, uploaded):
    """Whether those of the day that is undone were uploaded or not."""
    begun.publish({1: 0, 2: 0, 3: 6})
    if uploaded:
        begun.upload()
    prefix = "ebay_upload/rollback_to=2024-08-01_from=2024-08-02/"
    older = pl.DataFrame({"item_id": [1, 2, 3], "quantity": pl.Series([5, 5, 5], dtype=pl.Int32)})
    write_files(
        begun.lake,
        prefix=prefix,
        zip_name="all.zip",
        day=begun.day,
        stores=[STORE],
        # As a rollback that takes it that the day's files were uploaded, but for one it knows nothing of.
        listings=lambda _: older.with_columns(changed=pl.col("item_id") == 1),
    )
    lines = begun.lake.read(f"{prefix}AMS.csv").decode().split()
    assert lines[1:] == [f"Revise,{item},UK,GBP,5" for item in (1, 2, 3)]
    found = upload_set(begun.lake, "rollback_to=2024-08-01_from=2024-08-02")
    assert found is not None
    begun.mark(number=found.stores[STORE].number)
    begun.next_day()
    begun.publish({1: 5, 2: 5, 3: 7})
    assert begun.file() == {3: 7}


def test_the_told_quantities_lie_in_an_object_of_their_own(begun: Seller):
    begun.publish({1: 5, 2: 5, 3: 5})
    [key] = begun.lake.keys("upload_ledger/told/")
    assert key == "upload_ledger/told/ebay_store=AMS/data.parquet"
    assert begun.lake.quantities_told(key) == {1: 5, 2: 5, 3: 5}


def test_stopped_at_any_call_and_run_again_it_comes_to_the_same(begun: Seller):
    """Writing the files with a new mark to enter, an old writing to remove and an open one to take back."""
    begun.publish({1: 1, 2: 5, 3: 5})
    begun.mark()
    begun.day += timedelta(days=upload_ledger.KEPT_DAYS)
    begun.publish({1: 2, 2: 5, 3: 5})
    begun.mark()
    begun.next_day()
    before = {**begun.lake.bodies("upload_ledger/"), **begun.lake.bodies("ebay_upload/")}
    [told] = begun.lake.keys("upload_ledger/told/")
    assert begun.lake.s3.head_object(Bucket=begun.lake.bucket, Key=told)["Metadata"] == {"marked": "1,2"}
    begun.publish({1: 3, 2: 4, 3: 5})
    complete = state(begun.lake)
    assert len(before.keys() - complete.keys()) == 1

    def prepare() -> None:
        for key in (*begun.lake.keys("upload_ledger/"), *begun.lake.keys("ebay_upload/")):
            begun.lake.s3.delete_object(Bucket=begun.lake.bucket, Key=key)
        for key, body in before.items():
            metadata = {"marked": "1,2"} if "/told/" in key else {}
            begun.lake.s3.put_object(Bucket=begun.lake.bucket, Key=key, Body=body, Metadata=metadata)

    stops = 0
    for stops in stop_at_every_call(begun.lake, prepare, begun.write):  # noqa: B007 - the last counts
        begun.write()
        assert state(begun.lake) == complete
    assert stops > 12


def test_a_mark_stopped_at_any_call_is_made_by_marking_again(begun: Seller):
    begun.publish({1: 1, 2: 5, 3: 5})

    def prepare() -> None:
        for key in begun.lake.keys(locations.upload_marks_prefix(STORE)):
            begun.lake.s3.delete_object(Bucket=begun.lake.bucket, Key=key)

    stops = 0
    for stops in stop_at_every_call(begun.lake, prepare, begun.mark):  # noqa: B007 - the last counts
        begun.mark()
        assert set(begun.marks()) == {STORE}
    assert stops >= 2


def test_while_files_are_being_written_they_cannot_be_marked(begun: Seller, monkeypatch):
    begun.publish({1: 1, 2: 5, 3: 5})
    seen = []
    monkeypatch.setattr(
        upload_ledger,
        "note_files",
        lambda lake, files: seen.append(upload_set(lake, files.name)),
    )
    begun.publish({1: 2, 2: 5, 3: 5})
    assert seen == [None]


def state(lake: Lake) -> dict[str, object]:
    """All that the ledger and the files come to."""
    found: dict[str, object] = {**lake.bodies("upload_ledger/"), **lake.bodies("ebay_upload/")}
    for key in lake.keys("upload_ledger/told/"):
        found[f"{key} metadata"] = lake.s3.head_object(Bucket=lake.bucket, Key=key)["Metadata"]
    return found


# --- any sequence of days ------------------------------------------------------------------------------

ITEMS = (1, 2, 3)
TABLES = st.dictionaries(st.sampled_from(ITEMS), st.integers(0, 2), min_size=1)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["publish", "rerun", "full"]), TABLES),
        # Which of the files that were written since, counted back from the newest.
        st.tuples(st.sampled_from(["mark", "mark late"]), st.integers(0, 2)),
    ),
    min_size=3,
    max_size=9,
)


@settings(max_examples=150, deadline=None)
@given(first=TABLES, events=EVENTS)
def test_ebay_has_the_table_s_quantities_whatever_was_marked_or_skipped(first, events):
    """After files are uploaded in the order they were written, whichever were left out.

    Some are only marked late: after later ones, though they were uploaded before those. Some are uploaded
    after later ones: then those already written are of no use, and the ones written next put it right.
    """
    seller = Seller(memory_lake(Path()))
    seller.publish(first)
    seller.mark()
    written: list[tuple[date, int, Table, Table]] = []
    uploaded: list[tuple[int, Table]] = [(0, first)]
    last = useless = 0
    for kind, argument in events:
        if not kind.startswith("mark"):
            if kind == "publish":
                seller.next_day()
            seller.publish(argument, full=kind == "full")
            written.append((seller.day, seller.number(), seller.file(), seller.table))
        elif argument < len(written):
            day, number, file, table = written[-1 - argument]
            uploaded.append((number, file))
            if kind == "mark late":
                uploaded.sort(key=itemgetter(0))
            seller.mark(day, number)
            if number < last:
                useless = written[-1][1]
            elif number > useless:
                ebay = {item: quantity for _, told in uploaded for item, quantity in told.items()}
                assert {item: ebay.get(item) for item in table} == table
            last = max(last, number)
