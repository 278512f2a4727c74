"""Airflow's REST API: starts runs and tells how far they are, on a laptop or on Amazon MWAA."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from typing import Any, Protocol
from urllib.parse import quote

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from frontend.core.aws import mwaa_client
from frontend.core.settings import LONDON, Settings, settings

TIMEOUT_SECONDS = 10.0
ACTIVE = ("queued", "running")
PAGE_OF_TASKS = 100
"""Airflow gives no more task instances at once, whatever it is asked for."""


class AirflowError(Exception):
    """Airflow did not do what it was asked; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a DAG.

    Attributes:
        run_date: the day it is for.
        tasks: states of its task instances by task id and map index (-1 if the task is not mapped); only of
            runs that were asked for with their tasks.
    """

    dag_id: str
    run_id: str
    state: str
    run_date: date
    started: datetime | None
    ended: datetime | None
    conf: dict[str, Any]
    link: str
    tasks: dict[tuple[str, int], str | None] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in ACTIVE


class Api(Protocol):
    """A way to reach the REST API; paths are those below `/api/v2`."""

    def request(self, method: str, path: str, params: dict[str, Any] | None, body: Any) -> dict[str, Any]:
        """Send a request and give the answer's JSON; raises AirflowError."""

    def address(self) -> str:
        """Where people find Airflow's pages, without a slash at the end."""


