"""The options of `make demo`, and what can be wrong with them before anything is started.

    python3 -m demo.options --airflow-port 8080 --feeds FOLDER

says what is in the way, with exit code 1. It needs nothing but Python itself, so that on a fresh clone
`make demo` says it before it spends minutes on installing.
"""

from __future__ import annotations

import argparse
import itertools
import re
import socket
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

WORKER_LOGS = 713
TRIGGERER_LOGS = 714
"""How far the ports on which Airflow serves logs lie above its own."""

LAST_PORT = 65535
FOLDERS_NAMED = 5


class DemoError(Exception):
    """The demo cannot run with these options; the message says what to change."""


@dataclass(frozen=True)
class Program:
    """A program of the demo and the ports it listens on.

    Attributes:
        name: what people call it.
        variable: the variable of `make` that moves it.
        option: the same for `python -m demo`.
        default: its port.
        more: other ports it takes: how far above the first, and what for.
    """

    name: str
    variable: str
    option: str
    default: int
    more: tuple[tuple[int, str], ...] = ()

    @property
    def highest(self) -> int:
        """The last port at which it can begin."""
        return LAST_PORT - max((above for above, _ in self.more), default=0)

    def ports(self, first: int) -> Iterator[tuple[int, str]]:
        """Its ports and what each is for, if it begins at this one."""
        yield first, self.name
        for above, purpose in self.more:
            yield first + above, f"{purpose}, {above} above {self.name}"


AIRFLOW = Program(
    "Airflow",
    "AIRFLOW_PORT",
    "--airflow-port",
    8080,
    ((WORKER_LOGS, "the logs of tasks"), (TRIGGERER_LOGS, "the logs of the triggerer")),
)
LOCAL_AWS = Program("the local AWS", "AWS_PORT", "--aws-port", 5555)
FRONT_END = Program("the page for staff", "FRONT_END_PORT", "--front-end-port", 8501)
PROGRAMS = (AIRFLOW, LOCAL_AWS, FRONT_END)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `make demo` passes on."""
    parser.add_argument(
        "--feeds",
        type=given_folder,
        help="real workbooks, in a subfolder YYYY-MM-DD for each day; samples are made without it",
    )
    for program in PROGRAMS:
        parser.add_argument(
            program.option,
            # Text, so that a mistake is explained as all others are.
            default=str(program.default),
            metavar="PORT",
            help=f"of {program.name} (default %(default)s); {program.variable} of make",
        )


def given_folder(text: str) -> Path:
    """A folder as it was typed; not every shell expands the ~ of `make demo FEEDS=~/feeds`."""
    return Path(text).expanduser()


def chosen_ports(options: argparse.Namespace) -> dict[Program, int]:
    """The ports the options ask for.

    Raises:
        DemoError: one is no port, or two programs want the same.
    """
    typed = {program: getattr(options, program.option.strip("-").replace("-", "_")) for program in PROGRAMS}
    for program, text in typed.items():
        if not str(text).isdecimal() or not 0 < int(text) <= program.highest:
            raise DemoError(
                f"{program.variable}={text} is no port: give a number from 1 to {program.highest}"
            )
    ports = {program: int(text) for program, text in typed.items()}
    seen: dict[int, str] = {}
    for program, first in ports.items():
        for port, purpose in program.ports(first):
            if port in seen:
                raise DemoError(
                    f"{seen[port]} and {purpose} would both listen on port {port}: "
                    f"change {program.variable} ({first} now)"
                )
            seen[port] = purpose
    return ports


def require_free(ports: dict[Program, int], ours: Collection[int] = ()) -> None:
    """Refuse ports on which something else listens; all that are taken are named at once.

    Args:
        ports: where each program is to begin.
        ours: ports of an earlier demo, which makes room.

    Raises:
        DemoError: saying which, and a command that would do.
    """
    taken: list[str] = []
    free: list[str] = []
    wanted = {port for program, first in ports.items() for port, _ in program.ports(first)}
    for program, first in ports.items():
        reasons = {
            port: why for port, _ in program.ports(first) if port not in ours and (why := refusal(port))
        }
        if not reasons:
            continue
        taken += [
            f"  {port:<6} {reasons[port]}; it is for {purpose}: change {program.variable}"
            for port, purpose in program.ports(first)
            if port in reasons
        ]
        near = free_port(program, first + 1, wanted)
        wanted |= {port for port, _ in program.ports(near)}
        free.append(f"{program.variable}={near}")
    if taken:
        raise DemoError("\n".join(["The demo cannot listen on:", *taken, f"Free: {' '.join(free)}"]))


def refusal(port: int) -> str | None:
    """Why nothing of ours can listen on a port of this machine; None if it can."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        # macOS lets one bind beside another program that listens on all addresses.
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            return "is taken by another program"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            # On all addresses, as Airflow serves logs; where that works, 127.0.0.1 alone does.
            probe.bind(("", port))
        except PermissionError:
            return "is only for root"
        except OSError:
            return "is taken by another program"
    return None


