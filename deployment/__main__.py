"""The command line: `python -m deployment package`, `python -m deployment push`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deployment import REPOSITORY
from deployment.mwaa import DeployError, Target, deploy, stack_outputs
from deployment.package import PackageError, build_package, changed_files, write_archive

BUILD = REPOSITORY / "build"
STACK = "rtg-automotive-stock"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 1 if it cannot be done.

    Args:
        arguments: the command line without the program's name; `sys.argv` if None.
    """
    parser = argparse.ArgumentParser(prog="python -m deployment", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="command")
    package = commands.add_parser("package", help="build what MWAA takes, in build/mwaa and as one zip")
    package.set_defaults(run=_package)
    push = commands.add_parser("push", help="build it and bring it to the bucket and the environment")
    push.add_argument("--stack", default=STACK, help="the CloudFormation stack (default %(default)s)")
    push.add_argument("--bucket", help="instead of the stack's bucket; then the Variables are left alone")
    push.add_argument("--environment", help="instead of the stack's environment")
    push.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    push.set_defaults(run=_push)
    for command in (package, push):
        command.add_argument("--build", type=Path, default=BUILD, help="where to build (default %(default)s)")
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (PackageError, DeployError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _package(options: argparse.Namespace) -> None:
    package = build_package(options.build / "mwaa")
    archive = options.build / "rtg-automotive-stock-mwaa.zip"
    write_archive(package, archive)
    if changed := changed_files():
        print(f"Not committed, but in the package: {', '.join(changed)}", file=sys.stderr)
    print(f"{len(package.files)} files in {package.folder}, and all of them in {archive}")
    print(f"sha256 of the package: {package.digest}")


def _push(options: argparse.Namespace) -> None:
    package = build_package(options.build / "mwaa")
    outputs = {} if options.bucket else stack_outputs(boto3.client("cloudformation"), options.stack)
    target = Target(
        s3=boto3.client("s3"),
        mwaa=boto3.client("mwaa"),
        bucket=options.bucket or outputs["BucketName"],
        environment=options.environment or outputs.get("EnvironmentName"),
        outputs=outputs,
    )
    deploy(target, package, dry_run=options.dry_run)


if __name__ == "__main__":
    sys.exit(main())
