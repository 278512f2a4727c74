"""The command line: the server in the background, and the query command."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws import cli, client_environment
from local_aws.ports import PortTakenError
from local_aws.server import LocalAws
from tests.support.warehouse import DATABASE, OUTPUT, Warehouse


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    cli.main(["stop", "--state-dir", str(tmp_path / "state")])


def test_the_server_starts_answers_and_ends(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = str(free_port())
    endpoint = f"http://127.0.0.1:{port}"

    def local_aws(*arguments: str) -> tuple[int, str]:
        code = cli.main([*arguments, "--state-dir", str(state)])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

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
    assert cli.main(["start", "--port", port, "--state-dir", str(state.parent / "other")]) == 1
    assert f"port {port} is in use" in capsys.readouterr().err
    assert local_aws("stop") == (0, "Stopped.\n")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (state / "work").exists()
    assert local_aws("status")[0] == 1


def test_a_stale_pid_file_is_no_server(state: Path) -> None:
    state.mkdir()
    (state / "local-aws.pid").write_text(f"{os.getppid()} 1.0")  # a number some other process has now
    assert cli.main(["status", "--state-dir", str(state)]) == 1
    assert cli.main(["stop", "--state-dir", str(state)]) == 0
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


def ask(warehouse: Warehouse, *arguments: str) -> int:
    return cli.main(["query", "--endpoint", warehouse.endpoint, "--output", OUTPUT, *arguments])


def test_query_prints_an_aligned_table(warehouse: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT * FROM (VALUES ('APE', 5), ('FEB', 1200), (NULL, 0)) AS t(supplier, listings)"
    assert ask(warehouse, sql) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:5] == [
        "supplier  listings",
        "--------  --------",
        "APE              5",
        "FEB           1200",
        "                 0",
    ]
    assert lines[5].startswith("3 rows, ")
    assert lines[5].endswith(" s, 0 bytes scanned")


def test_query_prints_csv_to_be_piped(warehouse: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        ask(warehouse, "--format", "csv", "--max-rows", "2", "SELECT x FROM UNNEST(ARRAY[1, 2, 3]) AS t(x)")
        == 0
    )
    captured = capsys.readouterr()
    assert captured.out == "x\n1\n2\n"
    assert captured.err.startswith("the first 2 rows, ")


def test_query_reads_a_file_and_standard_input(
    warehouse: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "statement.sql"
    path.write_text("SELECT 41 + 1 AS answer;\n")
    assert ask(warehouse, str(path)) == 0
    with path.open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert ask(warehouse) == 0
    assert capsys.readouterr().out.count("42") == 2


def test_query_says_why_it_failed(warehouse: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(warehouse, "SELECT * FROM nowhere") == 1
    reason = f"FAILED: TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{DATABASE}.nowhere' does not exist\n"
    assert capsys.readouterr().err == reason
    assert cli.main(["query", "--endpoint", f"http://127.0.0.1:{free_port()}", "SELECT 1"]) == 1
    assert "Could not connect" in capsys.readouterr().err


def test_statements_without_rows_and_without_header(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    name = warehouse.new_table("a int")
    assert ask(warehouse, f"DESCRIBE {name}") == 0
    assert capsys.readouterr().out.splitlines()[2].split() == ["a", "int"]
    assert ask(warehouse, f"DROP TABLE {name}") == 0
    assert capsys.readouterr().out.startswith("0 rows, ")
