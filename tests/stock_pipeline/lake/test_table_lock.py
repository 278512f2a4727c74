"""A table's lock: one owner at a time, whatever races, dies or lapses."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stock_pipeline.errors import NeedsPersonError, TableLockedError
from stock_pipeline.lake.locations import lock_key
from stock_pipeline.lake.table_lock import LEASE, PUBLISHED, READ, RENEWED_AFTER, Lock, Owner, TableLocks
from tests.support.interruption import stop_at_every_call
from tests.support.lake import Lake

NOON = datetime(2024, 8, 4, 11, 0, tzinfo=UTC)
STORE = {"store": PUBLISHED}
DAILY, WEEKLY = Owner(dag_id="daily_stock", run_id="a"), Owner(dag_id="weekly_store", run_id="b")


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, time: timedelta) -> None:
        self.now += time


@pytest.fixture(params=["versioned", "not versioned"])
def lake(lake: Lake, request: pytest.FixtureRequest) -> Lake:
    if request.param == "versioned":
        lake.s3.put_bucket_versioning(Bucket=lake.bucket, VersioningConfiguration={"Status": "Enabled"})
    return lake


@pytest.fixture
def clock() -> Clock:
    return Clock()


def locks(lake: Lake, owner: Owner, clock: Clock | None = None, over: Any = ()) -> TableLocks:
    return TableLocks(lake, owner, lambda other: other in over, clock or Clock())


def lock(lake: Lake, table: str = "store") -> Lock | None:
    if lock_key(table) not in lake.keys("locks/"):
        return None
    return Lock.model_validate_json(lake.read(lock_key(table)))


def owner_of(lake: Lake, table: str = "store") -> Owner | None:
    found = lock(lake, table)
    return found.owner if found else None


def test_who_comes_second_is_told_who_holds_it_what_for_and_until_when(lake: Lake):
    locks(lake, WEEKLY).hold(STORE)
    told = (
        r"^store is being published by weekly_store, run b, since 2024-08-04 12:00, "
        r"until at most 2024-08-04 15:00 \(London time\)$"
    )
    with pytest.raises(TableLockedError, match=told) as refused:
        locks(lake, DAILY).hold({"store": READ})
    assert not isinstance(refused.value, NeedsPersonError)  # it passes by itself
    assert owner_of(lake) == WEEKLY


def test_all_tasks_of_a_run_share_its_lock_and_another_run_of_the_dag_does_not(lake: Lake):
    locks(lake, WEEKLY).hold(STORE)
    locks(lake, Owner(**WEEKLY.model_dump())).hold(STORE)
    with pytest.raises(TableLockedError, match="weekly_store, run b"):
        locks(lake, WEEKLY.model_copy(update={"run_id": "c"})).hold(STORE)


def test_what_is_given_back_is_free_again_and_again(lake: Lake):
    for owner in (DAILY, WEEKLY, DAILY):
        locks(lake, owner).hold(STORE)
        assert owner_of(lake) == owner
        for _ in range(2):
            locks(lake, owner).give_back("store")
            assert lake.keys("locks/") == []


def test_nobody_gives_back_what_is_another_s(lake: Lake):
    locks(lake, WEEKLY).hold(STORE)
    locks(lake, DAILY).give_back("store", "ebay")
    assert owner_of(lake) == WEEKLY


def test_all_locks_or_none_and_what_was_held_before_stays(lake: Lake):
    locks(lake, DAILY).hold({"product": READ})
    locks(lake, WEEKLY).hold(STORE)
    with pytest.raises(TableLockedError, match="store is being published by weekly_store"):
        locks(lake, DAILY).hold({"ebay": PUBLISHED, "product": READ, "store": READ, "supplier_stock": READ})
    assert lake.keys("locks/") == [lock_key("product"), lock_key("store")]
    assert owner_of(lake, "product") == DAILY


@pytest.mark.parametrize(
    ("age", "taken"), [(timedelta(), False), (LEASE - timedelta(seconds=1), False), (LEASE, True)]
)
def test_a_lock_lapses(lake: Lake, clock: Clock, age: timedelta, taken: bool):
    locks(lake, WEEKLY, clock).hold(STORE)
    clock.pass_by(age)
    daily = locks(lake, DAILY, clock)
    if not taken:
        with pytest.raises(TableLockedError):
            daily.hold(STORE)
        return
    daily.hold(STORE)
    assert owner_of(lake) == DAILY
    # Who lost it finds out, and does not remove the other's.
    with pytest.raises(TableLockedError, match="daily_stock"):
        locks(lake, WEEKLY, clock).hold(STORE)
    locks(lake, WEEKLY, clock).give_back("store")
    assert owner_of(lake) == DAILY


def test_a_lock_that_is_used_does_not_lapse_and_keeps_its_beginning(lake: Lake, clock: Clock):
    weekly = locks(lake, WEEKLY, clock)
    for _ in range(30):
        weekly.hold(STORE)
        clock.pass_by(LEASE / 3)
        with pytest.raises(TableLockedError):
            locks(lake, DAILY, clock).hold(STORE)
    found = lock(lake)
    assert found is not None
    assert found.since == NOON


def test_a_lock_just_taken_is_only_read(lake: Lake, clock: Clock):
    weekly = locks(lake, WEEKLY, clock)
    weekly.hold(STORE)
    before = lake.read(lock_key("store"))
    clock.pass_by(RENEWED_AFTER - timedelta(seconds=1))
    weekly.hold(STORE)
    assert lake.read(lock_key("store")) == before
    clock.pass_by(timedelta(seconds=1))
    weekly.hold(STORE)
    assert lake.read(lock_key("store")) != before


def test_a_run_takes_its_own_lapsed_lock_again(lake: Lake, clock: Clock):
    locks(lake, WEEKLY, clock).hold(STORE)
    clock.pass_by(10 * LEASE)
    locks(lake, WEEKLY, clock).hold(STORE)
    with pytest.raises(TableLockedError):
        locks(lake, DAILY, clock).hold(STORE)


def test_the_lock_of_a_run_that_is_over_is_taken_over_at_once(lake: Lake):
    locks(lake, WEEKLY).hold(STORE)
    locks(lake, DAILY, over={WEEKLY}).hold(STORE)
    assert owner_of(lake) == DAILY


def test_what_is_no_lock_is_named_and_needs_a_person(lake: Lake):
    lake.put(lock_key("store"), b"{}")
    with pytest.raises(NeedsPersonError, match=r"locks/store\.json is not a lock .* delete that file"):
        locks(lake, DAILY).hold(STORE)


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Threads change places as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("quick_switches")
@pytest.mark.parametrize("before", ["free", "lapsed", "of a run that is over"])
def test_of_runs_that_race_for_a_lock_one_gets_it(lake: Lake, clock: Clock, before: str):
    runs = [Owner(dag_id="daily_stock", run_id=f"{at}") for at in range(8)]
    start = Barrier(len(runs))

    def race(owner: Owner) -> bool:
        own = locks(lake, owner, clock, over={WEEKLY} if "over" in before else ())
        start.wait()
        try:
            own.hold(STORE)
        except TableLockedError:
            return False
        return True

    with ThreadPoolExecutor(len(runs)) as threads:
        for _ in range(12):
            locks(lake, WEEKLY, clock, over=set(runs)).hold(STORE)
            if before == "free":
                locks(lake, WEEKLY, clock).give_back("store")
            if before == "lapsed":
                clock.pass_by(LEASE)
            won = [owner for owner, got in zip(runs, threads.map(race, runs), strict=True) if got]
            assert won == [owner_of(lake)]


@pytest.mark.usefixtures("quick_switches")
def test_tasks_of_one_run_that_race_all_get_it(lake: Lake, clock: Clock):
    start = Barrier(8)

    def task(_: int) -> None:
        start.wait()
        locks(lake, WEEKLY, clock).hold(STORE)

    with ThreadPoolExecutor(8) as threads:
        for _ in range(8):
            list(threads.map(task, range(8)))
            assert owner_of(lake) == WEEKLY
            clock.pass_by(LEASE / 2)


def test_an_answer_that_got_lost_does_not_lose_the_lock(lake: Lake):
    """A client sends a write again if it hears nothing, and the second finds the object of the first."""
    put = lake.s3.put_object

    class Deaf:
        exceptions = lake.s3.exceptions
        get_object = staticmethod(lake.s3.get_object)

        @staticmethod
        def put_object(**arguments: Any) -> None:
            put(**arguments)
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")

    s3: Any = Deaf()
    TableLocks(replace(lake, s3=s3), DAILY).hold(STORE)
    assert owner_of(lake) == DAILY


def test_a_refusal_of_aws_is_not_taken_for_a_lost_race(lake: Lake):
    class Refusing:
        exceptions = lake.s3.exceptions
        get_object = staticmethod(lake.s3.get_object)

        @staticmethod
        def put_object(**_: Any) -> None:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject")

    s3: Any = Refusing()
    with pytest.raises(ClientError, match="AccessDenied"):
        TableLocks(replace(lake, s3=s3), DAILY).hold(STORE)


def test_stopped_at_any_call_the_run_goes_on_and_gives_everything_back(lake: Lake):
    tables = {"ebay": PUBLISHED, "product": READ, "store": READ}

    def run() -> None:
        with locks(lake, DAILY).held(tables):
            assert {owner_of(lake, table) for table in tables} == {DAILY}

    stops = 0
    for stops in stop_at_every_call(lake, lambda: None, run):  # noqa: B007 - the last counts
        for key in lake.keys("locks/"):
            assert json.loads(lake.read(key))["owner"] == DAILY.model_dump()
        run()
        assert lake.keys("locks/") == []
    assert stops > 10


def test_a_block_that_fails_gives_its_locks_back(lake: Lake):
    with pytest.raises(ValueError, match="of the block"), locks(lake, DAILY).held(STORE):
        raise ValueError("of the block")
    assert lake.keys("locks/") == []
