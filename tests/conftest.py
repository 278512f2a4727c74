"""What all tests share: Airflow's settings, a local AWS, and no way out of this machine.

Airflow reads its settings when it is first imported, so they are made here, before any test module is.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
import hypothesis
import pytest

from local_aws.environment import client_environment, forget_the_shell
from local_aws.server import LocalAws
from tests.support.runs.stack import Stack

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

REPOSITORY = Path(__file__).parents[1]
AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="airflow-tests-"))
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)

# Whatever shell and home it is run from.
forget_the_shell()
# An address at which nothing listens: anyone who forgets to name an endpoint fails, and quickly.
os.environ |= client_environment("http://127.0.0.1:1") | {
    "STOCK_SUPPLIERS_FILE": str(REPOSITORY / "tests" / "suppliers.yaml"),
    "AIRFLOW_HOME": str(AIRFLOW_HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{AIRFLOW_HOME / 'airflow.db'}",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(AIRFLOW_HOME / "logs"),
    "HOME": str(AIRFLOW_HOME),
}

# Each Airflow hook makes its own boto session, and each session reads AWS's service descriptions again,
# which is a third of all the time. One loader for all is what a session shares among its clients anyway.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)

# How long an example takes says only how busy the machine is.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")

AT_HOME = ("127.", "localhost", "::1")


@pytest.fixture(scope="session", autouse=True)
def _nothing_leaves_this_machine() -> Iterator[None]:
    """Refuse connections to anywhere else, no matter who opens them."""

    def guarded(connect: Any) -> Any:
        def checked(self: socket.socket, address: Any) -> Any:
            if self.family != socket.AF_UNIX and not str(address[0]).startswith(AT_HOME):
                raise PermissionError(f"a test tried to connect to {address}")
            return connect(self, address)

        return checked

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
        yield


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """The one local AWS of the session; what is in it belongs to modules."""
    tmp_path_factory.getbasetemp()  # first: the server puts the folder for temporary files into its own
    with LocalAws(port=0) as server:
        yield server


@pytest.fixture(scope="module")
def stack(local_aws: LocalAws, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The template's resources, empty and of the module's own, and Airflow's settings for them."""
    made = Stack.create(local_aws.endpoint_url, request.module.__name__.rpartition(".")[2])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in made.airflow_settings().items():
            patch.setenv(name, value)
        yield made


@pytest.fixture(scope="session")
def dag_bag() -> DagBag:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(REPOSITORY / "dags")


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's own tables, for real runs of a DAG."""
    from airflow.utils import db

    db.initdb()
