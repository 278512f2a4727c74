"""The command line: `python -m local_aws start | stop | status | serve | query | faults`."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from local_aws.background import StartError
from local_aws.environment import DEFAULT_MEMORY, DEFAULT_PORT, client_environment, endpoint_url
from local_aws.faults_command import faults
from local_aws.ports import HOST, PortTakenError, require_free
from local_aws.process import (
    STATE_DIRECTORY,
    answers,
    local_aws_server,
    running_port,
    wait_for_signal,
)
from local_aws.query import query

app = typer.Typer(
    help="S3, Glue, SNS, SQS and a working Athena in one local process: no Docker, no account.",
    epilog="Nothing is kept: when the server ends, its buckets, tables and queues are gone.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
app.command()(query)
app.command()(faults)

Port = Annotated[int, typer.Option(help="The port to listen on.")]
Memory = Annotated[str, typer.Option(help="How much memory queries may use.")]
StateDir = Annotated[Path, typer.Option(help="Where the server's pid, log and working files are.")]


@app.command()
def start(
    port: Port = DEFAULT_PORT, memory: Memory = DEFAULT_MEMORY, state_dir: StateDir = STATE_DIRECTORY
) -> None:
    """Start the server in the background and wait until it answers."""
    server = local_aws_server(port, state_dir, memory)
    endpoint = endpoint_url(port)
    running = running_port(server)
    if running not in {None, port}:
        typer.echo(f"The local AWS already runs on port {running}; stop it first", err=True)
        raise typer.Exit(1)
    try:
        if running is None:
            require_free(port)
            server.launch()
        server.wait()
    except (StartError, PortTakenError) as error:
        typer.echo(f"The local AWS did not start: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"The local AWS answers at {endpoint}; log: {server.log}")
    typer.echo("For clients in this shell:")
    for name, value in client_environment(endpoint).items():
        typer.echo(f"  export {name}={value}")


@app.command()
def serve(
    port: Port = DEFAULT_PORT,
    memory: Memory = DEFAULT_MEMORY,
    host: Annotated[
        str, typer.Option(help="The address to listen on; only this machine reaches the default.")
    ] = HOST,
    state_dir: StateDir = STATE_DIRECTORY,
) -> None:
    """Run the server in this terminal until Ctrl-C."""
    # moto takes a second to import, and only serving needs it.
    from local_aws.server import LocalAws  # noqa: PLC0415

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Larger objects are temporary files, which belong on this disk: /tmp is memory on some machines.
    temporary = state_dir.resolve() / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(temporary)
    server = LocalAws(port, state_dir / "work", memory, host)
    try:
        with server:
            print(f"The local AWS answers at {server.endpoint_url}", flush=True)
            wait_for_signal()
    except PortTakenError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from error


@app.command()
def stop(state_dir: StateDir = STATE_DIRECTORY) -> None:
    """End the background server, if one runs."""
    stopped = local_aws_server(DEFAULT_PORT, state_dir).stop()
    typer.echo("Stopped." if stopped else "The local AWS was not running.")


@app.command()
def status(state_dir: StateDir = STATE_DIRECTORY) -> None:
    """Say whether the background server runs; exit status 1 if not."""
    port = running_port(local_aws_server(DEFAULT_PORT, state_dir))
    if port is None:
        typer.echo("The local AWS is not running.")
        raise typer.Exit(1)
    healthy = answers(endpoint_url(port))
    typer.echo(
        f"The local AWS {'answers' if healthy else 'runs but does not answer'} at {endpoint_url(port)}"
    )
    raise typer.Exit(0 if healthy else 1)
