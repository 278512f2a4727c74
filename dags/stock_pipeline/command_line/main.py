"""`python -m stock_pipeline`: the judgement of the daily run, and the reading of the refreshes, on a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import polars as pl
import typer

from stock_pipeline.command_line import past
from stock_pipeline.command_line.rows import (
    MAPPING_ROWS,
    STORE_ROWS,
    feed_rows,
    listing_rows,
    mapping_rows,
)
from stock_pipeline.errors import NeedsPersonError, RejectedFile
from stock_pipeline.feeds.feed_reader import FeedReader
from stock_pipeline.feeds.judgement import Judgement, OtherSuppliers, judge, refusal
from stock_pipeline.lake.tables import STORES
from stock_pipeline.refresh.judgement import (
    check_listings,
    check_mapping,
    count_mapping,
    store_groups,
    stores_of_sheets,
)
from stock_pipeline.refresh.list_reader import ListReader
from stock_pipeline.refresh.store import store_of_name
from stock_pipeline.spreadsheets.export import program_csv
from stock_pipeline.spreadsheets.streaming import LISTING_LIMITS
from stock_pipeline.suppliers import load_suppliers
from stock_pipeline.verdicts import Verdict

EXIT = {Verdict.ACCEPTED: 0, Verdict.HELD: 3, Verdict.REJECTED: 4}
MANY_VALUES = ("--against", "--store")

app = typer.Typer(
    help="Say what would happen to a file, by the same judgement as the daily run. Nothing is written but "
    "what you ask for. Exit status: 0 accepted, 3 held, 4 rejected, 2 wrong usage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The file.")]
Rows = Annotated[Path | None, typer.Option("--rows", help="Write a line for each row read to this CSV.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


class ListKind(StrEnum):
    """What `read` reads."""

    STORE = "store"
    MAPPING = "mapping"


@app.command("judge")
def judge_command(
    file: File,
    supplier: Annotated[str, typer.Option(help="The supplier's code, such as BGA.")],
    mapping: Annotated[
        Path,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="CSV, workbook or Parquet file with custom_label, part_number and supplier.",
        ),
    ],
    against: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Earlier workbooks of the supplier, oldest first, taken as accepted. The day of each is the "
            "YYYY-MM-DD in its name or folder.",
        ),
    ] = None,
    store: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Store lists (CSV, workbook, Parquet): the labels of a supplier that lists what is out.",
        ),
    ] = None,
    day: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="The feed's day; else that in its name or folder, else today (UTC)."
        ),
    ] = None,
    accept_first: Annotated[
        bool, typer.Option(help="Accept a first list, with no earlier one to compare it with.")
    ] = False,
    rows: Rows = None,
    as_json: AsJson = False,
) -> None:
    """Judge a supplier's stock feed, as the daily run would."""
    suppliers = load_suppliers()
    if supplier.upper() not in suppliers.suppliers:
        raise typer.BadParameter(f"no supplier {supplier}; there are {', '.join(suppliers.suppliers)}")
    rules = suppliers.supplier(supplier.upper())
    run_date, older = past.dated(file, day.date() if day else None, against or [], datetime.now(UTC).date())
    product = past.read_mapping(mapping)
    with FeedReader() as reader:
        known = past.what_is_known(rules, product, store or [], older, run_date, reader)
        if why := refusal(file.name, file.stat().st_size):
            judgement = Judgement.rejecting(why)
        else:
            others = OtherSuppliers(suppliers, product)
            judgement = judge(file, rules, known, others, run_date, reader, accept_first=accept_first)
    if rows:
        rows.write_bytes(program_csv(feed_rows(judgement)))
    compared = known.baseline.day if known.baseline else None
    _show_judgement(judgement, rules.code, run_date, compared, as_json=as_json)
    raise typer.Exit(EXIT[judgement.verdict])


@app.command("read")
def read_command(
    file: File,
    kind: Annotated[ListKind, typer.Option("--as", help="What the file is.")],
    name: Annotated[str | None, typer.Option(help="The store, if the file's name does not tell it.")] = None,
    rows: Rows = None,
    as_json: AsJson = False,
) -> None:
    """Read a store list or a mapping, as the weekly and monthly refresh would."""
    with ListReader() as reader:
        try:
            if kind is ListKind.STORE:
                found, table = _read_store(reader, file, _store(file, name))
            else:
                found, table = _read_mapping(reader, file)
        except RejectedFile as error:
            found = {"verdict": Verdict.REJECTED, "reasons": [str(error)], "counts": {}}
            table = pl.DataFrame(schema=STORE_ROWS if kind is ListKind.STORE else MAPPING_ROWS)
    if rows:
        rows.write_bytes(program_csv(table))
    _print(found, as_json=as_json)
    raise typer.Exit(EXIT[found["verdict"]])