def free_port(program: Program, first: int, wanted: Collection[int] = ()) -> int:
    """The next port from which on a program finds all it needs.

    Args:
        program: which.
        first: where to begin looking.
        wanted: ports that are meant for others.
    """
    for port in itertools.chain(range(first, program.highest + 1), range(1024, first)):
        if not any(each in wanted or refusal(each) for each, _ in program.ports(port)):
            return port
    raise DemoError("no port of this machine is free")


class Feeds(NamedTuple):
    """A folder of feeds.

    Attributes:
        folder: itself.
        days: each day with its folder, in order of time.
        empty: folders of days without a workbook, which are left out.
    """

    folder: Path
    days: list[tuple[date, Path]]
    empty: list[Path]


def find_feeds(folder: Path) -> Feeds:
    """The days of a folder of feeds: its subfolders named YYYY-MM-DD.

    Raises:
        DemoError: no day has a workbook, or a day has not come yet.
    """
    where = f"FEEDS={folder}"
    if not folder.exists():
        raise DemoError(f"{where}: there is no such folder")
    if not folder.is_dir():
        raise DemoError(f"{where} is a file: give the folder that has a subfolder YYYY-MM-DD for each day")
    subfolders = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    dated = [(day, entry) for entry in subfolders if (day := _day_of(entry.name))]
    feeds = Feeds(
        folder,
        [(day, entry) for day, entry in dated if _has_workbook(entry)],
        [entry for _, entry in dated if not _has_workbook(entry)],
    )
    if feeds.days:
        # A day of grace: the clock here may be behind London's, and the DAG itself judges the day.
        latest = datetime.now(UTC).date() + timedelta(days=1)
        if late := [entry for day, entry in feeds.days if day > latest]:
            raise DemoError(f"{where}: {_names(late)}: that day has not come yet, so no run can be for it")
        return feeds
    if feeds.empty:
        raise DemoError(f"{where}: no .xlsx file is in {_names(feeds.empty)}")
    if _day_of(folder.resolve().name) and _has_workbook(folder):
        raise DemoError(
            f"{where} is the folder of a single day: give the one it is in, {folder.resolve().parent}"
        )
    found = f"its subfolders are {_names(subfolders)}" if subfolders else "it has no subfolder at all"
    raise DemoError(
        f"{where} has no subfolder named like 2024-08-01 with the .xlsx files of that day; {found}"
    )


def _has_workbook(folder: Path) -> bool:
    return any(path.is_file() and path.suffix.lower() == ".xlsx" for path in folder.iterdir())


def _names(folders: Sequence[Path]) -> str:
    """The first few by name."""
    named = ", ".join(folder.name for folder in folders[:FOLDERS_NAMED])
    more = len(folders) - FOLDERS_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _day_of(name: str) -> date | None:
    """The day of a folder's name; fromisoformat alone also takes 20240801 and 2024-W31-4."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", name):
        return None
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Say what is in the way; 0 if nothing does."""
    parser = argparse.ArgumentParser(prog="python -m demo.options", description=__doc__.split("\n")[0])
    add_options(parser)
    options = parser.parse_args(arguments)
    try:
        if options.feeds:
            find_feeds(options.feeds)
        require_free(chosen_ports(options))
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
