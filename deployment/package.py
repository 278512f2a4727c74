"""Builds the package for Amazon MWAA: the same commit gives the same bytes wherever it is built.

MWAA takes a folder of DAGs, a zip of plugins and a list of requirements, and nothing else. So the folder
`include` goes into the folder of DAGs, where `stock_airflow.settings.sql_folder` looks for it too.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deployment import REPOSITORY

FOLDERS = {"dags": "dags", "include": "dags/include"}
"""Where in the package the files of a folder go; those of `plugins` go into a zip."""
PLUGINS = "plugins"
PLUGINS_ZIP = "plugins.zip"
REQUIREMENTS = "requirements.txt"
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The date of every file in a zip: a zip cannot know an earlier one."""


class PackageError(Exception):
    """The package cannot be built. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package that has been built.

    Attributes:
        folder: where it is.
        files: paths in it, in order.
    """

    folder: Path
    files: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of all files and their names: two packages with the same one are the same."""
        digest = hashlib.sha256()
        for name in self.files:
            digest.update(f"{name}\0{hashlib.sha256(self.read(name)).hexdigest()}\n".encode())
        return digest.hexdigest()

    def read(self, name: str) -> bytes:
        """One file's content."""
        return (self.folder / name).read_bytes()


def build_package(folder: Path, repository: Path = REPOSITORY) -> Package:
    """Build the package in `folder`, which is emptied before.

    Only what git knows is taken, as it is in the working tree.

    Raises:
        PackageError: the repository is not a git repository, or lacks what the package is made of.
    """
    sources = list(_tracked(repository))
    files = {
        f"{target}/{path.removeprefix(f'{source}/')}": repository / path
        for source, target in FOLDERS.items()
        for path in sources
        if path.startswith(f"{source}/")
    }
    plugins = {
        path.removeprefix(f"{PLUGINS}/"): (repository / path).read_bytes()
        for path in sources
        if path.startswith(f"{PLUGINS}/")
    }
    lacking = [
        place
        for place in (*(f"{folder}/" for folder in (*FOLDERS, PLUGINS)), REQUIREMENTS)
        if not any(path.startswith(place) for path in sources)
    ]
    if lacking:
        raise PackageError(f"{repository} lacks {', '.join(lacking)}, or git does not know what is there")
    shutil.rmtree(folder, ignore_errors=True)
    for name, path in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    write_zip(folder / PLUGINS_ZIP, plugins)
    shutil.copyfile(repository / REQUIREMENTS, folder / REQUIREMENTS)
    return Package(folder, tuple(sorted([*files, PLUGINS_ZIP, REQUIREMENTS])))


def write_zip(path: Path, contents: dict[str, bytes]) -> None:
    """Write a zip whose bytes depend on nothing but the names and contents of its files.

    They are stored as they are: how well a file is compressed differs between versions of zlib.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.create_system = 3  # Unix, wherever it is built
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)


def write_archive(package: Package, path: Path) -> None:
    """Put a package into one zip, for a release."""
    write_zip(path, {name: package.read(name) for name in package.files})


def changed_files(repository: Path = REPOSITORY) -> list[str]:
    """What differs from the last commit among the files that the package is made of."""
    lines = _git(repository, "status", "--porcelain", "--", *FOLDERS, PLUGINS, REQUIREMENTS).splitlines()
    return [line[3:] for line in lines]


def _tracked(repository: Path) -> Iterator[str]:
    listed = _git(repository, "ls-files", "-z", "--", *FOLDERS, PLUGINS, REQUIREMENTS)
    # A file that was deleted but not yet from git is not there to be taken.
    yield from (path for path in listed.split("\0") if path and (repository / path).is_file())


def _git(repository: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - a command of ours
            ["git", "-C", str(repository), *arguments],  # noqa: S607 - wherever git is
            capture_output=True,
            text=True,
            check=True,
        )
    except FileNotFoundError as error:
        raise PackageError("git is needed to know which files belong to the package") from error
    except subprocess.CalledProcessError as error:
        raise PackageError(f"git {arguments[0]}: {error.stderr.strip()}") from error
    return done.stdout
