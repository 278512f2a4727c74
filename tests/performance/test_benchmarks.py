"""The benchmarks run, and show what they found; what they find is no reason to pass or fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks.figures import Figure

FIGURES = [
    Figure("read a day", 3.0, "inflate it", 1.5, 120.4),
    Figure("read a day", 3.0, "openpyxl", 30.0),
]


def test_figures_are_a_table_and_on_demand_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def measure(folder: Path, quick: bool) -> list[Figure]:
        asked.append(quick)
        assert folder.is_dir()
        return FIGURES

    monkeypatch.setattr(benchmarks, "BENCHMARKS", {"some": measure, "other": measure})
    monkeypatch.setattr("sys.argv", ["bench", "some", "--quick", "--json", str(tmp_path / "f.json")])
    assert benchmarks.main() == 0
    words = capsys.readouterr().out.split()
    assert asked == [True]
    assert {"2", "0.1", "120"} <= set(words)
    assert [row["ratio"] for row in json.loads((tmp_path / "f.json").read_text())] == [2.0, 0.1]


def test_an_unknown_benchmark_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "two_days"])
    with pytest.raises(SystemExit):
        benchmarks.main()
    assert "no benchmark two_days; there are one_day, parsing, store_upsert" in capsys.readouterr().err
