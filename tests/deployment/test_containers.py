"""The files for containers: valid, pinned, closed to other machines, and of one mind with the rest."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from airflow.sdk import Connection

from demo.airflow_local import airflow_environment
from demo.front_end import front_end_environment
from local_aws.server import LocalAws
from local_aws.template import TEMPLATE_PATH, create_resources
from tests.conftest import REPOSITORY

COMPOSE = ("docker-compose.yaml", "docker-compose.override.yml")
DOCKERFILES = ("Dockerfile", "compose/airflow.Dockerfile")
OF_ASTRO = {"postgres", "db-migration", "scheduler", "dag-processor", "api-server", "triggerer"}
"""The services that `astro dev start` makes itself, all of them in its network `airflow`."""


def read(name: str) -> Any:
    return yaml.safe_load((REPOSITORY / name).read_text())


@pytest.fixture(scope="module")
def airflow() -> dict[str, Any]:
    return read(COMPOSE[0])


@pytest.fixture(scope="module")
def added() -> dict[str, Any]:
    return read(COMPOSE[1])


@pytest.fixture(scope="module")
def services(airflow: dict[str, Any], added: dict[str, Any]) -> dict[str, Any]:
    return airflow["services"] | added["services"]


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """What `.env` says."""
    lines = (REPOSITORY / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture(scope="module")
def outputs(local_aws: LocalAws) -> dict[str, str]:
    """What the template makes under its own names, as in the containers."""
    return create_resources(TEMPLATE_PATH, local_aws.endpoint_url)


@pytest.mark.parametrize("name", COMPOSE)
def test_compose_would_read_it(name: str) -> None:
    package = resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    jsonschema.validate(read(name), json.loads(package.read_text()))


@pytest.mark.parametrize("name", DOCKERFILES)
def test_the_dockerfiles_are_clean(name: str) -> None:
    command = [str(Path(sys.executable).parent / "hadolint"), "--no-color", name]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.stdout, done.returncode) == ("", 0)


def test_the_one_file_adds_to_the_other_and_to_astro_alike(
    airflow: dict[str, Any], added: dict[str, Any]
) -> None:
    # Compose merges services of the same name, and reads both files whether one wants it or not.
    assert set(airflow["services"]) == OF_ASTRO
    assert not OF_ASTRO & set(added["services"])
    assert set(airflow["networks"]) == set(added["networks"]) == {"airflow"}
    # Nothing waits for a service of the other file under a condition that Astro's services do not have.
    for name, service in added["services"].items():
        assert set(service.get("depends_on", {})) <= set(added["services"]), name
        assert "build" not in service, "Astro builds no image but its own"


def test_everything_a_service_refers_to_is_there(
    services: dict[str, Any], airflow: dict[str, Any], added: dict[str, Any]
) -> None:
    volumes = airflow["volumes"].keys() | added["volumes"].keys()
    for name, service in services.items():
        assert service["networks"] == ["airflow"], name
        assert set(service.get("depends_on", {})) <= set(services), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in volumes or (REPOSITORY / source).is_dir(), (name, volume)


def test_nobody_else_reaches_it(services: dict[str, Any]) -> None:
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(ports) == {"api-server", "local-aws", "front-end"}
    assert [port for of in ports.values() for port in of if not port.startswith("127.0.0.1:")] == []


def test_the_repository_is_mounted_for_reading_only(services: dict[str, Any]) -> None:
    for name, service in services.items():
        mounted = [volume for volume in service.get("volumes", []) if volume.startswith(".")]
        assert all(volume.endswith(":ro") for volume in mounted), name


def test_whatever_stays_up_says_whether_it_is_well(services: dict[str, Any]) -> None:
    for name, service in services.items():
        ends = name in {"db-migration", "demo"}
        assert ("healthcheck" in service) is not ends, name


def lock() -> dict[str, str]:
    pins = re.findall(
        r"^([\w.-]+)(?:\[[^\]]*\])?==(\S+)", (REPOSITORY / "requirements-dev.lock").read_text(), re.MULTILINE
    )
    return {name.lower(): version for name, version in pins}


def test_images_are_pinned_and_of_the_airflow_and_python_that_mwaa_has(services: dict[str, Any]) -> None:
    airflow = lock()["apache-airflow"]
    (of_compose,) = re.findall(r"^FROM (\S+)$", (REPOSITORY / DOCKERFILES[1]).read_text(), re.MULTILINE)
    assert of_compose == f"apache/airflow:{airflow}-python3.12"
    (of_astro,) = re.findall(r"^FROM (\S+)$", (REPOSITORY / DOCKERFILES[0]).read_text(), re.MULTILINE)
    assert re.fullmatch(r"astrocrpublic\.azurecr\.io/runtime:3\.3-\d+-python-3\.12", of_astro)
    images = {service["image"] for service in services.values()}
    for image in images:
        assert re.search(r":\d+\.\d+", image), image
    assert any(image.startswith("python:3.12.") for image in images)


@pytest.mark.parametrize(
    "name", ["requirements.txt", "local_aws/requirements.txt", "frontend/requirements.txt"]
)
def test_what_is_installed_elsewhere_is_what_is_tested(name: str) -> None:
    pins = re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==(\S+)", (REPOSITORY / name).read_text(), re.MULTILINE)
    assert pins
    assert {package.lower(): version for package, version in pins}.items() <= lock().items()


def test_requirements_are_those_of_mwaas_constraints() -> None:
    pins = re.findall(
        r"^([\w.-]+)(?:\[[^\]]*\])?==(\S+)", (REPOSITORY / "requirements.txt").read_text(), re.MULTILINE
    )
    constraints = dict(
        line.lower().split("==")
        for line in (REPOSITORY / "constraints.txt").read_text().splitlines()
        if "==" in line
    )
    others = {name: version for name, version in pins if constraints.get(name.lower(), version) != version}
    assert others == {}
    assert len(constraints) > 500


def test_airflow_is_told_the_same_as_by_the_demo(settings: dict[str, str], outputs: dict[str, str]) -> None:
    demo = airflow_environment(8080, "http://local-aws:5555", outputs, "http://127.0.0.1:8501")
    variables = {name: value for name, value in demo.items() if name.startswith("AIRFLOW_VAR_")}
    assert {name: value for name, value in settings.items() if name.startswith("AIRFLOW_VAR_")} == variables
    connections = [
        Connection.from_uri(settings["AIRFLOW_CONN_AWS_DEFAULT"], "aws_default"),
        Connection.from_json(demo["AIRFLOW_CONN_AWS_DEFAULT"], "aws_default"),
    ]
    one, other = ((c.conn_type, c.login, c.password, c.extra_dejson) for c in connections)
    assert one == other


def test_the_page_is_told_the_same_as_by_the_demo(added: dict[str, Any], outputs: dict[str, str]) -> None:
    told = added["services"]["front-end"]["environment"]
    # A queue's address has the server's name in it, by which the containers know each other.
    queue = re.sub(r"//[^/]+/", "//local-aws:5555/", outputs["QueueUrl"])
    wanted = front_end_environment(
        "http://api-server:8080", "http://local-aws:5555", outputs | {"QueueUrl": queue}
    )
    assert wanted.items() <= told.items()
    assert set(told) - set(wanted) == {
        "PYTHONDONTWRITEBYTECODE",
        "STOCK_AIRFLOW_PAGE",
        "STOCK_PUBLISHED_AT",
    }
    # People's browsers do not know the containers' names.
    assert told["STOCK_AIRFLOW_PAGE"] == "http://127.0.0.1:8080"


def test_every_variable_of_the_dags_is_set(settings: dict[str, str]) -> None:
    used = {
        name
        for path in (REPOSITORY / "dags").glob("*.py")
        for name in re.findall(r"var\.value\.(?:get\(')?(\w+)", path.read_text())
    }
    assert {f"AIRFLOW_VAR_{name.upper()}" for name in used} <= set(settings)


def test_the_image_gets_what_it_needs_and_little_else() -> None:
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    ignored = {line for line in lines if not line.startswith("#")}
    tracked = subprocess.run(  # noqa: S603
        ["git", "-C", str(REPOSITORY), "ls-files"],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    folders = {path.split("/")[0] for path in tracked if "/" in path and not path.startswith(".")}
    assert folders - ignored == {"dags", "include", "plugins"}


@pytest.mark.parametrize(("service", "module"), [("demo", "demo"), ("local-aws", "local_aws serve")])
def test_the_commands_are_ones_that_exist(added: dict[str, Any], service: str, module: str) -> None:
    said = " ".join(added["services"][service]["command"])
    assert f"-m {module}" in said
    asked = [sys.executable, "-m", *module.split(), "--help"]
    help_text = subprocess.run(asked, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout  # noqa: S603
    options = re.findall(r"--[a-z][a-z-]*", said.partition(f"-m {module}")[2])
    assert options
    assert [option for option in options if option not in help_text] == []
