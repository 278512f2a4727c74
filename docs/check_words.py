"""Looks through the project's text for words that it does not use: `python -m docs.check_words`."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
WORDS = Path(__file__).with_name("words.toml")
TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".sql", ".jinja", ".html", ".txt", ".in", ".cfg", ""}
"""Endings of files that people read. Data and pictures are not looked at."""
ITSELF = {WORDS.name, "test_check_words.py", "LICENSE", "CONTRIBUTING.md"}
"""Files that name the words, or whose wording is not ours."""


class Word(NamedTuple):
    """A word that is not used, and what to write instead."""

    pattern: re.Pattern[str]
    instead: str


class Finding(NamedTuple):
    """Where a word was found; lines count from 1."""

    path: str
    line: int
    found: str
    instead: str

    def __str__(self) -> str:
        """The finding as an editor can follow it."""
        return f"{self.path}:{self.line}: “{self.found}”; write: {self.instead}"


def words(path: Path = WORDS) -> list[Word]:
    """Read the list of words."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["word"]
    return [Word(re.compile(entry["pattern"], re.IGNORECASE), entry["instead"]) for entry in entries]


def findings(path: str, text: str, unused: Iterable[Word]) -> Iterator[Finding]:
    """Find the words in a file's text."""
    unused = list(unused)
    for number, line in enumerate(text.splitlines(), start=1):
        for word in unused:
            for match in word.pattern.finditer(line):
                yield Finding(path, number, match[0], word.instead)


def tracked(root: Path = ROOT) -> list[Path]:
    """List the files of the project that are text for people."""
    git = ["git", "ls-files", "-z"]
    ran = subprocess.run(git, cwd=root, capture_output=True, check=True, text=True)  # noqa: S603 - wherever git is
    listed = ran.stdout.split("\0")
    return [
        root / name
        for name in listed
        if name and (path := Path(name)).suffix in TEXT and path.name not in ITSELF
    ]


def main() -> int:
    """Print every finding; 1 if there is one."""
    unused, found = words(), 0
    for path in tracked():
        if not path.is_file():
            continue
        for finding in findings(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"), unused):
            print(finding)
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
