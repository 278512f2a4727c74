"""Both real days, all suppliers, 1.2 million listings: the ebay table equals the oracle's row for row.

Before the second day's feeds come wrong ones: each of seven suppliers sends what has been seen to go wrong.

It runs where the feeds lie beside the repository, and is not there elsewhere: they are not ours to publish.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import fastexcel
import jinja2
import openpyxl
import pyarrow.parquet as pq
from airflow.dag_processing.dagbag import DagBag

from aws_operators.glue_partitions import ensure_partitions
from samples.tables import write_product_and_store
from stock_pipeline.ebay.plan import plan_table
from stock_pipeline.feeds.processing import process_feed
from stock_pipeline.lake import locations
from stock_pipeline.lake.publishing import Fence, publish, published_versions
from stock_pipeline.lake.tables import EBAY, SUPPLIER_STOCK
from stock_pipeline.suppliers import load_suppliers
from tests.support import oracle
from tests.support.runs.days import FIRST, SECOND, Days
from tests.support.runs.stack import Stack
from tests.support.statements import render

FEEDS = Path(__file__).parents[3] / "shared" / "feeds"
COLUMNS = ("item_id", "quantity", "quantity_delta", "custom_label", "supplier_store")


def run_day(stack: Stack, templates: jinja2.Environment, day: date) -> dict[str, str]:
    """What the DAG does on a day, up to the published table; returns the verdicts.

    A supplier's first list is taken, as on the day a seller begins.
    """
    suppliers = load_suppliers()
    known = {values[0] for values in stack.partitions(SUPPLIER_STOCK.name)}
    reports = [
        process_feed(
            stack.lake,
            suppliers=suppliers,
            supplier=supplier,
            run_date=day,
            accept_first=supplier.code not in known,
        )
        for supplier in suppliers.suppliers.values()
    ]
    added = [report.partition(stack.bucket) for report in reports]
    ensure_partitions(
        stack.glue,
        stack.database,
        SUPPLIER_STOCK.name,
        [entry for entry in added if entry],  # type: ignore[misc]
    )
    plan = plan_table(stack.lake, suppliers=suppliers, run_date=day, run_id=f"real {uuid4()}")
    stack.query(render(templates, "ebay/create_staging.sql", plan))
    checks = stack.query(render(templates, "ebay/audit.sql", plan))
    assert [check for check in checks if check[4] != "true"] == []
    published = publish(
        stack.lake,
        staging_table=plan["staging_table"],
        table=EBAY,
        run_date=day,
        fence=Fence("a test", published_versions(stack.lake, EBAY), lambda: None),
    )
    ensure_partitions(
        stack.glue,
        stack.database,
        EBAY.name,
        [{"values": list(entry.values), "location": entry.location} for entry in published.partitions],
    )
    return {report.supplier: report.verdict.value for report in reports if report.file}


def published_rows(stack: Stack) -> Iterator[tuple[tuple[str, int], tuple[object, ...]]]:
    """The table's files; through Athena's API a million rows would take minutes."""
    for (store,) in stack.partitions("ebay"):
        table = pq.ParquetFile(BytesIO(stack.body(EBAY.key(store)))).read()
        for item_id, *row in zip(*(table[name].to_pylist() for name in COLUMNS), strict=True):
            yield (store, item_id), tuple(row)


def first_sheet(path: Path) -> list[tuple[Any, ...]]:
    """The rows of a workbook as text."""
    return fastexcel.read_excel(path).load_sheet(0, header_row=None, dtypes="string").to_polars().rows()


def workbook(rows: Iterable[Iterable[Any]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(list(row))
    body = BytesIO()
    book.save(body)
    return body.getvalue()


def wrong_feeds() -> dict[str, tuple[bytes, str, str]]:
    """By supplier what it wrongly sends on the second day, the verdict, and words of the reason."""

    def real(day: date, supplier: str) -> Path:
        return FEEDS / day.isoformat() / f"{supplier} SF.xlsx"

    bet = real(SECOND, "BET").read_bytes()
    half = first_sheet(real(SECOND, "FPS"))
    swapped = {"Y": "N", "N": "Y"}
    kyb = [(code, swapped.get(flag, flag), *rest) for code, flag, *rest in first_sheet(real(FIRST, "KYB"))]
    header, *feb = first_sheet(real(SECOND, "FEB"))
    return {
        "JUR": (bet, "held", "it looks like BET's list; "),
        "APE": (bet, "rejected", "that is how lists of BET and JUR begin"),
        "RTG": (workbook([["Custom label", "Info"]]), "rejected", "no row with a code below the header"),
        "FPS": (workbook(half[: len(half) // 2]), "held", "are still listed"),
        "KYB": (workbook(kyb), "held", "known labels went to zero since 2024-08-01"),
        "FEB": (workbook([header, *((row[0], row[1]) for row in feb)]), "rejected", "have no usable stock"),
        "MOT": (real(FIRST, "COM").read_bytes(), "rejected", "it looks like COM's list; no usable row"),
    }


def as_wanted(stack: Stack, wanted: oracle.EbayTable) -> int:
    """Check the published table row by row; returns how many there are."""
    listings = 0
    for key, row in published_rows(stack):
        assert row == wanted[key], key
        listings += 1
    assert listings == len(wanted)
    assert stack.query("SELECT count(*), count(DISTINCT item_id) FROM ebay") == [[str(listings)] * 2]
    return listings


if FEEDS.is_dir():

    def test_both_real_days_equal_the_oracle_row_for_row(
        stack: Stack, dag_bag: DagBag, tmp_path: Path
    ) -> None:
        templates = dag_bag.dags["daily_stock"].get_template_env()
        write_product_and_store(FEEDS, tmp_path, plain=True)
        days = Days.read(FEEDS, tmp_path)
        days.upload_tables(stack)

        days.upload_feeds(stack, FIRST)
        assert run_day(stack, templates, FIRST) == days.verdicts_of(FIRST)
        assert as_wanted(stack, days.table(FIRST)) > 1_000_000

        # A supplier with a wrong feed keeps the first day's stock; all others have the second day's.
        days.upload_feeds(stack, SECOND)
        wrong = wrong_feeds()
        for supplier, (body, _, _) in wrong.items():
            stack.put(f"{locations.stock_feed_prefix(SECOND)}{supplier} SF.xlsx", body)
        found = run_day(stack, templates, SECOND)
        assert found == days.verdicts_of(SECOND) | {code: verdict for code, (_, verdict, _) in wrong.items()}
        for supplier, (_, _, words) in wrong.items():
            assert words in stack.feed_report(SECOND, supplier)["reason"]
        as_wanted(stack, days.table(SECOND, without=[(code, SECOND) for code in wrong]))

        # Then the right ones come.
        stack.s3.delete_object(Bucket=stack.bucket, Key=f"{locations.stock_feed_prefix(SECOND)}KYB SF.xlsx")
        days.upload_feeds(stack, SECOND)
        assert run_day(stack, templates, SECOND) == days.verdicts_of(SECOND)
        assert as_wanted(stack, days.table(SECOND)) > 1_000_000
