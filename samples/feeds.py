"""Writes days of invented stock feeds in the real suppliers' layouts.

    python -m samples.feeds FOLDER --days 2 --until 2024-08-08

writes `FOLDER/<YYYY-MM-DD>/<SUPPLIER> SF.xlsx`. The same arguments give the same rows. ELR sends nothing, and
on the last day APE's file has numbers where YES and NO should be, and KYB's says Y for N and N for Y.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from itertools import count, pairwise
from pathlib import Path
from random import Random

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from samples.layouts import (
    BAD_ON_THE_LAST_DAY,
    INVERTED_ON_THE_LAST_DAY,
    LAYOUTS,
    Cell,
    Counts,
    Layout,
    Words,
)
from stock_pipeline.suppliers import load_suppliers

ERROR = "#N/A"
CHANGED_SHARE = 0.03
"""How many stock cells change from one day to the next."""

_FEWEST_ROWS = 60
_LETTERS = "QVWXYZ"
_THINGS = ("Brake Disc", "Wheel Bearing", "Oil Filter", "Track Rod End", "Drive Belt", "Lambda Sensor")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a supplier's list, the same from day to day but for its stock.

    Attributes:
        number: which row of the supplier's it is, counted over all days; what else is in it follows.
        code: the code cell as stored.
        stock: the stock cell as stored, for a formula its cached value.
        pinned: it stays as it is.
    """

    number: int
    code: Cell
    stock: Cell
    pinned: bool = False


def _thing(line: Line) -> str:
    return _THINGS[line.number % len(_THINGS)]


CELL_MAKERS: dict[Cell, Callable[[Line], Cell]] = {
    "code": lambda line: line.code,
    "code_again": lambda line: line.code,
    "stock": lambda line: line.stock,
    "text": _thing,
    "text_padded": lambda line: _thing(line).upper().ljust(20),
    "maker": lambda line: f"M{line.number % 40:02}",
    "remark": lambda line: "Listed" if line.number % 3 == 0 else None,
    "info": lambda line: "Ask before relisting" if line.number % 50 == 0 else None,
    "price": lambda line: round(2.5 + line.number % 2999 * 0.11, 2),
    "barcode": lambda line: f"20{line.number:011}",
    "condition_letter": lambda line: "BL"[line.number % 2],
    "condition_number": lambda line: 1 if line.stock else 0,
}
"""What can be in a column, by the name the layouts give it."""


class SupplierList:
    """One supplier's list as it changes from day to day."""

    def __init__(self, layout: Layout, rows: int, random: Random) -> None:
        self._layout = layout
        self._random = random
        self._numbers = count()
        self._taken = {str(code) for code, _ in layout.pinned}
        self._patterns = list(layout.patterns), list(layout.patterns.values())
        self.lines = [Line(next(self._numbers), code, stock, pinned=True) for code, stock in layout.pinned]
        self.lines += self._new_lines(rows - len(self.lines))

    def next_day(self) -> None:
        """Change some quantities, drop some codes, add some."""
        layout, random = self._layout, self._random
        lines = []
        for line in self.lines:
            if line.pinned:
                lines.append(line)
            elif random.random() >= layout.drop_share:
                changes = line.stock != ERROR and random.random() < CHANGED_SHARE
                lines.append(replace(line, stock=self._other_stock(line)) if changes else line)
        self.lines = lines + self._new_lines(round(layout.add_share * len(self.lines)))

    def _new_lines(self, rows: int) -> list[Line]:
        lines: list[Line] = []
        while len(lines) < rows:
            number = next(self._numbers)
            line = Line(number, self._code(number), self._stock(number))
            lines.append(line)
            if self._layout.twice_every and number % self._layout.twice_every == 1:
                lines.append(replace(line, number=next(self._numbers), stock=self._other_stock(line)))
        return lines

    def _code(self, number: int) -> str | int:
        random = self._random
        while True:
            (pattern,) = random.choices(*self._patterns)
            code = "".join(
                random.choice(_LETTERS)
                if sign == "@"
                else random.choice("0123456789")
                if sign == "#"
                else sign
                for sign in pattern
            )
            if code not in self._taken:
                break
        self._taken.add(code)
        for every, spell in self._layout.spellings:
            if number % every == 2:
                return spell(code)
        return int(code) if self._layout.digits_are_numbers and code.isdecimal() else code

    def _stock(self, number: int) -> Cell:
        error_every = self._layout.error_every
        if error_every and number % error_every == 3:
            return ERROR
        return _drawn(self._layout.stock, self._random)

    def _other_stock(self, line: Line) -> Cell:
        for _ in range(50):
            stock = _drawn(self._layout.stock, self._random)
            if stock != line.stock:
                return stock
        return line.stock


def _drawn(stock: Counts | Words | None, random: Random) -> Cell:
    """A stock cell."""
    if stock is None:
        return None
    if isinstance(stock, Words):
        return random.choices(list(stock.weights), list(stock.weights.values()))[0]
    chance = random.random()
    if chance < stock.below_zero_share:
        return -random.randint(1, 500)
    if chance < stock.below_zero_share + stock.zero_share:
        return 0
    return min(stock.most, 1 + int(random.expovariate(1 / stock.usual)))