def _store(file: Path, name: str | None) -> str:
    """The store, or the group of stores, that a list is for."""
    store = name.upper() if name else store_of_name(file.name)
    choice = [*store_groups(), *STORES]
    if store not in choice:
        raise typer.BadParameter(f"--name must say the store: one of {', '.join(choice)}")
    return store


def _read_store(reader: ListReader, file: Path, store: str) -> tuple[dict[str, Any], pl.DataFrame]:
    sheets: dict[str, str | None] = {store: None}
    reasons: list[str] = []
    if store in store_groups():
        visible = [sheet.name for sheet in reader.sheet_names(file, LISTING_LIMITS) if sheet.visible]
        named = stores_of_sheets(store, visible)
        sheets = {**named.stores}
        reasons = [f"sheet {sheet} is not read: {why}" for sheet, why in named.not_read.items()]
    limits, tables = load_suppliers().store_limits, []
    counts: dict[str, dict[str, int]] = {}
    refused = 0
    for one, sheet in sheets.items():
        with TemporaryDirectory(prefix="store_list_") as folder:
            try:
                listings = reader.read_listings(file, Path(folder), sheet)
                tables.append(listing_rows(one, listings))
                counts[one] = listings.counts
                check_listings(listings, one, limits)
            except RejectedFile as error:
                refused += 1
                reasons.append(f"{one}: {error}" if len(sheets) > 1 else str(error))
    verdict = Verdict.HELD if reasons else Verdict.ACCEPTED
    if refused == len(sheets):
        verdict = Verdict.REJECTED
    total = {key: sum(entry[key] for entry in counts.values()) for key in next(iter(counts.values()), {})}
    table = pl.concat(tables) if tables else pl.DataFrame(schema=STORE_ROWS)
    return {"verdict": verdict, "reasons": reasons, "stores": list(sheets), "counts": total}, table


def _read_mapping(reader: ListReader, file: Path) -> tuple[dict[str, Any], pl.DataFrame]:
    sent = reader.read_mapping_file(file)
    checks = check_mapping(sent, {}, [], load_suppliers().product_limits)
    reasons = [check.text for check in checks if not check.passed]
    verdict = Verdict.HELD if reasons else Verdict.ACCEPTED
    return {"verdict": verdict, "reasons": reasons, "counts": count_mapping(sent)}, mapping_rows(sent)


def _show_judgement(
    judgement: Judgement, supplier: str, day: date, compared: date | None, *, as_json: bool
) -> None:
    found = {
        "verdict": judgement.verdict,
        "reasons": list(judgement.reasons),
        "supplier": supplier,
        "day": str(day),
        "compared_with": compared and str(compared),
        "looks_like": judgement.looks_like,
        "counts": judgement.counts,
        "checks": [check.model_dump(mode="json") for check in judgement.checks],
    }
    _print(found, as_json=as_json)


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    typer.echo(str(found["verdict"]).upper())
    for reason in found["reasons"]:
        typer.echo(f"- {reason}")
    for key, value in found["counts"].items():
        typer.echo(f"{key.replace('_', ' ')}: {value:,}")
    for check in found.get("checks", []):
        typer.echo(f"[{'ok' if check['passed'] else 'NO'}] {check['name']}: {check['text']}")


def spread(arguments: Sequence[str]) -> list[str]:
    """Write an option with many values once for each value: `--against A B` is `--against A --against B`."""
    written: list[str] = []
    option: str | None = None
    for argument in arguments:
        if argument.startswith("-"):
            option = argument if argument in MANY_VALUES else None
            if option is None:
                written.append(argument)
        elif option:
            written += [option, argument]
        else:
            written.append(argument)
    return written


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; wrong usage and settings that cannot be used end with status 2."""
    try:
        app(spread(sys.argv[1:] if arguments is None else arguments), prog_name="python -m stock_pipeline")
    except NeedsPersonError as error:
        typer.echo(f"Error: {error}", err=True)
        raise SystemExit(2) from error
