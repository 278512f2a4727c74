"""The documents: those made of the code are up to date, and what the others point to is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag

from docs.generate import data_dictionary, documents
from local_aws.template import TEMPLATE_PATH
from local_aws.template_language import Loader
from stock_pipeline.lake.tables import EBAY, TABLES, Table
from tests.conftest import REPOSITORY

WRITTEN = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])


def test_what_is_made_of_the_code_is_up_to_date(dag_bag: DagBag) -> None:
    stale = [
        path.name
        for path, text in documents(dag_bag.dags).items()
        if path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `make docs`"


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_column_means_something(table: Table) -> None:
    assert set(table.meanings) == {*table.columns, *table.partition_keys}


def test_a_column_without_a_meaning_is_no_document() -> None:
    with pytest.raises(KeyError, match="colour"):
        data_dictionary([Table("a", {"colour": "string"})])


def test_the_template_describes_the_tables_likewise() -> None:
    resources: dict[str, Any] = Loader(TEMPLATE_PATH.read_text()).get_data()["Resources"]
    inputs = [r["Properties"]["TableInput"] for r in resources.values() if r["Type"] == "AWS::Glue::Table"]
    assert {table["Name"]: table["Description"] for table in inputs} == {
        name: table.description for name, table in TABLES.items()
    }


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name) if name else path
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_every_make_target_in_the_documents_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    # Only commands: what is at the start of `…` or after a prompt.
    named = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", path.read_text(encoding="utf-8")))
    assert named <= targets


def test_the_dictionary_names_the_place_of_a_table() -> None:
    assert "`ebay/ebay_store=<ebay_store>/data.parquet`" in data_dictionary([EBAY])