def write_sample_feeds(
    folder: Path,
    days: Sequence[date],
    seed: int = 1,
    *,
    scale: float = 1.0,
    progress: Callable[[str], None] | None = None,
) -> None:
    """Write one folder of workbooks for each day.

    A day's rows depend on the seed, the scale and how many days come before it, not on its date.

    Args:
        folder: where the folders `YYYY-MM-DD` go; workbooks of the same name are overwritten.
        days: the days, in order of time. On the last one APE's file is bad, and KYB's is inverted unless
            it is the first.
        seed: another seed gives other part numbers.
        scale: 1 is about 70 thousand rows a day; no supplier has fewer than 60.
        progress: is told a sentence for each day.

    Raises:
        ValueError: no day, or the days are not in order.
    """
    if not days or any(later <= earlier for earlier, later in pairwise(days)):
        raise ValueError(f"days must be one or more, in order: {[str(day) for day in days]}")
    # A supplier that is no longer in the suppliers file sends nothing; for a new one there is no sample.
    known = load_suppliers().suppliers
    lists = {
        supplier: SupplierList(
            layout,
            max(_FEWEST_ROWS, round(layout.rows * scale)),
            Random(f"{seed} {supplier}"),  # noqa: S311
        )
        for supplier, layout in LAYOUTS.items()
        if supplier in known
    }
    for index, day in enumerate(days):
        started = time.monotonic()
        target = folder / day.isoformat()
        target.mkdir(parents=True, exist_ok=True)
        for supplier, supplier_list in lists.items():
            if index > 0:
                supplier_list.next_day()
            lines = supplier_list.lines
            if index == len(days) - 1 > 0 and supplier == INVERTED_ON_THE_LAST_DAY:
                lines = [replace(line, stock="N" if line.stock == "Y" else "Y") for line in lines]
            if supplier == BAD_ON_THE_LAST_DAY and index == len(days) - 1:
                lines = [replace(line, stock=line.number % 30) for line in lines]
            content = _workbook(LAYOUTS[supplier], lines, index, scale)
            (target / f"{supplier} SF.xlsx").write_bytes(content)
        if progress:
            rows = sum(len(supplier_list.lines) for supplier_list in lists.values())
            seconds = time.monotonic() - started
            progress(f"{day}: {len(lists)} workbooks, {rows:,} rows, in {seconds:.1f} s")


def _workbook(layout: Layout, lines: Sequence[Line], index: int, scale: float) -> bytes:
    """The .xlsx file of one supplier's day; `index` counts the days."""
    workbook = Workbook(write_only=True)
    # Excel must show the cached values as sent, not work the formulas out again.
    workbook.calculation.fullCalcOnLoad = False
    sheet = workbook.create_sheet("Stock")
    blank = WriteOnlyCell(sheet)
    blank.font = Font(name="Arial")
    for row in _rows(layout, lines, index):
        beyond = layout.blank_out_to - len(row) if len(row) == len(layout.cells) else 0
        sheet.append([*row, *[blank] * beyond])
    for _ in range(round(layout.blank_rows * scale)):
        sheet.append((blank,))
    buffer = BytesIO()
    workbook.save(buffer)
    if layout.stock_formula:
        return _with_cached_values(buffer, [line.stock for line in lines])
    return buffer.getvalue()


def _rows(layout: Layout, lines: Sequence[Line], index: int) -> Iterator[Sequence[Cell]]:
    """What the sheet says: the rows above the header, the header, one row for each line."""
    top = (*layout.leads[index % len(layout.leads)], layout.headers[index % len(layout.headers)])
    yield from top
    formula_at = layout.cells.index("stock") if layout.stock_formula else None
    for row_number, line in enumerate(lines, len(top) + 1):
        row = [CELL_MAKERS[cell](line) if cell in CELL_MAKERS else cell for cell in layout.cells]
        if formula_at is not None:
            row[formula_at] = f"={layout.stock_formula}".format(row=row_number)
        yield row


def _with_cached_values(workbook: BytesIO, values: Sequence[Cell]) -> bytes:
    """The workbook with the results of its formulas, in the order of its rows.

    openpyxl writes a formula as `<c r="C2"><f>…</f><v /></c>`, with no place to say what it came to; Excel
    writes the result into `<v>`, and `t="e"` on the cell if that is an error.
    """
    remaining = iter(values)

    def filled(match: re.Match[str]) -> str:
        value = next(remaining)
        kind = ' t="e"' if value == ERROR else ""
        return f"<c{match['attributes']}{kind}><f>{match['formula']}</f><v>{value}</v></c>"

    pattern = re.compile(r"<c(?P<attributes>[^>]*)><f>(?P<formula>[^<]*)</f><v ?(?:/>|></v>)</c>")
    result = BytesIO()
    with zipfile.ZipFile(workbook) as old, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = pattern.sub(filled, content.decode()).encode()
            new.writestr(name, content)
    left = sum(1 for _ in remaining)
    if left:
        raise RuntimeError(f"{left} formulas were not found in the sheet openpyxl wrote")
    return result.getvalue()


def last_days(days: int, until: date) -> Iterator[date]:
    """That many days up to and with `until`, in order."""
    return (until - timedelta(days=back) for back in reversed(range(days)))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m samples.feeds", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="where the folders YYYY-MM-DD go")
    parser.add_argument("--days", type=int, default=2, help="how many days (2)")
    parser.add_argument(
        "--until", type=date.fromisoformat, default=None, metavar="YYYY-MM-DD", help="the last day (today)"
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed, other part numbers (1)")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is about 70 thousand rows a day")
    options = parser.parse_args(arguments)
    if options.days < 1:
        parser.error("--days: at least 1")
    days = list(last_days(options.days, options.until or datetime.now(UTC).date()))
    write_sample_feeds(options.folder, days, options.seed, scale=options.scale, progress=print)
    return 0


if __name__ == "__main__":
    sys.exit(main())
