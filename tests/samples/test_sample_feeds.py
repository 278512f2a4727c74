"""The sample feeds look like the real ones. openpyxl reads them back, not the reader under trial."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from samples.feeds import CHANGED_SHARE, ERROR, last_days, main, write_sample_feeds
from samples.layouts import BAD_ON_THE_LAST_DAY, INVERTED_ON_THE_LAST_DAY, LAYOUTS
from stock_pipeline.suppliers import load_suppliers
from stock_pipeline.text import fold

DAYS = list(last_days(3, date(2024, 8, 8)))
SCALE = 0.1
SUPPLIERS = load_suppliers()

Rows = list[tuple[Any, ...]]
Sheet = Callable[[str, int], Rows]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("feeds")
    write_sample_feeds(target, DAYS, scale=SCALE)
    return target


def load(folder: Path, supplier: str, day: int, **options: bool) -> openpyxl.Workbook:
    return openpyxl.load_workbook(folder / DAYS[day].isoformat() / f"{supplier} SF.xlsx", **options)


@pytest.fixture(scope="module")
def sheet(folder: Path) -> Sheet:
    """All rows of a supplier's workbook on one of the days, as cached values."""
    known: dict[tuple[str, int], Rows] = {}

    def read(supplier: str, day: int) -> Rows:
        if (supplier, day) not in known:
            workbook = load(folder, supplier, day, data_only=True, read_only=True)
            known[supplier, day] = [tuple(row) for row in workbook.worksheets[0].iter_rows(values_only=True)]
        return known[supplier, day]

    return read


def header_at(rows: Rows, supplier: str) -> int:
    """Where the first accepted header is, counted from 0."""
    accepted = [[fold(cell) for cell in header] for header in SUPPLIERS.supplier(supplier).headers]
    for index, row in enumerate(rows):
        words = [fold(str(cell or "")) for cell in row]
        if any((words + [""] * 6)[: len(header)] == header for header in accepted):
            return index
    raise AssertionError(f"{supplier} has no accepted header")


def body(rows: Rows, supplier: str) -> Rows:
    """The rows below the header that have anything in them."""
    return [row for row in rows[header_at(rows, supplier) + 1 :] if any(cell is not None for cell in row)]


def column(rows: Rows, supplier: str, number: int) -> list[Any]:
    return [row[number - 1] if len(row) >= number else None for row in body(rows, supplier)]


def codes(rows: Rows, supplier: str) -> list[Any]:
    return column(rows, supplier, SUPPLIERS.supplier(supplier).code_column)


def stock(rows: Rows, supplier: str) -> list[Any]:
    at = SUPPLIERS.supplier(supplier).stock_column
    assert at is not None
    return column(rows, supplier, at)


def test_every_supplier_but_elr_sends_a_workbook_every_day(folder: Path):
    expected = {f"{supplier} SF.xlsx" for supplier in SUPPLIERS.suppliers if supplier != "ELR"}
    for day in DAYS:
        assert {path.name for path in (folder / day.isoformat()).iterdir()} == expected


@pytest.mark.parametrize("supplier", LAYOUTS)
@pytest.mark.parametrize("day", range(len(DAYS)))
def test_the_header_is_the_one_of_that_day_and_accepted(sheet: Sheet, supplier: str, day: int):
    rows = sheet(supplier, day)
    row = rows[header_at(rows, supplier)]
    headers = LAYOUTS[supplier].headers
    sent = headers[day % len(headers)]
    # A row of a read-only sheet ends with its last cell.
    assert (*row, None)[: len(sent)] == sent
    assert codes(rows, supplier), "there are rows below it"


@pytest.mark.parametrize("supplier", ["COM", "MOT"])
def test_comline_header_moves_and_the_number_does_not(sheet: Sheet, supplier: str):
    first, second = (sheet(supplier, day)[0] for day in (0, 1))
    assert first.index("Stock") != second.index("Stock")
    for day in (0, 1):
        rows = sheet(supplier, day)
        assert all(isinstance(cell, int) and cell > 0 for cell in stock(rows, supplier))
        assert all(isinstance(cell, str) for cell in column(rows, supplier, 2))


def test_fai_header_is_on_another_row_each_day_below_a_title(sheet: Sheet):
    found = [header_at(sheet("FAI", day), "FAI") + 1 for day in range(3)]
    assert found == [2, 5, 1]
    for day, row in ((0, 0), (1, 1)):
        assert sheet("FAI", day)[row][0].strip()
    all_codes = codes(sheet("FAI", 0), "FAI")
    assert any(str(code).startswith("0") for code in all_codes)
    assert any(isinstance(code, int) for code in all_codes)
    assert 0 not in stock(sheet("FAI", 0), "FAI")


