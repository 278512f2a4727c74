"""The oracle by small tables, so that it is right for reasons that can be seen at a glance."""

from datetime import date

import pytest

from tests.support import oracle
from tests.support.oracle import REJECTED, OracleFeed, ProductRow, StoreRow
from tests.support.workbooks.contents import HEADER, good_rows
from tests.support.workbooks.making import Rows, write_rows


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1000, "1000"),
        (1000.0, "1000"),
        (4012345678901, "4012345678901"),
        (12.5, "12.5"),
        (11.100000000000001, "11.1"),
        ("1000.0", "1000.0"),
        ("007", "007"),
        ("0986479E00", "0986479E00"),
        (' "CN362J"', "CN362J"),
        ("\u00a0'K-17' ", "K-17"),
        ("AB 22-1001", "AB 22-1001"),
        ("low9", "low9"),
        (0, "0"),
        ("N/A", "N/A"),
        ("#N/A", ""),
        ('""', ""),
        ("  ", ""),
        (None, ""),
    ],
)
def test_code_as_a_person_reads_it(value, text):
    assert oracle.code_text(value) == text


@pytest.mark.parametrize(
    ("value", "cap", "outcome"),
    [
        (5, 10, 5),
        (10, 10, 10),
        (11, 10, 10),
        (99_923, None, 99_923),
        (-500, 10, 0),
        (-0.5, 10, 0),
        (9.99, 10, 9),
        (" 7 ", 10, 7),
        ("10+", None, 10),
        (">10", None, 10),
        ("1,000", None, 1000),
        ("-4", None, 0),
        (1e300, 10, 10),
        (1e300, None, REJECTED),
        (2**31, None, REJECTED),
        (float("nan"), 10, REJECTED),
        ("1,00", 10, REJECTED),
        ("5-10", 10, REJECTED),
        ("YES", 10, REJECTED),
        ("", 10, REJECTED),
        ("#N/A", 10, REJECTED),
        (None, 10, REJECTED),
        (True, 10, REJECTED),
        (date(2024, 8, 1), 10, REJECTED),
    ],
)
def test_quantity(value, cap, outcome):
    assert oracle.quantity_of(value, cap) == outcome


@pytest.mark.parametrize(
    ("supplier", "value", "outcome"),
    [
        ("APE", "YES", 10),
        ("APE", " no", 0),
        ("APE", "Y", REJECTED),
        ("FIR", "y", 10),
        ("ROL", "Low Stock", 0),
        ("ROL", "OUT OF STOCK", 0),
        ("ROL", "Not In Stock", REJECTED),
        ("KYB", None, REJECTED),
        ("SMP", None, 10),
        ("RTG", None, 0),
        ("KLA", 25, 25),
    ],
)
def test_outcome_by_supplier(supplier, value, outcome):
    assert oracle.outcome_of(value, oracle.LAYOUTS[supplier]) == outcome


@pytest.mark.parametrize(
    ("supplier", "row", "accepted"),
    [
        ("BGA", ["BGA REFERENCE", "Stock"], True),
        ("BGA", [" bga reference", "STOCK ", None, "more"], True),
        ("BGA", ["BGA REFERENCE"], False),
        ("BGA", [None, "BGA REFERENCE", "Stock"], False),
        ("COM", ["Part No.", None, "Stock"], True),
        ("COM", ["Part No.", "Stock"], True),
        ("COM", ["Part No.", "Maker", "Stock"], False),
        ("FAI", ["Part No.", "Stock"], False),
        ("ELR", ["Part No.", "Stock"], False),
    ],
)
def test_header(supplier, row, accepted):
    assert oracle.is_header(row, oracle.LAYOUTS[supplier]) is accepted


def test_counts(tmp_path):
    path = tmp_path / "feed.xlsx"
    odd: Rows = [["A", 1], ["A", 1], ["b ", 2], ["B", 5], [None, 3], [None, None, "note"], ["C", "?"], ["D"]]
    write_rows(path, [HEADER, *odd, *good_rows()])
    feed = oracle.read_feed(path, "BGA")
    assert (feed.rows_read, feed.skipped, feed.rejected) == (67, 1, 2)
    assert (feed.duplicates, feed.conflicts) == (2, 1)
    quantities = feed.quantities()
    assert [quantities[code] for code in "ABCD"] == [1, 2, REJECTED, REJECTED]


@pytest.mark.parametrize(("bad", "verdict"), [(0, "accepted"), (5, "accepted"), (6, "rejected")])
def test_five_in_a_hundred_may_be_rejected(tmp_path, bad, verdict):
    path = tmp_path / "feed.xlsx"
    write_rows(path, [HEADER, *([f"P{at}", None if at < bad else 1] for at in range(100))])
    assert oracle.verdict(path, "BGA")[0] == verdict


def test_not_a_feed(tmp_path):
    path = tmp_path / "feed.xlsx"
    path.write_bytes(b"no zip")
    with pytest.raises(oracle.NotAFeed, match="workbook"):
        oracle.read_feed(path, "BGA")
    write_rows(path, [*([number] for number in range(20)), HEADER, *good_rows()])  # on row 21
    with pytest.raises(oracle.NotAFeed, match="header"):
        oracle.read_feed(path, "BGA")
    write_rows(path, [HEADER, ["A", "?"]])
    with pytest.raises(oracle.NotAFeed, match="row"):
        oracle.read_feed(path, "BGA")


def feed_of(**outcomes) -> OracleFeed:
    return OracleFeed("BGA", outcomes={code: list(rows) for code, rows in outcomes.items()})


