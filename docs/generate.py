"""Write the documents that are generated from code: `make docs`. A test fails while one is out of date."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
REPOSITORY = DOCS.parent

# Airflow puts these two on the path; a script has to do it itself.
for _folder in ("plugins", "dags"):
    if str(REPOSITORY / _folder) not in sys.path:
        sys.path.insert(0, str(REPOSITORY / _folder))

from stock_pipeline.lake.tables import TABLES, Table  # noqa: E402 - the path has to be there first

ABOUT_TABLES = """\
The tables of the Glue database, as `dags/stock_pipeline/lake/tables.py` defines them and the infrastructure
template declares them to AWS. All are Parquet, with one file `data.parquet` in each partition. Partition keys
are text; those of a date are padded with zeros, so that they sort by date."""
ABOUT_DAGS = """\
Each is safe to run twice, by hand, for any date. A DAG has one run at a time. Its docs, in Airflow or
at the head of its file, say what it reads and writes and what to do when a task fails."""
NOTICE = "<!-- Generated from the code by `make docs`. Change the code instead. -->"


def data_dictionary(tables: Iterable[Table] = TABLES.values()) -> str:
    """The document on the tables: columns, types and meanings."""
    parts = [NOTICE, "# Data dictionary", ABOUT_TABLES]
    for table in tables:
        rows = [
            *((key, "string, partition key") for key in table.partition_keys),
            *table.columns.items(),
        ]
        lines = [f"| `{name}` | {kind} | {table.meanings[name]} |" for name, kind in rows]
        values = [f"<{key}>" for key in table.partition_keys]
        parts += [
            f"## {table.name}",
            f"{table.description}.",
            f"Location: `{table.key(*values)}`.",
            "\n".join(["| column | type | meaning |", "|---|---|---|", *lines]),
        ]
    return "\n\n".join(parts) + "\n"


def dag_table(dags: Mapping[str, Any]) -> str:
    """The document on the DAGs: what each does, when, and what it can be asked for."""
    lines = []
    for dag_id, dag in sorted(dags.items()):
        params = ", ".join(f"`{name}`" for name in dag.params) or "none"
        lines.append(f"| [`{dag_id}`](../dags/{dag_id}.py) | {dag.description} | {_when(dag)} | {params} |")
    table = "\n".join(["| DAG | what | when | parameters of a manual run |", "|---|---|---|---|", *lines])
    parts = [NOTICE, "# DAGs", ABOUT_DAGS, table]
    return "\n\n".join(parts) + "\n"


def _when(dag: Any) -> str:
    # Airflow's own dependency; only here, so that the data dictionary needs no Airflow.
    from cron_descriptor import Options, get_description  # noqa: PLC0415

    expression = getattr(dag.timetable, "expression", None)
    if expression is None:
        return "by hand"
    options = Options()
    options.use_24hour_time_format = True
    return f"{get_description(expression, options)}, London time (`{expression}`)"


def documents(dags: Mapping[str, Any]) -> dict[Path, str]:
    """What each generated document should hold."""
    return {DOCS / "data.md": data_dictionary(), DOCS / "dags.md": dag_table(dags)}


def main() -> None:
    """Write the generated documents."""
    from airflow.dag_processing.dagbag import BundleDagBag  # noqa: PLC0415 - takes seconds

    folder = REPOSITORY / "dags"
    bag = BundleDagBag(folder, bundle_path=folder)
    if bag.import_errors:
        sys.exit("\n".join(f"{path}: {error}" for path, error in bag.import_errors.items()))
    for path, text in documents(bag.dags).items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(REPOSITORY))


if __name__ == "__main__":
    main()
