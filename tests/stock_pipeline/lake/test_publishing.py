"""Publishing a staged table: whole stores, in any order of failures."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from stock_pipeline.errors import NeedsPersonError, PublishRefusedError, TableLockedError
from stock_pipeline.lake.publishing import (
    RUN_METADATA,
    Fence,
    Published,
    publish,
    published_date,
    published_versions,
    refuse_of_others,
)
from stock_pipeline.lake.staging import drop_staging, staging_prefix
from stock_pipeline.lake.table_lock import PUBLISHED, Owner, TableLocks
from stock_pipeline.lake.tables import EBAY, PRODUCT, STORE, Table
from tests.support.interruption import stop_at_every_call
from tests.support.lake import Lake

DAY = date(2024, 8, 8)
YESTERDAY = DAY - timedelta(days=1)
STAGING = "ebay_staging_20240808_abc"
OLD = {"AMS": b"old AMS", "PV": b"old PV"}
NEW = {"AMS": b"new AMS", "PG": b"new PG"}


def stage(lake: Lake, stores: dict[str, bytes], name: str = STAGING) -> None:
    lake.create_table(name, EBAY)
    for store, body in stores.items():
        key = f"{staging_prefix(name)}try=1/ebay_store={store}/20240808_00001_bucket-0"
        lake.put(key, body)
        lake.register(name, (store,), key)


RUN = "daily_stock, run now"


@pytest.fixture
def lake(lake: Lake) -> Lake:
    lake.s3.put_bucket_versioning(Bucket=lake.bucket, VersioningConfiguration={"Status": "Enabled"})
    return lake


def fence(lake: Lake, table: Table = EBAY, within: tuple[str, ...] = (), run: str = RUN) -> Fence:
    """Of a run that begins now and whose lock no one takes."""
    return Fence(run, published_versions(lake, table, within), lambda: None)


def run(
    lake: Lake,
    run_date: date = DAY,
    name: str = STAGING,
    allow_older: bool = False,
    own: Fence | None = None,
) -> Published:
    return publish(
        lake,
        staging_table=name,
        table=EBAY,
        run_date=run_date,
        fence=own or fence(lake),
        allow_older=allow_older,
    )


def register_all(lake: Lake, published: Published) -> None:
    """What the catalog operator does after publishing."""
    known = lake.registered(EBAY.name)
    for entry in published.partitions:
        if entry.values not in known:
            lake.register(EBAY.name, entry.values, EBAY.key(*entry.values))


@pytest.fixture
def published(lake: Lake) -> Lake:
    """A lake with yesterday's table, published, and today's staged."""
    publish_yesterday(lake)
    stage(lake, NEW)
    return lake


def publish_yesterday(lake: Lake) -> None:
    stage(lake, OLD, "ebay_staging_20240807_old")
    register_all(lake, run(lake, YESTERDAY, "ebay_staging_20240807_old", allow_older=True))
    drop_staging(lake, staging_table="ebay_staging_20240807_old")


def objects(lake: Lake) -> dict[str, bytes]:
    return lake.bodies("ebay/")


def keyed(stores: dict[str, bytes]) -> dict[str, bytes]:
    return {EBAY.key(store): body for store, body in stores.items()}


def test_each_store_is_copied_and_a_vanished_one_goes(published: Lake):
    done = run(published)
    assert objects(published) == keyed(NEW)
    assert [entry.values for entry in done.partitions] == [("AMS",), ("PG",)]
    assert done.partitions[1].location == f"s3://{published.bucket}/ebay/ebay_store=PG/"
    assert done.removed == [("PV",)]
    assert published.registered(EBAY.name) == {("AMS",)}


def test_the_date_of_the_table_is_on_its_objects(published: Lake):
    assert published_date(published, EBAY, ("AMS",)) == YESTERDAY
    run(published)
    assert published_date(published, EBAY, ("AMS",)) == DAY
    assert published_date(published, EBAY, ("PV",)) is None
    published.put(EBAY.key("OR"), b"put there by hand")
    assert published_date(published, EBAY, ("OR",)) is None


def test_publishing_again_gives_the_same(published: Lake):
    register_all(published, run(published))
    assert run(published).removed == []
    assert objects(published) == keyed(NEW)


def test_an_older_date_is_published_only_if_asked_for(published: Lake):
    for _ in range(2):
        with pytest.raises(
            PublishRefusedError, match="published for 2024-08-07, which is later than 2024-08-06"
        ):
            run(published, YESTERDAY - timedelta(days=1))
        assert objects(published) == keyed(OLD)
    run(published, YESTERDAY - timedelta(days=1), allow_older=True)
    assert objects(published) == keyed(NEW)


def test_a_later_date_in_a_single_store_is_enough_to_refuse(published: Lake):
    """A run of tomorrow was stopped after its first store: to put today over it would mix them."""
    key = EBAY.key("AMS")
    published.s3.put_object(
        Bucket=published.bucket,
        Key=key,
        Body=b"tomorrow's",
        Metadata={"run-date": str(DAY + timedelta(days=1))},
    )
    with pytest.raises(PublishRefusedError, match="2024-08-09"):
        run(published)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("nothing staged", "has no partition"),
        ("gone", "is gone: a run that published it drops it"),
        ("two files", "2 files instead of one"),
        ("no file", "0 files instead of one"),
    ],
)
def test_what_is_not_one_file_a_store_is_refused_and_nothing_changes(lake: Lake, spoil, message):
    publish_yesterday(lake)
    if spoil != "gone":
        stage(lake, {} if spoil == "nothing staged" else NEW)
    if spoil == "two files":
        lake.put(f"{staging_prefix(STAGING)}try=1/ebay_store=PG/second", b"more")
    if spoil == "no file":
        lake.s3.delete_object(
            Bucket=lake.bucket, Key=lake.keys(f"{staging_prefix(STAGING)}try=1/ebay_store=PG/")[0]
        )
    with pytest.raises(PublishRefusedError, match=message):
        run(lake)
    assert objects(lake) == keyed(OLD)
    assert lake.registered(EBAY.name) == {("AMS",), ("PV",)}
    assert issubclass(PublishRefusedError, NeedsPersonError)


def test_stopped_at_any_call_every_store_is_wholly_old_or_new_and_a_rerun_completes_it(published: Lake):
    def prepare() -> None:
        for store in published.registered(EBAY.name) - {("AMS",), ("PV",)}:
            published.glue.delete_partition(
                DatabaseName=published.bucket, TableName=EBAY.name, PartitionValues=list(store)
            )
        published.s3.delete_object(Bucket=published.bucket, Key=EBAY.key("PG"))
        for key, body in keyed(OLD).items():
            published.put(key, body)
        if ("PV",) not in published.registered(EBAY.name):
            published.register(EBAY.name, ("PV",), EBAY.key("PV"))

    begun: list[Fence] = []

    def begin() -> None:
        prepare()
        begun[:] = [fence(published)]

    stops = 0
    for stops in stop_at_every_call(published, begin, lambda: run(published, own=begun[0])):  # noqa: B007
        for key, body in objects(published).items():
            assert body in {keyed(OLD).get(key), keyed(NEW).get(key)}
        assert {EBAY.key(*values) for values in published.registered(EBAY.name)} <= set(
            published.keys("ebay/")
        )
        # Retried or cleared it still goes by what was published when the run began.
        register_all(published, run(published, own=begun[0]))
        assert objects(published) == keyed(NEW)
        assert published.registered(EBAY.name) == {("AMS",), ("PG",)}
    assert stops > 8


def test_dropping_the_staging_table_takes_its_files_and_nothing_else(published: Lake):
    published.put(f"{staging_prefix(STAGING)[:-1]}d/data", b"another table's")
    for _ in range(2):
        drop_staging(published, staging_table=STAGING)
        assert published.keys("staging/") == [f"{staging_prefix(STAGING)[:-1]}d/data"]
        assert objects(published) == keyed(OLD)


def stage_store(lake: Lake, *partitions: tuple[str, str], name: str = STAGING) -> None:
    lake.create_table(name, STORE)
    for store, supplier in partitions:
        key = f"{staging_prefix(name)}try=1/ebay_store={store}/supplier={supplier}/bucket-0"
        lake.put(key, f"{name} {store} {supplier}".encode())
        lake.register(name, (store, supplier), key)


def publish_store(lake: Lake, store: str, run_date: date = DAY) -> Published:
    return publish(
        lake,
        staging_table=STAGING,
        table=STORE,
        run_date=run_date,
        fence=fence(lake, STORE, (store,)),
        within=(store,),
    )


def test_one_store_is_published_and_no_other_is_touched(lake: Lake):
    for values in (("AMS", "BGA"), ("AMS", "FPS"), ("AMSX", "BGA"), ("PV", "BGA")):
        lake.put(STORE.key(*values), b"old")
        lake.register(STORE.name, values, STORE.key(*values))
    lake.put(STORE.key("AMS", "KLA"), b"no one registered this")
    stage_store(lake, ("AMS", "BGA"), ("AMS", "KYB"))
    done = publish_store(lake, "AMS")
    assert [entry.values for entry in done.partitions] == [("AMS", "BGA"), ("AMS", "KYB")]
    assert done.removed == [("AMS", "FPS"), ("AMS", "KLA")]
    assert lake.bodies("store/") == {
        STORE.key("AMS", "BGA"): f"{STAGING} AMS BGA".encode(),
        STORE.key("AMS", "KYB"): f"{STAGING} AMS KYB".encode(),
        STORE.key("AMSX", "BGA"): b"old",
        STORE.key("PV", "BGA"): b"old",
    }
    assert lake.registered(STORE.name) == {("AMS", "BGA"), ("AMSX", "BGA"), ("PV", "BGA")}


def test_a_later_date_in_another_store_is_no_reason_to_refuse(lake: Lake):
    stage_store(lake, ("AMS", "BGA"))
    publish_store(lake, "AMS", DAY)
    drop_staging(lake, staging_table=STAGING)
    stage_store(lake, ("PV", "BGA"))
    publish_store(lake, "PV", YESTERDAY)
    with pytest.raises(PublishRefusedError, match="which is not of AMS"):
        publish_store(lake, "AMS", DAY)


def test_a_table_without_partitions_is_one_object(lake: Lake):
    lake.put(PRODUCT.key(), b"old")
    lake.create_table(STAGING, PRODUCT)
    location = f"{staging_prefix(STAGING)}try=2/"
    table = lake.glue.get_table(DatabaseName=lake.bucket, Name=STAGING)["Table"]
    storage = table["StorageDescriptor"] | {"Location": f"s3://{lake.bucket}/{location}"}
    lake.glue.update_table(
        DatabaseName=lake.bucket, TableInput={"Name": STAGING, "StorageDescriptor": storage}
    )
    arguments: dict[str, Any] = {
        "staging_table": STAGING,
        "table": PRODUCT,
        "run_date": DAY,
        "fence": fence(lake, PRODUCT),
    }
    with pytest.raises(PublishRefusedError, match="0 files instead of one"):
        publish(lake, **arguments)
    assert lake.bodies("product/") == {PRODUCT.key(): b"old"}
    lake.put(f"{location}bucket-0", b"new")
    done = publish(lake, **arguments)
    assert lake.bodies("product/") == {PRODUCT.key(): b"new"}
    assert (done.partitions, done.removed) == ([], [])
    assert published_date(lake, PRODUCT, ()) == DAY
    with pytest.raises(PublishRefusedError, match="published for 2024-08-08"):
        publish(lake, **arguments | {"run_date": YESTERDAY})


def put_by(lake: Lake, store: str, run: str | None) -> None:
    """Have another run publish a store."""
    mark = {RUN_METADATA: run} if run else {}
    lake.s3.put_object(Bucket=lake.bucket, Key=EBAY.key(store), Body=b"another's", Metadata=mark)


@pytest.mark.parametrize("store", ["AMS", "PG", "PV", "SJR"])  # changed, new, to be removed, unknown to it
@pytest.mark.parametrize(
    ("by", "named"),
    [
        ("rollback_ebay, run later", r"rollback_ebay, run later at 20\d\d-"),
        ("daily_stock, run other", "daily_stock, run other at"),
        (None, "someone who left no name at"),
    ],
)
def test_what_another_run_published_since_is_not_published_over(published: Lake, store, by, named):
    own = fence(published)
    put_by(published, store, by)
    before = objects(published)
    told = f"ebay was changed by {named}.* since this run began.* run the day again"
    for _ in range(2):
        with pytest.raises(PublishRefusedError, match=told):
            run(published, own=own)
        assert objects(published) == before


def test_the_same_bytes_put_back_are_another_s_all_the_same(published: Lake):
    own = fence(published)
    put_by(published, "AMS", "daily_stock, run other")
    published.s3.put_object(
        Bucket=published.bucket,
        Key=EBAY.key("AMS"),
        Body=OLD["AMS"],
        Metadata={RUN_METADATA: "rollback_ebay, run later"},
    )
    with pytest.raises(PublishRefusedError, match="changed by rollback_ebay, run later"):
        run(published, own=own)


def test_what_is_rolled_back_after_the_run_published_stays_rolled_back(published: Lake):
    own = fence(published)
    run(published, own=own)
    put_by(published, "PG", "rollback_ebay, run later")
    before = objects(published)
    with pytest.raises(PublishRefusedError, match="changed by rollback_ebay"):
        run(published, own=own)
    assert objects(published) == before


def test_a_store_that_somebody_removed_meanwhile_is_no_reason_to_refuse(published: Lake):
    own = fence(published)
    published.s3.delete_object(Bucket=published.bucket, Key=EBAY.key("AMS"))
    run(published, own=own)
    assert objects(published) == keyed(NEW)


def test_a_change_in_another_store_is_no_reason_to_refuse_a_store(lake: Lake):
    stage_store(lake, ("AMS", "BGA"))
    own = fence(lake, STORE, ("AMS",))
    lake.put(STORE.key("PV", "BGA"), b"another's")
    lake.put(STORE.key("AMSX", "BGA"), b"another's")
    publish(
        lake,
        staging_table=STAGING,
        table=STORE,
        run_date=DAY,
        fence=own,
        within=("AMS",),
    )
    assert lake.keys("store/ebay_store=AMS/") == [STORE.key("AMS", "BGA")]


def test_each_object_says_which_run_published_it(published: Lake):
    run(published, own=fence(published, run="daily_stock, run caf\u00e9\n1"))
    head = published.s3.head_object(Bucket=published.bucket, Key=EBAY.key("AMS"))
    assert head["Metadata"] == {"run-date": str(DAY), RUN_METADATA: "daily_stock, run caf? 1"}


def test_upload_files_are_written_of_what_the_run_itself_published_only(published: Lake):
    run(published)
    stores = [("AMS",), ("PG",)]
    refuse_of_others(published, EBAY, stores, RUN)
    put_by(published, "PG", "rollback_ebay, run later")
    with pytest.raises(
        PublishRefusedError, match=r"rollback_ebay, run later at .* since this run published it"
    ):
        refuse_of_others(published, EBAY, stores, RUN)
    published.s3.delete_object(Bucket=published.bucket, Key=EBAY.key("PG"))
    with pytest.raises(PublishRefusedError, match="a run that removed it"):
        refuse_of_others(published, EBAY, stores, RUN)


@pytest.mark.parametrize("changes", [0, 1, 2])
def test_a_run_that_loses_its_lock_changes_nothing_more(published: Lake, changes: int):
    """Its worker slept for longer than a lock holds, and another run took the lock over."""
    locks = TableLocks(published, Owner(dag_id="daily_stock", run_id="now"))
    calls = 0

    def hold() -> None:
        nonlocal calls
        if calls == changes + 1:  # the first is before it looks at anything
            published.s3.delete_object(Bucket=published.bucket, Key="locks/ebay.json")
            other = Owner(dag_id="rollback_ebay", run_id="later")
            TableLocks(published, other).hold({"ebay": "being rolled back"})
        calls += 1
        locks.hold({"ebay": PUBLISHED})

    own = Fence(RUN, fence(published).planned, hold)
    with pytest.raises(TableLockedError, match="ebay is being rolled back by rollback_ebay, run later"):
        run(published, own=own)
    copied = sum(body.startswith(b"new") for body in objects(published).values())
    assert copied == changes
    assert EBAY.key("PV") in objects(published)
