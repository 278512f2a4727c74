"""The demo: `python -m demo up` shows the seller's morning on this machine, `python -m demo down` ends it."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from demo import REPOSITORY
from demo.options import DemoError, Feeds, add_options, chosen_ports, find_feeds, require_free
from demo.signals import Signals, StoppedError
from local_aws.environment import forget_the_shell

WORK = REPOSITORY / ".local" / "demo"


def main() -> int:
    """Run the command line."""
    signals = Signals()
    # Before anything else, as what is imported below takes a second in which someone may press Ctrl-C.
    signals.listen()
    options = _parser().parse_args()
    forget_the_shell()
    command: Callable[[argparse.Namespace, Signals], int] = {"up": _up, "into": _into, "down": _down}[
        options.command
    ]
    try:
        with signals.foremost():
            return command(options, signals)
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except StoppedError as stop:
        _last_words(f"Stopped ({stop}).")
        return stop.exit_code
    except BrokenPipeError:
        _last_words("")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__.split("\n")[0])
    parser.add_argument(
        "command",
        choices=["up", "into", "down"],
        help="start the demo, show it in an Airflow that runs already, or end what it left running",
    )
    add_options(parser)
    into = parser.add_argument_group("into", "what runs already, as in containers")
    into.add_argument("--airflow", metavar="ADDRESS", help="of Airflow's API server")
    into.add_argument("--aws", metavar="ADDRESS", help="of the local AWS")
    parser.add_argument("--work", type=Path, default=WORK, help="for the demo's files (default %(default)s)")
    return parser


def _up(options: argparse.Namespace, signals: Signals) -> int:
    """Start everything and show the morning; unless that comes to its end, nothing stays up."""
    ports, feeds = chosen_ports(options), _feeds(options)
    from demo.servers import alone, own_ports, stop_all  # noqa: PLC0415 - after what can be said at once

    with alone():
        require_free(ports, own_ports())
        from demo.morning import Morning, show_at  # noqa: PLC0415
        from demo.show import console  # noqa: PLC0415

        if earlier := stop_all():
            print(f"Stopped the demo that was up: {', '.join(earlier)}.")
        stays_up = False
        try:
            came_through = show_at(ports, Morning(console(), signals, options.work, feeds))
            stays_up = True
        finally:
            if not stays_up:
                signals.ignore()
                _last_words("Ending what was started ...")
                stop_all()
    return 0 if came_through else 1


def _into(options: argparse.Namespace, signals: Signals) -> int:
    """Show the morning in what runs already."""
    if not options.airflow or not options.aws:
        raise DemoError("python -m demo into needs --airflow ADDRESS and --aws ADDRESS")
    from demo.morning import Morning, show_in  # noqa: PLC0415
    from demo.show import console  # noqa: PLC0415

    morning = Morning(console(), signals, options.work, _feeds(options))
    return 0 if show_in(options.airflow, options.aws, morning) else 1


def _down(_options: argparse.Namespace, signals: Signals) -> int:
    """End what runs, also a `make demo` that is at work."""
    from demo.servers import alone, end_other, stop_all  # noqa: PLC0415

    with signals.held():
        ended = end_other()
        with alone():
            stopped = stop_all()
        if ended:
            stopped.insert(0, "the make demo that was at work")
        print(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")
    return 0


def _feeds(options: argparse.Namespace) -> Feeds | None:
    return find_feeds(options.feeds) if options.feeds else None


def _last_words(text: str) -> None:
    """Say something if there is a terminal yet to say it in; if not, let Python end without a traceback."""
    try:
        print(text, file=sys.stderr, end="\n" if text else "", flush=True)
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                os.dup2(nowhere, stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
