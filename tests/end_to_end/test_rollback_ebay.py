"""Real runs of rollback_ebay between runs of daily_stock."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from stock_airflow import run_helpers
from stock_airflow.run_helpers import s3_client
from stock_pipeline.lake import locations
from tests.support import oracle
from tests.support.runs.checkpoint import Checkpoint
from tests.support.runs.crashes import Killed, afterwards
from tests.support.runs.days import FEW, FIRST, SECOND, Days
from tests.support.runs.local_run import LocalRun
from tests.support.runs.stack import Stack

REASON = "BGA's feed was wrong"


@pytest.fixture
def rollback_ebay(dag_bag: DagBag) -> DAG:
    return dag_bag.dags["rollback_ebay"]


def new_run(dag: DAG, **conf: Any) -> LocalRun:
    return LocalRun(dag, {"table_date": str(FIRST), "reason": REASON, **conf})


def told(stack: Stack) -> dict[str, list[str]]:
    """The rollback's upload files by store."""
    return {
        key.rpartition("/")[2].removesuffix(".csv"): stack.body(key).decode().splitlines()
        for key in stack.keys("ebay_upload/rollback_to=")
        if key.endswith(".csv")
    }


def what_undoes(days: Days) -> dict[str, list[str]]:
    """The same by the oracle."""
    older, newer = days.table(FIRST, *FEW), days.table(SECOND, *FEW)
    differing = {
        place: row._replace(quantity_delta=1)
        for place, row in older.items()
        if place not in newer or newer[place].quantity != row.quantity
    }
    return oracle.upload_lines(differing, full=True)


def test_the_table_is_the_first_day_s_again_and_the_files_undo_the_second_s(
    rollback_ebay: DAG, daily_stock: DAG, published: Stack, days: Days
) -> None:
    of_the_day = published.uploads(SECOND)
    for _ in range(2):
        run = new_run(rollback_ebay).go()
        assert (run.failed, run.state) == ({}, "success")
        assert published.ebay() == days.table(FIRST, *FEW)
        assert told(published) == what_undoes(days)
        assert published.uploads(SECOND) == of_the_day
        messages = published.messages()
        assert [(event, message["subject"], message["status"]) for event, message in messages] == [
            ("table_rolled_back", "ebay", "success"),
            ("run_finished", "rollback_ebay", "success"),
        ]
        counts = messages[0][1]["counts"]
        assert counts["changed"] + counts["back"] == sum(len(lines) - 1 for lines in told(published).values())
        assert REASON in messages[1][1]["text"]
        key = locations.run_report_key("rollback_ebay", run.dag_run.run_after.date(), run.dag_run.run_id)
        report = published.json(key)
        assert (report["reason"], report["rolled_back"], report["concerns"]) == (REASON, True, [])
        assert f"s3://{published.bucket}/{key}" == messages[1][1]["report"]
    # And the next run simply works.
    again = LocalRun(daily_stock, {"run_date": str(SECOND), "suppliers": list(FEW)}).go()
    assert again.failed == {}
    assert published.ebay() == days.table(SECOND, *FEW)


def test_a_dry_run_tells_the_figures_and_writes_nothing(
    rollback_ebay: DAG, published: Stack, days: Days
) -> None:
    before = Checkpoint.take(published)
    run = new_run(rollback_ebay, dry_run=True).go()
    assert run.failed == {}
    after = Checkpoint.take(published)
    assert (after.objects, after.partitions) == (before.objects, before.partitions)
    ((event, message),) = published.messages()
    assert (event, message["report"]) == ("run_finished", None)
    assert "would be rolled back (dry run) to 2024-08-01" in message["text"]
    rows = sum(len(lines) - 1 for lines in what_undoes(days).values())
    assert message["counts"]["changed"] + message["counts"]["back"] == rows


def test_a_store_s_partition_is_made_sure_of(rollback_ebay: DAG, published: Stack, days: Days) -> None:
    published.glue.delete_partition(
        DatabaseName=published.database, TableName="ebay", PartitionValues=["AMS"]
    )
    run = new_run(rollback_ebay, stores=["AMS"]).go()
    assert run.failed == {}
    assert run.result("register_ebay") == [["AMS"]]
    older, newer = days.table(FIRST, *FEW), days.table(SECOND, *FEW)
    assert published.ebay() == {
        place: (older if place[0] == "AMS" else newer)[place]
        for place in older.keys() | newer.keys()
        if place in (older if place[0] == "AMS" else newer)
    }


def test_killed_in_the_middle_and_run_again_it_comes_to_the_same(
    rollback_ebay: DAG, published: Stack, days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3: Any = s3_client()
    with monkeypatch.context() as patch:
        patch.setattr(s3, "copy", afterwards(s3.copy, 2))
        patch.setattr(run_helpers, "s3_client", lambda: s3)
        killed = new_run(rollback_ebay).go()
    assert isinstance(killed.errors["roll_back", -1], Killed)
    assert "task roll_back failed" in killed.failed["conclude", -1]
    assert published.messages()[-1][1]["status"] == "failed"
    assert new_run(rollback_ebay).go().failed == {}
    assert published.ebay() == days.table(FIRST, *FEW)
    assert told(published) == what_undoes(days)


def test_a_listing_the_older_table_does_not_know_is_said_and_listed(
    rollback_ebay: DAG, daily_stock: DAG, published: Stack, days: Days
) -> None:
    """KLA's first stock comes on the second day: its listings are new in the table."""
    suppliers = [*FEW, "KLA"]
    assert LocalRun(daily_stock, {"run_date": str(SECOND), "suppliers": suppliers}).go().failed == {}
    new = set(published.ebay()) - set(days.table(FIRST, *FEW))
    assert new
    published.messages()
    run = new_run(rollback_ebay).go()
    assert run.failed.keys() == {("conclude", -1)}
    assert f"{len(new):,} listings were not in the table of 2024-08-01" in run.failed["conclude", -1]
    assert published.ebay() == days.table(FIRST, *FEW)
    (key,) = [key for key in published.keys("reports/rollback_ebay/") if key.endswith(".csv")]
    lines = published.body(key).decode("utf-8-sig").splitlines()[1:]
    assert {(line.split(",")[0], int(line.split(",")[1])) for line in lines} == new
    assert dict(published.messages())["table_rolled_back"]["counts"]["gone"] == len(new)


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"table_date": "2024-07-31"}, r"No ebay table of 2024-07-31 .* There are: 2024-08-01"),
        ({"stores": ["AMS", "NONE"]}, "has had no store NONE"),
        ({"reason": "  "}, "Say why"),
        ({"store": ["AMS"]}, "No parameter store; there are"),
    ],
)
def test_what_cannot_be_done_is_refused_at_once_with_the_way_out(
    rollback_ebay: DAG, published: Stack, conf: dict[str, Any], message: str
) -> None:
    before = Checkpoint.take(published)
    run = new_run(rollback_ebay, **conf).go(stop="plan_rollback")
    with pytest.raises(Exception, match=message):
        raise run.errors["plan_rollback", -1]
    run.go(start="roll_back")
    assert Checkpoint.take(published).objects == before.objects
    ((event, finished),) = published.messages()
    assert (event, finished["status"]) == ("run_finished", "failed")
    assert "plan_rollback failed" in finished["text"]


@pytest.mark.parametrize(
    "conf", [{"table_date": None}, {"table_date": "yesterday"}, {"reason": None}, {"reason": ""}]
)
def test_what_the_form_demands_is_demanded_of_everybody(
    rollback_ebay: DAG, published: Stack, conf: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=next(iter(conf))):
        new_run(rollback_ebay, **conf).perform("plan_rollback")
