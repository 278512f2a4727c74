"""The command line: `python -m deployment package`, `python -m deployment push`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError

from deployment import REPOSITORY
from deployment.mwaa import DeployError, Target, deploy, stack_outputs
from deployment.package import PackageError, build_package, changed_files, write_archive

app = typer.Typer(
    help="Build what Amazon MWAA takes, and bring it there.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Build = Annotated[Path, typer.Option(help="Where to build.")]
BUILD = REPOSITORY / "build"


@app.command()
def package(build: Build = BUILD) -> None:
    """Build what MWAA takes, in build/mwaa and as one zip."""
    with _failures_told():
        built = build_package(build / "mwaa")
        archive = build / "rtg-automotive-stock-mwaa.zip"
        write_archive(built, archive)
        if changed := changed_files():
            typer.echo(f"Not committed, but in the package: {', '.join(changed)}", err=True)
    typer.echo(f"{len(built.files)} files in {built.folder}, and all of them in {archive}")
    typer.echo(f"sha256 of the package: {built.digest}")


@app.command()
def push(
    stack: Annotated[str, typer.Option(help="The CloudFormation stack.")] = "rtg-automotive-stock",
    bucket: Annotated[
        str | None, typer.Option(help="Instead of the stack's bucket; the Variables are then left alone.")
    ] = None,
    environment: Annotated[str | None, typer.Option(help="Instead of the stack's environment.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    build: Build = BUILD,
) -> None:
    """Build it and bring it to the bucket and the environment."""
    with _failures_told():
        built = build_package(build / "mwaa")
        outputs = {} if bucket else stack_outputs(boto3.client("cloudformation"), stack)
        target = Target(
            s3=boto3.client("s3"),
            mwaa=boto3.client("mwaa"),
            bucket=bucket or outputs["BucketName"],
            environment=environment or outputs.get("EnvironmentName"),
            outputs=outputs,
        )
        deploy(target, built, dry_run=dry_run)


@contextmanager
def _failures_told() -> Iterator[None]:
    """End with exit status 1 and a sentence, instead of a traceback, where a command cannot go on."""
    try:
        yield
    except (PackageError, DeployError, BotoCoreError, ClientError) as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    app(prog_name="python -m deployment")
