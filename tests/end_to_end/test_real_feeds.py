"""Both real days, all suppliers, 1.2 million listings: the ebay table equals the oracle's row for row.

It runs where the feeds lie beside the repository, and is not there elsewhere: they are not ours to publish.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import jinja2
import pyarrow.parquet as pq
import pytest
from airflow.dag_processing.dagbag import DagBag

from aws_operators.glue_partitions import ensure_partitions
from demo.load import feed_days
from demo.sample_tables import write_product_and_store
from stock_pipeline.ebay import plan_table
from stock_pipeline.publishing import publish
from stock_pipeline.stock_feed import process_feed
from stock_pipeline.suppliers import load_suppliers
from stock_pipeline.tables import EBAY, SUPPLIER_STOCK
from tests.dags.test_ebay_statements import render
from tests.end_to_end.days import Days
from tests.end_to_end.stack import Stack

FEEDS = Path(__file__).parents[3] / "shared" / "feeds"
COLUMNS = ("item_id", "quantity", "quantity_delta", "custom_label", "supplier_store")


def run_day(stack: Stack, templates: jinja2.Environment, day: date) -> dict[str, str]:
    """What the DAG does on a day, up to the published table; returns the verdicts."""
    suppliers = load_suppliers()
    where: dict[str, Any] = {"bucket": stack.bucket, "database": stack.database}
    reports = [
        process_feed(stack.s3, stack.glue, **where, suppliers=suppliers, supplier=supplier, run_date=day)
        for supplier in suppliers.suppliers.values()
    ]
    added = [report.partition(stack.bucket) for report in reports]
    ensure_partitions(
        stack.glue,
        stack.database,
        SUPPLIER_STOCK.name,
        [entry for entry in added if entry],  # type: ignore[misc]
    )
    plan = plan_table(stack.s3, stack.glue, **where, suppliers=suppliers, run_date=day, run_id=f"real {day}")
    stack.query(render(templates, "ebay/create_staging.sql", plan))
    checks = stack.query(render(templates, "ebay/audit.sql", plan))
    assert [check for check in checks if check[4] != "true"] == []
    published = publish(
        stack.s3, stack.glue, **where, staging_table=plan["staging_table"], table=EBAY, run_date=day
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


if FEEDS.is_dir():

    @pytest.mark.timeout(900)
    def test_both_real_days_equal_the_oracle_row_for_row(
        stack: Stack, dag_bag: DagBag, tmp_path: Path
    ) -> None:
        templates = dag_bag.dags["daily_stock"].get_template_env()
        write_product_and_store(FEEDS, tmp_path, plain=True)
        days = Days.read(FEEDS, tmp_path)
        days.upload_tables(stack)
        for day, _ in feed_days(FEEDS):
            days.upload_feeds(stack, day)
            verdicts = run_day(stack, templates, day)
            assert verdicts == {code: verdict for (of, code), verdict in days.verdicts.items() if of == day}
            wanted = days.table(day)
            listings = 0
            for key, row in published_rows(stack):
                assert row == wanted[key], key
                listings += 1
            assert listings == len(wanted)
            assert stack.query("SELECT count(*), count(DISTINCT item_id) FROM ebay") == [[str(listings)] * 2]
        assert listings > 1_000_000
