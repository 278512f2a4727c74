"""Which snapshots count on a day."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from stock_pipeline.lake.catalog import Snapshots, snapshot_dates, snapshots_on
from stock_pipeline.lake.lake import Partition
from stock_pipeline.lake.tables import SUPPLIER_STOCK
from tests.support.lake import Lake

DATES = {
    "APE": ["2024-07-31", "2024-08-01", "2024-08-08"],
    "BGA": ["2023-12-31", "2024-01-01"],
    "RTG": ["2024-08-09"],
}


@pytest.fixture
def lake(lake: Lake) -> Lake:
    for supplier, days in DATES.items():
        for day in reversed(days):
            values = (supplier, *day.split("-"))
            lake.register(SUPPLIER_STOCK.name, values, SUPPLIER_STOCK.key(*values))
    return lake


@pytest.mark.parametrize(
    ("run_date", "expected"),
    [
        ("2023-12-30", {}),
        ("2023-12-31", {"BGA": ("2023-12-31", None)}),
        ("2024-01-01", {"BGA": ("2024-01-01", "2023-12-31")}),
        ("2024-07-31", {"APE": ("2024-07-31", None), "BGA": ("2024-01-01", "2023-12-31")}),
        ("2024-08-07", {"APE": ("2024-08-01", "2024-07-31"), "BGA": ("2024-01-01", "2023-12-31")}),
        ("2024-08-08", {"APE": ("2024-08-08", "2024-08-01"), "BGA": ("2024-01-01", "2023-12-31")}),
        (
            "2030-01-01",
            {
                "APE": ("2024-08-08", "2024-08-01"),
                "BGA": ("2024-01-01", "2023-12-31"),
                "RTG": ("2024-08-09", None),
            },
        ),
    ],
)
def test_the_current_and_the_previous_snapshot_of_each_supplier(lake: Lake, run_date, expected):
    found = snapshots_on(lake, date.fromisoformat(run_date))
    assert [entry.as_dict() for entry in found] == [
        {"supplier": supplier, "current": current, "previous": previous}
        for supplier, (current, previous) in expected.items()
    ]


@pytest.mark.parametrize("supplier", [*DATES, "XYZ"])
def test_the_dates_of_a_supplier_oldest_first(lake: Lake, supplier):
    found = snapshot_dates(lake, supplier)
    assert [str(day) for day in found] == DATES.get(supplier, [])


def test_more_partitions_than_one_answer_holds_are_all_found(lake: Lake):
    days = [f"{day:02}" for day in range(1, 32)]
    wanted = {
        (supplier, "2025", month, day)
        for supplier in ("COM", "MOT")
        for month in ("05", "07")
        for day in days
    }
    inputs: list[Any] = [
        {"Values": list(values), "StorageDescriptor": {"Location": f"s3://{lake.bucket}/x/"}}
        for values in wanted
    ]
    for start in range(0, len(inputs), 100):
        lake.glue.batch_create_partition(
            DatabaseName=lake.bucket,
            TableName=SUPPLIER_STOCK.name,
            PartitionInputList=inputs[start : start + 100],
        )
    found = {entry.values for entry in lake.partitions(SUPPLIER_STOCK.name)}
    assert found >= wanted
    assert len(found) == len(wanted) + sum(map(len, DATES.values()))


def test_a_partition_is_its_values_and_its_folder(lake: Lake):
    found = lake.partitions(SUPPLIER_STOCK.name, "supplier = 'RTG'")
    folder = f"s3://{lake.bucket}/supplier_stock/supplier=RTG/year=2024/month=08/day=09/"
    assert found == [Partition(("RTG", "2024", "08", "09"), folder)]


def test_snapshots_as_text():
    without = Snapshots("APE", date(2024, 8, 8), None)
    assert without.as_dict() == {"supplier": "APE", "current": "2024-08-08", "previous": None}
