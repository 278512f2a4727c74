"""The `faults` command: lets calls to the running server fail, to see what the pipeline makes of it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request

from local_aws.environment import endpoint_url
from local_aws.faults import CONTROL_PATH, HANG, QUERY_FAILED, STATUS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("service", nargs="?", help="s3, glue, athena, sns or sqs; with none, list the faults")
    parser.add_argument("action", nargs="?", help="as the API names it, such as CopyObject")
    parser.add_argument("error", nargs="?", help=f"{', '.join(STATUS)}, {QUERY_FAILED} or {HANG}")
    parser.add_argument("--after", type=int, default=0, help="how many calls get through first (default 0)")
    parser.add_argument("--times", type=int, help="how many calls then fail (default all)")
    parser.add_argument("--clear", action="store_true", help="let every call through again")
    parser.add_argument(
        "--endpoint",
        default=os.environ.get("AWS_ENDPOINT_URL", endpoint_url()),
        help="the server's address (default %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Run the command and give its exit code: 1 if the fault cannot be or the server is not there."""
    method, body = "GET", None
    if options.clear:
        method = "DELETE"
    elif options.service:
        names = ("service", "action", "error", "after", "times")
        method, body = "POST", json.dumps({name: getattr(options, name) for name in names}).encode()
    request = urllib.request.Request(f"{options.endpoint}{CONTROL_PATH}", data=body, method=method)  # noqa: S310 - ours
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            faults = json.load(answer)
    except urllib.error.HTTPError as error:
        print(json.load(error).get("error", error), file=sys.stderr)
        return 1
    except OSError as error:
        print(f"No local AWS answers at {options.endpoint}: {error}", file=sys.stderr)
        return 1
    for fault in faults:
        ends = "" if fault["times"] is None else f", {fault['times']} times"
        print(
            f"{fault['service']} {fault['action']}: {fault['error']} after {fault['after']} calls{ends}; "
            f"so far {fault['failed']} of {fault['calls']} failed"
        )
    if not faults:
        print("Every call gets through.")
    return 0
