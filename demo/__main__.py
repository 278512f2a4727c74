"""The demo: `python -m demo up` shows the seller's morning on this machine, `python -m demo down` ends it."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import boto3
from rich.console import Console
from rich.status import Status

from demo import REPOSITORY
from demo.airflow_api import AirflowApi
from demo.airflow_local import STATE, airflow_address, airflow_environment, airflow_server, healthy
from demo.front_end import front_end_address, front_end_environment, front_end_server
from demo.load import feed_days, upload_feeds, upload_refresh_files
from demo.refresh_files import write_refresh_files
from demo.sample_feeds import last_days, write_sample_feeds
from demo.sample_tables import write_product_and_store
from demo.show import read_summary, show_summary
from local_aws.background import BackgroundServer, StartError
from local_aws.environment import client_arguments
from local_aws.environment import endpoint_url as aws_address
from local_aws.process import local_aws_server
from local_aws.template import TEMPLATE_PATH, create_resources

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WORK = REPOSITORY / ".local" / "demo"
DAG_ID = "daily_stock"
REFRESHES = ("monthly_product", "weekly_store")
PRUNING = "prune_old_data"
STORES = ("AMS", "CPO_FPS", "OR", "PG", "RTG_UMD", "SJR")
"""Of the seller's sixteen: each takes six tasks to refresh, and somebody is watching."""
SAMPLE_DAYS = 2
PARSE_SECONDS = 90
START_SECONDS = 600


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__.split("\n")[0])
    parser.add_argument(
        "command",
        choices=["up", "into", "down"],
        help="start the demo, show it in an Airflow that runs already, or end what it left running",
    )
    parser.add_argument(
        "--feeds",
        type=Path,
        help="real workbooks, in a subfolder YYYY-MM-DD for each day; samples are made without it",
    )
    parser.add_argument("--airflow-port", type=int, default=8080, help="default %(default)s")
    parser.add_argument("--aws-port", type=int, default=5555, help="default %(default)s")
    parser.add_argument("--front-end-port", type=int, default=8501, help="default %(default)s")
    into = parser.add_argument_group("into", "what runs already, as in containers")
    into.add_argument("--airflow", metavar="ADDRESS", help="of Airflow's API server")
    into.add_argument("--aws", metavar="ADDRESS", help="of the local AWS")
    parser.add_argument("--work", type=Path, default=WORK, help="for the demo's files (default %(default)s)")
    options = parser.parse_args()
    # Wide enough for the tables even where the output is a file.
    console = Console(highlight=False, soft_wrap=True, width=max(110, shutil.get_terminal_size().columns))
    ports = (options.airflow_port, options.aws_port, options.front_end_port)
    demo = Demo(console, options.feeds, *ports, options.work)
    try:
        if options.command == "into":
            return demo.into(options.airflow, options.aws)
        demo.down()
        return demo.up() if options.command == "up" else 0
    except (StartError, DemoError) as error:
        demo.console.print(f"[red]{error}[/]")
        return 1