def test_feb_stock_is_formulas_with_a_cached_value(folder: Path, sheet: Sheet):
    formulas = load(folder, "FEB", 1, read_only=True).worksheets[0]
    written = [str(row[2]) for row in formulas.iter_rows(min_row=2, values_only=True)]
    assert all(cell.startswith("=VLOOKUP(A") for cell in written)
    assert written[5].startswith("=VLOOKUP(A7,")
    cached = stock(sheet("FEB", 1), "FEB")
    assert len(cached) == len(written)
    errors = cached.count(ERROR)
    assert 0.012 < errors / len(cached) < 0.024
    assert all(isinstance(cell, int) and 0 <= cell <= 10 for cell in cached if cell != ERROR)
    numeric = sum(isinstance(code, int) for code in codes(sheet("FEB", 1), "FEB"))
    assert 0.6 < numeric / len(cached) < 0.75


def test_feb_errors_are_errors_and_not_text(folder: Path):
    worksheet = load(folder, "FEB", 0, data_only=True).worksheets[0]
    kinds = Counter(cell.data_type for (cell,) in worksheet.iter_rows(min_row=2, min_col=3, max_col=3))
    assert set(kinds) == {"n", "e"}


def test_fps_has_awkward_codes_twice_listed_codes_and_empty_rows(folder: Path, sheet: Sheet):
    rows = sheet("FPS", 0)
    all_codes = codes(rows, "FPS")
    assert all(isinstance(code, str) for code in all_codes)
    assert any(code.isdecimal() and code.startswith("0") for code in all_codes)
    assert any(code.replace("E", "", 1).isdecimal() and "E" in code for code in all_codes)
    pairs = list(zip(all_codes, stock(rows, "FPS"), strict=True))
    twice = [code for code, times in Counter(all_codes).items() if times > 1]
    assert twice
    assert all(len({cell for other, cell in pairs if other == code}) > 1 for code in twice)
    assert 0 not in stock(rows, "FPS")
    worksheet = load(folder, "FPS", 0).worksheets[0]
    assert worksheet.max_row - len(all_codes) - 1 == round(LAYOUTS["FPS"].blank_rows * SCALE) > 1000
    last = worksheet.cell(worksheet.max_row, 1)
    assert last.value is None
    assert last.has_style


def test_rol_cells_reach_far_to_the_right(folder: Path, sheet: Sheet):
    assert load(folder, "ROL", 0).worksheets[0].max_column == LAYOUTS["ROL"].blank_out_to > 90
    words = set(stock(sheet("ROL", 0), "ROL"))
    assert words == {"In Stock", "In stock", "Out of Stock", "Out of stock", "Low Stock"}


def test_kla_codes_in_quotes_and_half_of_them_numbers(sheet: Sheet):
    all_codes = codes(sheet("KLA", 0), "KLA")
    assert any(str(code).startswith(' "') and str(code).endswith('"') for code in all_codes)
    assert 0.35 < sum(isinstance(code, int) for code in all_codes) / len(all_codes) < 0.65


def test_bet_first_row_without_code_and_stock_below_zero(sheet: Sheet):
    rows = sheet("BET", 0)
    assert codes(rows, "BET")[0] is None
    assert min(stock(rows, "BET")) == -500
    assert {type(code) for code in codes(rows, "BET")[1:]} == {int, str}


def test_bga_text_quantities_duplicate_and_empty_rows(folder: Path, sheet: Sheet):
    rows = sheet("BGA", 0)
    assert {"10+", ">10", "1,000"} <= {cell for cell in stock(rows, "BGA") if isinstance(cell, str)}
    assert [times for times in Counter(codes(rows, "BGA")).values() if times > 1] == [2]
    assert load(folder, "BGA", 0).worksheets[0].max_row > len(body(rows, "BGA")) + 1


def test_jur_sentinel_and_pound_sign(sheet: Sheet):
    assert 99_923 in stock(sheet("JUR", 0), "JUR")
    assert any("£" in code for code in codes(sheet("JUR", 0), "JUR"))


def test_fir_has_lower_case_codes(sheet: Sheet):
    lower = [code for code in codes(sheet("FIR", 0), "FIR") if code != code.upper()]
    assert 0.005 < len(lower) / len(codes(sheet("FIR", 0), "FIR")) < 0.02


