"""CSV files which people open in a spreadsheet program."""

from __future__ import annotations

import polars as pl

FORMULA_STARTS = r"^([=+\-@\t\r])"


def harmless_csv(table: pl.DataFrame) -> bytes:
    """A table as CSV in which no cell can act as a formula: one that starts like it gets a leading `'`.

    It begins with a byte order mark, without which Excel misreads `£` and accented letters.
    """
    defused = table.with_columns(pl.col(pl.String).str.replace(FORMULA_STARTS, "'$1"))
    return defused.write_csv(include_bom=True, line_terminator="\r\n").encode()
