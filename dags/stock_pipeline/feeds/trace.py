"""Says why a label has its quantity: from the snapshot in force to the cell of the supplier's workbook.

Everything is read again, and the label's quantity is worked out again from the workbook. Where that does not
come to what the snapshot says, something has changed since, and the answer says so instead of guessing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from pydantic import BaseModel

from stock_pipeline.codes import label as label_of
from stock_pipeline.codes import match_key
from stock_pipeline.errors import RejectedFile
from stock_pipeline.feeds.feed_reader import FeedReader
from stock_pipeline.feeds.mapping import read_mapping
from stock_pipeline.feeds.report import FeedReport
from stock_pipeline.feeds.snapshot import build_snapshot
from stock_pipeline.feeds.snapshot_files import counts_as_zero
from stock_pipeline.lake import locations
from stock_pipeline.lake.catalog import snapshot_dates
from stock_pipeline.lake.lake import Lake
from stock_pipeline.lake.tables import PRODUCT, SUPPLIER_STOCK
from stock_pipeline.spreadsheets.export import column_name
from stock_pipeline.suppliers import ListedRule, OutListRule, Supplier, SuppliersFile
from stock_pipeline.verdicts import Verdict


class TracedRow(BaseModel):
    """A row of the workbook: `cell` is the stock cell (or that of the code), `raw` what is in it."""

    row: int
    cell: str
    code: str
    raw: str | None
    quantity: int | None
    reason: str | None


class TracedPart(BaseModel):
    """A part of the label. `known` is what the list says of it, `unknown` whether it leaves a doubt."""

    part_number: str
    rows: list[TracedRow]
    known: int | None
    unknown: bool


class Trace(BaseModel):
    """Why a label has its quantity.

    Attributes:
        label: as the tables have it.
        supplier: whose label it is.
        run_date: the day asked about.
        in_table: whether a listing with this label is in the ebay table of that day.
        quantity: of the label on that day; None if it has none.
        snapshot_date: of the snapshot in force.
        last_date, last_quantity: the supplier's snapshot before that, and the label's quantity in it.
        file: key of the workbook the snapshot comes from.
        parts: what the label is made of, with their rows in the workbook.
        sentence: why the quantity is what it is, for people.
    """

    label: str
    supplier: str
    run_date: date
    in_table: bool = False
    quantity: int | None = None
    snapshot_date: date | None = None
    last_date: date | None = None
    last_quantity: int | None = None
    file: str | None = None
    parts: list[TracedPart] = []
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class _Source:
    """Where everything is read from."""

    lake: Lake

    def mapping(self, supplier: Supplier, label: str) -> pl.DataFrame:
        """The label's rows of the supplier's mapping."""
        if supplier.lists_out_of_stock:
            # Each label is its own part. Whether a store has it would take a minute to find out.
            part = pl.lit(label)
            return pl.select(custom_label=part, part_number=part, key=match_key(part))
        found = read_mapping(self.lake, supplier=supplier)
        return found.filter(pl.col("custom_label") == label)

    def snapshot(self, supplier: str, day: date | None, label: str) -> pl.DataFrame | None:
        """The label's row in a snapshot, if that has one: `custom_label`, `quantity`."""
        if day is None:
            return None
        body = self.lake.read_or_none(SUPPLIER_STOCK.key(supplier, *locations.date_parts(day)))
        if body is None:
            return None
        found = pl.read_parquet(BytesIO(body), columns=["custom_label", "quantity"])
        return found.filter(pl.col("custom_label") == label)

    def report(self, supplier: str, day: date) -> FeedReport | None:
        body = self.lake.read_or_none(locations.stock_feed_report_key(day, supplier))
        return FeedReport.model_validate_json(body) if body else None

    def is_as_read(self, report: FeedReport) -> bool:
        """Whether the workbook a report is about is still where it was read."""
        assert report.file is not None  # noqa: S101 - asked of an accepted feed only
        found = self.lake.head(report.file.key)
        return found is not None and found["LastModified"] == report.file.last_modified


def labels_made_of(lake: Lake, *, part_or_label: str) -> list[tuple[str, str]]:
    """The suppliers and labels of the product table whose label or part that text is."""
    body = lake.read(PRODUCT.key())
    wanted = pl.lit(part_or_label)
    found = pl.read_parquet(BytesIO(body)).filter(
        (match_key(pl.col("part_number")) == match_key(wanted))
        | (label_of(pl.col("custom_label")) == label_of(wanted))
    )
    return sorted(set(found.select("supplier", label_of(pl.col("custom_label"))).drop_nulls().rows()))


