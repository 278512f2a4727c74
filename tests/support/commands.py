"""Run a command line of typer's in this process."""

from __future__ import annotations

import typer
from typer.testing import CliRunner, Result


def command(app: typer.Typer, *arguments: object, stdin: str | None = None) -> Result:
    """Run a command; what goes wrong in it, beyond an exit status, is raised."""
    return CliRunner().invoke(app, [str(word) for word in arguments], input=stdin, catch_exceptions=False)
