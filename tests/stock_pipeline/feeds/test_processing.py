"""One feed from the upload to its verdict: what is written, and what is left alone."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from stock_pipeline.daily_summary.summary import quarantine_unrecognised
from stock_pipeline.errors import MissingTableError, NeedsPersonError
from stock_pipeline.feeds.mapping import read_mapping
from stock_pipeline.feeds.processing import process_feed
from stock_pipeline.feeds.report import FeedReport
from stock_pipeline.lake import locations
from stock_pipeline.lake.tables import PRODUCT, SUPPLIER_STOCK
from stock_pipeline.spreadsheets.package import WorkbookLimits
from stock_pipeline.suppliers import load_suppliers
from stock_pipeline.verdicts import Verdict
from tests.support.lake import Lake
from tests.support.workbooks.contents import HEADER, good_rows
from tests.support.workbooks.making import Rows

SUPPLIERS = load_suppliers()
BGA, RTG = map(SUPPLIERS.supplier, ("BGA", "RTG"))
DAY = date(2024, 8, 8)
YESTERDAY, TOMORROW = DAY - timedelta(days=1), DAY + timedelta(days=1)
ROWS = [HEADER, *good_rows()]
SNAPSHOT = SUPPLIER_STOCK.key("BGA", "2024", "08", "08")
PREFIX = "stock_feed/year=2024/month=08/day=08/"


@pytest.fixture
def lake(lake: Lake) -> Lake:
    """The lake with a product table: a label `L0000` for each part `PX0000`, and one for a part not sent."""
    lake.put_product(
        [
            *((f"L{number:04}", f"PX{number:04}", "BGA") for number in range(60)),
            (" l-gone ", "GONE", "BGA"),
            ("OTHER", "PX0001", "APE"),
        ]
    )
    return lake


def process(lake: Lake, day: date = DAY, supplier: str = "BGA") -> FeedReport:
    return process_feed(
        lake,
        suppliers=SUPPLIERS,
        supplier=SUPPLIERS.supplier(supplier),
        run_date=day,
        accept_first=True,
    )


def registered(lake: Lake, report: FeedReport) -> None:
    """Register an accepted feed's partition, as the DAG does after it."""
    partition = report.partition(lake.bucket)
    assert partition is not None
    lake.register(SUPPLIER_STOCK.name, partition["values"], report.snapshot or "")


def with_rejected(count: int) -> Rows:
    return [
        HEADER,
        *([code, "?" if number < count else stock] for number, (code, stock) in enumerate(good_rows())),
    ]


def staff_rows(lake: Lake, day: date = DAY) -> list[list[str]]:
    text = lake.read(locations.stock_feed_rows_key(day, "BGA")).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_an_accepted_feed_becomes_a_snapshot_of_exactly_the_table_s_schema(lake: Lake):
    lake.upload_feed(DAY, "BGA SF.xlsx", ROWS)
    report = process(lake)
    assert (report.verdict, report.snapshot) == (Verdict.ACCEPTED, SNAPSHOT)
    table = pl.read_parquet(BytesIO(lake.read(SNAPSHOT)))
    assert table.schema == SUPPLIER_STOCK.schema
    parquet = pq.ParquetFile(BytesIO(lake.read(SNAPSHOT))).schema
    assert [(column.physical_type, column.logical_type.type) for column in parquet] == [
        ("BYTE_ARRAY", "STRING"),
        ("BYTE_ARRAY", "STRING"),
        ("INT32", "NONE"),
        ("INT32", "DATE"),
    ]
    rows = table.to_dicts()
    assert len(rows) == 61
    assert rows[0] == {"custom_label": "L-GONE", "part_number": "GONE", "quantity": 0, "updated_date": DAY}
    assert rows[15] == {"custom_label": "L0014", "part_number": "PX0014", "quantity": 10, "updated_date": DAY}
    assert report.partition(lake.bucket) == {
        "values": ["BGA", "2024", "08", "08"],
        "location": f"s3://{lake.bucket}/supplier_stock/supplier=BGA/year=2024/month=08/day=08/",
    }