def trace_label(
    lake: Lake,
    *,
    suppliers: SuppliersFile,
    supplier: str,
    label: str,
    run_date: date,
) -> Trace:
    """Find out why a supplier's label has the quantity it has on a day.

    Raises:
        MissingTableError: the product table has no data.
    """
    source = _Source(lake)
    trace = Trace(label=label.strip(" ").upper(), supplier=supplier, run_date=run_date)
    dates = [day for day in snapshot_dates(lake, supplier) if day <= run_date]
    if not dates:
        trace.sentence = (
            f"{supplier} has no accepted list on or before {run_date}, so the table has no listing of theirs."
        )
        return trace
    trace.snapshot_date = dates[-1]
    trace.last_date = dates[-2] if len(dates) > 1 else None
    current = source.snapshot(supplier, trace.snapshot_date, trace.label)
    last = source.snapshot(supplier, trace.last_date, trace.label)
    trace.last_quantity = last["quantity"][0] if last is not None and last.height else None
    rules = suppliers.suppliers.get(supplier)
    mapping = source.mapping(rules, trace.label) if rules else None
    known = rules is not None and mapping is not None and mapping.height > 0
    if rules and known and counts_as_zero(lake, rules, trace.snapshot_date, run_date):
        trace.in_table, trace.quantity = True, 0
        trace.sentence = (
            f"{supplier}'s last list, of {trace.snapshot_date}, says nothing newer than a month. Its stock "
            "has expired and counts as 0."
        )
        return trace
    sentence = _why_this_list(source, trace) + _why(source, trace, rules, current, last, mapping)
    trace.sentence = sentence[0].upper() + sentence[1:]
    return trace


def beside_the_table(
    trace: Trace, quantity: int | None, table_date: date | None, kept: str | None = None
) -> str | None:
    """Why a listing has another quantity in the ebay table than its label has by now; None if it has not.

    Args:
        trace: of the listing's label.
        quantity: of the listing in the table; None if it is not there.
        table_date: the day the table is of; None if there is none.
        kept: why the supplier or the store kept what was published before, if the table's audit stopped it.
    """
    if table_date is None:
        return "There is no ebay table of this store yet."
    if quantity is None and trace.in_table:
        return (
            f"The listing is not in the ebay table of {table_date}: the store or the product table got it "
            "later. The next run takes it in."
        )
    if quantity is not None and quantity != trace.quantity:
        now = "not in the table any more" if trace.quantity is None else trace.quantity
        if kept:
            return (
                f"The ebay table has {quantity}, from an earlier day: the audit stopped the change to {now} "
                f"({kept}). Run the day again once the cause is mended or the change accepted."
            )
        return (
            f"The ebay table of {table_date} has {quantity}; by what counts on {trace.run_date} it is {now}. "
            "The next run puts that in."
        )
    return None


def _why_this_list(source: _Source, trace: Trace) -> str:
    """Why an older list counts, as the beginning of a sentence; nothing if it is the day's own."""
    if trace.snapshot_date == trace.run_date:
        return ""
    report = source.report(trace.supplier, trace.run_date)
    if report is None:
        begin = f"No list of {trace.supplier} was read for {trace.run_date}"
    elif report.verdict is Verdict.MISSING:
        begin = f"{trace.supplier} sent no list for {trace.run_date}"
    elif report.verdict is Verdict.ACCEPTED:
        begin = f"{trace.supplier}'s list of {trace.run_date} is accepted, but its snapshot is not registered"
    else:
        begin = f"{trace.supplier}'s list of {trace.run_date} does not count ({report.reason})"
    return f"{begin}, so the one of {trace.snapshot_date} does: "


def _why(
    source: _Source,
    trace: Trace,
    rules: Supplier | None,
    current: pl.DataFrame | None,
    last: pl.DataFrame | None,
    mapping: pl.DataFrame | None,
) -> str:
    """The sentence on the snapshot in force; fills in the trace."""
    if rules is None:
        trace.quantity = current["quantity"][0] if current is not None and current.height else None
        return f"{trace.supplier} is no longer in the suppliers file; its last list says {trace.quantity}."
    if mapping is None or mapping.is_empty():
        return (
            f"{trace.label} is not known to be {trace.supplier}'s, as no part of theirs makes it up, "
            "so it is not in the table."
        )
    trace.in_table = True
    if current is None:
        return f"the snapshot of {trace.snapshot_date} is registered, but its file is gone."
    if current.is_empty():
        trace.quantity = 0
        if rules.lists_out_of_stock:
            return f"no store had {trace.label} when that list was read; until the next one it is 0."
        return f"{trace.label} became known only after that list was read; until the next one it is 0."
    trace.quantity = current["quantity"][0]
    assert trace.snapshot_date is not None  # noqa: S101 - there is a current snapshot
    report = source.report(trace.supplier, trace.snapshot_date)
    if report is None or report.file is None or report.verdict is not Verdict.ACCEPTED:
        return (
            f"it says {trace.quantity}, from a file of {trace.snapshot_date} whose report a later run of "
            "that day has replaced."
        )
    trace.file = report.file.key
    if not source.is_as_read(report):
        return f"it says {trace.quantity}, but its workbook ({trace.file}) was replaced or removed since."
    return _read_again(source, trace, rules, last, mapping)