LAST = {"L": 4}


@pytest.mark.parametrize(
    ("feed", "parts", "last", "quantity"),
    [
        (feed_of(P=[7]), ["P"], LAST, 7),
        (feed_of(P=[7]), [" p "], None, 7),
        (feed_of(P=[7, 3, 9]), ["P"], LAST, 3),
        (feed_of(X=[7]), ["P"], LAST, 0),  # absent
        (feed_of(P=[REJECTED]), ["P"], LAST, 4),
        (feed_of(P=[REJECTED]), ["P"], None, 0),
        (feed_of(P=[REJECTED]), ["P"], {"OTHER": 9}, 0),
        (feed_of(P=[7], Q=[2]), ["P", "Q"], LAST, 2),  # a kit needs all its parts
        (feed_of(P=[7]), ["P", "Q"], LAST, 0),
        (feed_of(P=[7], Q=[REJECTED]), ["P", "Q"], LAST, 4),
        (feed_of(P=[3], Q=[REJECTED]), ["P", "Q"], LAST, 3),
        (feed_of(P=[7, REJECTED]), ["P"], LAST, 4),
        (feed_of(P=[REJECTED]), ["P", "Q"], LAST, 0),
    ],
)
def test_snapshot_of_a_label(feed, parts, last, quantity):
    mapping = [(" l", part) for part in parts]
    assert oracle.snapshot(feed, mapping, last) == {"L": quantity}


def test_snapshot_has_every_label_of_the_mapping_and_no_other():
    mapping = [("A", "P"), ("B", "P"), ("C", "Q")]
    assert oracle.snapshot(feed_of(P=[5], Z=[9]), mapping, {"GONE": 3}) == {"A": 5, "B": 5, "C": 0}


def test_snapshot_of_a_partial_list_keeps_what_is_absent():
    mapping = [("A", "P"), ("B", "Q"), ("C", "R")]
    result = oracle.snapshot(feed_of(P=[5]), mapping, {"A": 1, "B": 2}, absent="keep")
    assert result == {"A": 5, "B": 2, "C": 0}


@pytest.mark.parametrize(("several", "quantity"), [("min", 2), ("max", 7), ("sum", 9)])
def test_snapshot_of_several_parts(several, quantity):
    mapping = [("L", "P"), ("L", "Q"), ("L", "P")]
    assert oracle.snapshot(feed_of(P=[7], Q=[2]), mapping, None, several=several) == {"L": quantity}


def test_out_list():
    assert oracle.out_list_snapshot(["a71 ", "NOT SOLD"], ["A71", "b72"]) == {"A71": 0, "B72": 20}


def test_newest_two_snapshots():
    monday, tuesday, friday = date(2024, 8, 5), date(2024, 8, 6), date(2024, 8, 9)
    history = {"APE": {monday: {"A": 1}, tuesday: {"A": 2}, friday: {"A": 3}}, "BGA": {friday: {"B": 1}}}
    assert oracle.newest_two(history, date(2024, 8, 8)) == ({"APE": {"A": 2}}, {"APE": {"A": 1}})
    assert oracle.newest_two(history, monday) == ({"APE": {"A": 1}}, {})


STORE = [
    StoreRow("AMS", "APE", 1, "A"),
    StoreRow("PG", "APE", 1, "A"),  # the same number in another store
    StoreRow("AMS", "APE", 2, "UNKNOWN"),
    StoreRow("AMS", "BGA", 3, "A"),  # another supplier's label of the same name
    StoreRow("AMS", "KLA", 4, "K"),  # has no snapshot
    StoreRow("AMS", "RTG", 5, "R"),
    StoreRow("AMS", "RTG", 6, "NEW"),
    StoreRow("AMS", "APE", 7, "SAME"),
]
PRODUCT = [
    ProductRow("A", "P1", "APE"),
    ProductRow("SAME", "P2", "APE"),
    ProductRow("A", "P1", "BGA"),
    ProductRow("K", "P1", "KLA"),
]
CURRENT = {"APE": {"A": 10, "SAME": 4}, "BGA": {}, "RTG": {"R": 20}}
PREVIOUS = {"APE": {"A": 3, "SAME": 4}, "BGA": {"A": 6}}


def test_ebay_rows():
    assert oracle.ebay_rows(STORE, PRODUCT, CURRENT, PREVIOUS) == {
        ("AMS", 1): (10, 7, "A", "APE"),
        ("PG", 1): (10, 7, "A", "APE"),
        ("AMS", 3): (0, -6, "A", "BGA"),
        ("AMS", 5): (20, 20, "R", "RTG"),
        ("AMS", 6): (0, 0, "NEW", "RTG"),
        ("AMS", 7): (4, 0, "SAME", "APE"),
    }


def test_a_listing_twice_is_an_error():
    with pytest.raises(ValueError, match="twice"):
        oracle.ebay_rows([STORE[0], STORE[0]], PRODUCT, CURRENT, PREVIOUS)


def test_upload_lines():
    table = oracle.ebay_rows(STORE, PRODUCT, CURRENT, PREVIOUS)
    head = "Action,ItemID,SiteID,Currency,Quantity"
    assert oracle.upload_lines(table) == {
        "AMS": [head, "Revise,1,UK,GBP,10", "Revise,3,UK,GBP,0", "Revise,5,UK,GBP,20"],
        "PG": [head, "Revise,1,UK,GBP,10"],
    }
    assert [len(lines) for lines in oracle.upload_lines(table, full=True).values()] == [6, 2]