class Airflow:
    """Airflow, as far as staff need it."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def trigger(self, dag_id: str, conf: dict[str, Any], by: str) -> Run:
        """Start a run.

        Args:
            dag_id: of the DAG.
            conf: its parameters.
            by: who starts it; the run's note names them.

        Raises:
            AirflowError: Airflow refused, does not answer, or the DAG is paused, so that it would never run.
        """
        if self._api.request("GET", f"/dags/{dag_id}", None, None).get("is_paused"):
            raise AirflowError(
                f"{dag_id} is paused in Airflow, so a run would wait for ever: switch it on at "
                f"{self._api.address()}/dags/{dag_id} and start the run again"
            )
        body = {"logical_date": None, "conf": conf, "note": f"Started from the stock page by {by}"}
        return self._run(self._api.request("POST", f"/dags/{dag_id}/dagRuns", None, body))

    def recent_runs(self, dag_id: str, limit: int = 10) -> list[Run]:
        """The newest runs, newest first, without their tasks."""
        params = {"order_by": "-run_after", "limit": limit}
        found = self._api.request("GET", f"/dags/{dag_id}/dagRuns", params, None)
        return [self._run(entry) for entry in found["dag_runs"]]

    def with_tasks(self, run: Run) -> Run:
        """The same run with the states of its tasks.

        The run is named by a parameter: MWAA takes no path long enough for a run's id. As a parameter it may
        also be a prefix of other runs' ids, so the answer is sifted.
        """
        path = f"/dags/{run.dag_id}/dagRuns/~/taskInstances"
        # A plus sign in a query means a blank to whatever does not encode it, and what is before it is
        # prefix enough.
        params = {"run_id_prefix_pattern": run.run_id.partition("+")[0], "limit": PAGE_OF_TASKS}
        tasks: dict[tuple[str, int], str | None] = {}
        read, total = 0, 1
        while read < total:
            answer = self._api.request("GET", path, params | {"offset": read}, None)
            page, total = answer["task_instances"], answer["total_entries"]
            if not page:
                break
            read += len(page)
            tasks |= {
                (entry["task_id"], entry["map_index"]): entry["state"]
                for entry in page
                if entry["dag_run_id"] == run.run_id
            }
        return replace(run, tasks=tasks)

    def _run(self, entry: dict[str, Any]) -> Run:
        conf = entry.get("conf") or {}
        moment = _moment(entry.get("logical_date")) or _moment(entry.get("run_after"))
        dag_id, run_id = entry["dag_id"], entry["dag_run_id"]
        return Run(
            dag_id=dag_id,
            run_id=run_id,
            state=entry["state"],
            run_date=_day(conf.get("run_date")) or (moment or datetime.now(LONDON)).astimezone(LONDON).date(),
            started=_moment(entry.get("start_date")),
            ended=_moment(entry.get("end_date")),
            conf=conf,
            link=f"{self._api.address()}/dags/{dag_id}/runs/{quote(run_id, safe=':+')}",
        )


class LocalApi:
    """The API server of our own Airflow, with a token it gives for a user and password.

    One that lets everybody in (the demo's) gives a token to anyone who asks.

    Args:
        url: where it answers.
        username: of the user.
        password: theirs.
        page: where people find its pages, if that is elsewhere.
        transport: for tests.
    """

    def __init__(
        self,
        url: str,
        username: str | None = None,
        password: str | None = None,
        page: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._page = (page or url).rstrip("/")
        self._credentials = {"username": username, "password": password} if username else None
        self._client = httpx.Client(timeout=TIMEOUT_SECONDS, transport=transport)
        self._token: str | None = None

    def address(self) -> str:
        """Where people find Airflow's pages."""
        return self._page

    def request(self, method: str, path: str, params: dict[str, Any] | None, body: Any) -> dict[str, Any]:
        """Send a request, with a new token if the old one has expired."""
        try:
            answer = self._send(method, path, params, body)
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                self._token = None
                answer = self._send(method, path, params, body)
        except httpx.HTTPError as error:
            raise AirflowError(
                f"Airflow at {self._url} does not answer ({type(error).__name__}): is it running?"
            ) from error
        if answer.is_error:
            raise AirflowError(_refusal(answer.status_code, _json(answer)))
        return _json(answer)

    def _send(self, method: str, path: str, params: dict[str, Any] | None, body: Any) -> httpx.Response:
        if self._token is None:
            where = f"{self._url}/auth/token"
            given = (
                self._client.post(where, json=self._credentials)
                if self._credentials
                else self._client.get(where)
            )
            if given.is_error:
                raise AirflowError(
                    f"Airflow at {self._url} gives no token (HTTP {given.status_code}): check "
                    "STOCK_AIRFLOW_USERNAME and STOCK_AIRFLOW_PASSWORD"
                )
            self._token = given.json()["access_token"]
        headers = {"Authorization": f"Bearer {self._token}"}
        return self._client.request(
            method, f"{self._url}/api/v2{path}", params=params, json=body, headers=headers
        )


class MwaaApi:
    """The REST API of an MWAA environment, called with the AWS credentials of this server."""

    def __init__(self, client: Any, environment: str) -> None:
        self._client = client
        self._environment = environment
        self._address: str | None = None

    def address(self) -> str:
        """Where people find the environment's pages."""
        if self._address is None:
            try:
                found = self._client.get_environment(Name=self._environment)["Environment"]
            except (BotoCoreError, ClientError) as error:
                raise AirflowError(f"MWAA does not tell where {self._environment} is: {error}") from error
            self._address = f"https://{found['WebserverUrl']}"
        return self._address

    def request(self, method: str, path: str, params: dict[str, Any] | None, body: Any) -> dict[str, Any]:
        """Send a request through AWS."""
        optional = {"QueryParameters": params, "Body": body}
        given = {name: value for name, value in optional.items() if value is not None}
        try:
            answer = self._client.invoke_rest_api(Name=self._environment, Path=path, Method=method, **given)
        except ClientError as error:
            said: dict[str, Any] = dict(error.response)
            if "RestApiStatusCode" in said:
                raise AirflowError(
                    _refusal(said["RestApiStatusCode"], said.get("RestApiResponse"))
                ) from error
            raise AirflowError(f"MWAA refused the request: {error}") from error
        except BotoCoreError as error:
            raise AirflowError(f"MWAA does not answer: {error}") from error
        return answer.get("RestApiResponse") or {}


def make_airflow(chosen: Settings) -> Airflow:
    """Airflow as the settings have it."""
    if chosen.mwaa_environment:
        return Airflow(MwaaApi(mwaa_client(), chosen.mwaa_environment))
    password = chosen.airflow_password.get_secret_value() if chosen.airflow_password else None
    url, page = chosen.airflow_url or "", chosen.airflow_page
    return Airflow(LocalApi(url, chosen.airflow_username, password, page))


@cache
def airflow() -> Airflow:
    """The Airflow of this server process."""
    return make_airflow(settings())


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {"detail": answer.text[:200]}
    return found if isinstance(found, dict) else {"detail": found}


def _refusal(status: int, answer: Any) -> str:
    detail = answer.get("detail", answer) if isinstance(answer, dict) else answer
    if isinstance(detail, list):
        detail = "; ".join(str(entry.get("msg", entry)) for entry in detail)
    return f"Airflow refused (HTTP {status}): {detail}"


def _day(given: Any) -> date | None:
    """The day a run was given, if it is one: anybody who may start runs can write anything there."""
    try:
        return date.fromisoformat(given)
    except (TypeError, ValueError):
        return None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
