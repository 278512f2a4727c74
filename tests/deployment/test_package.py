"""The package for MWAA: what is in it, and that nothing but the commit decides about its bytes."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from deployment.__main__ import main
from deployment.package import PackageError, build_package, changed_files, write_archive
from tests.conftest import REPOSITORY
from tests.support.repositories import git, repository


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return repository(tmp_path / "sources")


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_sql_lies_within_dags_and_plugins_in_a_zip(sources: Path, tmp_path: Path) -> None:
    package = build_package(tmp_path / "built", sources)
    assert list(package.files) == [
        "dags/.airflowignore",
        "dags/daily.py",
        "dags/domain/rules.py",
        "dags/domain/suppliers.yaml",
        "dags/include/sql/ebay/create.sql",
        "plugins.zip",
        "requirements.txt",
    ]
    assert sorted(everything(package.folder)) == list(package.files)
    assert package.read("dags/include/sql/ebay/create.sql") == b"SELECT 1\n"
    with zipfile.ZipFile(package.folder / "plugins.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            ".airflowignore": b"operators/**\n",
            "operators/athena.py": b"z = 3\n",
        }


def test_the_same_commit_gives_the_same_bytes(sources: Path, tmp_path: Path) -> None:
    first = build_package(tmp_path / "first", sources)
    write_archive(first, tmp_path / "first.zip")
    other = tmp_path / "elsewhere"
    git(tmp_path, "clone", "--quiet", str(sources), str(other))
    for path in (other / "plugins").rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    second = build_package(tmp_path / "second", other)
    write_archive(second, tmp_path / "second.zip")
    assert everything(first.folder) == everything(second.folder)
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    assert first.digest == second.digest


def test_what_git_does_not_know_stays_out(sources: Path, tmp_path: Path) -> None:
    clean = build_package(tmp_path / "clean", sources)
    for name in ("dags/__pycache__/daily.pyc", "plugins/notes.txt", "dags/draft.py"):
        (sources / name).parent.mkdir(exist_ok=True)
        (sources / name).write_text("stray")
    assert build_package(tmp_path / "built", sources).digest == clean.digest


def test_a_change_changes_the_digest_and_is_named(sources: Path, tmp_path: Path) -> None:
    clean = build_package(tmp_path / "clean", sources)
    assert changed_files(sources) == []
    (sources / "dags/daily.py").write_text("x = 2\n")
    (sources / "README.md").write_text("Changed.\n")
    assert build_package(tmp_path / "built", sources).digest != clean.digest
    assert changed_files(sources) == ["dags/daily.py"]


def test_a_file_that_is_gone_is_gone_from_the_package(sources: Path, tmp_path: Path) -> None:
    build_package(tmp_path / "built", sources)
    (sources / "dags/domain/rules.py").unlink()
    assert "dags/domain/rules.py" not in everything(build_package(tmp_path / "built", sources).folder)
    assert "dags/domain/rules.py" not in everything(tmp_path / "built")


@pytest.mark.parametrize("missing", ["dags", "include", "plugins", "requirements.txt"])
def test_half_a_package_is_none(sources: Path, tmp_path: Path, missing: str) -> None:
    path = sources / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(PackageError, match=f"lacks {missing}"):
        build_package(tmp_path / "built", sources)


def test_without_git_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="git"):
        build_package(tmp_path / "built", tmp_path)


def test_the_command_builds_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["package", "--build", str(tmp_path)]) == 0
    built = everything(tmp_path / "mwaa")
    assert built["requirements.txt"] == (REPOSITORY / "requirements.txt").read_bytes()
    for path in (REPOSITORY / "include").rglob("*.sql"):
        assert built[f"dags/{path.relative_to(REPOSITORY)}"] == path.read_bytes()
    with zipfile.ZipFile(tmp_path / "rtg-automotive-stock-mwaa.zip") as archive:
        assert set(archive.namelist()) == set(built)
    assert "sha256" in capsys.readouterr().out
