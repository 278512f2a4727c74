"""What a file's rows amount to, a line for each, for people and other programs."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from stock_pipeline.feeds.judgement import Judgement
from stock_pipeline.feeds.snapshot import NO_LABEL
from stock_pipeline.lake.tables import PRODUCT, STORE
from stock_pipeline.refresh.listings import Listings
from stock_pipeline.refresh.mapping_file import MappingFile

FEED_ROWS = {
    "row": pl.UInt32,
    "code": pl.String,
    "sent": pl.String,
    "quantity": pl.Int32,
    "outcome": pl.String,
    "reason": pl.String,
}
OUTCOME = [("outcome", pl.String), ("reason", pl.String)]
STORE_ROWS = pl.Schema([("ebay_store", pl.String), ("supplier", pl.String), *STORE.schema.items(), *OUTCOME])
MAPPING_ROWS = pl.Schema([*PRODUCT.schema.items(), *OUTCOME])

NO_CODE = "the row has no code"


def feed_rows(judgement: Judgement) -> pl.DataFrame:
    """List the rows of a feed in sheet order.

    Returns:
        `row` (the sheet's number), `code`, `sent` (the stock cell), `quantity` (null if rejected or skipped),
        `outcome` (accepted, unmatched, rejected, repeated or skipped) and `reason`. Of rows with the same
        code the first of those with the lowest quantity is accepted and the others are repeated.
    """
    feed, snapshot = judgement.feed, judgement.snapshot
    if feed is None or snapshot is None:
        return pl.DataFrame(schema=FEED_ROWS)
    counting = (
        feed.rows.drop_nulls("quantity")
        .sort("key", "quantity", "row")
        .unique("key", keep="first", maintain_order=True)
        .select("key", first="row")
    )
    rows = feed.rows.join(counting, on="key", how="left").join(
        snapshot.unmatched.select("row", unmatched=True), on="row", how="left"
    )
    rejected, unmatched = pl.col("reason").is_not_null(), pl.col("unmatched").is_not_null()
    repeated = pl.col("row") != pl.col("first")
    listed = rows.select(
        "row",
        "code",
        pl.col("raw").alias("sent"),
        "quantity",
        pl.when(rejected)
        .then(pl.lit("rejected"))
        .when(unmatched)
        .then(pl.lit("unmatched"))
        .when(repeated)
        .then(pl.lit("repeated"))
        .otherwise(pl.lit("accepted"))
        .alias("outcome"),
        pl.when(rejected)
        .then("reason")
        .when(unmatched)
        .then(pl.lit(NO_LABEL))
        .when(repeated)
        .then(pl.format("row {} has the same code and counts", "first"))
        .alias("reason"),
    )
    skipped = feed.skipped.select(
        "row",
        pl.lit(None, pl.String).alias("code"),
        pl.col("raw").alias("sent"),
        pl.lit(None, pl.Int32).alias("quantity"),
        pl.lit("skipped").alias("outcome"),
        pl.lit(NO_CODE).alias("reason"),
    )
    return pl.concat([listed, skipped]).sort("row")


def listing_rows(store: str, listings: Listings) -> pl.DataFrame:
    """List the rows of a store's file: `STORE_ROWS`, accepted ones first; each repeated row once."""
    accepted = pl.concat([_accepted(path) for path in listings.upload])
    return pl.concat(
        [
            _as(STORE_ROWS, accepted.with_columns(outcome=pl.lit("accepted")), ebay_store=store),
            _as(STORE_ROWS, listings.rejected.with_columns(outcome=pl.lit("rejected")), ebay_store=store),
        ]
    )


def mapping_rows(sent: MappingFile) -> pl.DataFrame:
    """List the rows of a mapping: `MAPPING_ROWS`, accepted ones first; each repeated row once."""
    return pl.concat(
        [
            _as(MAPPING_ROWS, sent.mapping.with_columns(outcome=pl.lit("accepted"))),
            _as(MAPPING_ROWS, sent.rejected.with_columns(outcome=pl.lit("rejected"))),
        ]
    )


def _accepted(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path).filter("accepted").drop("accepted")


def _as(schema: pl.Schema, table: pl.DataFrame, **constants: str) -> pl.DataFrame:
    """The table in the columns of a schema; what it does not have, or cannot be cast, is null."""
    table = table.with_columns(**{name: pl.lit(value) for name, value in constants.items()})
    return table.select(
        (pl.col(name) if name in table.columns else pl.lit(None)).cast(kind, strict=False).alias(name)
        for name, kind in schema.items()
    )
