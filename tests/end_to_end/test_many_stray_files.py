"""A folder full of files that match no supplier: the message says so, the summary names all."""

from __future__ import annotations

from datetime import date

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from stock_pipeline.lake import locations
from tests.support.runs.days import FEW, SECOND, Days
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack

STRAY = 120
"""Told of one by one they would be more than SNS takes in a message, which is what `FULL_LENGTH` is for."""
FULL_LENGTH = 1_024
"""Bytes of the longest key there is."""


def stray_keys(folder: str) -> list[str]:
    """The keys of many uploads; three in four as long as a key can be, with letters of several bytes."""
    keys = []
    for number in range(STRAY):
        key = f'{folder}list {number} "from" Müller.csv'
        if number % 4:
            key = f"{folder}{number} "
            key += "ü库" * ((FULL_LENGTH - len(key.encode())) // 5)
        keys.append(key)
    return keys


def only(stack: Stack, event: str) -> dict[str, object]:
    (message,) = [body for name, body in stack.messages() if name == event]
    return message


def test_a_daily_run_is_told_of_and_summed_up_whole(daily_stock: DAG, prepared: Stack, days: Days) -> None:
    keys = stray_keys(locations.stock_feed_prefix(SECOND))
    for key in keys:
        prepared.put(key, b"stray")
    made = LocalRun(daily_stock, {"run_date": str(SECOND), "suppliers": list(FEW)}).go()
    assert list(made.failed) == [("conclude", -1)]
    assert prepared.ebay() == days.table(SECOND, *FEW)
    text = str(only(prepared, "run_finished")["text"])
    assert f"and {STRAY - 20:,} more, in the report" in text
    assert "ebay table published" in text
    told = str(made.errors["conclude", -1])
    assert f"and {STRAY - 20:,} more, in the report" in told
    assert len(told) < 40_000
    summary = prepared.json(locations.run_summary_key(SECOND))
    assert len(summary["concerns"]) == len(summary["unrecognised"]) == STRAY
    quarantined = [entry["quarantined"] for entry in summary["unrecognised"]]
    assert len(set(quarantined)) == STRAY
    assert {f"{key}.txt" for key in quarantined} <= set(prepared.keys(locations.QUARANTINE))
    page = prepared.body(locations.run_page_key(SECOND)).decode()
    assert f"list {STRAY - 4} " in page


def test_a_weekly_run_is_told_of_and_summed_up_whole(dag_bag: DagBag, prepared: Stack) -> None:
    day = date(2024, 8, 11)
    for key in stray_keys(f"{locations.STORE_FEEDS}{locations.day_prefix(day)}"):
        prepared.put(key, b"stray")
    made = LocalRun(dag_bag.dags["weekly_store"], {"run_date": str(day)}).go()
    assert list(made.failed) == [("conclude", -1)]
    text = str(only(prepared, "run_finished")["text"])
    assert f"and {STRAY - 20:,} more, in the report" in text
    assert f"and {STRAY - 20:,} more, in the report" in str(made.errors["conclude", -1])
    location = made.result("summarise")["report"]
    assert len(prepared.json(location.split("/", 3)[3])["not_read"]) == STRAY


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_a_rejected_feed_with_the_longest_name_is_put_aside(
    daily_stock: DAG, prepared: Stack, ending: str
) -> None:
    for key in prepared.keys(f"{locations.stock_feed_prefix(SECOND)}BGA"):
        prepared.s3.delete_object(Bucket=prepared.bucket, Key=key)
    key = f"{locations.stock_feed_prefix(SECOND)}BGA "
    key += "é" * ((FULL_LENGTH - len(key.encode()) - 5) // 2) + f".{ending}"
    prepared.put(key, b"no workbook")
    made = LocalRun(daily_stock, {"run_date": str(SECOND), "suppliers": ["BGA"]}).go()
    assert list(made.failed) == [("conclude", -1)]
    report = prepared.feed_report(SECOND, "BGA")
    assert report["verdict"] == "rejected"
    assert prepared.body(report["quarantined"]) == b"no workbook"
    assert prepared.body(f"{report['quarantined']}.txt").decode().strip() == report["reason"]
