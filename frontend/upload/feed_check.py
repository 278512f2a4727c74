"""Looks at a supplier's workbook as the run will, before it is sent: nothing is written anywhere.

One thing is not as in the run: for a list of what is out of stock the run takes the labels of the store
table, which is far too large to read while someone waits. Here they are those of the last snapshot.
"""

from __future__ import annotations

import hashlib
from datetime import date
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel

from frontend.core.aws import OUTAGE, lake, outage_in_words
from stock_pipeline.errors import NeedsPersonError, RejectedFile
from stock_pipeline.feeds.comparison import Known
from stock_pipeline.feeds.day_files import Uploads, same_content
from stock_pipeline.feeds.feed_reader import FeedReader
from stock_pipeline.feeds.judgement import OtherSuppliers, judge
from stock_pipeline.feeds.known import what_is_known_soon
from stock_pipeline.feeds.mapping import product_table
from stock_pipeline.feeds.report import count_rows
from stock_pipeline.suppliers import Supplier, SuppliersFile, load_suppliers
from stock_pipeline.verdicts import Check, Verdict


class Outlook(StrEnum):
    """What the run will make of a file."""

    FINE = "looks right"
    HELD = "would be held"
    PARTLY = "would be used in part"
    UNUSABLE = "cannot be used"
    UNKNOWN = "could not be checked"


OUTLOOKS = {
    Verdict.ACCEPTED: Outlook.FINE,
    Verdict.HELD: Outlook.HELD,
    Verdict.REJECTED: Outlook.UNUSABLE,
}


class FeedRequest(BaseModel):
    """A file to look at.

    Attributes:
        path: where its content is.
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
    """Judge a file as the run would."""
    suppliers = load_suppliers()
    supplier = suppliers.supplier(request.supplier)
    found = FeedCheck(supplier=supplier.code, outlook=Outlook.FINE, text="")
    try:
        known, others = _known(supplier, suppliers, request)
    except OUTAGE as error:
        return _uncompared(
            found, request, supplier, reader, Outlook.UNKNOWN, unchecked(outage_in_words(error))
        )
    except NeedsPersonError as error:
        text = f"{{rows:,}} rows; they could not be compared with anything: {error}"
        return _uncompared(found, request, supplier, reader, Outlook.FINE, text)
    if supplier.lists_out_of_stock and known.baseline is None:
        text = "{rows:,} labels are out of stock; first list of this supplier: nothing to compare with"
        return _uncompared(found, request, supplier, reader, Outlook.HELD, text)
    judgement = judge(request.path, supplier, known, others, request.run_date, reader)
    found.last_snapshot = known.baseline.day if known.baseline else None
    found.outlook, found.text = OUTLOOKS[judgement.verdict], judgement.reason
    found.counts, found.checks = judgement.counts, judgement.checks
    found.looks_like = judgement.looks_like
    if judgement.verdict is Verdict.ACCEPTED:
        found.text = "{matched:,} of {codes:,} codes are known".format(**found.counts)
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


def _uncompared(
    found: FeedCheck,
    request: FeedRequest,
    supplier: Supplier,
    reader: FeedReader,
    outlook: Outlook,
    text: str,
) -> FeedCheck:
    """Say of a file that cannot be compared whether it can be read at all."""
    try:
        found.counts = count_rows(reader.read_feed(request.path, supplier))
    except RejectedFile as error:
        found.outlook, found.text = Outlook.UNUSABLE, str(error)
    else:
        found.outlook, found.text = outlook, text.replace("{rows:,}", f"{found.counts['rows']:,}")
    return found


def _known(
    supplier: Supplier, suppliers: SuppliersFile, request: FeedRequest
) -> tuple[Known, OtherSuppliers]:
    """Fetch what the list is compared with: its own past, and files sent with it, on its day and the last."""
    known = what_is_known_soon(lake(), supplier=supplier, run_date=request.run_date)
    content = request.path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    days = [request.run_date, *([known.baseline.day] if known.baseline else [])]
    uploads = [Uploads.of_day(lake(), suppliers, day) for day in days]
    same = [name for name, other in request.peers.items() if other == sha256]
    same += same_content(lake(), supplier.code, uploads, size=len(content), sha256=sha256)
    mappings = None if supplier.lists_out_of_stock else product_table(lake())
    return known, OtherSuppliers(suppliers, mappings, same)