def test_rfx_headers_have_leading_spaces(sheet: Sheet):
    assert all(cell.startswith(" ") for cell in sheet("RFX", 0)[0][1:])
    assert codes(sheet("RFX", 0), "RFX").count(None) == 1, "and one row has everything but a code"


def test_rtg_labels_are_as_people_type_them(sheet: Sheet):
    labels = codes(sheet("RTG", 0), "RTG")
    assert max(Counter(label.strip().upper() for label in labels).values()) > 1
    assert any(label != label.upper() for label in labels)
    assert any(label != label.rstrip() for label in labels)
    assert any(column(sheet("RTG", 0), "RTG", 2))


def test_smp_lists_without_stock(sheet: Sheet):
    assert len(sheet("SMP", 0)[0]) == 6
    assert all(isinstance(price, float | int) for price in column(sheet("SMP", 0), "SMP", 6))


def test_ape_is_bad_on_the_last_day_only(sheet: Sheet):
    assert BAD_ON_THE_LAST_DAY == "APE"
    for day in (0, 1):
        assert set(stock(sheet("APE", day), "APE")) == {"YES", "NO"}
    assert all(isinstance(cell, int) for cell in stock(sheet("APE", 2), "APE"))


def test_kyb_is_inverted_on_the_last_day_only(sheet: Sheet):
    assert INVERTED_ON_THE_LAST_DAY == "KYB"
    sheets = [sheet("KYB", day) for day in range(3)]
    flags = [dict(zip(codes(rows, "KYB"), stock(rows, "KYB"), strict=True)) for rows in sheets]
    changed = [
        sum(before[code] != after[code] for code in before.keys() & after.keys()) / len(before)
        for before, after in pairwise(flags)
    ]
    assert changed[0] < 0.1 < 0.9 < changed[1]


@pytest.mark.parametrize("supplier", LAYOUTS)
def test_codes_stay_from_day_to_day(sheet: Sheet, supplier: str):
    before, after = (set(codes(sheet(supplier, day), supplier)) for day in (0, 1))
    # With few rows one code more or less is a large share.
    least = 0.97 if supplier == "FPS" else 0.98
    assert len(before & after) >= least * len(before) - 2
    assert len(after - before) <= 0.03 * len(before) + 2


def test_fps_drops_and_adds_codes_every_day(sheet: Sheet):
    for day in (0, 1):
        before, after = (set(codes(sheet("FPS", day + offset), "FPS")) for offset in (0, 1))
        assert 0.003 < len(before - after) / len(before) < 0.02
        assert after - before


def test_about_three_percent_of_quantities_change(sheet: Sheet):
    changed = total = 0
    for supplier in LAYOUTS:
        if SUPPLIERS.supplier(supplier).stock_column is None:
            continue
        before, after = (
            dict(zip(codes(rows, supplier), stock(rows, supplier), strict=True))
            for rows in (sheet(supplier, 0), sheet(supplier, 1))
        )
        both = before.keys() & after.keys()
        total += len(both)
        changed += sum(before[code] != after[code] for code in both)
    assert 0.6 * CHANGED_SHARE < changed / total < 1.4 * CHANGED_SHARE


def test_the_same_seed_gives_the_same_rows_and_another_one_others(folder: Path, sheet: Sheet, tmp_path: Path):
    for seed in (1, 2):
        write_sample_feeds(tmp_path / str(seed), DAYS[:2], seed, scale=0.01)
    write_sample_feeds(tmp_path / "again", DAYS[:2], 1, scale=0.01)

    def cells(name: str) -> Rows:
        path = tmp_path / name / DAYS[1].isoformat() / "FPS SF.xlsx"
        return list(openpyxl.load_workbook(path, read_only=True).worksheets[0].iter_rows(values_only=True))

    assert cells("1") == cells("again")
    assert cells("1") != cells("2")


@pytest.mark.parametrize("days", [[], [DAYS[1], DAYS[0]], [DAYS[0], DAYS[0]]])
def test_days_must_be_in_order(tmp_path: Path, days: list[date]):
    with pytest.raises(ValueError, match="in order"):
        write_sample_feeds(tmp_path, days)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(tmp_path), "--days", "1", "--until", "2024-08-08", "--scale", "0.005"]) == 0
    assert capsys.readouterr().out.startswith("2024-08-08: 16 workbooks")
    assert len(list((tmp_path / "2024-08-08").iterdir())) == 16
