"""The seller's morning: data is put in, tables are made, days are run, and what came of it is shown."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import httpx
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.status import Status

from demo import REPOSITORY, airflow_local, front_end
from demo.airflow_api import AirflowApi
from demo.airflow_local import DEADLINE, airflow_address, airflow_environment, airflow_server, healthy
from demo.front_end import front_end_address, front_end_environment, front_end_server
from demo.load import upload_feeds, upload_refresh_files
from demo.options import AIRFLOW, FRONT_END, LOCAL_AWS, DemoError, Feeds, Program, find_feeds
from demo.runs import Outcome, outcome
from demo.servers import AWS_STATE
from demo.show import missing_feeds, read_summary, show_attention, show_places, show_summary
from demo.signals import Signals
from local_aws.background import BackgroundServer, StartError
from local_aws.environment import client_arguments
from local_aws.environment import endpoint_url as aws_address
from local_aws.process import local_aws_server
from local_aws.template import TEMPLATE_PATH, create_resources
from samples.feeds import last_days, write_sample_feeds
from samples.refresh_files import write_refresh_files
from samples.tables import write_product_and_store
from stock_pipeline.lake.lake import Lake

DAG_ID = "daily_stock"
REFRESHES = ("monthly_product", "weekly_store")
PRUNING = "prune_old_data"
STORES = ("AMS", "CPO_FPS", "OR", "PG", "RTG_UMD", "SJR")
"""Of the seller's sixteen: each takes six tasks to refresh, and someone is watching."""
SAMPLE_DAYS = 2
PARSE_SECONDS = 90
START_SECONDS = 600
LONDON = ZoneInfo("Europe/London")


def show_at(ports: dict[Program, int], morning: Morning) -> bool:
    """Start everything on these ports and show the morning; whether nothing failed that should not have.

    Raises:
        DemoError: it did not come to its end; what was started may run yet.
    """
    airflow_at, aws_at = airflow_address(ports[AIRFLOW]), aws_address(ports[LOCAL_AWS])
    page = front_end_address(ports[FRONT_END])
    with _told():
        for folder in (morning.work, airflow_local.STATE, front_end.STATE):
            shutil.rmtree(folder, ignore_errors=True)
        aws = local_aws_server(ports[LOCAL_AWS], AWS_STATE)
        morning.launch(aws)
        aws.wait()
        outputs = create_resources(TEMPLATE_PATH, aws_at)
        morning.say(f"the local AWS is up with the resources of {_shown(TEMPLATE_PATH)}")
        airflow = airflow_server(
            ports[AIRFLOW],
            airflow_environment(ports[AIRFLOW], aws_at, outputs, page, deadline=morning.deadline),
        )
        morning.launch(airflow)
        morning.say("Airflow is starting; meanwhile the data is made")
        lake = morning.load(aws_at, outputs)
        airflow.wait()
        api = AirflowApi(airflow_at)
        morning.await_dags(api)
        morning.say(f"Airflow is up: {airflow_at}")
        staff = front_end_server(ports[FRONT_END], front_end_environment(airflow_at, aws_at, outputs))
        morning.launch(staff)
        staff.wait()
        morning.say(f"the page for staff is up: {page}")
        outcomes = morning.run(api, lake)
    newest = next(one for one in reversed(outcomes) if one.dag_id == DAG_ID)
    show_places(morning.console, ports, newest, lake.bucket)
    return not any(one.broken for one in outcomes)


