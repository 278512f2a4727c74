"""The plan of the ebay table."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from stock_pipeline.ebay.plan import plan_table
from stock_pipeline.errors import NeedsPersonError
from stock_pipeline.lake.tables import SUPPLIER_STOCK
from stock_pipeline.suppliers import SuppliersFile, load_suppliers
from tests.support.lake import Lake

DAY = date(2024, 8, 8)


@pytest.fixture
def lake(lake: Lake) -> Lake:
    lake.put_snapshot("APE", date(2024, 8, 7), {})
    lake.put_snapshot("APE", DAY, {})
    lake.put_snapshot("RTG", DAY, {})
    lake.put_snapshot("OLD", date(2024, 8, 1), {})
    return lake


def plan(lake: Lake, run_date: date = DAY, run_id: str = "manual__1", **more: Any) -> dict[str, Any]:
    return plan_table(
        lake,
        suppliers=load_suppliers(),
        run_date=run_date,
        run_id=run_id,
        **more,
    )


def test_every_supplier_with_a_snapshot_counts_even_one_that_is_no_longer_in_the_file(lake: Lake):
    made = plan(lake)
    assert made["snapshots"] == [
        {"supplier": "APE", "current": "2024-08-08", "previous": "2024-08-07"},
        {"supplier": "OLD", "current": "2024-08-01", "previous": None},
        {"supplier": "RTG", "current": "2024-08-08", "previous": None},
    ]
    assert made["suppliers_by_mapping"] == ["APE", "OLD"]
    assert made["suppliers_knowing_every_label"] == ["RTG"]
    assert made["limits"]["min_listings"] == 200


def test_a_past_day_is_made_of_what_it_had(lake: Lake):
    assert [entry["supplier"] for entry in plan(lake, date(2024, 8, 7))["snapshots"]] == ["APE", "OLD"]


def test_each_run_stages_in_a_place_of_its_own_and_again_in_the_same(lake: Lake):
    one, again, other = plan(lake), plan(lake), plan(lake, run_id="manual__2")
    assert one == again
    assert one["staging_table"] != other["staging_table"]
    assert one["staging_table"].startswith("ebay_staging_20240808_")
    assert one["staging_location"] == f"s3://{lake.bucket}/staging/{one['staging_table']}/"


def test_without_any_snapshot_there_is_nothing_to_plan(lake: Lake):
    with pytest.raises(NeedsPersonError, match="no supplier has a snapshot on or before 2024-07-31"):
        plan(lake, date(2024, 7, 31))


def test_the_audit_does_not_judge_who_was_released_or_accepted(lake: Lake):
    key = lake.put_snapshot("APE", DAY, {}, released=True)
    assert plan(lake)["waived"] == ["APE"]
    assert plan(lake, accept_changes=["PV", "APE", "RTG"])["waived"] == ["APE", "PV", "RTG"]
    # The day after it is a snapshot like any other.
    lake.put_snapshot("APE", date(2024, 8, 9), {})
    assert plan(lake, date(2024, 8, 9))["waived"] == []
    assert lake.s3.head_object(Bucket=lake.bucket, Key=key)["Metadata"] == {"released": "true"}


@pytest.mark.parametrize("day", [date(2024, 8, 7), DAY], ids=["previous", "current"])
def test_a_registered_snapshot_that_is_gone_is_not_taken_for_an_empty_one(lake: Lake, day: date):
    key = SUPPLIER_STOCK.key("APE", "2024", "08", f"{day:%d}")
    lake.s3.delete_object(Bucket=lake.bucket, Key=key)
    made = plan(lake)
    assert [entry["supplier"] for entry in made["snapshots"]] == ["OLD", "RTG"]
    assert re.search(f"snapshot of {day} is registered, but .*{key} is gone", made["lost"]["APE"])


def rules(expired: str) -> SuppliersFile:
    given = load_suppliers()
    ape = given.supplier("APE").model_copy(update={"expired": expired})
    return given.model_copy(update={"suppliers": {**given.suppliers, "APE": ape}})


@pytest.mark.parametrize(
    ("expired", "contents", "on", "zeroed"),
    [
        ("zero", {"2024-08-09": "a"}, "2024-09-09", []),
        ("zero", {"2024-08-09": "a"}, "2024-09-10", ["APE"]),
        ("keep", {"2024-08-09": "a"}, "2024-09-10", []),
        # The same list again does not make the stock younger; another one does.
        ("zero", {"2024-08-09": "a", "2024-09-01": "a", "2024-09-08": "a"}, "2024-09-10", ["APE"]),
        ("zero", {"2024-08-09": "a", "2024-09-01": "b", "2024-09-08": "a"}, "2024-09-10", []),
    ],
)
def test_stock_that_has_expired_ends_if_the_supplier_says_so(
    lake: Lake, expired: str, contents: dict[str, str], on: str, zeroed: list[str]
):
    for day, content in contents.items():
        key = lake.put_snapshot("APE", date.fromisoformat(day), {})
        lake.put(key, lake.read(key), Metadata={"content": content})
    made = plan_table(lake, suppliers=rules(expired), run_date=date.fromisoformat(on), run_id="x")
    assert made["zeroed"] == made["waived"] == zeroed
    (entry,) = (entry for entry in made["snapshots"] if entry["supplier"] == "APE")
    older, newest = sorted(["2024-08-08", *contents])[-2:]
    assert (entry["current"], entry["previous"]) == ((None, newest) if zeroed else (newest, older))