def test_the_report_has_every_figure(lake: Lake):
    odd: Rows = [["PX0000", 0], ["PX0001", 9], ["NEW", 3], ["NEW", 3], [None, 7], ["px0002", None]]
    key = lake.upload_feed(DAY, "BGA_1.xlsx", [["Stock of August"], *ROWS, *odd])
    lake.put_snapshot("BGA", YESTERDAY, {"L0001": 1, "L0002": 8, "L-GONE": 5})
    report = process(lake)
    written = lake.json("reports/stock_feed/year=2024/month=08/day=08/BGA.json")
    assert FeedReport.model_validate(written) == report
    assert written["verdict"] == "accepted"
    assert written["file"]["key"] == key
    assert written["file"]["not_read"] == []
    assert written["header_row"] == 2
    assert written["counts"] == {
        "rows": 65,
        "without_code": 1,
        "rejected": 1,
        "codes": 61,
        "matched": 60,
        "unmatched": 1,
        "duplicates_equal": 3,
        "duplicates_differing": 1,
        "labels": 61,
        "in_stock": 56,
        "changed": 56,
        "to_zero": 1,
        "from_zero": 54,
    }
    assert written["samples"]["rejected"] == [
        {"row": 68, "code": "px0002", "raw": None, "reason": "blank, or an error value such as #N/A"}
    ]
    assert [row["row"] for row in written["samples"]["unmatched"]] == [65, 66]
    assert [row["raw"] for row in written["samples"]["duplicates_differing"]] == ["1", "9"]
    figures = {check["name"]: (check["value"], check["limit"]) for check in written["checks"]}
    assert figures == {
        "rejected_share": (1 / 65, 0.05),
        "match_rate": (60 / 61, None),
        "labels_to_zero": (1 / 61, 0.25),
        "labels_from_zero": (0.0, 0.25),
        "one_list": (None, None),
        "first_list": (None, None),
        "stock_lost": (1 / 3, 0.15),
        # There is no record of the codes of the day before.
        "gap": (None, None),
        "agreement": (None, None),
        "level": (None, None),
        "same_stock": (None, None),
        "flips": (None, None),
        "jumps": (None, None),
        "stock_returned": (None, None),
        "one_sided_change": (None, None),
        "same_step": (None, None),
        "worst_part": (None, None),
        "older_list": (None, None),
        "row_count_change": (None, None),
        "codes_kept": (None, None),
        "match_rate_fall": (None, None),
        "conflicts": (1 / 61, 0.01),
        "damaged_codes": (0.0, 0.005),
        "fraction_share": (0.0, 0.02),
        "thousands": (0.0, 0.9),
        "other_supplier_match": (1 / 60, 3.0),
        "same_content": (0.0, 0.0),
    }
    assert all(check["passed"] and check["text"] for check in written["checks"])
    assert (written["last_snapshot"], written["age_days"], written["stale"]) == ("2024-08-07", 0, False)
    assert "65 rows" in written["reason"]


def test_a_rejected_row_keeps_the_last_accepted_quantity(lake: Lake):
    lake.put_snapshot("BGA", YESTERDAY, {"L0000": 6})
    lake.upload_feed(DAY, "BGA.xlsx", with_rejected(3))
    process(lake)
    found = lake.quantities(SNAPSHOT)
    assert [found["L0000"], found["L0001"], found["L0003"]] == [6, 0, 3]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not a workbook", "not a workbook"),
        ([["Code", "Qty"], *good_rows()], "no accepted header"),
        ([HEADER], "no row with a code"),
        (with_rejected(4), "4 of 60 rows (6.7%; limit 5%) have no usable stock"),
        ([HEADER, *([f"ZZ{number}", 1] for number in range(30))], "none of its 30 codes is known for BGA"),
    ],
    ids=["no workbook", "header", "no row", "rejected rows", "other codes"],
)
def test_a_rejected_feed_is_quarantined_and_changes_nothing(lake: Lake, content, words):
    before = lake.put_snapshot("BGA", YESTERDAY, {"L0000": 6})
    key = lake.upload_feed(DAY, "BGA SF.xlsx", content)
    report = process(lake)
    assert report.verdict is Verdict.REJECTED
    assert words in report.reason
    assert (report.snapshot, report.partition(lake.bucket)) == (None, None)
    assert lake.keys("supplier_stock/") == [before]
    aside = "quarantine/stock_feed/year=2024/month=08/day=08/BGA SF.xlsx"
    assert report.quarantined == aside
    assert lake.bodies("quarantine/") == {
        aside: lake.read(key),
        f"{aside}.txt": f"{report.reason}\n".encode(),
    }
    assert report.message("s3://report").event == "feed_rejected"


