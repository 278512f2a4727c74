from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.model import OperationModel
from botocore.stub import Stubber

from frontend.core.airflow import Airflow, AirflowError, LocalApi, MwaaApi
from local_aws.environment import client_arguments

ADDRESS = "http://airflow.example:8080"
RUN = {
    "dag_id": "daily_stock",
    "dag_run_id": "manual__1",
    "state": "queued",
    "logical_date": None,
    "run_after": "2024-08-08T23:30:00Z",
    "start_date": None,
    "end_date": None,
    "conf": {"run_date": "2024-08-01"},
}
DAG = {"dag_id": "daily_stock", "is_paused": False}


class Server:
    """An API server that answers by method and path, and remembers what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {"GET /auth/token": {"access_token": "1"}, "GET /api/v2/dags/daily_stock": DAG}
        self.answers |= answers
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers[f"{request.method} {request.url.path}"]
        if callable(answer):
            answer = answer(request)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def airflow(self, **credentials: str) -> Airflow:
        return Airflow(LocalApi(ADDRESS + "/", transport=httpx.MockTransport(self), **credentials))


RUNS = "/api/v2/dags/daily_stock/dagRuns"
RUN_ID = "manual__2024-08-08T23:30:00.123456+00:00"
OUR_DAGS = sorted(
    re.search(r'\bdag_id="(\w+)"', path.read_text())[1]  # type: ignore[index]
    for path in (Path(__file__).parents[3] / "dags").glob("*.py")
    if "with DAG(" in path.read_text()
)


def test_a_run_is_started_with_its_parameters_and_with_who_started_it() -> None:
    server = Server(**{f"POST {RUNS}": RUN})
    run = server.airflow().trigger("daily_stock", {"run_date": "2024-08-01"}, "ann@seller.example")
    assert json.loads(server.asked[-1].content) == {
        "logical_date": None,
        "conf": {"run_date": "2024-08-01"},
        "note": "Started from the stock page by ann@seller.example",
    }
    assert run.active
    assert run.link == "http://airflow.example:8080/dags/daily_stock/runs/manual__1"


def test_links_are_where_people_find_airflow() -> None:
    server = Server(**{f"GET {RUNS}": {"dag_runs": [RUN]}})
    (run,) = server.airflow(page="https://airflow.seller.example/").recent_runs("daily_stock")
    assert run.link.startswith("https://airflow.seller.example/dags/")


def test_a_paused_dag_is_told_instead_of_queueing_a_run_for_ever() -> None:
    server = Server(**{"GET /api/v2/dags/daily_stock": DAG | {"is_paused": True}})
    with pytest.raises(AirflowError, match=r"is paused in Airflow.*switch it on"):
        server.airflow().trigger("daily_stock", {}, "ann")


@pytest.mark.parametrize(
    ("entry", "day"),
    [
        ({"conf": {"run_date": "2024-08-01"}}, date(2024, 8, 1)),
        ({"conf": {"run_date": None}}, date(2024, 8, 9)),
        ({"conf": None, "logical_date": "2024-08-08T04:00:00Z"}, date(2024, 8, 8)),
        ({"conf": {"run_date": "no day"}}, date(2024, 8, 9)),
        ({"conf": {"run_date": 20240801}}, date(2024, 8, 9)),
    ],
)
def test_a_run_is_for_its_parameters_day_or_for_the_london_day_it_was_started_on(
    entry: dict[str, Any], day: date
) -> None:
    server = Server(**{f"GET {RUNS}": {"dag_runs": [RUN | entry]}})
    assert [run.run_date for run in server.airflow().recent_runs("daily_stock")] == [day]


def task(name: str, index: int = -1, state: str | None = None, run_id: str = RUN_ID) -> dict[str, Any]:
    return {"task_id": name, "map_index": index, "state": state, "dag_run_id": run_id}


class TasksOfRuns:
    """Answers for task instances as Airflow does: those of runs whose id begins so, a page at a time."""

    def __init__(self, *entries: dict[str, Any]) -> None:
        self.entries = entries

    def __call__(self, params: dict[str, Any]) -> dict[str, Any]:
        found = [
            entry for entry in self.entries if entry["dag_run_id"].startswith(params["run_id_prefix_pattern"])
        ]
        first, limit = int(params["offset"]), min(int(params["limit"]), 100)
        return {"task_instances": found[first : first + limit], "total_entries": len(found)}


def test_the_states_of_a_runs_tasks_are_told_by_task_and_index() -> None:
    found = TasksOfRuns(
        task("plan_run", state="success"),
        *(task("feed.process_feed", index) for index in range(250)),
        task("plan_run", state="failed", run_id=RUN_ID + "0"),
    )
    server = Server(
        **{
            f"GET {RUNS}": {"dag_runs": [RUN | {"dag_run_id": RUN_ID}]},
            f"GET {RUNS}/~/taskInstances": lambda request: found(dict(request.url.params)),
        }
    )
    airflow = server.airflow()
    (run,) = airflow.recent_runs("daily_stock")
    tasks = airflow.with_tasks(run).tasks
    assert tasks[("plan_run", -1)] == "success"
    assert len(tasks) == 251


def test_an_expired_token_is_replaced_once() -> None:
    tokens = iter(["old", "new"])

    def token(_: httpx.Request) -> dict[str, str]:
        return {"access_token": next(tokens)}

    def run(request: httpx.Request) -> httpx.Response:
        fresh = request.headers["Authorization"] == "Bearer new"
        return (
            httpx.Response(200, json={"dag_runs": [RUN]})
            if fresh
            else httpx.Response(401, json={"detail": "expired"})
        )

    server = Server(**{"GET /auth/token": token, f"GET {RUNS}": run})
    assert [found.run_id for found in server.airflow().recent_runs("daily_stock")] == ["manual__1"]


def test_a_password_is_given_for_the_token_where_there_is_one() -> None:
    server = Server(**{"POST /auth/token": {"access_token": "1"}, f"GET {RUNS}": {"dag_runs": []}})
    server.airflow(username="stock", password="secret").recent_runs("daily_stock")
    assert json.loads(server.asked[0].content) == {"username": "stock", "password": "secret"}


def _unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_unreachable, "does not answer .*is it running"),
        (lambda _: httpx.Response(404, json={"detail": "no such run"}), r"HTTP 404\): no such run"),
        (lambda _: httpx.Response(422, json={"detail": [{"msg": "bad day"}]}), r"HTTP 422\): bad day"),
        (lambda _: httpx.Response(502, text="<html>"), r"HTTP 502\): <html>"),
    ],
)
def test_what_goes_wrong_is_told_in_words(
    answer: Callable[[httpx.Request], httpx.Response], words: str
) -> None:
    server = Server(**{f"GET {RUNS}": answer})
    with pytest.raises(AirflowError, match=words):
        server.airflow().recent_runs("daily_stock")


@pytest.fixture
def mwaa() -> Iterator[tuple[Any, Stubber]]:
    client = boto3.client("mwaa", **client_arguments("http://127.0.0.1:1"))
    client.meta.events.register("provide-client-params.mwaa", as_aws_would)
    with Stubber(client) as stub:
        yield client, stub


def as_aws_would(params: dict[str, Any], model: OperationModel, **_: Any) -> None:
    """Refuse what AWS would: botocore knows the limits of a request and leaves most of them to the server."""
    assert model.input_shape
    for name, value in params.items():
        said = model.input_shape.members[name]
        limits = said.metadata
        if said.type_name != "string":
            continue
        assert limits.get("min", 0) <= len(value) <= limits.get("max", math.inf), f"{name}: {value}"
        assert re.fullmatch(limits.get("pattern", ".*"), value), f"{name}: {value}"
        assert value in limits.get("enum", [value]), f"{name}: {value}"


@pytest.mark.parametrize(
    "params",
    [
        {"Path": "/dags/daily_stock/dagRuns/manual__2024-08-08T05:00:00.123456+00:00/taskInstances"},
        {"Path": ""},
        {"Method": "HEAD"},
        {"Name": "no such name"},
    ],
)
def test_the_stand_in_for_mwaa_refuses_what_aws_refuses(mwaa: Any, params: dict[str, str]) -> None:
    client, _ = mwaa
    with pytest.raises(AssertionError, match=next(iter(params))):
        client.invoke_rest_api(**{"Name": "production", "Path": "/dags", "Method": "GET"} | params)


@pytest.mark.parametrize("dag_id", OUR_DAGS)
def test_whatever_the_page_asks_of_mwaa_is_short_enough_for_it(mwaa: Any, dag_id: str) -> None:
    client, stub = mwaa
    run_id = "manual__2024-08-08T05:00:00.123456+00:00_" + "x" * 200
    run = RUN | {"dag_id": dag_id, "dag_run_id": run_id}
    found = {"task_instances": [task("plan_run", run_id=run_id)], "total_entries": 1}
    for answer in (DAG, run, {"dag_runs": [run]}, found):
        stub.add_response("invoke_rest_api", {"RestApiStatusCode": 200, "RestApiResponse": answer})
    api = MwaaApi(client, "production")
    api._address = "https://x.airflow.example"
    airflow = Airflow(api)
    started = airflow.trigger(dag_id, {}, "ann")
    assert [airflow.with_tasks(entry).tasks for entry in airflow.recent_runs(dag_id)]
    assert started.run_id == run_id
    stub.assert_no_pending_responses()


def test_on_mwaa_a_run_is_started_through_aws(mwaa: Any) -> None:
    client, stub = mwaa
    call = {"Name": "production", "Method": "GET", "Path": "/dags/daily_stock"}
    stub.add_response("invoke_rest_api", {"RestApiStatusCode": 200, "RestApiResponse": DAG}, call)
    body: dict[str, Any] = {"logical_date": None, "conf": {}, "note": "Started from the stock page by ann"}
    stub.add_response(
        "invoke_rest_api",
        {"RestApiStatusCode": 200, "RestApiResponse": RUN},
        {"Name": "production", "Method": "POST", "Path": "/dags/daily_stock/dagRuns", "Body": body},
    )
    stub.add_response("get_environment", {"Environment": {"WebserverUrl": "x.airflow.example"}})
    run = Airflow(MwaaApi(client, "production")).trigger("daily_stock", {}, "ann")
    assert run.link == "https://x.airflow.example/dags/daily_stock/runs/manual__1"


def test_a_refusal_of_airflow_on_mwaa_is_told_in_its_own_words(mwaa: Any) -> None:
    client, stub = mwaa
    stub.add_client_error(
        "invoke_rest_api",
        "RestApiClientException",
        response_meta=None,
        modeled_fields={"RestApiStatusCode": 404, "RestApiResponse": {"detail": "no such run"}},
    )
    with pytest.raises(AirflowError, match=r"HTTP 404\): no such run"):
        Airflow(MwaaApi(client, "production")).recent_runs("daily_stock")


def test_aws_refusing_the_page_is_told_too(mwaa: Any) -> None:
    client, stub = mwaa
    stub.add_client_error("invoke_rest_api", "AccessDeniedException", "not authorised")
    with pytest.raises(AirflowError, match=r"MWAA refused .*not authorised"):
        Airflow(MwaaApi(client, "production")).recent_runs("daily_stock")
