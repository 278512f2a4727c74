"""The `faults` command: makes calls to the running server fail, to see how the pipeline copes."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Annotated

import typer

from local_aws.environment import endpoint_url
from local_aws.faults import CONTROL_PATH, HANG, QUERY_FAILED, STATUS
from local_aws.query import Endpoint


def faults(
    service: Annotated[
        str | None, typer.Argument(help="s3, glue, athena, sns or sqs; without it, the faults are listed.")
    ] = None,
    action: Annotated[
        str | None, typer.Argument(help="The call's name in the API, such as CopyObject.")
    ] = None,
    error: Annotated[
        str | None, typer.Argument(help=f"{', '.join(STATUS)}, {QUERY_FAILED} or {HANG}.")
    ] = None,
    after: Annotated[int, typer.Option(help="How many calls get through first.")] = 0,
    times: Annotated[int | None, typer.Option(help="How many calls then fail; all by default.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Let every call through again.")] = False,
    endpoint: Endpoint = endpoint_url(),  # noqa: B008 - a constant
) -> None:
    """Make calls to the running server fail, or list which ones do."""
    method, body = "GET", None
    if clear:
        method = "DELETE"
    elif service:
        fault = {"service": service, "action": action, "error": error, "after": after, "times": times}
        method, body = "POST", json.dumps(fault).encode()
    request = urllib.request.Request(f"{endpoint}{CONTROL_PATH}", data=body, method=method)  # noqa: S310 - ours
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            found = json.load(answer)
    except urllib.error.HTTPError as refused:
        typer.echo(json.load(refused).get("error", refused), err=True)
        raise typer.Exit(1) from refused
    except OSError as failure:
        typer.echo(f"No local AWS answers at {endpoint}: {failure}", err=True)
        raise typer.Exit(1) from failure
    for one in found:
        ends = "" if one["times"] is None else f", {one['times']} times"
        typer.echo(
            f"{one['service']} {one['action']}: {one['error']} after {one['after']} calls{ends}; "
            f"so far {one['failed']} of {one['calls']} failed"
        )
    if not found:
        typer.echo("Every call gets through.")
