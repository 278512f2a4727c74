"""`python -m stock_pipeline judge`: the judgement of the daily run, on files alone."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stock_pipeline.command_line.main import main, spread
from stock_pipeline.command_line.past import day_of
from stock_pipeline.feeds.processing import process_feed
from stock_pipeline.lake.locations import date_parts
from stock_pipeline.suppliers import load_suppliers
from tests.support.lake import Lake
from tests.support.workbooks.contents import HEADER, good_rows
from tests.support.workbooks.making import Rows, write_rows

REPOSITORY = Path(__file__).parents[3]
ROWS: Rows = [list(HEADER), *good_rows(60)]


@dataclass
class Ended:
    """What a run of the command printed, and its exit status."""

    out: str
    error: str
    status: int

    @property
    def found(self) -> dict[str, Any]:
        return json.loads(self.out)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def run(*arguments: object) -> Ended:
        with pytest.raises(SystemExit) as raised:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Ended(said.out, said.err, raised.value.code or 0)  # type: ignore[arg-type]

    return run


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    """BGA's sixty parts, but for one, a kit of two of them, and a label that no list names."""
    rows = [(f"L{number}", f"PX{number:04}", "BGA") for number in range(1, 60)]
    rows += [
        ("KIT", "PX0001", "BGA"),
        ("KIT", "PX0002", "BGA"),
        ("GONE", "NONE", "BGA"),
        ("X", "PX0001", "APE"),
    ]
    path = tmp_path / "mapping.csv"
    pl.DataFrame(rows, schema=["custom_label", "part_number", "supplier"], orient="row").write_csv(path)
    return path


def book(folder: Path, name: str, rows: Rows) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_rows(path, rows)
    return path


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_list_like_the_last_one_is_accepted(tmp_path: Path, mapping: Path, run) -> None:
    older = book(tmp_path, "2024-08-01/BGA.xlsx", ROWS)
    feed = book(tmp_path, "2024-08-08/BGA.xlsx", ROWS)
    ended = run("judge", feed, "--supplier", "BGA", "--mapping", mapping, "--against", older, "--json")
    assert ended.status == 0
    found = ended.found
    assert (found["verdict"], found["day"], found["compared_with"]) == (
        "accepted",
        "2024-08-08",
        "2024-08-01",
    )
    assert (found["counts"]["rows"], found["counts"]["matched"], found["reasons"]) == (60, 59, [])
    assert {check["name"] for check in found["checks"]} >= {"labels_to_zero", "codes_kept"}


@pytest.mark.parametrize(
    ("rows", "verdict", "status", "words"),
    [
        ([list(HEADER), *([code, 0] for code, _ in good_rows(60))], "held", 3, "known labels went to zero"),
        ([list(HEADER), *good_rows(20)], "held", 3, "20 rows after 60"),
        ([["Other", "Stock"], *good_rows(60)], "rejected", 4, "no accepted header"),
        (
            [list(HEADER), *([f"ZZ{number}", 3] for number in range(60))],
            "rejected",
            4,
            "none of its 60",
        ),
        ([["Part no", "Stock"], *good_rows(60)], "rejected", 4, "that is how lists of APE"),
    ],
)
def test_a_list_unlike_the_last_one_is_not(
    tmp_path: Path, mapping: Path, run, rows: Rows, verdict: str, status: int, words: str
) -> None:
    older = book(tmp_path, "2024-08-01/BGA.xlsx", ROWS)
    feed = book(tmp_path, "2024-08-08/BGA.xlsx", rows)
    ended = run("judge", feed, "--supplier", "BGA", "--mapping", mapping, "--against", older, "--json")
    assert (ended.found["verdict"], ended.status) == (verdict, status)
    assert words in "; ".join(ended.found["reasons"])
    text = run("judge", feed, "--supplier", "bga", "--mapping", mapping, "--against", older)
    assert text.out.startswith(f"{verdict.upper()}\n- ")


def test_it_judges_as_the_run_does(tmp_path: Path, mapping: Path, run, lake: Lake) -> None:
    """The same list against the same past, through S3 and the catalog and through files."""
    rows: Rows = [list(HEADER), *([code, 0] for code, _ in good_rows(60))]
    older, feed = book(tmp_path, "2024-08-01/BGA.xlsx", ROWS), book(tmp_path, "2024-08-08/BGA.xlsx", rows)
    lake.put_product(pl.read_csv(mapping).rows())
    suppliers = load_suppliers()
    for path, day in ((older, date(2024, 8, 1)), (feed, date(2024, 8, 8))):
        lake.upload_feed(day, "BGA.xlsx", path.read_bytes())
        report = process_feed(
            lake,
            suppliers=suppliers,
            supplier=suppliers.supplier("BGA"),
            run_date=day,
            accept_first=True,
        )
        if report.snapshot:
            lake.register("supplier_stock", ["BGA", *date_parts(day)], report.snapshot)
    found = run("judge", feed, "--supplier", "BGA", "--mapping", mapping, "--against", older, "--json").found
    assert found["verdict"] == report.verdict == "held"
    assert found["counts"] == report.counts
    assert found["checks"] == [check.model_dump(mode="json") for check in report.checks]


