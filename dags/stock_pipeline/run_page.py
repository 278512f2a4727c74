"""A run's summary as one page that a person can read, with nothing to load from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

if TYPE_CHECKING:
    from stock_pipeline.run_summary import RunSummary

TEMPLATE = "run_page.html.jinja"


def run_page(summary: RunSummary) -> str:
    """The page, as HTML. Whatever was typed by a supplier or by staff is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda count: "" if count is None else f"{count:,}"
    return environment.get_template(TEMPLATE).render(summary=summary)
