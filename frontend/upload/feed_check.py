"""Looks at a supplier's workbook as the run will, before it is sent: nothing is written anywhere.

One thing is not as in the run: for a list of what is out of stock the run takes the labels of the store
table, which is far too large to read while somebody waits. Here they are those of the last snapshot.
"""

from __future__ import annotations

import hashlib
from datetime import date
from enum import StrEnum
from pathlib import Path

import polars as pl
from pydantic import BaseModel

from frontend.core.aws import OUTAGE, glue_client, outage_in_words, s3_client
from frontend.core.settings import settings
from stock_pipeline.codes import match_key
from stock_pipeline.errors import NeedsPersonError, RejectedFile, UnknownHeader
from stock_pipeline.feeds.checks import Baseline, Others, check_feed, looks_like
from stock_pipeline.feeds.day_files import Uploads
from stock_pipeline.feeds.feed_reader import FeedReader
from stock_pipeline.feeds.mapping import known_elsewhere, read_mapping
from stock_pipeline.feeds.reading import Feed
from stock_pipeline.feeds.report import count_matches, count_rows
from stock_pipeline.feeds.snapshot import Snapshot, build_snapshot, movement
from stock_pipeline.feeds.snapshot_files import read_baseline
from stock_pipeline.lake.catalog import snapshot_dates
from stock_pipeline.lake.objects import sha256_of
from stock_pipeline.suppliers import Supplier, SuppliersFile, load_suppliers
from stock_pipeline.verdicts import Check, Consequence


class Outlook(StrEnum):
    """What the run will make of a file."""

    FINE = "looks right"
    HELD = "would be held"
    UNUSABLE = "cannot be used"
    UNKNOWN = "could not be checked"


class FeedRequest(BaseModel):
    """A file to look at.

    Attributes:
        path: where its content lies.
        name: what it is called.
        supplier: whose it is.
        run_date: the day it is for.
        peers: SHA-256 of the other suppliers' files that are looked at with it, by name.
    """

    path: Path
    name: str
    supplier: str
    run_date: date
    peers: dict[str, str] = {}


class FeedCheck(BaseModel):
    """What the run will make of a file, as far as it can be foretold.

    Attributes:
        text: a sentence for people.
        counts: as in the report of a run; only `rows` and the like if it cannot be compared.
        last_snapshot: what it was compared with; None if there is no accepted list of an earlier day.
    """

    supplier: str
    outlook: Outlook
    text: str
    counts: dict[str, int] = {}
    checks: list[Check] = []
    last_snapshot: date | None = None
    looks_like: str | None = None


def look_at(request: FeedRequest, reader: FeedReader) -> FeedCheck:
    """Read a file and judge it as the run would."""
    suppliers = load_suppliers()
    supplier = suppliers.supplier(request.supplier)
    found = FeedCheck(supplier=supplier.code, outlook=Outlook.FINE, text="")
    try:
        feed = _read(reader, request.path, supplier, suppliers)
        found.counts = count_rows(feed)
        _compare(feed, supplier, suppliers, request, found)
    except RejectedFile as error:
        found.outlook, found.text = Outlook.UNUSABLE, str(error)
    except OUTAGE as error:
        found.outlook, found.text = Outlook.UNKNOWN, unchecked(outage_in_words(error))
    except NeedsPersonError as error:
        found.text = (
            f"{found.counts.get('rows', 0):,} rows; they could not be compared with anything: {error}"
        )
    return found


def unchecked(outage: str) -> str:
    """What is to be said of a file that was read and cannot be compared, which is not the file's fault.

    Args:
        outage: what AWS did, as words that follow its name.
    """
    return (
        f"could not be checked because AWS {outage}; the file itself could be read, and nothing is known to "
        "be wrong with it: check it again in a minute"
    )


def _read(reader: FeedReader, path: Path, supplier: Supplier, suppliers: SuppliersFile) -> Feed:
    try:
        return reader.read_feed(path, supplier)
    except UnknownHeader as error:
        if owners := suppliers.suppliers_with_header(error.head):
            raise RejectedFile(f"{error}; that is how lists of {' and '.join(owners)} begin") from error
        raise


def _compare(
    feed: Feed, supplier: Supplier, suppliers: SuppliersFile, request: FeedRequest, found: FeedCheck
) -> None:
    """Fill in what the list comes to against the mapping and the last snapshot."""
    s3, bucket, database = s3_client(), settings().bucket, settings().database
    dates = [day for day in snapshot_dates(glue_client(), database, supplier.code) if day < request.run_date]
    found.last_snapshot = max(dates, default=None)
    baseline = read_baseline(s3, bucket, supplier.code, found.last_snapshot) if found.last_snapshot else None
    if supplier.lists_out_of_stock:
        if baseline is None:
            found.text = (
                f"{feed.rows.height:,} labels are out of stock; there is no earlier list to compare with"
            )
            return
        mapping = _labels_as_parts(baseline)
    else:
        mapping = read_mapping(s3, glue_client(), bucket=bucket, database=database, supplier=supplier)
    snapshot = build_snapshot(feed, mapping, baseline.table if baseline else None, supplier, request.run_date)
    found.counts |= count_matches(snapshot)
    others = _others(snapshot, supplier, suppliers, request, found.last_snapshot)
    found.checks = check_feed(feed, snapshot, supplier, baseline, others)
    found.looks_like = looks_like(found.checks, others)
    failed = [check for check in found.checks if not check.passed]
    likeness = [f"it looks like {found.looks_like}'s list"] if found.looks_like else []
    if failed:
        unusable = [check for check in failed if check.consequence is Consequence.REJECTED]
        found.outlook = Outlook.UNUSABLE if unusable else Outlook.HELD
        found.text = "; ".join(likeness + [check.text for check in unusable or failed])
        if unusable:
            return
    else:
        found.text = "{matched:,} of {codes:,} codes are known".format(**found.counts)
        if found.last_snapshot is None:
            found.text += "; it is the first list of this supplier, so there is nothing to compare it with"
    found.counts |= movement(snapshot.table, baseline.table if baseline else None)


def _labels_as_parts(baseline: Baseline) -> pl.DataFrame:
    """A mapping in which each label of the last snapshot is its own part, as `read_mapping` gives it."""
    label = pl.col("custom_label")
    return baseline.table.select(label, label.alias("part_number"), match_key(label).alias("key"))


def _others(
    snapshot: Snapshot,
    supplier: Supplier,
    suppliers: SuppliersFile,
    request: FeedRequest,
    last_snapshot: date | None,
) -> Others:
    """How the list looks beside those of the other suppliers: with it, on its day, and on the last one."""
    s3, bucket = s3_client(), settings().bucket
    known: dict[str, int] = {}
    if not supplier.lists_out_of_stock:
        known = known_elsewhere(s3, bucket=bucket, supplier=supplier, keys=snapshot.codes["key"])
    content = request.path.read_bytes()
    own = hashlib.sha256(content).hexdigest()
    same = [name for name, sha256 in request.peers.items() if sha256 == own]
    for day in filter(None, (request.run_date, last_snapshot)):
        same += [
            f"{file.name} of {day}"
            for file in Uploads.of_day(s3, bucket, suppliers, day).of_others(supplier.code)
            if file.size == len(content) and sha256_of(s3, bucket, file.key) == own
        ]
    return Others(known, same)
