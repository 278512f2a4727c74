"""The one judgement of a supplier's feed: what a workbook amounts to, and why.

The daily run, the check before an upload, the trial of rules and the command line all call `judge`; none of
them judges by itself. They differ in where the facts come from and in what they do with the verdict.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

import polars as pl

from stock_pipeline.errors import RejectedFile, UnknownHeader
from stock_pipeline.feeds.checks import Others, check_feed, looks_like
from stock_pipeline.feeds.comparison import Known
from stock_pipeline.feeds.mapping import known_elsewhere
from stock_pipeline.feeds.reading import Feed
from stock_pipeline.feeds.report import count_matches, count_rows
from stock_pipeline.feeds.snapshot import Snapshot, build_snapshot, movement
from stock_pipeline.lake.uploaded import WORKBOOK_ENDING
from stock_pipeline.spreadsheets.package import WorkbookLimits
from stock_pipeline.suppliers import Supplier, SuppliersFile
from stock_pipeline.verdicts import Check, Consequence, Verdict


class Reader(Protocol):
    """Something that reads a supplier's list, such as `FeedReader`."""

    def read_feed(self, path: Path, supplier: Supplier, limits: WorkbookLimits | None = None) -> Feed:
        """Read a list, or raise `RejectedFile`."""


@dataclass(frozen=True, slots=True)
class OtherSuppliers:
    """What is known of the other suppliers.

    Attributes:
        file: the suppliers file, which knows all headers; None if an unknown header is not looked up.
        mappings: `part_number`, `supplier` (String each) of all suppliers; None if codes are not looked up.
        same_content: names of other suppliers' files with exactly the same content.
    """

    file: SuppliersFile | None = None
    mappings: pl.LazyFrame | None = None
    same_content: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a workbook amounts to.

    Attributes:
        verdict: accepted, held or rejected.
        reasons: why it is held or rejected, as sentences without their full stop; empty if it is accepted.
        counts: as in `FeedReport`; only those that were reached before a rejection.
        checks: every figure it was judged by; empty if it could not be read.
        looks_like: the supplier whose list this seems to be, if it seems to be another's.
        feed: its rows; None if it could not be read.
        snapshot: what the supplier's labels come to; None if it could not be read.
    """

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    looks_like: str | None = None
    feed: Feed | None = None
    snapshot: Snapshot | None = None

    @property
    def reason(self) -> str:
        """All reasons as one sentence."""
        return "; ".join(self.reasons)

    @classmethod
    def rejecting(cls, reason: str) -> Judgement:
        """Make the judgement of a file of which nothing can be read."""
        return cls(Verdict.REJECTED, (reason,))


def refusal(name: str, size: int) -> str | None:
    """Say why a file is rejected before it is opened; None if it may be opened.

    Args:
        name: the file's name.
        size: in bytes.
    """
    if not name.lower().endswith(WORKBOOK_ENDING):
        return f"not an {WORKBOOK_ENDING} workbook; save the list as {WORKBOOK_ENDING} and upload that"
    limit = WorkbookLimits().file_bytes
    return f"the file has {size:,} bytes; a workbook may have {limit:,}" if size > limit else None


def judge(
    path: Path,
    supplier: Supplier,
    known: Known,
    others: OtherSuppliers,
    run_date: date,
    reader: Reader,
    *,
    accept_first: bool = False,
) -> Judgement:
    """Judge a supplier's workbook. Nothing is written, and the same arguments give the same judgement.

    Args:
        path: the workbook.
        supplier: whose it is, with the rules it is read by.
        known: what it is compared with.
        others: what tells it from other suppliers' lists.
        run_date: the day it is for.
        reader: what reads it.
        accept_first: whether the supplier's first list may be taken, though nothing is compared with it.
    """
    try:
        feed = _read(path, supplier, others.file, reader)
    except RejectedFile as error:
        return Judgement.rejecting(str(error))
    snapshot = build_snapshot(feed, known.parts, known.last, supplier, run_date)
    counts = count_rows(feed) | count_matches(snapshot)
    matched: dict[str, int] = {}
    # Labels are the seller's own, so an out list has no part numbers to look up.
    if others.mappings is not None and not supplier.lists_out_of_stock:
        matched = known_elsewhere(others.mappings, supplier, snapshot.codes["key"])
    beside = Others(matched, others.same_content)
    checks = check_feed(feed, snapshot, supplier, known, beside, run_date, accept_first=accept_first)
    alike = looks_like(checks, beside)
    failed = [check for check in checks if not check.passed]
    rejecting = [check for check in failed if check.consequence is Consequence.REJECTED]
    verdict = Verdict.REJECTED if rejecting else Verdict.HELD if failed else Verdict.ACCEPTED
    if verdict is not Verdict.REJECTED:
        counts |= movement(snapshot.table, known.last)
    return Judgement(
        verdict=verdict,
        reasons=(
            *([f"it looks like {alike}'s list"] if alike else []),
            *(check.text for check in rejecting or failed),
        ),
        counts=counts,
        checks=checks,
        looks_like=alike,
        feed=feed,
        snapshot=snapshot,
    )


def _read(path: Path, supplier: Supplier, suppliers: SuppliersFile | None, reader: Reader) -> Feed:
    try:
        return reader.read_feed(path, supplier)
    except UnknownHeader as error:
        if suppliers and (owners := suppliers.suppliers_with_header(error.head)):
            raise RejectedFile(f"{error}; that is how lists of {' and '.join(owners)} begin") from error
        raise