def test_each_row_read_has_a_line_that_says_what_became_of_it(tmp_path: Path, mapping: Path, run) -> None:
    odd: Rows = [
        ["PX0001", 5],
        [None, 7],
        ["PX0060", 1],
        ["PX0002", "n/a"],
        ["PX0003", -3],
        ["PX0003", 4],
        ["+PX0004", 2],
    ]
    feed = book(tmp_path, "BGA.xlsx", [list(HEADER), *odd, *good_rows(60)[4:59]])
    rows = tmp_path / "rows.csv"
    arguments = ["judge", feed, "--supplier", "BGA", "--mapping", mapping, "--accept-first", "--rows", rows]
    assert run(*arguments).status == 0
    found = lines(rows)
    assert list(found[0]) == ["row", "code", "sent", "quantity", "outcome", "reason"]
    assert [tuple(line.values())[:5] for line in found[:7]] == [
        ("2", "PX0001", "5", "5", "accepted"),
        ("3", "", "7", "", "skipped"),
        ("4", "PX0060", "1", "1", "unmatched"),
        ("5", "PX0002", "n/a", "", "rejected"),
        ("6", "PX0003", "-3", "0", "accepted"),
        ("7", "PX0003", "4", "4", "repeated"),
        ("8", "'+PX0004", "2", "2", "unmatched"),
    ]
    assert (found[5]["reason"], found[3]["reason"]) == ("row 6 has the same code and counts", "not a number")
    assert len(found) == 7 + 55


def test_a_mapping_may_be_a_workbook_or_parquet(tmp_path: Path, mapping: Path, run) -> None:
    table = pl.read_csv(mapping)
    parquet = tmp_path / "mapping.parquet"
    table.write_parquet(parquet)
    workbook = book(tmp_path, "mapping.xlsx", [table.columns, *map(list, table.rows())])
    feed = book(tmp_path, "BGA.xlsx", ROWS)
    found = [
        run("judge", feed, "--supplier", "BGA", "--mapping", path, "--json").found
        for path in (mapping, parquet, workbook)
    ]
    assert found[0] == found[1] == found[2]


def test_an_out_list_takes_its_labels_from_store_lists(tmp_path: Path, mapping: Path, run) -> None:
    store = tmp_path / "store.parquet"
    labels = [f"R{number}" for number in range(200)]
    pl.DataFrame({"custom_label": labels, "supplier": ["RTG"] * 200}).write_parquet(store)
    feed = book(tmp_path, "RTG.xlsx", [["Custom label", "Info"], *([label, "out"] for label in labels[:50])])
    arguments = ["judge", feed, "--supplier", "RTG", "--mapping", mapping, "--store", store, "--json"]
    ended = run(*arguments, "--accept-first")
    counts = ended.found["counts"]
    assert (ended.status, counts["labels"], counts["in_stock"]) == (0, 200, 150)
    refused = run("judge", feed, "--supplier", "RTG", "--mapping", mapping)
    assert refused.status == 2
    assert "give their lists with --store" in refused.error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--supplier", "XYZ"], "no supplier XYZ; there are APE"),
        (["--supplier", "BGA", "--day", "yesterday"], "--day"),
        (["--supplier", "BGA", "--against", "nowhere.xlsx"], "does not exist"),
        ([], "Missing option '--supplier'"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what(
    tmp_path: Path, mapping: Path, run, arguments: list[str], words: str
) -> None:
    feed = book(tmp_path, "BGA.xlsx", ROWS)
    ended = run("judge", feed, "--mapping", mapping, *arguments)
    assert ended.status == 2
    assert words in ended.error


def test_an_earlier_workbook_must_be_one(tmp_path: Path, mapping: Path, run) -> None:
    feed = book(tmp_path, "BGA.xlsx", ROWS)
    bad = tmp_path / "bad.xlsx"
    bad.write_bytes(b"no workbook")
    ended = run("judge", feed, "--supplier", "BGA", "--mapping", mapping, "--against", bad)
    assert ended.status == 2
    assert "cannot be read: not a workbook" in ended.error


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["f", "--against", "a", "b", "--json"], ["f", "--against", "a", "--against", "b", "--json"]),
        (["f", "--store", "a", "--day", "d"], ["f", "--store", "a", "--day", "d"]),
        (["f", "--against", "a", "--against", "b"], ["f", "--against", "a", "--against", "b"]),
    ],
)
def test_an_option_may_have_many_values(given: list[str], meant: list[str]) -> None:
    assert spread(given) == meant


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("/a/2024-08-01/BGA.xlsx", date(2024, 8, 1)),
        ("/a/2024-08-01/BGA 2024-08-02.xlsx", date(2024, 8, 2)),
        ("/a/2024-13-01/b.xlsx", None),
        ("/a/120240801/b.xlsx", None),
    ],
)
def test_the_day_is_in_the_name_or_the_folder(path: str, day: date | None) -> None:
    assert day_of(Path(path)) == day


def test_the_earlier_workbooks_come_in_order_and_each_is_compared_with_the_one_before(
    tmp_path: Path, mapping: Path, run
) -> None:
    """A cell that cannot be read keeps the quantity of the list before."""
    first = book(tmp_path, "1.xlsx", [list(HEADER), ["PX0001", 9], *good_rows(60)[1:]])
    second = book(tmp_path, "2.xlsx", [list(HEADER), ["PX0001", None], *good_rows(60)[1:]])
    feed = book(tmp_path, "3.xlsx", [list(HEADER), ["PX0001", 9], *good_rows(60)[1:]])
    arguments = ["judge", feed, "--supplier", "BGA", "--mapping", mapping, "--day", "2024-08-08", "--json"]
    found = run(*arguments, "--against", first, second).found
    assert (found["compared_with"], found["counts"]["changed"]) == ("2024-08-07", 0)


def test_it_runs_from_a_checkout_without_airflow_and_aws(tmp_path: Path, mapping: Path) -> None:
    feed = book(tmp_path, "BGA.xlsx", ROWS)
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "stock_pipeline", "judge", feed, "--supplier", "BGA", "--mapping", mapping],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY / "dags")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[:2]) == (
        3,
        ["HELD", "- first list of this supplier: nothing to compare with"],
    ), done.stderr
