"""Writes product and store tables that fit a folder of stock feeds.

    python -m samples.tables FEEDS DESTINATION

reads every workbook in `FEEDS/<YYYY-MM-DD>/` and writes `DESTINATION/product/data.parquet` and
`DESTINATION/store/ebay_store=.../supplier=.../data.parquet`. The feeds may be the samples or real ones; what
listings say is invented. The same arguments give the same tables.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from stock_pipeline.errors import RejectedFile
from stock_pipeline.feeds.feed_reader import FeedReader
from stock_pipeline.lake.tables import PRODUCT, STORE, STORES, Table
from stock_pipeline.suppliers import Supplier, load_suppliers

UNMAPPED_SHARE = 0.03
"""Codes of a feed for which the seller has no label."""
SECOND_LABEL_SHARE = 0.02
"""Parts which are sold under a second label."""
KIT_SHARE = 0.02
"""Parts which are also sold in a kit with the next part of the same supplier."""
UNLISTED_SHARE = 0.02
"""Labels which are listed in no store."""

LISTINGS_WANTED = 310_000
"""What a small folder is filled up to, so that the tables are worth querying."""
LISTINGS_PER_LABEL = 3.0
"""What a label gets at least."""

_THINGS = ("Brake Disc", "Wheel Bearing", "Oil Filter", "Track Rod End", "Drive Belt", "Lambda Sensor")
_FIRST_ITEM_ID, _ITEM_IDS, _ITEM_ID_STEP = 100_000_000_000, 800_000_000_000, 3**18


@dataclass(frozen=True, slots=True)
class TablesMade:
    """What was written.

    Attributes:
        product_rows: rows of product.
        labels: distinct custom labels, those of the out lists included.
        listings: listings for each store.
        codes: distinct codes in the feeds for each supplier with a mapping.
        unmapped: how many of these have no label.
        skipped: why a workbook was left out, by `<day>/<name>`.
    """

    product_rows: int
    labels: int
    listings: dict[str, int]
    codes: dict[str, int]
    unmapped: dict[str, int]
    skipped: dict[str, str]


def write_product_and_store(
    feeds: Path,
    destination: Path,
    *,
    listings_per_label: float | None = None,
    seed: int = 1,
    plain: bool = False,
    own_labels: int = 5_000,
    progress: Callable[[str], None] | None = None,
) -> TablesMade:
    """Derive both tables from all workbooks of all days and write them.

    Args:
        feeds: has a folder `YYYY-MM-DD` for each day. Workbooks of no known supplier, those that cannot be
            read and those with too many rejected rows are left out.
        destination: where the keys of the tables begin. Earlier files of both tables there are replaced.
        listings_per_label: in how many of the 16 stores a label is listed on average, at least 1. By default
            3, or as many as it takes for 300 thousand listings.
        seed: another seed lists other labels in other stores.
        plain: exactly one label for every code, each of them listed, instead of a few percent of codes
            without a label, parts with two labels, kits and labels without a listing.
        own_labels: labels of the out-list supplier besides those in its lists.
        progress: is told a sentence when a stage is done.

    Raises:
        ValueError: there is no usable workbook, or fewer than 1 or more than 16 listings per label.
    """
    if listings_per_label is not None and not 1 <= listings_per_label <= len(STORES):
        raise ValueError(f"listings_per_label is {listings_per_label}; it must be 1 to {len(STORES)}")
    started = time.monotonic()

    def tell(sentence: str) -> None:
        if progress:
            progress(f"{sentence}, {time.monotonic() - started:.1f} s")

    codes, skipped = _read_codes(feeds)
    tell(f"read {codes.height:,} codes of {codes['supplier'].n_unique()} suppliers")
    parts = codes.filter(~pl.col("out_list"))
    product = _product(parts, seed, plain=plain)
    labels = _labels(product, codes, own_labels, 0 if plain else UNLISTED_SHARE, seed)
    if listings_per_label is None:
        enough = LISTINGS_WANTED / labels.filter("listed").height
        listings_per_label = min(max(LISTINGS_PER_LABEL, enough), float(len(STORES)))

    _remove_earlier(destination)
    _write(product.sort("supplier", "custom_label", "part_number"), PRODUCT, destination)
    tell(f"wrote {product.height:,} rows of product")
    listings = _write_store(labels.filter("listed"), listings_per_label, seed, destination)
    tell(f"wrote {sum(listings.values()):,} listings of {labels.height:,} labels in {len(listings)} stores")

    unmapped = parts.join(product, on=["supplier", "part_number"], how="anti")
    return TablesMade(
        product_rows=product.height,
        labels=labels.height,
        listings=listings,
        codes=_count_by_supplier(parts),
        unmapped=_count_by_supplier(unmapped),
        skipped=skipped,
    )


def _read_codes(feeds: Path) -> tuple[pl.DataFrame, dict[str, str]]:
    """All codes of all days, and why workbooks were left out.

    Returns:
        A frame with a row for each supplier and code: `supplier`, `part_number` (the code as first sent),
        `key` (what it is matched by) and `out_list` (bool, the code is a label of the seller's), sorted by
        supplier and key.
    """
    suppliers = load_suppliers()
    frames, skipped = [], {}
    with FeedReader() as reader:
        for path in sorted(feeds.glob("*/*.xlsx")):
            supplier = suppliers.supplier_of_file(path.name)
            if not _is_day(path.parent.name) or path.name.startswith("~$"):
                continue
            if supplier is None:
                skipped[f"{path.parent.name}/{path.name}"] = "no known supplier"
                continue
            try:
                frames.append(_codes_of_one(reader, path, supplier))
            except RejectedFile as error:
                skipped[f"{path.parent.name}/{path.name}"] = str(error)
    if not frames:
        raise ValueError(f"no usable workbook in {feeds}/<YYYY-MM-DD>/: {skipped or 'no workbook at all'}")
    codes = pl.concat(frames).unique(["supplier", "key"], keep="first", maintain_order=True)
    return codes.sort("supplier", "key"), skipped


def _codes_of_one(reader: FeedReader, path: Path, supplier: Supplier) -> pl.DataFrame:
    feed = reader.read_feed(path, supplier)
    # Such a file has been seen to hold another supplier's codes under this one's header.
    if feed.rejected_share > supplier.thresholds.max_rejected_share:
        raise RejectedFile(f"{feed.rejected_share:.1%} of its rows are rejected")
    return feed.rows.select(
        pl.lit(supplier.code).alias("supplier"),
        pl.col("code").alias("part_number"),
        "key",
        pl.lit(supplier.lists_out_of_stock).alias("out_list"),
    )


def _is_day(name: str) -> bool:
    try:
        return date.fromisoformat(name).isoformat() == name
    except ValueError:
        return False


def _chosen(column: str, share: float, seed: int) -> pl.Expr:
    """True for that share of the values of a text column, always the same ones."""
    return pl.col(column).hash(seed) % 1_000_000 < round(share * 1_000_000)


def _product(parts: pl.DataFrame, seed: int, *, plain: bool) -> pl.DataFrame:
    """The mapping: `custom_label`, `part_number`, `supplier`."""
    named = parts.select(
        pl.format("UKD-{}-{}", "supplier", "key").str.to_uppercase().alias("custom_label"),
        "part_number",
        "supplier",
    )
    if plain:
        return named
    mapped = named.filter(~_chosen("custom_label", UNMAPPED_SHARE, seed))
    second = mapped.filter(_chosen("custom_label", SECOND_LABEL_SHARE, seed + 1)).with_columns(
        pl.format("{}-ALT", "custom_label").alias("custom_label")
    )
    kits = (
        mapped.with_columns(pl.col("part_number").shift(-1).over("supplier").alias("other"))
        .filter(_chosen("custom_label", KIT_SHARE, seed + 2) & pl.col("other").is_not_null())
        .with_columns(pl.format("{}-KIT", "custom_label").alias("custom_label"))
    )
    others = kits.select("custom_label", pl.col("other").alias("part_number"), "supplier")
    return pl.concat([mapped, second, kits.drop("other"), others])


def _labels(
    product: pl.DataFrame, codes: pl.DataFrame, own_labels: int, unlisted_share: float, seed: int
) -> pl.DataFrame:
    """Every label: `supplier`, `custom_label`, `out_list` and `listed` (bool), sorted by the first two."""
    out_lists = codes.filter("out_list").select("supplier", pl.col("key").alias("custom_label"), "out_list")
    own = [
        pl.DataFrame(
            {"custom_label": [f"{supplier.code}-OWN-{number:05}" for number in range(own_labels)]}
        ).select(
            pl.lit(supplier.code).alias("supplier"), "custom_label", pl.lit(value=True).alias("out_list")
        )
        for supplier in load_suppliers().suppliers.values()
        if supplier.lists_out_of_stock
    ]
    mapped = product.select("supplier", "custom_label", pl.lit(value=False).alias("out_list"))
    return (
        pl.concat([mapped, out_lists, *own])
        .unique(["supplier", "custom_label"])
        .sort("supplier", "custom_label")
        .with_columns(
            (pl.col("out_list") | ~_chosen("custom_label", unlisted_share, seed + 3)).alias("listed")
        )
    )


def _write_store(labels: pl.DataFrame, per_label: float, seed: int, destination: Path) -> dict[str, int]:
    """Write the listings, a file for each store and supplier; returns how many each store has."""
    # Each label is in one store for certain, and in each of the others with this chance.
    chance = (per_label - 1) / (len(STORES) - 1)
    text = pl.col("custom_label")
    part = text.str.strip_prefix(pl.format("UKD-{}-", "supplier"))
    labels = labels.with_columns(
        (text.hash(seed + 4) % len(STORES)).alias("home"),
        pl.format("{} {} new", _picked(_THINGS), part).str.head(80).alias("title"),
        pl.when(~pl.col("out_list")).then(pl.format("UKD-{}", "supplier")).alias("prefix"),
        pl.when("out_list").then(pl.lit("RTG")).otherwise(pl.lit("UK")).alias("uk_rtg"),
        _picked(("FPS", "WDS", "DIR")).alias("fps_wds_dir"),
        _picked(("Payment A", "Payment B")).alias("payment_profile_name"),
        _picked(("Post 24 h", "Post 48 h", "Courier")).alias("shipping_profile_name"),
        pl.lit("Return 30 days").alias("return_profile_name"),
    )  # fmt: skip
    counts: dict[str, int] = {}
    for number, store in enumerate(STORES):
        listed = (pl.col("home") == number) | _chosen("custom_label", chance, seed + 100 + number)
        first = sum(counts.values())
        listings = labels.filter(listed).with_columns(
            _item_id(pl.int_range(first, first + pl.len(), dtype=pl.Int64)).alias("item_id"),
            (text.hash(seed + 200 + number) % 20_000 / 100 + 4.99).round(2).alias("current_price"),
        )
        counts[store] = listings.height
        for (supplier,), rows in listings.partition_by("supplier", as_dict=True).items():
            _write(rows, STORE, destination, store, supplier)
    return counts


def _picked(values: Sequence[str]) -> pl.Expr:
    """One of the values for each label."""
    index = pl.col("custom_label").hash(len(values)) % len(values)
    return index.replace_strict(dict(enumerate(values)), return_dtype=pl.String)


def _item_id(position: pl.Expr) -> pl.Expr:
    """Twelve digits, different for each position: step and range have no common factor."""
    return _FIRST_ITEM_ID + position * _ITEM_ID_STEP % _ITEM_IDS


def _remove_earlier(destination: Path) -> None:
    """Remove what an earlier call wrote: a partition it had and this one has not would stay behind."""
    for table in (PRODUCT, STORE):
        for path in destination.glob(table.key(*(["*"] * len(table.partition_keys)))):
            path.unlink()


def _write(rows: pl.DataFrame, table: Table, destination: Path, *partition: str) -> None:
    path = destination / table.key(*partition)
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = rows.select(*table.columns).match_to_schema(table.schema)
    columns.write_parquet(path, compression="zstd")


def _count_by_supplier(rows: pl.DataFrame) -> dict[str, int]:
    return dict(rows.group_by("supplier").len().sort("supplier").iter_rows())


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m samples.tables", description=__doc__.split("\n")[0])
    parser.add_argument("feeds", type=Path, help="has a folder YYYY-MM-DD of workbooks for each day")
    parser.add_argument("destination", type=Path, help="where product/ and store/ go")
    parser.add_argument(
        "--listings-per-label", type=float, metavar="N",
        help="1 to 16 stores a label (3, or as many as it takes for 300 thousand listings)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, help="another seed, other listings (1)")
    parser.add_argument("--plain", action="store_true", help="one label for every code, each listed")
    options = parser.parse_args(arguments)
    made = write_product_and_store(
        options.feeds,
        options.destination,
        listings_per_label=options.listings_per_label,
        seed=options.seed,
        plain=options.plain,
        progress=print,
    )
    for name, reason in made.skipped.items():
        print(f"left out {name}: {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