@dataclass
class Demo:
    """The demo with its settings.

    Attributes:
        console: where it tells what it does.
        given_feeds: folder of real workbooks, or None for samples.
        airflow_port: of Airflow's API server and UI.
        aws_port: of the local AWS.
        front_end_port: of the page for staff.
        work: where it keeps its files.
    """

    console: Console
    given_feeds: Path | None
    airflow_port: int
    aws_port: int
    front_end_port: int
    work: Path = WORK
    started: float = 0.0
    last_progress: str = ""

    def down(self) -> None:
        """End the page, Airflow and the local AWS, if they run."""
        servers: list[BackgroundServer] = [
            front_end_server(self.front_end_port, {}),
            airflow_server(self.airflow_port, {}),
            local_aws_server(self.aws_port),
        ]
        stopped = [server.name for server in servers if server.stop()]
        self.console.print(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")

    def up(self) -> int:
        """Start everything, load data, run the days, show what came of them; 0 if all days were published."""
        self.started = time.monotonic()
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.rmtree(STATE, ignore_errors=True)
        aws = local_aws_server(self.aws_port)
        aws.launch()
        aws.wait()
        outputs = create_resources(TEMPLATE_PATH, aws_address(self.aws_port))
        self._say(f"local AWS is up with the resources of {TEMPLATE_PATH.relative_to(REPOSITORY)}")

        environment = airflow_environment(
            self.airflow_port,
            aws_address(self.aws_port),
            outputs,
            front_end_address(self.front_end_port),
        )
        airflow = airflow_server(self.airflow_port, environment)
        airflow.launch()
        self._say("Airflow is starting; meanwhile the data is made")
        s3, days = self._load(aws_address(self.aws_port), outputs)
        airflow.wait()
        api = AirflowApi(airflow_address(self.airflow_port))
        self._await_dag(api)
        self._say(f"Airflow is up: {api.address}")
        front_end = front_end_server(
            self.front_end_port, front_end_environment(api.address, aws_address(self.aws_port), outputs)
        )
        front_end.launch()
        front_end.wait()
        self._say(f"the page for staff is up: {front_end_address(self.front_end_port)}")

        came_through = self._work(api, s3, outputs["BucketName"], days)
        self._farewell(api, outputs)
        return 0 if came_through else 1

    def into(self, airflow: str, aws: str) -> int:
        """Load data into what runs already, run the days, show what came of them; 0 if all were published."""
        self.started = time.monotonic()
        outputs = create_resources(TEMPLATE_PATH, aws)
        self._say(f"the local AWS at {aws} has the resources of {TEMPLATE_PATH.relative_to(REPOSITORY)}")
        s3, days = self._load(aws, outputs)
        deadline = time.monotonic() + START_SECONDS
        while not healthy(airflow):
            if time.monotonic() > deadline:
                raise DemoError(f"Airflow at {airflow} is not healthy after {START_SECONDS} s")
            time.sleep(1)
        api = AirflowApi(airflow)
        self._await_dag(api)
        return 0 if self._work(api, s3, outputs["BucketName"], days) else 1

    def _load(self, aws: str, outputs: dict[str, str]) -> tuple[S3Client, list[date]]:
        """Put tables and feeds into the bucket; returns S3's client and the days there are feeds of."""
        clients = client_arguments(aws)
        s3, bucket = boto3.client("s3", **clients), outputs["BucketName"]
        feeds = self.given_feeds
        if feeds is None:
            feeds = self.work / "feeds"
            yesterday = datetime.now(ZoneInfo("Europe/London")).date() - timedelta(days=1)
            # Past days, because a run of today would wait for the missing supplier until the deadline.
            write_sample_feeds(feeds, list(last_days(SAMPLE_DAYS, yesterday)))
            self._say(f"sample workbooks of {SAMPLE_DAYS} days are written to {_shown(feeds)}")
        days = list(feed_days(feeds)) if feeds.is_dir() else []
        if not days:
            raise DemoError(f"{feeds} has no subfolder named YYYY-MM-DD with workbooks in it")
        made = write_product_and_store(feeds, self.work / "tables")
        listings = write_refresh_files(self.work / "tables", self.work / "refresh", STORES)
        files = upload_refresh_files(s3, bucket, days[0][0], self.work / "refresh")
        self._say(
            f"{files} lists are uploaded: product with {made.product_rows:,} rows, {len(listings)} stores "
            f"with {sum(listings.values()):,} listings"
        )
        for day, folder in days:
            self._say(f"{upload_feeds(s3, bucket, day, folder)} workbooks of {day} are uploaded")
        return s3, [day for day, _ in days]

    def _await_dag(self, api: AirflowApi) -> None:
        deadline = time.monotonic() + PARSE_SECONDS
        while missing := [dag_id for dag_id in (*REFRESHES, DAG_ID, PRUNING) if not api.knows(dag_id)]:
            if errors := api.import_errors():
                raise DemoError("The DAGs cannot be imported:\n" + "\n".join(errors))
            if time.monotonic() > deadline:
                raise DemoError(f"Airflow has not found {', '.join(missing)} after {PARSE_SECONDS} s")
            time.sleep(1)

    def _work(self, api: AirflowApi, s3: S3Client, bucket: str, days: list[date]) -> bool:
        """Refresh product and store, run the days, prune; returns whether all came through."""
        refreshes = {dag_id: self._trigger(api, dag_id, days[0]) for dag_id in REFRESHES}
        refreshed = [self._watch(api, dag_id, run_id) == "success" for dag_id, run_id in refreshes.items()]
        published = [self._run(api, s3, bucket, day) for day in days]
        pruned = self._watch(api, PRUNING, self._trigger(api, PRUNING, days[-1])) == "success"
        return all([*refreshed, *published, pruned])

    def _trigger(self, api: AirflowApi, dag_id: str, day: date) -> str:
        run_id = api.trigger(dag_id, day)
        self._say(f"{dag_id} runs for {day}: {api.run_address(dag_id, run_id)}")
        return run_id

    def _watch(self, api: AirflowApi, dag_id: str, run_id: str) -> str:
        """Wait for the end of a run; returns its state."""
        with self.console.status("") as status:
            state = api.watch(dag_id, run_id, lambda line: self._progress(status, line))
        meaning = "" if state == "success" else " (somebody has to look at something)"
        self._say(f"{dag_id} ended: {state}{meaning}")
        return state

    def _run(self, api: AirflowApi, s3: S3Client, bucket: str, day: date) -> bool:
        run_id = self._trigger(api, DAG_ID, day)
        self._watch(api, DAG_ID, run_id)
        try:
            summary = read_summary(s3, bucket, day)
        except s3.exceptions.NoSuchKey as error:
            raise DemoError(f"The run left no summary: look at {api.run_address(DAG_ID, run_id)}") from error
        show_summary(self.console, summary)
        if summary.upload_zip:
            copy = self.work / Path(summary.upload_zip).name
            s3.download_file(bucket, summary.upload_zip, str(copy))
            self.console.print(f"a copy of the zip: {_shown(copy)}")
        return summary.published

    def _progress(self, status: Status, line: str) -> None:
        if self.console.is_terminal:
            status.update(line)
        elif line != self.last_progress:
            self._say(line)
        self.last_progress = line

    def _farewell(self, api: AirflowApi, outputs: dict[str, str]) -> None:
        self.console.print("\n[bold]To look at[/]")
        for name, place in {
            "the page": f"{front_end_address(self.front_end_port)}  (for operations staff)",
            "Airflow": f"{api.address}/dags/{DAG_ID}  (no password: only this machine reaches it)",
            "the tables": 'make sql Q="SELECT * FROM ebay LIMIT 10"',
            "the bucket": f"s3://{outputs['BucketName']} at {aws_address(self.aws_port)}",
        }.items():
            self.console.print(f"  {name:<14}{place}")
        self.console.print("Everything stays up until: make down")

    def _say(self, text: str) -> None:
        self.console.print(f"[dim]{time.monotonic() - self.started:5.0f} s[/]  {text}")


def _shown(path: Path) -> Path:
    """A path as people know it: within the repository where it lies there."""
    return path.relative_to(REPOSITORY) if path.is_relative_to(REPOSITORY) else path


if __name__ == "__main__":
    sys.exit(main())
