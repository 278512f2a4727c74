"""A run's summary as one page that a person can read, with nothing to load from elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import jinja2

from stock_pipeline.daily_summary.summary import RunSummary
from stock_pipeline.lake.lake import Lake

if TYPE_CHECKING:
    from stock_pipeline.daily_summary.summary import RunSummary


TEMPLATE = "page.html.jinja"


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


class WrittenSummary(NamedTuple):
    """Where a summary is: as JSON and as a page, both `s3://` locations."""

    summary: str
    page: str


def write_summary(lake: Lake, folder: str, summary: RunSummary) -> WrittenSummary:
    """Write the summary into a folder of its day, as JSON and as a page."""
    data = summary.model_dump(mode="json") | {
        "stores": [store.model_dump() for store in summary.stores],
        "parts_without_label": summary.parts_without_label,
    }
    lake.put(f"{folder}summary.json", json.dumps(data, indent=2).encode())
    page = f"{folder}summary.html"
    lake.put(page, run_page(summary).encode(), ContentType="text/html; charset=utf-8")
    return WrittenSummary(lake.url(f"{folder}summary.json"), lake.url(page))