def test_five_rejected_rows_in_a_hundred_are_accepted(lake: Lake):
    lake.upload_feed(DAY, "BGA.xlsx", with_rejected(3))
    report = process(lake)
    assert report.verdict is Verdict.ACCEPTED
    assert report.counts["rejected"] == 3


def test_without_a_file_nothing_but_a_report_is_written(lake: Lake):
    lake.upload_feed(DAY, "~$BGA SF.xlsx", b"lock")
    lake.upload_feed(DAY, "APE SF.xlsx", ROWS)
    lake.upload_feed(YESTERDAY, "BGA SF.xlsx", ROWS)
    before = set(lake.keys())
    report = process(lake)
    assert report.verdict is Verdict.MISSING
    assert f"s3://{lake.bucket}/{PREFIX}" in report.reason
    assert set(lake.keys()) - before == {locations.stock_feed_report_key(DAY, "BGA")}
    assert report.file is None


def test_of_several_files_the_newest_is_read_and_the_others_are_named(lake: Lake):
    lake.upload_feed(DAY, "BGA final.xlsx", b"broken")
    lake.upload_feed(DAY, "BGA.csv", b"a,b")
    lake.upload_feed(DAY, "BGA SF.xlsx", b"broken too")
    lake.upload_feed(DAY, "bga_3.xlsx", ROWS)
    lake.upload_feed(DAY, "BGAX.xlsx", b"of no supplier")
    files = [
        {
            "Key": entry["Key"],
            "Size": entry["Size"],
            "LastModified": entry["LastModified"] + timedelta(seconds=later),
        }
        for entry in lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix=PREFIX)["Contents"]
        for later in [9 if entry["Key"].endswith("bga_3.xlsx") else 0]
    ]
    report = _process_with_listing(lake, files)
    assert report.file is not None
    assert report.file.key == f"{PREFIX}bga_3.xlsx"
    assert report.file.not_read == ["BGA SF.xlsx", "BGA final.xlsx", "BGA.csv"]
    assert report.verdict is Verdict.ACCEPTED


def _process_with_listing(lake: Lake, files: list[dict[str, Any]]) -> FeedReport:
    """Process while S3 lists these files; its own times of a test's uploads are of the same second."""

    def answer(parsed: dict[str, Any], **_: Any) -> None:
        if parsed.get("Prefix") == PREFIX:
            parsed["Contents"] = files

    lake.s3.meta.events.register("after-call.s3.ListObjectsV2", answer, unique_id="listing")
    try:
        return process(lake)
    finally:
        lake.s3.meta.events.unregister("after-call.s3.ListObjectsV2", unique_id="listing")


def test_a_csv_alone_is_rejected_with_what_to_do(lake: Lake):
    lake.upload_feed(DAY, "BGA.csv", b"BGA REFERENCE,Stock\nPX0001,5\n")
    report = process(lake)
    assert report.verdict is Verdict.REJECTED
    assert "save the list as .xlsx" in report.reason


def test_a_file_beyond_the_limit_is_not_even_fetched(lake: Lake, monkeypatch):
    lake.upload_feed(DAY, "BGA.xlsx", ROWS)
    monkeypatch.setattr(
        "stock_pipeline.feeds.judgement.WorkbookLimits", lambda: WorkbookLimits(file_bytes=100)
    )
    monkeypatch.setattr(lake.s3, "download_file", None)
    report = process(lake)
    assert report.verdict is Verdict.REJECTED
    assert "a workbook may have 100" in report.reason


def test_running_a_day_again_writes_the_same_bytes(lake: Lake):
    lake.put_snapshot("BGA", YESTERDAY, {"L0000": 6})
    lake.upload_feed(DAY, "BGA.xlsx", with_rejected(2))
    registered(lake, process(lake))
    first = lake.bodies()
    process(lake)
    assert lake.bodies() == first


