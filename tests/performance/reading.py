"""What it takes to read a file in the way a task does: the most memory of its processes, and the seconds.

    PYTHONPATH=.:dags:plugins python -m tests.performance.reading [--airflow] FILE...

prints a line for each supplier's workbook: the verdict, the most memory that the task's process and those it
starts hold together (MB of proportional set size, in which shared pages count once), the seconds by the
clock, those of processor time (of all that the processes do, importing too), and what is said of the file.
Each code of a readable list has a label. With `--airflow` it is the task's own function, with Airflow
imported; without, what that function calls. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import boto3

from local_aws.environment import client_arguments, client_environment
from local_aws.server import LocalAws
from stock_pipeline.errors import RejectedFile
from stock_pipeline.feeds.feed_reader import FeedReader
from stock_pipeline.lake.locations import stock_feed_prefix
from stock_pipeline.suppliers import Supplier, load_suppliers
from tests.support.lake import Lake

REPOSITORY = Path(__file__).resolve().parents[2]
DAY = date(2024, 8, 8)
INTERVAL = 0.02
DOMAIN = """
import json, sys, time
import boto3
from datetime import date
from local_aws.environment import client_arguments
from stock_pipeline.feeds.processing import process_feed
from stock_pipeline.lake.lake import Lake
from stock_pipeline.suppliers import load_suppliers
endpoint, lake, supplier, day = sys.argv[1:]
s3, glue = (boto3.client(name, **client_arguments(endpoint)) for name in ("s3", "glue"))
suppliers = load_suppliers()
began = time.perf_counter()
report = process_feed(Lake(s3, glue, lake, lake), suppliers=suppliers,
                      supplier=suppliers.supplier(supplier), run_date=date.fromisoformat(day),
                      accept_first=True)
seconds = time.perf_counter() - began
print(json.dumps({"verdict": report.verdict, "reason": report.reason, "seconds": seconds}))
"""
TASK = """
import json, sys, time
from types import SimpleNamespace
from stock_airflow.tasks import daily_stock
endpoint, lake, supplier, day = sys.argv[1:]
params = {"accept_first": True, "release": [], "release_reason": "", "release_files": {}, "released_by": ""}
ti = SimpleNamespace(xcom_push=lambda **_: None)
began = time.perf_counter()
line = daily_stock.process_feed(supplier=supplier, run_date=day, bucket=lake, database=lake,
                                      params=params, dag_run=None, ti=ti)
seconds = time.perf_counter() - began
print(json.dumps({"verdict": line["verdict"], "reason": line["reason"], "seconds": seconds}))
"""


@dataclass(frozen=True)
class Read:
    """What came of a file: its verdict (or how the task ended without one), and what that took."""

    verdict: str
    reason: str
    megabytes: int
    seconds: float
    cpu_seconds: float


def read_as_a_task(lake: Lake, endpoint: str, path: Path, supplier: str, *, airflow: bool = False) -> Read:
    """Upload a supplier's workbook and process it in its own process."""
    lake.put(f"{stock_feed_prefix(DAY)}{supplier}_stock.xlsx", path.read_bytes())
    with tempfile.TemporaryDirectory(prefix="airflow_") as home:
        connection = {"conn_type": "aws", "login": "local-key", "password": "local-secret"}
        extra = {"endpoint_url": endpoint, "region_name": "eu-west-2"}
        environment = {
            **os.environ,
            **client_environment(endpoint),
            "PYTHONPATH": os.pathsep.join(str(REPOSITORY / part) for part in (".", "dags", "plugins")),
            "AIRFLOW_HOME": home,
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps({**connection, "extra": extra}),
        }
        began, used = time.perf_counter(), processor_time()
        task = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", TASK if airflow else DOMAIN, endpoint, lake.bucket, supplier, str(DAY)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        most = 0
        while task.poll() is None:
            most = max(most, sum(map(proportional_kilobytes, family(task.pid))))
            time.sleep(INTERVAL)
        out, error = task.communicate()
    used = processor_time() - used
    if task.returncode:
        last = (error.strip().splitlines() or ["nothing said"])[-1]
        return Read(f"exit code {task.returncode}", last, most >> 10, time.perf_counter() - began, used)
    said = json.loads(out.splitlines()[-1])
    return Read(said["verdict"], said["reason"], most >> 10, said["seconds"], used)


def codes(path: Path, supplier: Supplier) -> list[str]:
    """What a list names; one code of no meaning if it cannot be read."""
    with FeedReader() as reader:
        try:
            return reader.read_feed(path, supplier).rows["key"].unique().to_list()
        except RejectedFile:
            return ["PX0001"]


def processor_time() -> float:
    """Of all processes that were started from this one and have ended, in seconds."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def family(process: int) -> Iterator[int]:
    """A process and all that descend from it."""
    yield process
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from family(int(child))


def proportional_kilobytes(process: int) -> int:
    """A process's memory, each shared page divided by those who share it; 0 if the process is gone."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def main() -> None:
    """Read the files named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.performance.reading", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--airflow", action="store_true", help="with the task's own function")
    options = parser.parse_args()
    suppliers = load_suppliers()
    with LocalAws(port=0) as server, tempfile.TemporaryDirectory() as folder:
        clients = SimpleNamespace(
            **{name: boto3.client(name, **client_arguments(server.endpoint_url)) for name in ("s3", "glue")}
        )
        for number, path in enumerate(options.files):
            lake = Lake.named(f"reading-{number}", clients.s3, clients.glue, Path(folder)).create()
            supplier = suppliers.supplier_of_file(path.name) or suppliers.supplier("BGA")
            lake.put_product((f"L-{code}", code, supplier.code) for code in codes(path, supplier))
            read = read_as_a_task(lake, server.endpoint_url, path, supplier.code, airflow=options.airflow)
            sys.stdout.write(
                f"{path.name:50} {read.verdict:12} {read.megabytes:5} MB {read.seconds:6.1f} s "
                f"{read.cpu_seconds:6.1f} s CPU  {read.reason[:150]}\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
