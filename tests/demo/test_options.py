"""What can be wrong with the demo's options is said at once, by nothing but Python itself."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

import pytest

from demo.options import AIRFLOW, FRONT_END, LOCAL_AWS, PROGRAMS, DemoError, find_feeds, main, require_free

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def listening() -> Iterator[list[int]]:
    """Ports on which something listens: on this machine's address, and on all."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for one, address in zip(sockets, ("127.0.0.1", ""), strict=True):
            one.bind((address, 0))
            one.listen()
        yield [one.getsockname()[1] for one in sockets]


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 1
    return capsys.readouterr().err


def test_all_ports_that_are_taken_are_named_with_what_moves_them(
    listening: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    here, everywhere = listening
    text = said(capsys, "--aws-port", str(here), "--front-end-port", str(everywhere))
    lines = {line.split()[0]: line for line in text.splitlines()}
    assert "change AWS_PORT" in lines[str(here)]
    assert "change FRONT_END_PORT" in lines[str(everywhere)]
    free = dict(word.split("=") for word in text.splitlines()[-1].split()[1:])
    assert free.keys() == {"AWS_PORT", "FRONT_END_PORT"}
    assert not {int(port) for port in free.values()} & set(listening)


@pytest.mark.parametrize("above", [0, 713, 714])
def test_the_ports_of_the_log_servers_are_looked_at_too(listening: list[int], above: int) -> None:
    taken = listening[0]
    with pytest.raises(DemoError, match=rf"{taken} .*change AIRFLOW_PORT"):
        require_free({AIRFLOW: taken - above})


def test_ports_of_the_demo_that_makes_room_are_free(listening: list[int]) -> None:
    require_free({LOCAL_AWS: listening[0], FRONT_END: listening[1]}, ours=listening)


def test_what_is_suggested_is_free_for_all_that_the_program_needs(listening: list[int]) -> None:
    ports = {LOCAL_AWS: listening[0], FRONT_END: listening[0] + 1}
    with pytest.raises(DemoError) as caught:
        require_free(ports)
    suggested = int(str(caught.value).rpartition("AWS_PORT=")[2].split()[0])
    assert suggested not in {*listening, *ports.values()}
    require_free({LOCAL_AWS: suggested})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--aws-port", "aws"), "AWS_PORT=aws is no port"),
        (("--aws-port", ""), "AWS_PORT= is no port"),
        (("--aws-port", "0"), "AWS_PORT=0 is no port"),
        (("--front-end-port", "65536"), "a number from 1 to 65535"),
        (("--airflow-port", "64822"), "a number from 1 to 64821"),
        (("--aws-port", "8501"), "would both listen on port 8501: change FRONT_END_PORT"),
        (("--airflow-port", "7788"), "would both listen on port 8501: change FRONT_END_PORT"),
    ],
)
def test_a_mistake_in_a_port_names_its_variable(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in said(capsys, *arguments)


def folder_with(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.write_bytes(b"")
    return folder


TOMORROW_OR_LATER = (date.today() + timedelta(days=3)).isoformat()  # noqa: DTZ011 - any time zone will do


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), "it has no subfolder at all"),
        (("APE SF.xlsx",), "it has no subfolder at all"),
        (("monday/APE SF.xlsx", "20240801/APE SF.xlsx"), "its subfolders are 20240801, monday"),
        (("2024-02-30/APE SF.xlsx",), "its subfolders are 2024-02-30"),
        (("2024-08-01/",), "no .xlsx file is in 2024-08-01"),
        (("2024-08-01/APE SF.pdf", "2024-08-02/"), "no .xlsx file is in 2024-08-01, 2024-08-02"),
        ((f"{TOMORROW_OR_LATER}/APE SF.xlsx",), f"{TOMORROW_OR_LATER}: that day has not come yet"),
        (tuple(f"{number}/" for number in range(10, 19)), "10, 11, 12, 13, 14 and 4 more"),
    ],
)
def test_a_folder_without_days_is_refused_with_what_is_in_it(
    tmp_path: Path, names: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_with(tmp_path / "my feeds", *names)
    text = said(capsys, "--feeds", str(folder))
    assert words in text
    assert f"FEEDS={folder}" in text


def test_a_folder_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = folder_with(tmp_path / "2024-08-01", "APE SF.xlsx")
    assert "there is no such folder" in said(capsys, "--feeds", str(tmp_path / "nowhere"))
    assert "is a file" in said(capsys, "--feeds", str(day / "APE SF.xlsx"))
    assert f"give the one it is in, {tmp_path}" in said(capsys, "--feeds", str(day))


def test_days_come_in_order_and_empty_ones_are_named(tmp_path: Path) -> None:
    names = ("2024-08-08/A.XLSX", "2024-08-01/B.xlsx", "2024-08-05/", "notes/C.xlsx", "2024-08-09/x.csv")
    feeds = find_feeds(folder_with(tmp_path / "feeds", *names))
    assert [str(day) for day, _ in feeds.days] == ["2024-08-01", "2024-08-08"]
    assert [folder.name for folder in feeds.empty] == ["2024-08-05", "2024-08-09"]


def test_it_needs_nothing_that_is_installed(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})\n"]
    command[-1] += "from demo.options import main; sys.exit(main(['--feeds', '/nowhere/at/all']))"
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert (done.returncode, "there is no such folder" in done.stderr) == (1, True), done.stderr


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "-C", str(REPOSITORY), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def test_make_says_it_before_it_installs_anything(tmp_path: Path, listening: list[int]) -> None:
    fresh = tmp_path / "venv"
    taken = make("demo", f"VENV={fresh}", f"PYTHON={sys.executable}", f"AWS_PORT={listening[0]}")
    assert f"{listening[0]}  is taken by another program" in taken.stderr
    folder = make("demo", f"VENV={fresh}", f"PYTHON={sys.executable}", "FEEDS=/no where/$(x) 'at' all")
    assert "there is no such folder" in folder.stderr
    assert (taken.returncode, folder.returncode, fresh.exists()) == (2, 2, False)


def test_where_nothing_is_installed_nothing_runs(tmp_path: Path) -> None:
    done = make("down", f"VENV={tmp_path / 'venv'}")
    assert (done.returncode, "Nothing was running." in done.stdout) == (0, True)
    assert not (tmp_path / "venv").exists()


def test_the_makefile_passes_on_every_programs_variable() -> None:
    text = (REPOSITORY / "Makefile").read_text()
    for program in PROGRAMS:
        assert f"{program.variable} ?= {program.default}" in text
        assert f'{program.option} "$({program.variable})"' in text