def test_a_worse_file_keeps_the_snapshot_of_the_day(lake: Lake):
    lake.upload_feed(DAY, "BGA.xlsx", ROWS)
    registered(lake, process(lake))
    accepted = lake.read(SNAPSHOT)
    lake.upload_feed(DAY, "BGA.xlsx", with_rejected(30))
    report = process(lake)
    assert report.verdict is Verdict.REJECTED
    assert lake.read(SNAPSHOT) == accepted
    assert report.partition(lake.bucket) is None


def test_a_feed_is_compared_with_earlier_days_only(lake: Lake):
    lake.put_snapshot("BGA", YESTERDAY, {"L0000": 6})
    lake.put_snapshot("BGA", DAY, {"L0000": 7})
    lake.put_snapshot("BGA", TOMORROW, {"L0000": 8})
    lake.put_snapshot("APE", YESTERDAY, {"L0000": 9})
    lake.upload_feed(DAY, "BGA.xlsx", with_rejected(1))
    report = process(lake)
    assert report.last_snapshot == YESTERDAY
    assert lake.quantities(SNAPSHOT)["L0000"] == 6


def test_a_snapshot_nobody_registered_does_not_count(lake: Lake):
    lake.put_rows(
        SUPPLIER_STOCK.key("BGA", "2024", "08", "07"), SUPPLIER_STOCK.schema, [{"custom_label": "L0000"}]
    )
    lake.upload_feed(DAY, "BGA.xlsx", ROWS)
    assert process(lake).last_snapshot is None


@pytest.mark.parametrize(("age", "stale"), [(1, False), (7, False), (8, True)])
def test_the_age_of_the_snapshot_in_force_is_told(lake: Lake, age, stale):
    lake.put_snapshot("BGA", DAY - timedelta(days=age), {"L0000": 6})
    report = process(lake)
    assert (report.verdict, report.age_days, report.stale) == (Verdict.MISSING, age, stale)


def test_a_supplier_that_never_sent_has_no_age(lake: Lake):
    report = process(lake)
    assert (report.age_days, report.stale, report.last_snapshot) == (None, False, None)


def test_the_list_for_staff_has_every_rejected_and_unmatched_row_and_no_formula(lake: Lake):
    odd: Rows = [["+44", 1], ["@cmd", 2], ["-5-", "=cmd()"], ["PX0001", '\u00a35, "each"'], ["NEW", 4]]
    lake.upload_feed(DAY, "BGA.xlsx", lake.workbook([HEADER, *good_rows(), *_as_text(odd)]))
    process(lake)
    rows = staff_rows(lake)
    assert rows[0] == ["row", "code", "stock", "reason"]
    assert rows[1:] == [
        ["62", "'+44", "1", "no label is known for this code"],
        ["63", "'@cmd", "2", "no label is known for this code"],
        ["64", "'-5-", "#N", "not a number"],
        ["65", "PX0001", '\u00a35, "each"', "not a number"],
        ["66", "NEW", "4", "no label is known for this code"],
    ]


def _as_text(rows: Rows) -> Rows:
    """openpyxl would write a formula for text that begins with =; such stock is `#N` here."""
    return [["#N" if str(value).startswith("=") else value for value in row] for row in rows]


def test_an_out_list_is_held_against_the_labels_of_the_stores(lake: Lake):
    lake.put_listings("AMS", "RTG", ["A71", " b72 ", "C73"])
    lake.put_listings("PG", "RTG", ["A71", "D74"])
    lake.put_listings("PG", "APE", ["X1"])
    lake.upload_feed(DAY, "RTG.xlsx", [["Custom label", "Info"], ["a71 "], ["GONE"], ["D74", "back in May"]])
    report = process(lake, supplier="RTG")
    assert lake.quantities(report.snapshot or "") == {"A71": 0, "B72": 20, "C73": 20, "D74": 0}
    assert (report.counts["matched"], report.counts["unmatched"]) == (2, 1)


def test_a_missing_product_table_is_an_error_that_says_what_to_do(lake: Lake):
    lake.s3.delete_object(Bucket=lake.bucket, Key=PRODUCT.key())
    lake.upload_feed(DAY, "BGA.xlsx", ROWS)
    with pytest.raises(MissingTableError, match=r"product/data\.parquet is missing: load the product table"):
        process(lake)
    assert issubclass(MissingTableError, NeedsPersonError)
    assert lake.keys("supplier_stock/") == []