def show_in(airflow: str, aws: str, morning: Morning) -> bool:
    """Show the morning in what runs already; whether nothing failed that should not have.

    Args:
        airflow: address of Airflow's API server.
        aws: address of the local AWS.
        morning: what to show.

    Raises:
        DemoError: it did not come to its end.
    """
    with _told():
        outputs = create_resources(TEMPLATE_PATH, aws)
        morning.say(f"the local AWS at {aws} has the resources of {_shown(TEMPLATE_PATH)}")
        lake = morning.load(aws, outputs)
        deadline = time.monotonic() + START_SECONDS
        while not healthy(airflow):
            if time.monotonic() > deadline:
                raise DemoError(f"Airflow at {airflow} is not healthy after {START_SECONDS} s")
            time.sleep(1)
        api = AirflowApi(airflow)
        morning.await_dags(api)
        outcomes = morning.run(api, lake)
    return not any(one.broken for one in outcomes)


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the servers can do to the demo into words."""
    try:
        yield
    except StartError as error:
        raise DemoError(str(error)) from error
    except httpx.HTTPError as error:
        raise DemoError(
            f"Airflow did not answer as it should ({error}). Was it ended? Its log is in "
            f"{_shown(airflow_local.STATE)}"
        ) from error
    except (BotoCoreError, ClientError) as error:
        raise DemoError(
            f"The local AWS did not answer as it should ({error}). Was it ended? Its log is in "
            f"{_shown(AWS_STATE)}"
        ) from error


class Morning:
    """What is shown, and where it is told.

    Args:
        console: where it is told.
        signals: may end it at any time.
        work: where it keeps its files.
        given: real feeds; samples are made if None.
    """

    def __init__(self, console: Console, signals: Signals, work: Path, given: Feeds | None) -> None:
        self.console = console
        self.work = work
        self._signals = signals
        self._given = given
        self._days: list[date] = []
        self._began = time.monotonic()
        self._last_progress = ""

    @property
    def deadline(self) -> str:
        """Until when runs wait for files: not at all if feeds of today were given, as all are there."""
        today = datetime.now(LONDON).date()
        return "00:00" if self._given and any(day >= today for day, _ in self._given.days) else DEADLINE

    def say(self, text: str) -> None:
        """Tell how far it is."""
        self._signals.check()
        self.console.print(f"[dim]{time.monotonic() - self._began:5.0f} s[/]  {text}")

    def launch(self, server: BackgroundServer) -> None:
        """Start a server; a signal waits until its number is noted, by which it can be ended."""
        with self._signals.held():
            server.launch()

    def load(self, aws: str, outputs: dict[str, str]) -> Lake:
        """Put tables and feeds into the bucket."""
        lake = Lake(
            s3=boto3.client("s3", **client_arguments(aws)),
            glue=boto3.client("glue", **client_arguments(aws)),
            bucket=outputs["BucketName"],
            database=outputs["DatabaseName"],
        )
        feeds = self._given or self._samples()
        for folder in feeds.empty:
            self.say(f"{_shown(folder)} has no .xlsx file and is left out")
        self._days = [day for day, _ in feeds.days]
        try:
            made = write_product_and_store(feeds.folder, self.work / "tables")
        except ValueError as error:
            raise DemoError(f"FEEDS={feeds.folder}: {error}") from error
        listings = write_refresh_files(self.work / "tables", self.work / "refresh", STORES)
        files = upload_refresh_files(lake, self._days[0], self.work / "refresh")
        self.say(
            f"{files} lists are uploaded: product with {made.product_rows:,} rows, {len(listings)} stores "
            f"with {sum(listings.values()):,} listings"
        )
        for day, folder in feeds.days:
            self.say(f"{upload_feeds(lake, day, folder)} files of {day} are uploaded")
        return lake

    def _samples(self) -> Feeds:
        folder = self.work / "feeds"
        yesterday = datetime.now(LONDON).date() - timedelta(days=1)
        # Past days, because a run of today would wait for the missing supplier until the deadline.
        write_sample_feeds(folder, list(last_days(SAMPLE_DAYS, yesterday)))
        self.say(f"sample workbooks of {SAMPLE_DAYS} days are written to {_shown(folder)}")
        return find_feeds(folder)

    def await_dags(self, api: AirflowApi) -> None:
        """Wait until Airflow has parsed the DAGs.

        Raises:
            DemoError: it cannot, or does not in time.
        """
        deadline = time.monotonic() + PARSE_SECONDS
        while missing := [dag_id for dag_id in (*REFRESHES, DAG_ID, PRUNING) if not api.knows(dag_id)]:
            if errors := api.import_errors():
                raise DemoError("The DAGs cannot be imported:\n" + "\n".join(errors))
            if time.monotonic() > deadline:
                raise DemoError(f"Airflow has not found {', '.join(missing)} after {PARSE_SECONDS} s")
            time.sleep(1)

    def run(self, api: AirflowApi, lake: Lake) -> list[Outcome]:
        """Refresh product and store, run the days, prune; returns what happened to each run, in order."""
        refreshes = {dag_id: self._trigger(api, dag_id, self._days[0]) for dag_id in REFRESHES}
        outcomes = [self._watch(api, dag_id, run_id, self._days[0]) for dag_id, run_id in refreshes.items()]
        for day in self._days:
            # On the first day there is nothing to compare the lists with.
            first = {"accept_first": True} if day == self._days[0] else {}
            ended = self._watch(api, DAG_ID, self._trigger(api, DAG_ID, day, **first), day)
            outcomes.append(replace(ended, attention=[*ended.attention, *self._show_day(lake, day)]))
        last = self._days[-1]
        outcomes.append(self._watch(api, PRUNING, self._trigger(api, PRUNING, last), last))
        show_attention(self.console, outcomes)
        return outcomes

    def _trigger(self, api: AirflowApi, dag_id: str, day: date, **parameters: Any) -> str:
        run_id = api.trigger(dag_id, day, **parameters)
        self.say(f"{dag_id} runs for {day}: {api.run_address(dag_id, run_id)}")
        return run_id

    def _watch(self, api: AirflowApi, dag_id: str, run_id: str, day: date) -> Outcome:
        """Wait for the end of a run."""
        with self.console.status("") as status:
            state = api.watch(dag_id, run_id, lambda line: self._progress(status, line))
        ended = outcome(api, dag_id, run_id, day, state)
        self.say(f"{dag_id} for {day} {ended.words}")
        return ended

    def _show_day(self, lake: Lake, day: date) -> list[str]:
        """Show what a run made of a day; returns what its own list of concerns does not have."""
        summary = read_summary(lake, day)
        if summary is None:
            return [f"the run left no summary of {day}"]
        show_summary(self.console, summary)
        if summary.upload_zip:
            copy = self.work / Path(summary.upload_zip).name
            lake.download(summary.upload_zip, copy)
            self.console.print(f"a copy of the zip: {_shown(copy)}")
        return missing_feeds(summary)

    def _progress(self, status: Status, line: str) -> None:
        self._signals.check()
        if self.console.is_terminal:
            status.update(line)
        elif line != self._last_progress:
            self.say(line)
        self._last_progress = line


def _shown(path: Path) -> Path:
    """A path as people know it: relative to the repository if it is in it."""
    return path.relative_to(REPOSITORY) if path.is_relative_to(REPOSITORY) else path
