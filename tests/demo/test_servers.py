"""Servers are ended with all they started, and one command at a time starts or ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from demo.options import PROGRAMS, DemoError, free_port
from demo.servers import alone, end_other
from local_aws.background import BackgroundServer
from tests.support.waiting import SECONDS, until

REPOSITORY = Path(__file__).parents[2]

CHILD = "import signal, sys, time; {deaf}; open(sys.argv[1], 'w').close(); time.sleep(600)"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"

# Starts a child in its own process group, as Airflow does with tasks, and goes on or goes away.
PARENT = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]], preexec_fn=lambda: os.setpgid(0, 0))
if sys.argv[3] == "stays":
    time.sleep(600)
"""


@pytest.fixture
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[BackgroundServer]:
    stays, deaf = request.param
    child = CHILD.format(deaf=DEAF if deaf else "pass")
    made = BackgroundServer(
        name="family",
        directory=tmp_path,
        command=[sys.executable, "-c", PARENT, child, str(tmp_path / "up"), "stays" if stays else "goes"],
        environment={},
        answers=lambda: False,
        end_seconds=0.5,
    )
    made.launch()
    yield made
    for process in made.family():
        process.kill()


@pytest.mark.parametrize(
    "server", [(True, False), (True, True), (False, False), (False, True)], indirect=True
)
def test_a_server_is_ended_with_what_it_started(server: BackgroundServer, tmp_path: Path) -> None:
    """Also a child that hears no TERM, and one whose parent has gone before."""
    until((tmp_path / "up").exists)
    family = server.family()
    assert family
    assert server.stop()
    assert not any(process.is_running() and process.status() != "zombie" for process in family)
    assert server.family() == []
    assert not server.stop(), "there is nothing left to end"


@pytest.mark.parametrize("server", [(True, False)], indirect=True)
def test_a_clock_that_was_set_hides_no_server(server: BackgroundServer, tmp_path: Path) -> None:
    path = tmp_path / "family.pid"
    pid, started = path.read_text().split()
    path.write_text(f"{pid} {float(started) + 1}")
    assert server.process() is not None
    path.write_text(f"{pid} {float(started) - 3600}")
    assert server.process() is None, "another process has the number by now"
    assert server.family() == []
    path.write_text(f"{pid} {started}")


HOLDER = """
import sys, time
from pathlib import Path
from demo.servers import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:  # noqa: S603
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_one_is_refused_with_the_number_of_the_first(
    holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    with pytest.raises(DemoError, match=rf"process {holder.pid}.*make down"), alone(tmp_path / "lock"):
        pass


def test_one_that_is_at_work_can_be_ended(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    assert end_other(tmp_path / "lock")
    assert holder.wait(SECONDS) == -signal.SIGTERM
    assert not end_other(tmp_path / "lock")
    with alone(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_without_one_at_work_there_is_nothing_to_end(tmp_path: Path) -> None:
    assert not end_other(tmp_path / "lock")
    assert not (tmp_path / "lock").exists()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose demo keeps its state to itself."""
    folder = tmp_path / "checkout"
    (folder / "demo").mkdir(parents=True)
    for path in (REPOSITORY / "demo").glob("*.py"):
        (folder / "demo" / path.name).write_bytes(path.read_bytes())
    for name in ("dags", "plugins", "frontend", "include", "infrastructure", "local_aws", "samples"):
        (folder / name).symlink_to(REPOSITORY / name)
    return folder


def running_in(folder: Path) -> list[str]:
    """What works in a folder: servers of a demo do in its checkout."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def demo(checkout: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-m", "demo", *arguments],
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_ctrl_c_ends_all_that_was_started(checkout: Path) -> None:
    # Below the ports that the system gives to anyone who asks for any, so that none is taken meanwhile.
    first = 12_000 + os.getpid() % 18_000
    ports = [
        word
        for at, program in enumerate(PROGRAMS)
        for word in (program.option, str(free_port(program, first + at)))
    ]
    with demo(checkout, "up", *ports) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Airflow is starting" in line:
                assert len(running_in(checkout)) > 2
                process.send_signal(signal.SIGINT)
        code = process.wait(SECONDS)
    text = "".join(lines)
    assert code == 130, text
    assert "Stopped" in lines[-1]
    assert "Traceback" not in text
    assert running_in(checkout) == []


def test_down_with_nothing_up_says_so(checkout: Path) -> None:
    with demo(checkout, "down") as process:
        assert process.communicate(timeout=SECONDS)[0] == "Nothing was running.\n"
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_an_installation_at_once(tmp_path: Path, number: int) -> None:
    python = tmp_path / "python"
    # What a package's build might do on the way: start something, and hear nothing of Ctrl-C.
    python.write_text(
        textwrap.dedent(f"""\
        #!{sys.executable}
        import subprocess, time, pathlib
        subprocess.Popen(["sleep", "600"])
        pathlib.Path("begun").touch()
        time.sleep(600)
        """)
    )
    python.chmod(0o755)
    command = [str(REPOSITORY / "deployment" / "install"), str(python), "venv"]
    with subprocess.Popen(  # noqa: S603 - ours
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        until((tmp_path / "begun").exists)
        process.send_signal(number)
        text, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 128 + number, text
    assert text.splitlines()[1:] == ["Stopped. The installation begins again the next time."]
    until(lambda: not running_in(tmp_path))


def test_a_half_made_environment_is_made_again(tmp_path: Path) -> None:
    """Stopped before there was a pip in it, it would refuse the next installation."""
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").symlink_to(sys.executable)
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@"\nexit 7\n')
    python.chmod(0o755)
    command = [str(REPOSITORY / "deployment" / "install"), str(python), "venv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stdout.splitlines()[1:]) == (7, ["-m venv --clear venv"])