def test_a_registered_snapshot_whose_file_is_gone_is_an_error_that_says_what_to_do(lake: Lake):
    lake.s3.delete_object(Bucket=lake.bucket, Key=lake.put_snapshot("BGA", YESTERDAY, {"L0000": 6}))
    lake.upload_feed(DAY, "BGA.xlsx", ROWS)
    with pytest.raises(MissingTableError, match=r"2024-08-07 is registered.*restore"):
        process(lake)


def test_the_mapping_is_cleaned_and_of_one_supplier(lake: Lake):
    lake.put_product(
        [
            (" l1 ", ' "p1" ', "BGA"),
            ("L1", "P1", "BGA"),
            ("L1", "P2", "BGA"),
            ("L2", "", "BGA"),
            ("", "P3", "BGA"),
            ("L9", "P1", "APE"),
        ]
    )
    found = read_mapping(lake, supplier=BGA)
    assert found.select("custom_label", "key").sort("key").rows() == [("L1", "P1"), ("L1", "P2")]


def test_the_labels_of_an_out_list_supplier_without_stores_are_none(lake: Lake):
    assert read_mapping(lake, supplier=RTG).is_empty()


def test_uploads_of_nobody_are_quarantined_with_the_reason(lake: Lake):
    lake.upload_feed(DAY, "BGA SF.xlsx", ROWS)
    lake.upload_feed(DAY, "~$XYZ.xlsx", b"lock")
    lake.upload_feed(DAY, "stock XYZ.xlsx", b"whose?")
    lake.upload_feed(YESTERDAY, "QQQ.xlsx", b"old")
    found = quarantine_unrecognised(lake, SUPPLIERS, DAY)
    assert [file.name for file in found] == ["stock XYZ.xlsx"]
    aside = "quarantine/stock_feed/year=2024/month=08/day=08/stock XYZ.xlsx"
    assert found[0].quarantined == aside
    assert lake.bodies("quarantine/") == {aside: b"whose?", f"{aside}.txt": f"{found[0].reason}\n".encode()}
    assert "rename it" in found[0].reason


def test_a_file_in_a_subfolder_is_nobody_s_feed_however_new_it_is(lake: Lake):
    key = lake.upload_feed(DAY, "BGA SF.xlsx", ROWS)
    for name in ("old/BGA yesterday.xlsx", "BGA old/yesterday.xlsx"):
        lake.upload_feed(DAY, name, [HEADER, *([code, "0"] for code, _ in good_rows())])
    report = process(lake)
    assert report.file is not None
    assert (report.file.key, report.file.not_read) == (key, [])
    found = quarantine_unrecognised(lake, SUPPLIERS, DAY)
    assert {file.name for file in found} == {"old/BGA yesterday.xlsx", "BGA old/yesterday.xlsx"}
    assert {"subfolder" in file.reason for file in found} == {True}
    assert len({file.quarantined for file in found}) == 2


def test_what_the_day_accepted_earlier_stays_in_force_and_is_as_old_as_that(lake: Lake):
    lake.put_snapshot("BGA", DAY - timedelta(days=30), {"L0000": 1})
    lake.put_snapshot("BGA", DAY, {"L0000": 1})
    report = process(lake)
    assert (report.verdict, report.age_days, report.stale) == (Verdict.MISSING, 0, False)
    assert report.last_snapshot == DAY - timedelta(days=30)


def test_rows_for_staff_are_of_the_file_that_was_judged_last(lake: Lake):
    key = lake.upload_feed(DAY, "BGA SF.xlsx", with_rejected(2))
    process(lake)
    assert len(staff_rows(lake)) > 1
    lake.s3.delete_object(Bucket=lake.bucket, Key=key)
    assert process(lake).verdict is Verdict.MISSING
    assert locations.stock_feed_rows_key(DAY, "BGA") not in lake.keys("reports/")


def test_a_label_with_a_part_nobody_can_name_is_not_known(lake: Lake):
    lake.put_product(
        [("KIT", "PX0001", "BGA"), ("KIT", " ", "BGA"), ("ONE", "", "BGA"), ("L1", "PX0001", "BGA")]
    )
    mapping = read_mapping(lake, supplier=SUPPLIERS.supplier("BGA"))
    assert mapping["custom_label"].to_list() == ["L1"]
