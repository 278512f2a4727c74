"""Judge right and wrong lists, and count what a wrong one would do if it were accepted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

import polars as pl

from stock_pipeline.feeds.comparison import Baseline, Known, Past, content_of, drift_day, record_of_codes
from stock_pipeline.feeds.judgement import Judgement, OtherSuppliers, judge
from stock_pipeline.feeds.mapping import labels_as_parts, parts_of
from stock_pipeline.feeds.reading import Feed, feed_of_rows
from stock_pipeline.feeds.snapshot import Snapshot, build_snapshot
from stock_pipeline.spreadsheets.package import WorkbookLimits
from stock_pipeline.suppliers import Supplier, load_suppliers
from stock_pipeline.verdicts import Verdict
from tests.guard.days import Lists
from tests.guard.kinds import KINDS, Context

HARMFUL, DISASTROUS = 0.01, 0.2
"""Shares of a supplier's labels that are wrong, above which a wrong list has done harm."""


@dataclass(frozen=True)
class Outcome:
    """What happened to a list.

    Attributes:
        wrong: the share of the supplier's labels that would have a wrong quantity, were it accepted.
        stopped_by: the checks that it does not pass.
    """

    supplier: str
    kind: str
    verdict: Verdict
    wrong: float
    stopped_by: tuple[str, ...]

    @property
    def silent(self) -> bool:
        """Whether it did harm, and no one was asked."""
        return self.verdict is Verdict.ACCEPTED and self.wrong > HARMFUL


@dataclass(frozen=True)
class _Rows:
    """A reader whose workbook is already read."""

    rows: pl.DataFrame

    def read_feed(self, path: Path, supplier: Supplier, limits: WorkbookLimits | None = None) -> Feed:  # noqa: ARG002 - a Reader
        body = self.rows.select(
            (pl.int_range(pl.len(), dtype=pl.UInt32) + 2).alias("row"),
            "code",
            # What the reader makes of blank cells and of error values.
            raw=pl.col("stock").replace({"": None, "#N/A": None}),
            used=pl.lit(value=True),
        )
        return feed_of_rows(body, supplier)


