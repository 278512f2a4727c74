"""Broken and odd workbooks, each made by a few lines, with the verdict that staff would want on it.

`CASES` is for any test that reads feeds. By hand: `python -m tests.support.workbooks DIR` writes them all.

Each case is a function, named for what is the matter, that builds one file. Where the contract leaves the
verdict open, the docstring says why it is the one it is. The rule behind them: a file that a person would
open in Excel and find in order is accepted; one that would make a person doubt it is rejected, for missing
beats wrong.
"""

from tests.support.workbooks import (
    codes,
    formulas,
    headers,
    ill_meant,
    in_order,
    not_workbooks,
    odd_sheets,
    quantities,
    silent_rows,
)
from tests.support.workbooks.case import CASES

__all__ = [
    "CASES",
    "codes",
    "formulas",
    "headers",
    "ill_meant",
    "in_order",
    "not_workbooks",
    "odd_sheets",
    "quantities",
    "silent_rows",
]
