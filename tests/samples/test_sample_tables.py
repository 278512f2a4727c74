"""The sample tables fit the feeds they are derived from."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from samples.feeds import write_sample_feeds
from samples.tables import TablesMade, main, write_product_and_store
from stock_pipeline.feeds.reading import read_feed
from stock_pipeline.lake.tables import PRODUCT, STORE, STORES
from stock_pipeline.suppliers import load_suppliers

DAYS = [date(2024, 8, 7), date(2024, 8, 8)]
SUPPLIERS = load_suppliers()


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("feeds")
    write_sample_feeds(folder, DAYS, scale=0.05)
    return folder


@pytest.fixture(scope="module")
def default(feeds: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TablesMade]:
    destination = tmp_path_factory.mktemp("default")
    return destination, write_product_and_store(feeds, destination, listings_per_label=3)


@pytest.fixture(scope="module")
def plain(feeds: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TablesMade]:
    destination = tmp_path_factory.mktemp("plain")
    return destination, write_product_and_store(feeds, destination, listings_per_label=1, plain=True)


def product(destination: Path) -> pl.DataFrame:
    return pl.read_parquet(destination / PRODUCT.key())


def store(destination: Path) -> pl.DataFrame:
    return pl.read_parquet(destination / STORE.key("*", "*"), hive_partitioning=True)


def feed_keys(feeds: Path) -> dict[str, set[str]]:
    """Every code of both days, as it is matched, by supplier."""
    keys: dict[str, set[str]] = {}
    for path in feeds.glob("*/*.xlsx"):
        supplier = SUPPLIERS.supplier_of_file(path.name)
        assert supplier is not None
        if not (supplier.code == "APE" and path.parent.name == "2024-08-08"):
            keys.setdefault(supplier.code, set()).update(read_feed(path, supplier).rows["key"])
    return keys


def test_schemas_are_those_of_the_tables(default: tuple[Path, TablesMade]):
    destination, _ = default
    assert pl.read_parquet_schema(destination / PRODUCT.key()) == PRODUCT.schema
    files = list(destination.glob(STORE.key("*", "*")))
    assert files
    for path in files:
        assert pl.read_parquet_schema(path) == STORE.schema
        assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"


def test_files_are_sorted(default: tuple[Path, TablesMade]):
    destination, _ = default
    rows = product(destination).select("supplier", "custom_label")
    assert rows.equals(rows.sort("supplier", "custom_label"))
    for path in destination.glob(STORE.key("*", "*")):
        assert pl.read_parquet(path, columns=["custom_label"])["custom_label"].is_sorted()


def test_most_codes_are_known_and_some_are_not(default: tuple[Path, TablesMade], feeds: Path):
    destination, made = default
    known = set(product(destination).select("supplier", pl.col("part_number").str.to_uppercase()).rows())
    keys = {
        (supplier, key) for supplier, found in feed_keys(feeds).items() if supplier != "RTG" for key in found
    }
    assert known <= keys
    assert 0.95 <= len(known) / len(keys) < 1
    assert sum(made.codes.values()) == len(keys)
    assert sum(made.unmapped.values()) == len(keys) - len(known)


def test_labels_follow_from_the_parts(default: tuple[Path, TablesMade]):
    rows = product(default[0])
    start = pl.format("UKD-{}-", "supplier")
    assert rows.filter(~pl.col("custom_label").str.starts_with(start)).is_empty()
    assert rows.filter(pl.col("custom_label") != pl.col("custom_label").str.to_uppercase()).is_empty()
    assert "RTG" not in rows["supplier"].unique()
    assert rows.n_unique() == rows.height
    # A code keeps the letters it was sent with.
    assert rows.filter(pl.col("part_number") != pl.col("part_number").str.to_uppercase()).height


def test_there_are_kits_second_labels_and_labels_without_listing(default: tuple[Path, TablesMade]):
    destination, made = default
    rows, listings = product(destination), store(destination)
    parts_of_label = rows.group_by("custom_label").len()["len"]
    assert set(parts_of_label) == {1, 2}
    labels_of_part = rows.filter(~pl.col("custom_label").str.ends_with("-KIT"))
    assert set(labels_of_part.group_by("supplier", "part_number").len()["len"]) == {1, 2}
    unlisted = set(rows["custom_label"]) - set(listings["custom_label"])
    assert 0.005 < len(unlisted) / rows["custom_label"].n_unique() < 0.05
    assert made.labels == listings["custom_label"].n_unique() + len(unlisted)


def test_listings(default: tuple[Path, TablesMade]):
    destination, made = default
    rows = store(destination)
    assert made.product_rows == product(destination).height
    assert dict(rows.group_by("ebay_store").len().iter_rows()) == made.listings
    assert set(made.listings) == set(STORES)
    assert rows["item_id"].n_unique() == rows.height
    assert set(rows["item_id"].cast(pl.String).str.len_chars()) == {12}
    assert rows.select("ebay_store", "custom_label").n_unique() == rows.height, "once a store"
    assert 2.8 < rows.height / rows["custom_label"].n_unique() < 3.2
    assert rows.drop("prefix").null_count().sum_horizontal().item() == 0
    assert (rows["title"].str.len_chars() <= 80).all()


def test_out_list_labels_are_its_own_and_more(default: tuple[Path, TablesMade], feeds: Path):
    destination, _ = default
    rtg = store(destination).filter(pl.col("supplier") == "RTG")
    listed = set(rtg["custom_label"])
    assert feed_keys(feeds)["RTG"] <= listed
    assert len(listed) == len(feed_keys(feeds)["RTG"]) + 5_000
    assert rtg["prefix"].is_null().all()
    assert set(rtg["uk_rtg"]) == {"RTG"}


def test_the_store_says_whose_listing_it_is(default: tuple[Path, TablesMade]):
    others = store(default[0]).filter(pl.col("supplier") != "RTG")
    assert others.filter(pl.col("prefix") != pl.format("UKD-{}", "supplier")).is_empty()
    assert others.filter(pl.col("uk_rtg") == "RTG").is_empty()


def test_plain_is_one_label_for_each_part_and_each_listed(plain: tuple[Path, TablesMade], feeds: Path):
    destination, made = plain
    rows = product(destination)
    keys = feed_keys(feeds)
    assert rows.height == sum(len(found) for supplier, found in keys.items() if supplier != "RTG")
    assert rows["custom_label"].n_unique() == rows.height
    assert rows.select("supplier", "part_number").n_unique() == rows.height
    assert not made.unmapped
    assert store(destination).height == made.labels, "one listing a label"


def test_the_bad_file_is_left_out(default: tuple[Path, TablesMade]):
    assert list(default[1].skipped) == ["2024-08-08/APE SF.xlsx"]


def test_small_folders_are_filled_up_but_not_beyond_the_stores(feeds: Path, tmp_path: Path):
    made = write_product_and_store(feeds, tmp_path, own_labels=0)
    listed = store(tmp_path)["custom_label"].n_unique()
    assert sum(made.listings.values()) == listed * len(STORES)


def test_again_gives_the_same_and_leaves_nothing_behind(feeds: Path, tmp_path: Path):
    left = tmp_path / STORE.key("AMS", "GONE")
    left.parent.mkdir(parents=True)
    left.write_bytes(b"")
    write_product_and_store(feeds, tmp_path, listings_per_label=1)
    assert not left.exists()
    first = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.parquet")}
    write_product_and_store(feeds, tmp_path, listings_per_label=1)
    assert first == {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.parquet")}


def test_other_files_are_no_feeds(feeds: Path, tmp_path: Path):
    day = tmp_path / "feeds" / "2024-08-08"
    day.mkdir(parents=True)
    (tmp_path / "feeds" / "notes").mkdir()
    sound = (feeds / "2024-08-08" / "KYB SF.xlsx").read_bytes()
    (day / "KYB SF.xlsx").write_bytes(sound)
    (day / "~$KYB SF.xlsx").write_bytes(b"lock")
    (day / "XYZ SF.xlsx").write_bytes(sound)
    (day / "FAI SF.xlsx").write_bytes(sound)
    (tmp_path / "feeds" / "notes" / "APE SF.xlsx").write_bytes(sound)
    made = write_product_and_store(tmp_path / "feeds", tmp_path, listings_per_label=1, own_labels=0)
    assert list(made.codes) == ["KYB"]
    assert set(made.skipped) == {"2024-08-08/XYZ SF.xlsx", "2024-08-08/FAI SF.xlsx"}


@pytest.mark.parametrize("mean", [0, 0.5, 17])
def test_impossible_numbers_of_listings_are_refused(feeds: Path, tmp_path: Path, mean: float):
    with pytest.raises(ValueError, match="must be 1 to 16"):
        write_product_and_store(feeds, tmp_path, listings_per_label=mean)


def test_a_folder_without_workbooks_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="no usable workbook"):
        write_product_and_store(tmp_path, tmp_path)


def test_command_line(feeds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(feeds), str(tmp_path), "--listings-per-label", "1"]) == 0
    said = capsys.readouterr().out
    assert "16 stores" in said
    assert "left out 2024-08-08/APE SF.xlsx" in said
