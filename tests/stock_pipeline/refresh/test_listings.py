"""A store's file, row by row: what is a listing, of which supplier, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stock_pipeline.errors import RejectedFile
from stock_pipeline.refresh.listings import HEADER, Listings, read_listings
from stock_pipeline.refresh.store import store_of_name
from stock_pipeline.spreadsheets import lists
from tests.support.runs.store_files import as_csv, as_workbook, row


def read(tmp_path: Path, body: bytes, ending: str = ".csv", sheet: str | None = None) -> Listings:
    path = tmp_path / f"upload{ending}"
    path.write_bytes(body)
    folder = tmp_path / "work"
    folder.mkdir(exist_ok=True)
    return read_listings(path, folder, sheet)


def upload(listings: Listings) -> list[dict[str, Any]]:
    return pl.concat(pl.read_parquet(part) for part in listings.upload).to_dicts()


def one(tmp_path: Path, **cells: Any) -> tuple[dict[str, Any] | None, str | None]:
    """What happens to a row: the listing, or why it is refused."""
    given = row(1, "L") | cells
    read_rows = read(tmp_path, as_csv([given]))
    reasons = read_rows.rejected["reason"].to_list()
    accepted = [line for line in upload(read_rows) if line["accepted"]]
    return (accepted[0] if accepted else None), (reasons[0] if reasons else None)


@pytest.mark.parametrize(
    ("prefix", "uk_rtg", "supplier"),
    [
        ("UKD-APE", "UK", "APE"),
        ("ukd-ape ", "UK", "APE"),
        ("UK-D-BGA", None, "BGA"),
        ("APE", "UK", "APE"),
        ("UKD-APE", "RTG", "RTG"),
        ("UKD-APE", " rtg ", "RTG"),
        (None, "UK", "RTG"),
        ("  ", None, "RTG"),
        ("UKD-NEW1", "UK", "NEW1"),
    ],
)
def test_the_supplier(tmp_path: Path, prefix: Any, uk_rtg: Any, supplier: str) -> None:
    found, reason = one(tmp_path, prefix=prefix, uk_rtg=uk_rtg)
    assert reason is None
    assert found is not None
    assert found["supplier"] == supplier


@pytest.mark.parametrize(
    "prefix",
    [
        "UKD-",
        "-",
        "UKD-A",
        "UKD-1AB",
        "UKD-A B",
        "UKD-A'B",
        "UKD-../X",
        "UKD-A=B",
        "UKD-ÄPE",
        "UKD-ABCDEFGHIJK",
    ],
)
def test_what_is_no_supplier_s_code_never_becomes_a_partition(tmp_path: Path, prefix: str) -> None:
    found, reason = one(tmp_path, prefix=prefix)
    assert found is None
    assert reason == "there is no supplier's code after the last - of prefix"


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        ({"item_id": " 123456789012 "}, {"item_id": 123456789012}),
        ({"item_id": "0042"}, {"item_id": 42}),
        ({"custom_label": " abc-1 "}, {"custom_label": "ABC-1"}),
        ({"current_price": "12"}, {"current_price": 12.0}),
        ({"current_price": "£1,234.50"}, {"current_price": 1234.5}),
        ({"title": None}, {"title": None}),
        ({"title": "=1+1"}, {"title": "=1+1"}),
        ({"title": 'Disc 12", front'}, {"title": 'Disc 12", front'}),
        ({"fps_wds_dir": "#N/A"}, {"fps_wds_dir": None}),
    ],
)
def test_a_cell_that_is_understood(tmp_path: Path, cells: dict[str, Any], wanted: dict[str, Any]) -> None:
    found, reason = one(tmp_path, **cells)
    assert reason is None
    assert found is not None
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"item_id": value}, "item_id is not a number")
        for value in ("abc", "1.23457E+11", "12.5", "-5", "0", "", "1" * 16, "1 2")
    ]
    + [({"custom_label": value}, "custom_label is blank") for value in ("", " ", "\u00a0", "#REF!")]
    + [
        ({"current_price": value}, "current_price is not a price")
        for value in ("", "free", "-1", "0", "1,23", "1e3", "$5", "NaN", "inf", "1000000")
    ],
)
def test_a_cell_that_is_not(tmp_path: Path, cells: dict[str, Any], reason: str) -> None:
    accepted, why = one(tmp_path, **cells)
    assert accepted is None
    assert why is not None
    assert why.startswith(reason)


def test_a_listing_that_is_there_twice(tmp_path: Path) -> None:
    rows = [
        row(1, "A"),
        row(2, "B"),
        row(1, "A"),
        row(3, "C"),
        row(2, "B", current_price=1),
        row(3, ""),
        row(4, "D"),
    ]
    found = read(tmp_path, as_csv(rows))
    assert found.counts == {"rows": 7, "accepted": 2, "rejected": 4, "repeated": 1}
    accepted = [line["item_id"] for line in upload(found) if line["accepted"]]
    assert accepted == [1, 4]
    # Those in doubt are named, so that the merge leaves them as they are.
    assert {line["item_id"] for line in upload(found) if not line["accepted"]} == {2, 3}
    assert found.rejected["row"].to_list() == [3, 5, 6, 7]


def test_repeats_are_seen_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "BLOCK_ROWS", 2)
    monkeypatch.setattr(lists, "CHUNK_CHARACTERS", 200)
    rows = [row(at % 5, f"L{at % 5}", current_price=1 + (at == 9)) for at in range(1, 11)]
    found = read(tmp_path, as_csv(rows))
    assert len(found.upload) > 3
    assert found.counts == {"rows": 10, "accepted": 3, "rejected": 4, "repeated": 3}


LONG = as_csv([row(at, f"L{at}", title="Größe £") for at in range(1, 30)])


@pytest.mark.parametrize(
    "body",
    [
        LONG,
        b"\xef\xbb\xbf" + LONG,
        LONG.decode().encode("cp1252"),
        LONG.decode().encode("utf-16"),
        LONG.replace(b"\r\n", b"\n"),
        LONG.replace(b",", b";"),
        LONG.replace(b",", b"\t"),
        b"Listings of the week\r\n\r\n" + LONG,
        LONG.rstrip(),
        LONG.replace(b"item_id,brand", b" Item ID , BRAND"),
    ],
    ids=[
        "utf-8",
        "mark",
        "windows",
        "utf-16",
        "unix",
        "semicolons",
        "tabs",
        "title",
        "no last end",
        "spelling",
    ],
)
def test_the_same_list_however_it_was_saved(tmp_path: Path, body: bytes) -> None:
    found = read(tmp_path, body)
    assert found.counts == {"rows": 29, "accepted": 29, "rejected": 0, "repeated": 0}
    assert {line["title"] for line in upload(found)} == {"Größe £"}


def test_a_workbook_and_a_csv_say_the_same(tmp_path: Path) -> None:
    rows = [row(at, f"L{at}", (None, "UKD-BGA")[at % 2], current_price=at / 4) for at in range(1, 40)]
    csv = read(tmp_path, as_csv(rows))
    from_csv, suppliers = upload(csv), csv.suppliers
    book = read(tmp_path, as_workbook({"Notes": [], "AMS": rows}), ".xlsx", "AMS")
    assert upload(book) == from_csv
    assert book.suppliers == suppliers == {"BGA": 20, "RTG": 19}


def test_a_comma_without_quotes_shifts_no_cell_unseen(tmp_path: Path) -> None:
    body = as_csv([row(1, "A"), row(2, "B", title="TITLE")]).replace(b"TITLE", b"one, two")
    found = read(tmp_path, body)
    assert found.rejected["reason"].str.contains("more cells than the header").to_list() == [True]


def test_further_columns_are_ignored_if_they_have_a_name(tmp_path: Path) -> None:
    body = as_csv([row(1, "A") | {"notes": "sold, twice"}], [*HEADER, "notes"])
    assert read(tmp_path, body).counts["accepted"] == 1


@pytest.mark.parametrize(
    ("body", "ending", "words"),
    [
        (b"", ".csv", "0 bytes"),
        (b"", ".xlsx", "0 bytes"),
        (b"\x00\x01\x02" * 99, ".csv", "no text"),
        (b"PK\x03\x04" + b"\x00" * 99, ".xlsx", "damaged"),
        (as_csv([row(1, "A")], HEADER[1:]), ".csv", "no header"),
        (as_csv([row(1, "A")], ["sku", *HEADER[1:]]), ".csv", "the first row reads 'sku, brand"),
        (as_csv([]), ".csv", "no row below the header"),
        (as_workbook({"AMS": []}), ".xlsx", "no row below the header"),
        (
            as_csv([row(1, "A", title="TITLE"), row(2, "B")]).replace(b"TITLE", b'"open'),
            ".csv",
            "row 2 a quotation",
        ),
        (as_csv([row(1, "A", title="two\nlines")]), ".csv", "row 2 a quotation"),
        (as_csv([row(at, "A", f"UKD-S{at}") for at in range(1, 93)]), ".csv", "of 92 suppliers"),
    ],
)
def test_a_file_that_is_refused(tmp_path: Path, body: bytes, ending: str, words: str) -> None:
    with pytest.raises(RejectedFile, match=words):
        read(tmp_path, body, ending)


@pytest.mark.parametrize(
    ("name", "store"),
    [
        ("AMS.csv", "AMS"),
        ("ams listings.xlsx", "AMS"),
        ("RTG_FPS_2024-08-04.csv", "RTG_FPS"),
        ("rtg_fps.csv", "RTG_FPS"),
        ("RTG.xlsx", "RTG"),
        ("RTG_week.xlsx", "RTG"),
        ("CPO (1).xlsx", "CPO"),
        ("ORDERS.csv", None),
        ("OR-1.csv", "OR"),
        ("PVC.csv", None),
        ("stock.csv", None),
    ],
)
def test_whose_file_it_is(name: str, store: str | None) -> None:
    assert store_of_name(name) == store
