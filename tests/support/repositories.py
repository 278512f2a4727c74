"""Small git repositories to package."""

from __future__ import annotations

import subprocess
from pathlib import Path

SOURCES = {
    "dags/daily.py": "x = 1\n",
    "dags/.airflowignore": "*_tasks.py\n",
    "dags/domain/rules.py": "y = 2\n",
    "dags/domain/suppliers.yaml": "suppliers: {}\n",
    "include/sql/ebay/create.sql": "SELECT 1\n",
    "plugins/.airflowignore": "operators/**\n",
    "plugins/operators/athena.py": "z = 3\n",
    "requirements.txt": "pandas==3.0.5\n",
    "README.md": "Not for MWAA.\n",
}


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)  # noqa: S603, S607


def repository(folder: Path) -> Path:
    """A repository with one commit."""
    for name, text in SOURCES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    return folder