def _read_again(
    source: _Source, trace: Trace, rules: Supplier, last: pl.DataFrame | None, mapping: pl.DataFrame
) -> str:
    assert trace.file is not None  # noqa: S101 - the caller has set them
    assert trace.snapshot_date is not None  # noqa: S101
    with TemporaryDirectory(prefix="trace_") as folder, FeedReader() as reader:
        path = Path(folder) / "feed.xlsx"
        source.lake.download(trace.file, path)
        try:
            feed = reader.read_feed(path, rules)
        except RejectedFile as error:
            return (
                f"it says {trace.quantity}, but with today's rules its workbook would be rejected ({error})."
            )
    again = build_snapshot(feed, mapping, last, rules, trace.snapshot_date).table
    rows = feed.rows.join(mapping.select("key"), on="key", how="semi").sort("row")
    trace.parts = [_part(entry["part_number"], entry["key"], rows, rules) for entry in mapping.to_dicts()]
    if again["quantity"][0] != trace.quantity:
        return (
            f"it says {trace.quantity}, but with today's product table and rules its workbook comes to "
            f"{again['quantity'][0]}: one of the two was changed since; the next list follows it."
        )
    return _sentence(trace, rules, again["part_number"][0])


def _part(part_number: str, key: str, rows: pl.DataFrame, rules: Supplier) -> TracedPart:
    column = column_name(rules.stock_column or rules.code_column)
    found = [
        TracedRow(cell=f"{column}{row['row']}", **{name: row[name] for name in row if name != "key"})
        for row in rows.filter(pl.col("key") == key).to_dicts()
    ]
    quantities = [row.quantity for row in found if row.quantity is not None]
    absent = None if rules.absent == "keep" else _absent(rules)
    return TracedPart(
        part_number=part_number,
        rows=found,
        known=min(quantities, default=None) if found else absent,
        unknown=any(row.reason for row in found) if found else rules.absent == "keep",
    )


def _sentence(trace: Trace, rules: Supplier, deciding: str) -> str:
    """Why the snapshot says what it says, if the workbook comes to the same."""
    doubtful = next((part for part in trace.parts if part.unknown), None)
    kept = trace.last_quantity or 0
    decides = next(part for part in trace.parts if part.part_number == deciding)
    lowest = min((part.known for part in trace.parts if part.known is not None), default=None)
    many = len(trace.parts) > 1
    if doubtful and not (rules.combine == "lowest" and lowest is not None and lowest < kept):
        stays = (
            f"so the {kept} of {trace.last_date} stays"
            if trace.last_quantity is not None
            else "and there is no earlier quantity, so it is 0"
        )
        of_kit = (
            f"{trace.label} is made of {len(trace.parts)} parts, and of one nothing is known: "
            if many
            else ""
        )
        return f"{of_kit}{_on_part(trace, rules, doubtful)}, {stays}."
    if many and rules.combine == "sum":
        sums = " + ".join(f"{part.known} ({part.part_number})" for part in trace.parts)
        return f"{trace.label} is worth the sum of its {len(trace.parts)} parts: {sums} = {trace.quantity}."
    if many:
        worth = "its scarcest one" if rules.combine == "lowest" else "the one of which there is most"
        return (
            f"{trace.label} is made of {len(trace.parts)} parts and is worth {worth}, {deciding}: "
            f"{_on_part(trace, rules, decides)}."
        )
    return f"{_on_part(trace, rules, decides)}."


def _on_part(trace: Trace, rules: Supplier, part: TracedPart) -> str:
    """What the list says of a part, as a sentence without its full stop."""
    whose = f"{trace.supplier}'s list of {trace.snapshot_date}"
    if not part.rows and rules.lists_out_of_stock:
        return f"{whose} names what is out, and {trace.label} is not in it, so it is {_absent(rules)}"
    if not part.rows and rules.absent == "keep":
        return f"{whose} does not list part {part.part_number}, and what it leaves out is unchanged"
    if not part.rows:
        return f"{whose} does not list part {part.part_number}, and what it leaves out is 0"
    bad = next((row for row in part.rows if row.reason), None)
    if bad:
        return f"in {whose} cell {bad.cell} for part {part.part_number} {_reads(bad)} ({bad.reason})"
    row = min(part.rows, key=lambda row: (row.quantity, row.row))
    if rules.lists_out_of_stock:
        return f"{whose} names {trace.label} as out, on row {row.row}"
    if isinstance(rules.rule, ListedRule):
        return f"{whose} lists part {part.part_number} on row {row.row}, and what it lists is {row.quantity}"
    counts = "" if (row.raw or "").strip() == str(row.quantity) else f", which counts as {row.quantity}"
    where = f"in {whose} cell {row.cell} for part {part.part_number} {_reads(row)}{counts}"
    if len({other.quantity for other in part.rows}) > 1:
        where += f"; the list has it on {len(part.rows)} rows, and the lowest counts"
    return where


def _reads(row: TracedRow) -> str:
    return f"reads {row.raw.strip()!r}" if row.raw and row.raw.strip() else "holds no value"


def _absent(rules: Supplier) -> int:
    """What a label is that the list leaves out, unless it stays as it was."""
    return rules.rule.in_quantity if isinstance(rules.rule, OutListRule) else 0
