"""The command line: `python -m local_aws start | stop | status | serve | query | faults`."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from local_aws import faults_command, query
from local_aws.background import StartError
from local_aws.environment import DEFAULT_MEMORY, DEFAULT_PORT, client_environment, endpoint_url
from local_aws.ports import HOST, PortTakenError, require_free
from local_aws.process import (
    STATE_DIRECTORY,
    answers,
    local_aws_server,
    running_port,
    wait_for_signal,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit code.

    Args:
        arguments: the command line without the program's name; `sys.argv` if None.
    """
    options = _parser().parse_args(arguments)
    code: int = options.run(options)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local_aws",
        description="S3, Glue, SNS, SQS and a working Athena in one local process: no Docker, no account.",
        epilog="Nothing is kept: when the server ends, its buckets, tables and queues are gone.",
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    start = _command(
        commands, "start", "start the server in the background and wait until it answers", _start
    )
    serve = _command(commands, "serve", "run the server in this terminal until Ctrl-C", _serve)
    for command in (start, serve):
        command.add_argument("--port", type=int, default=DEFAULT_PORT, help="default %(default)s")
        command.add_argument(
            "--memory", default=DEFAULT_MEMORY, help="what queries may hold in memory (default %(default)s)"
        )
    serve.add_argument(
        "--host",
        default=HOST,
        help="the address to listen on; only this machine reaches the default, %(default)s",
    )
    stop = _command(commands, "stop", "end the background server; fine if none runs", _stop)
    status = _command(
        commands, "status", "say whether the background server runs (exit code 1 if not)", _status
    )
    for command in (start, serve, stop, status):
        command.add_argument(
            "--state-dir",
            type=Path,
            default=STATE_DIRECTORY,
            help="where its pid, log and working files are (default %(default)s)",
        )
    asked = _command(
        commands, "query", "run an Athena statement on the running server and print the rows", query.run
    )
    query.add_arguments(asked)
    faults = _command(
        commands, "faults", "let calls to the running server fail, or list what fails", faults_command.run
    )
    faults_command.add_arguments(faults)
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str, run: object
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text.capitalize() + ".")
    command.set_defaults(run=run)
    return command


def _start(options: argparse.Namespace) -> int:
    server = local_aws_server(options.port, options.state_dir, options.memory)
    endpoint = endpoint_url(options.port)
    running = running_port(server)
    if running not in {None, options.port}:
        print(f"The local AWS already runs on port {running}; stop it first", file=sys.stderr)
        return 1
    try:
        if running is None:
            require_free(options.port)
            server.launch()
        server.wait()
    except (StartError, PortTakenError) as error:
        print(f"The local AWS did not start: {error}", file=sys.stderr)
        return 1
    print(f"The local AWS answers at {endpoint}; log: {server.log}")
    print("For clients in this shell:")
    for name, value in client_environment(endpoint).items():
        print(f"  export {name}={value}")
    return 0


def _serve(options: argparse.Namespace) -> int:
    # moto takes a second to import, and only serving needs it.
    from local_aws.server import LocalAws  # noqa: PLC0415

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Larger objects are temporary files, which belong on this disk: /tmp is memory on some machines.
    temporary = options.state_dir.resolve() / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(temporary)
    server = LocalAws(options.port, options.state_dir / "work", options.memory, options.host)
    try:
        with server:
            print(f"The local AWS answers at {server.endpoint_url}", flush=True)
            wait_for_signal()
    except PortTakenError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _stop(options: argparse.Namespace) -> int:
    stopped = local_aws_server(DEFAULT_PORT, options.state_dir).stop()
    print("Stopped." if stopped else "The local AWS was not running.")
    return 0


def _status(options: argparse.Namespace) -> int:
    port = running_port(local_aws_server(DEFAULT_PORT, options.state_dir))
    if port is None:
        print("The local AWS is not running.")
        return 1
    healthy = answers(endpoint_url(port))
    print(f"The local AWS {'answers' if healthy else 'runs but does not answer'} at {endpoint_url(port)}")
    return 0 if healthy else 1
