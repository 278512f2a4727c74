"""What is old enough to go, and that nothing else can be named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_pipeline.housekeeping.retention import (
    STAGING_AGE,
    CatalogTable,
    OldData,
    StoredObject,
    find_old,
    snapshot_day,
)
from stock_pipeline.lake.lake import Partition
from stock_pipeline.lake.tables import EBAY, PRODUCT, STORE, SUPPLIER_STOCK, TABLES
from stock_pipeline.run_dates import month_before

BUCKET = "bucket"
NOW = datetime(2024, 9, 10, 22, tzinfo=UTC)
TODAY = NOW.date()
LONG_AGO = NOW - 2 * STAGING_AGE
STAGED = "ebay_staging_20240901_0123456789"


@pytest.mark.parametrize(
    ("day", "before"),
    [
        ("2024-03-31", "2024-02-29"),
        ("2024-03-30", "2024-02-29"),
        ("2024-03-29", "2024-02-29"),
        ("2024-03-28", "2024-02-28"),
        ("2023-03-31", "2023-02-28"),
        ("2023-03-01", "2023-02-01"),
        ("2024-02-29", "2024-01-29"),
        ("2024-05-31", "2024-04-30"),
        ("2024-07-31", "2024-06-30"),
        ("2024-08-31", "2024-07-31"),
        ("2024-01-01", "2023-12-01"),
        ("2024-01-31", "2023-12-31"),
        ("2024-10-27", "2024-09-27"),
    ],
)
def test_a_month_before_is_the_same_day_or_the_month_s_last(day, before):
    assert month_before(date.fromisoformat(day)) == date.fromisoformat(before)


@pytest.mark.parametrize(
    ("values", "day"),
    [
        (("APE", "2024", "02", "29"), date(2024, 2, 29)),
        (("APE", "2023", "02", "29"), None),
        (("APE", "2024", "2", "29"), None),
        (("APE", "2024", "02", "+1"), None),
        (("APE", "2024", "٠٢", "01"), None),
        (("APE", "", "02", "01"), None),
        (("APE", "__HIVE_DEFAULT_PARTITION__", "02", "01"), None),
        (("APE", "2024", "02"), None),
        (("APE", "2024", "02", "01", "01"), None),
    ],
)
def test_a_day_counts_only_if_it_is_written_as_days_are(values, day):
    assert snapshot_day(values) == day


def entry(supplier: str, day: str, location: str | None = None) -> Partition:
    values = (supplier, *day.split("-"))
    return Partition(values, location if location is not None else folder(supplier, day))


def folder(supplier: str, day: str) -> str:
    return f"s3://{BUCKET}/{key(supplier, day).rpartition('/')[0]}/"


def key(supplier: str, day: str) -> str:
    return SUPPLIER_STOCK.key(supplier, *day.split("-"))


def stored(key: str, modified: datetime = LONG_AGO) -> StoredObject:
    return StoredObject(key, 100, modified)


def table(name: str, partitions: tuple[Partition, ...] | None = (), created: datetime = NOW) -> CatalogTable:
    return CatalogTable(name, f"s3://{BUCKET}/{name}/", created, partitions)


def stock(*entries: Partition) -> CatalogTable:
    return table(SUPPLIER_STOCK.name, entries)


def find(tables: list[CatalogTable], keys: list[str], **options) -> OldData:
    return find_old(tables, [stored(key) for key in keys], bucket=BUCKET, run_date=TODAY, now=NOW, **options)


def named(old: OldData) -> set[str]:
    return {key for found in (*old.partitions, *old.staging) for key in found.objects}


def entries(old: OldData) -> set[tuple[str, ...]]:
    return {found.values for found in old.partitions if found.registered}


DAYS = ["2023-09-10", "2024-08-09", "2024-08-10", "2024-09-09", "2024-09-10", "2024-09-11"]


def test_days_before_the_same_day_of_last_month_go_and_no_others():
    old = find([stock(*(entry("APE", day) for day in DAYS))], [key("APE", day) for day in DAYS])
    assert old.older_than == date(2024, 8, 10)
    assert named(old) == {key("APE", day) for day in DAYS[:2]}
    assert entries(old) == {entry("APE", day).values for day in DAYS[:2]}
    assert sum(found.bytes for found in old.partitions) == 200
    assert (old.left, old.kept) == ([], [])


def test_an_old_file_whose_entry_is_gone_goes_and_so_does_an_entry_whose_file_is_gone():
    old = find([stock(entry("APE", DAYS[0]))], [key("BGA", DAYS[0])])
    assert [(found.supplier, found.registered, found.objects) for found in old.partitions] == [
        ("APE", True, []),
        ("BGA", False, [key("BGA", DAYS[0])]),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        "supplier_stock/data.parquet",
        "supplier_stock/supplier=APE/year=2023/month=09/day=10",
        "supplier_stock/supplier=APE/year=2023/month=09/day=10/",
        "supplier_stock/supplier=APE/year=2023/month=9/day=10/data.parquet",
        "supplier_stock/supplier=APE/year=2023/month=02/day=30/data.parquet",
        "supplier_stock/supplier=APE/year=2023/day=10/month=09/data.parquet",
        "supplier_stock/supplier=A/B/year=2023/month=09/day=10/data.parquet",
        "supplier_stock/year=2023/month=09/day=10/data.parquet",
        "supplier_stock_2/supplier=APE/year=2023/month=09/day=10/data.parquet",
        "old/supplier_stock/supplier=APE/year=2023/month=09/day=10/data.parquet",
        "staging/data.parquet",
        "staging//data.parquet",
        "staging",
        "product/data.parquet",
        "ebay/ebay_store=AMS/data.parquet",
        "store/ebay_store=AMS/supplier=APE/data.parquet",
        "stock_feed/year=2023/month=09/day=10/APE.xlsx",
    ],
)
def test_a_key_that_is_none_of_a_snapshot_or_of_a_staging_folder_is_never_named(wrong):
    assert named(find([stock()], [wrong])) == set()


@pytest.mark.parametrize(
    ("location", "spared"),
    [
        (folder("APE", DAYS[0]), True),
        (folder("APE", DAYS[0])[:-1], True),
        (folder("APE", DAYS[0]) + "data.parquet", True),
        (folder("APE", DAYS[0]).replace("s3://", "s3a://"), True),
        (folder("APE", DAYS[0]).replace(f"{BUCKET}/", f"{BUCKET}//"), True),
        (f"s3://{BUCKET}/supplier_stock/supplier=APE", True),
        (f"s3://{BUCKET}", True),
        (f"s3://{BUCKET}/", True),
        (f"s3://{BUCKET}/supplier_stock/supplier=AP", False),
        (folder("APE", DAYS[0]).replace(BUCKET, "another"), False),
        (folder("BGA", DAYS[0]), False),
        ("", False),
        ("nowhere", False),
    ],
)
@pytest.mark.parametrize("of", ["a snapshot of today", "a snapshot without a date", "a store", "a table"])
def test_a_file_is_spared_where_an_entry_that_stays_points_to_it(location, spared, of):
    today = Partition(("KLA", "2024", "09", "10"), location)
    undated = Partition(("KLA", "2024", "09", "x"), location)
    ape = entry("APE", DAYS[0]), entry("APE", DAYS[4])
    tables = {
        "a snapshot of today": [stock(today, *ape)],
        "a snapshot without a date": [stock(undated, *ape)],
        "a store": [stock(*ape), table(EBAY.name, (Partition(("AMS",), location),))],
        "a table": [stock(*ape), CatalogTable("mine", location, NOW, None)],
    }[of]
    old = find(tables, [key("APE", DAYS[0]), key("APE", DAYS[4])])
    assert named(old) == (set() if spared else {key("APE", DAYS[0])})
    assert entries(old) == {entry("APE", DAYS[0]).values}
    assert any(key("APE", DAYS[0]) in sentence for sentence in old.left) == spared
    assert any("has no date" in sentence for sentence in old.left) == (of == "a snapshot without a date")


def test_an_old_entry_that_points_elsewhere_goes_and_what_lies_there_stays():
    elsewhere = f"s3://{BUCKET}/{PRODUCT.name}/"
    old = find(
        [stock(entry("APE", DAYS[0], elsewhere), entry("APE", DAYS[4]))],
        [PRODUCT.key(), key("APE", DAYS[0]), key("APE", DAYS[4])],
    )
    assert entries(old) == {entry("APE", DAYS[0]).values}
    assert named(old) == {key("APE", DAYS[0])}
    assert [sentence for sentence in old.left if elsewhere in sentence] == old.left != []


@pytest.mark.parametrize(
    ("registered", "with_file", "kept"),
    [
        (DAYS[:2], DAYS[:2], DAYS[1]),
        (DAYS[:2], DAYS[:1], DAYS[0]),  # the newer entry has no file
        (DAYS[:1], DAYS[:2], DAYS[0]),  # no one registered the newer file
        (DAYS[:3], DAYS[:2], DAYS[1]),  # an entry of this month has no file
        (DAYS[:2], DAYS[:3], DAYS[1]),  # no one registered a file of this month
        (DAYS[:3], DAYS[:3], None),
        (DAYS[:2] + DAYS[5:], DAYS[:2] + DAYS[5:], None),
        (DAYS[:2], [], None),
        ([], DAYS[:2], None),
    ],
)
def test_a_supplier_s_newest_snapshot_that_has_its_file_stays_however_old(registered, with_file, kept):
    catalog = [
        stock(*(entry("COM", day) for day in registered), entry("BGA", DAYS[0]), entry("BGA", DAYS[4]))
    ]
    keys = [key("COM", day) for day in with_file] + [key("BGA", DAYS[0]), key("BGA", DAYS[4])]
    old = find(catalog, keys)
    months_old = set(DAYS[:2]) - {kept}
    assert named(old) == {key("COM", day) for day in months_old & set(with_file)} | {key("BGA", DAYS[0])}
    assert {(values[0], "-".join(values[1:])) for values in entries(old)} == {
        ("COM", day) for day in months_old & set(registered)
    } | {("BGA", DAYS[0])}
    assert [(entry.supplier, str(entry.day), entry.age_days) for entry in old.kept] == (
        [("COM", kept, (TODAY - date.fromisoformat(kept)).days)] if kept else []
    )
    assert old.left == []


def test_what_lies_with_a_snapshot_that_is_kept_stays_with_it():
    beside = key("COM", DAYS[0]).replace("data.parquet", "more.parquet")
    assert named(find([stock(entry("COM", DAYS[0]))], [key("COM", DAYS[0]), beside])) == set()


@pytest.mark.parametrize(
    ("created", "modified", "busy", "goes"),
    [
        (LONG_AGO, LONG_AGO, "", True),
        (LONG_AGO, None, "", True),
        (None, LONG_AGO, "", True),
        (NOW, LONG_AGO, "", False),
        (LONG_AGO, NOW, "", False),
        (NOW - STAGING_AGE, LONG_AGO, "", False),
        (NOW - STAGING_AGE - timedelta(seconds=1), LONG_AGO, "", True),
        (LONG_AGO, LONG_AGO, "store", True),
        (LONG_AGO, LONG_AGO, "ebay", False),
    ],
)
def test_a_staging_table_goes_with_its_files_when_nothing_was_done_with_it_for_days(
    created, modified, busy, goes
):
    tables = [stock()] + ([table(STAGED, (), created)] if created else [])
    objects = [stored(f"staging/{STAGED}/try=1/ebay_store=AMS/x", modified)] if modified else []
    old = find_old(tables, objects, bucket=BUCKET, run_date=TODAY, now=NOW, busy=frozenset({busy}))
    assert [(found.name, found.registered) for found in old.staging] == (
        [(STAGED, created is not None)] if goes else []
    )
    assert named(old) == ({found.key for found in objects} if goes else set())


@pytest.mark.parametrize("name", [*TABLES, "staging", "my_staging_20240901_0123456789", "ebay_staging_mine"])
def test_a_table_of_another_name_is_no_staging_table_and_keeps_its_folder(name):
    assert find([table(name, (), LONG_AGO)], [f"staging/{name}/x"]).staging == []


def test_a_staging_folder_an_entry_that_stays_points_to_stays_with_what_it_points_to_itself():
    other = STAGED.replace("ebay", "store")
    tables = [
        table(EBAY.name, (Partition(("AMS",), f"s3://{BUCKET}/staging/{STAGED}/try=1/"),)),
        table(STAGED, (Partition(("AMS",), f"s3://{BUCKET}/staging/{other}/"),), LONG_AGO),
        table(other, (), LONG_AGO),
    ]
    old = find(tables, [f"staging/{STAGED}/try=1/x", f"staging/{other}/x", "staging/forgotten/x"])
    assert named(old) == {"staging/forgotten/x"}
    assert len(old.left) == 2


def test_only_what_is_still_old_is_left_of_an_earlier_look():
    young = entry("APE", DAYS[4]), entry("BGA", DAYS[4])
    tables = [stock(entry("APE", DAYS[0]), entry("BGA", DAYS[0]), *young), table(STAGED, (), LONG_AGO)]
    keys = [key("APE", DAYS[0]), key("BGA", DAYS[0]), f"staging/{STAGED}/1", f"staging/{STAGED}/2"]
    listed = find(tables, [*keys, key("APE", DAYS[4]), key("BGA", DAYS[4])])
    assert listed.still_in(listed) == listed
    later = listed.still_in(
        find(
            [stock(entry("BGA", DAYS[0]), *young), tables[1]],
            [keys[1], keys[3], "staging/b/x", key("BGA", DAYS[4])],
        )
    )
    assert (named(later), entries(later)) == ({keys[1], keys[3]}, {entry("BGA", DAYS[0]).values})
    assert listed.still_in(find([stock()], [])) == listed.model_copy(update={"partitions": [], "staging": []})


suppliers = st.sampled_from(["APE", "BGA", "X Y", "é", "", "a=b", "__HIVE_DEFAULT_PARTITION__"])
numbers = st.sampled_from(["2023", "2024", "09", "08", "8", "10", "31", "00", "", "x", "2024 ", "..", "/"])
dates = st.dates(date(2024, 7, 1), date(2024, 9, 20)).map(lambda day: tuple(str(day).split("-")))
partition_values = st.tuples(suppliers, dates | st.tuples(numbers, numbers, numbers)).map(
    lambda found: (found[0], *found[1])
)
current_keys = st.sampled_from(
    [PRODUCT.key(), STORE.key("AMS", "APE"), EBAY.key("AMS"), EBAY.key("PG"), "stock_feed/x", "reports/x", ""]
)
staging_keys = st.sampled_from([f"staging/{STAGED}/x", "staging/other/y", "staging/z", f"staging/{STAGED}"])
any_keys = partition_values.map(lambda values: SUPPLIER_STOCK.key(*values)) | current_keys | staging_keys
locations = st.tuples(
    st.sampled_from(
        ["s3://bucket/", "s3://bucket", "s3a://bucket/", "s3://another/", "S3://bucket//", "", "/"]
    ),
    any_keys,
    st.sampled_from([0, 1, 2, 3, 9]),
).map(lambda found: found[0] + "/".join(found[1].split("/")[: found[2]]))
partitions = st.lists(st.builds(Partition, partition_values, locations), max_size=6, unique=True).map(tuple)
stores = st.lists(st.builds(Partition, st.just(("AMS",)), locations), max_size=2).map(tuple)
times = st.sampled_from([NOW, LONG_AGO])
catalogs = st.tuples(
    st.builds(CatalogTable, st.just(SUPPLIER_STOCK.name), locations, times, partitions),
    st.builds(CatalogTable, st.sampled_from([EBAY.name, STORE.name, "mine"]), locations, times, stores),
    st.builds(CatalogTable, st.sampled_from([PRODUCT.name, STAGED]), locations, times, st.none() | stores),
)


everything = st.lists(
    st.builds(StoredObject, any_keys, st.just(1), times), max_size=12, unique_by=lambda found: found.key
)


@settings(max_examples=150, deadline=None)
@given(catalogs, everything)
def test_whatever_the_catalog_says_nothing_that_is_in_use_is_named(catalog, objects):
    old = find_old(catalog, objects, bucket=BUCKET, run_date=TODAY, now=NOW)
    for partition in old.partitions:
        assert partition.day < date(2024, 8, 10)
        assert set(partition.objects) <= {SUPPLIER_STOCK.key(*partition.values)}
    for staging in old.staging:
        assert staging.name in {STAGED, "other"}
        assert all(gone.startswith(f"staging/{staging.name}/") for gone in staging.objects)
    keys = {found.key for found in objects}
    for supplier in {found.values[0] for found in catalog[0].partitions or ()}:
        complete = [
            (day, found.values)
            for found in catalog[0].partitions or ()
            if found.values[0] == supplier
            and (day := snapshot_day(found.values))
            and SUPPLIER_STOCK.key(*found.values) in keys
        ]
        if complete:
            _, newest = max(complete)
            assert newest not in entries(old)
            assert SUPPLIER_STOCK.key(*newest) not in named(old)
    gone_tables = {staging.name for staging in old.staging}
    for kept in catalog:
        if kept.name not in gone_tables:
            for place in places_in_use(kept, entries(old)):
                assert [gone for gone in named(old) if f"{gone}/".startswith(place)] == []


def places_in_use(kept: CatalogTable, gone: set[tuple[str, ...]]) -> Iterator[str]:
    """Beginnings of keys, each ending in a slash unless it is all keys, at which files of the table lie."""
    locations = [kept.location] if kept.partitions is None else []
    locations += [
        partition.location
        for partition in kept.partitions or ()
        if kept.name != SUPPLIER_STOCK.name or partition.values not in gone
    ]
    for location in locations:
        scheme, _, rest = location.partition("://")
        bucket, _, prefix = rest.partition("/")
        if scheme.lower() in {"s3", "s3a"} and bucket == BUCKET:
            prefix = prefix.strip("/")
            yield f"{prefix}/" if prefix else ""
