"""Text that others typed, shown as text.

Almost everything Streamlit draws, from a button's label to the cells of a static table, is Markdown: a
supplier's cell could draw a picture from elsewhere, or a link. So whatever is not written in this code goes
through `plain` (or `table`, which does it for each cell), and a test walks the pages' code for what does not.
Text of ours that is Markdown is of the type `Markdown`, and is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, urlsplit

import pandas as pd
import streamlit as st

from stock_pipeline.file_names import visible

BREAK = ":small[]"
"""An empty element. Streamlit looks for links, icons and arrows in runs of text *after* Markdown has taken
the backslashes out; where this is between two characters, it finds none."""

_SIGN = re.compile(r"([!-/:-@\[-`{-~])")
_JOINT = re.compile(
    r"(?<=:)(?=\S)|(?=@)|(?<=www)(?=\.)|(?<=<)(?=[-=])|(?<=-)(?=[->])|(?<=[>~])(?==)", re.IGNORECASE
)
_ADDRESS = ("http", "https")


class Markdown(str):
    """Markdown that was made here, of text of ours and of what went through `plain`."""

    __slots__ = ()


def plain(text: object) -> Markdown:
    """Markdown that shows a text as it is, line by line, with what is invisible spelt out.

    Args:
        text: anything; `Markdown` is left as it is.
    """
    if isinstance(text, Markdown):
        return text
    lines = [re.sub(r"[ \t\v\f]+", " ", line).strip(" ") for line in re.split(r"\r\n|[\r\n]", str(text))]
    return Markdown("  \n".join(map(_line, filter(None, lines))))


def link(label: str, address: str) -> Markdown:
    """A link; just the label if the address is none of a web page."""
    if urlsplit(address).scheme.lower() not in _ADDRESS:
        return plain(label)
    return Markdown(f"[{plain(label)}](<{quote(address, safe=':/?#@!$&*+,;=%~')}>)")


def badge(colour: str, text: str) -> Markdown:
    """A text in a coloured shape."""
    return Markdown(f":{colour}-badge[{plain(text)}]")


def bullets(entries: Iterable[str]) -> Markdown:
    """A list with a line for each entry."""
    return Markdown("\n".join(f"- {plain(entry)}" for entry in entries))


def table(rows: Sequence[Mapping[str, object]]) -> None:
    """A static table of rows with the same columns; its cells are shown as they are, unless `Markdown`."""
    cells = [{plain(name): plain(value) for name, value in row.items()} for row in rows]
    st.table(pd.DataFrame(cells), border="horizontal", hide_index=True)


def page_of_a_run(html: str) -> None:
    """Draw a page that a run wrote, in which all that was typed is escaped and nothing may be loaded."""
    st.iframe(html, height=1200)


def _line(line: str) -> str:
    parts = _JOINT.split(visible(line))
    return BREAK.join(_SIGN.sub(r"\\\1", part) for part in parts)
