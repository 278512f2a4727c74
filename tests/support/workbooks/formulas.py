"""Stock cells that are formulas."""

from __future__ import annotations

from pathlib import Path

from tests.support.oracle import REJECTED
from tests.support.workbooks.case import accepted, rejected
from tests.support.workbooks.contents import FEB_HEADER, good, good_rows
from tests.support.workbooks.making import raw_workbook, write_rows
from tests.support.workbooks.silent_rows import feb_sheet


@accepted("FEB", good(500))
def formulas_with_their_values(path: Path) -> None:
    raw_workbook(path, feb_sheet(0))


@accepted("FEB", good(500))
def formulas_with_text_values(path: Path) -> None:
    text = feb_sheet(0)
    raw_workbook(path, text.replace("><f>", ' t="str"><f>'))


@rejected("FEB", "row")
def formulas_never_calculated(path: Path) -> None:
    """A program wrote the formulas and no one opened the file since: there is no value in any."""
    rows = [[code, "Clutch", f"=VLOOKUP(A{n},X:Y,2,0)"] for n, (code, _) in enumerate(good_rows(), start=2)]
    write_rows(path, [FEB_HEADER, *rows])


@accepted("FEB", good(500) | {"PX0003": REJECTED})
def one_formula_never_calculated(path: Path) -> None:
    raw_workbook(
        path, feb_sheet(0).replace("<f>VLOOKUP(A5,X:Y,2,0)</f><v>3</v>", "<f>VLOOKUP(A5,X:Y,2,0)</f>")
    )
