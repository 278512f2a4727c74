"""Text as people type it: the spaces and marks that are not seen, and comparing without them."""

from __future__ import annotations

UNSEEN = "\ufeff\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069"
"""What no one sees in a cell: byte order marks, joiners of no width, marks of the writing direction."""


INVISIBLE = str.maketrans(dict.fromkeys(UNSEEN, " "))
"""A byte order mark left over from a CSV, and the space of no width: no one sees them in a cell."""


def fold(text: str) -> str:
    """Text as it is compared: no case, no spaces around it, single spaces within it."""
    return " ".join(text.translate(INVISIBLE).split()).casefold()


SPACES = "".join(filter(str.isspace, map(chr, range(0x3001)))) + UNSEEN
"""Every kind of space, and what no one sees either."""


QUOTES = "\"'`\u00b4\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