class Trials:
    """The judgement of lists against right ones."""

    def __init__(self, lists: Lists, seed: int = 1) -> None:
        self.lists = lists
        self.seed = seed
        self.suppliers = load_suppliers()
        self._mapping = lists.mapping.lazy()
        self._parts: dict[str, pl.DataFrame] = {}

    def parts(self, code: str) -> pl.DataFrame:
        """The supplier's mapping."""
        if code not in self._parts:
            own = self.lists.mapping.filter(pl.col("supplier") == code).select("custom_label")
            out_list = self.suppliers.supplier(code).lists_out_of_stock
            self._parts[code] = labels_as_parts(own) if out_list else parts_of(self._mapping, code)
        return self._parts[code]

    def judge(self, code: str, rows: pl.DataFrame, accepted: Sequence[Baseline], day: date) -> Judgement:
        """Judge a list against those accepted before, oldest first, as the daily run would."""
        earlier = [entry for entry in accepted if entry.day < day]
        by_day = {entry.day: entry for entry in earlier}
        drift = drift_day(list(by_day), day, None)
        past = Past(
            drift=by_day[drift] if drift else None,
            same_day=next((entry for entry in accepted if entry.day == day), None),
            before=earlier[-2] if len(earlier) > 1 else None,
            contents={entry.day: content_of(entry.codes) for entry in earlier if entry.codes is not None},
        )
        known = Known(self.parts(code), earlier[-1] if earlier else None, past)
        others = OtherSuppliers(self.suppliers, self._mapping)
        supplier = self.suppliers.supplier(code)
        return judge(Path("list.xlsx"), supplier, known, others, day, _Rows(rows))

    def accepted(self, code: str, rows: pl.DataFrame, day: date, last: Baseline | None = None) -> Baseline:
        """Take a list as accepted."""
        return self._baseline(self._snapshot(code, rows, day, last), day)

    def wrong_share(
        self, judged: Snapshot | None, code: str, right: pl.DataFrame, day: date, last: Baseline | None
    ) -> float:
        """The share of labels that a snapshot has wrong."""
        if judged is None:
            return 1.0
        true = self._snapshot(code, right, day, last).table.select("custom_label", true="quantity")
        return float(
            judged.table.join(true, on="custom_label")
            .select((pl.col("quantity") != pl.col("true")).mean())
            .item()
        )

    def cases(self, kinds: Sequence[str] | None = None) -> Iterator[Outcome]:
        """Judge every kind of wrong list of every supplier's newest day, against the day before."""
        for code, days in self.lists.days.items():
            *_, day = sorted(days)
            earlier = max((one for one in days if one < day), default=day)
            last = self.accepted(code, days[earlier], day - timedelta(days=max((day - earlier).days, 1)))
            for name in kinds or KINDS:
                if outcome := self._case(code, name, day, last):
                    yield outcome

    def _case(self, code: str, name: str, day: date, last: Baseline) -> Outcome | None:
        days = self.lists.days[code]
        right = days[day]
        context = Context(
            self.suppliers.supplier(code),
            Random(f"{self.seed} {code} {name}"),  # noqa: S311
            self._other(code),
            days[min(days)],
        )
        sent = KINDS[name](right, context)
        if sent is None or sent.is_empty():
            return None
        return self.outcome(code, name, self.judge(code, sent, [last], day), right, day, last)

    def outcome(
        self,
        code: str,
        name: str,
        judgement: Judgement,
        right: pl.DataFrame,
        day: date,
        last: Baseline | None,
    ) -> Outcome:
        """Describe what happened to a list instead of which another was right."""
        stopped_by = tuple(check.name for check in judgement.checks if not check.passed)
        wrong = self.wrong_share(judgement.snapshot, code, right, day, last)
        return Outcome(code, name, judgement.verdict, wrong, stopped_by)

    def honest(self, apart: Sequence[int] = ()) -> Iterator[tuple[int, Outcome]]:
        """Judge the right lists against earlier right ones, and say how many days lie between them."""
        for code, days in self.lists.days.items():
            ordered = sorted(days)
            for at, day in enumerate(ordered):
                for earlier in ordered[:at]:
                    between = (day - earlier).days
                    if apart and between not in apart:
                        continue
                    last = self.accepted(code, days[earlier], earlier)
                    judgement = self.judge(code, days[day], [last], day)
                    yield between, self.outcome(code, "honest", judgement, days[day], day, last)

    def sequence(
        self, code: str, kind: str, lists: Sequence[pl.DataFrame], days: Sequence[date]
    ) -> list[Verdict]:
        """Judge a list a day, each against those of the days before that were accepted.

        The kind is applied to what was sent the day before, so that its harm adds up.
        """
        accepted = [self.accepted(code, lists[0], days[0])]
        sent = lists[0]
        verdicts = []
        for at, day in enumerate(days[1:], start=1):
            context = Context(
                self.suppliers.supplier(code),
                Random(f"{self.seed} {code} {kind} {at}"),  # noqa: S311
                self._other(code),
                sent,
            )
            wrong = KINDS[kind](sent, context)
            if wrong is None:
                return []
            judgement = self.judge(code, wrong, accepted, day)
            verdicts.append(judgement.verdict)
            sent = wrong
            if judgement.verdict is Verdict.ACCEPTED and judgement.snapshot:
                accepted.append(self._baseline(judgement.snapshot, day))
        return verdicts

    def _other(self, code: str) -> pl.DataFrame:
        """The newest list of the supplier that comes next in the alphabet."""
        codes = sorted(self.lists.days)
        other = self.lists.days[codes[(codes.index(code) + 1) % len(codes)]]
        return other[max(other)]

    def _snapshot(self, code: str, rows: pl.DataFrame, day: date, last: Baseline | None) -> Snapshot:
        supplier = self.suppliers.supplier(code)
        feed = _Rows(rows).read_feed(Path("list.xlsx"), supplier)
        return build_snapshot(feed, self.parts(code), last.table if last else None, supplier, day)

    def _baseline(self, snapshot: Snapshot, day: date) -> Baseline:
        return Baseline(day, snapshot.table.select("custom_label", "quantity"), record_of_codes(snapshot))
