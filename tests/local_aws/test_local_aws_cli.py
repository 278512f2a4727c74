"""The command line: the server in the background, and the query command."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from local_aws import client_environment
from local_aws.cli import app
from local_aws.ports import PortTakenError
from local_aws.server import LocalAws
from tests.support.commands import command
from tests.support.warehouse import DATABASE, OUTPUT, Warehouse


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    command(app, "stop", "--state-dir", tmp_path / "state")


def test_the_server_starts_answers_and_ends(state: Path) -> None:
    port = str(free_port())
    endpoint = f"http://127.0.0.1:{port}"

    def local_aws(*arguments: str) -> tuple[int, str]:
        done = command(app, *arguments, "--state-dir", state)
        return done.exit_code, done.output

    assert local_aws("status") == (1, "The local AWS is not running.\n")
    assert local_aws("stop") == (0, "The local AWS was not running.\n")
    code, text = local_aws("start", "--port", port)
    assert code == 0, text
    for name, value in client_environment(endpoint).items():
        assert f"export {name}={value}" in text
    pid = int((state / "local-aws.pid").read_text().split()[0])
    assert local_aws("start", "--port", port)[0] == 0  # again is fine
    assert "already runs on" in local_aws("start", "--port", str(free_port()))[1]
    assert local_aws("status") == (0, f"The local AWS answers at {endpoint}\n")
    asked = subprocess.run(  # noqa: S603 - our own interpreter and arguments
        [sys.executable, "-m", "local_aws", "query", "SHOW DATABASES", "--endpoint", endpoint],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert (asked.returncode, "No output location provided" in asked.stderr) == (1, True)
    refused = command(app, "start", "--port", port, "--state-dir", state.parent / "other")
    assert refused.exit_code == 1
    assert f"port {port} is in use" in refused.stderr
    assert local_aws("stop") == (0, "Stopped.\n")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (state / "work").exists()
    assert local_aws("status")[0] == 1


def test_a_stale_pid_file_is_no_server(state: Path) -> None:
    state.mkdir()
    (state / "local-aws.pid").write_text(f"{os.getppid()} 1.0")  # a number some other process has now
    assert command(app, "status", "--state-dir", state).exit_code == 1
    assert command(app, "stop", "--state-dir", state).exit_code == 0
    os.kill(os.getppid(), 0)  # it is still there


def test_a_taken_port_is_refused_in_process() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortTakenError, match="choose another with --port"):
            LocalAws(port=taken.getsockname()[1]).start()


def test_an_address_is_known_only_while_it_runs() -> None:
    server = LocalAws(port=0)
    with pytest.raises(RuntimeError, match="not running"):
        assert server.endpoint_url
    server.stop()


def ask(warehouse: Warehouse, *arguments: object, stdin: str | None = None) -> Result:
    return command(
        app, "query", "--endpoint", warehouse.endpoint, "--output", OUTPUT, *arguments, stdin=stdin
    )


def test_query_prints_an_aligned_table(warehouse: Warehouse) -> None:
    sql = "SELECT * FROM (VALUES ('APE', 5), ('FEB', 1200), (NULL, 0)) AS t(supplier, listings)"
    done = ask(warehouse, sql)
    lines = done.stdout.splitlines()
    assert lines[:5] == [
        "supplier  listings",
        "--------  --------",
        "APE              5",
        "FEB           1200",
        "                 0",
    ]
    assert lines[5].startswith("3 rows, ")
    assert lines[5].endswith(" s, 0 bytes scanned")
    assert done.exit_code == 0


def test_query_prints_csv_to_be_piped(warehouse: Warehouse) -> None:
    sql = "SELECT x FROM UNNEST(ARRAY[1, 2, 3]) AS t(x)"
    done = ask(warehouse, "--format", "csv", "--max-rows", 2, sql)
    assert (done.exit_code, done.stdout) == (0, "x\n1\n2\n")
    assert done.stderr.startswith("the first 2 rows, ")


def test_query_reads_a_file_and_standard_input(warehouse: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "statement.sql"
    path.write_text("SELECT 41 + 1 AS answer;\n")
    for done in (ask(warehouse, path), ask(warehouse, stdin=path.read_text())):
        assert (done.exit_code, "42" in done.stdout) == (0, True)


def test_query_says_why_it_failed(warehouse: Warehouse) -> None:
    refused = ask(warehouse, "SELECT * FROM nowhere")
    reason = f"FAILED: TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{DATABASE}.nowhere' does not exist\n"
    assert (refused.exit_code, refused.stderr) == (1, reason)
    unanswered = command(app, "query", "--endpoint", f"http://127.0.0.1:{free_port()}", "SELECT 1")
    assert unanswered.exit_code == 1
    assert "Could not connect" in unanswered.stderr


def test_statements_without_rows_and_without_header(warehouse: Warehouse) -> None:
    name = warehouse.new_table("a int")
    assert ask(warehouse, f"DESCRIBE {name}").stdout.splitlines()[2].split() == ["a", "int"]
    assert ask(warehouse, f"DROP TABLE {name}").stdout.startswith("0 rows, ")
