"""The local AWS as an object: moto's server with a working Athena in front, on 127.0.0.1."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import shutil
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from local_aws.athena.service import AthenaService
from local_aws.conditional import ConditionalWrites
from local_aws.environment import DEFAULT_MEMORY, DEFAULT_PORT, endpoint_url
from local_aws.faults import Application, FaultMiddleware
from local_aws.limits import LimitMiddleware
from local_aws.middleware import AthenaMiddleware
from local_aws.ports import HOST, require_free

logger = logging.getLogger(__name__)

# Objects above this go to temporary files: millions of listings must not sit in memory.
_SPOOL_BYTES = 256 * 1024
_WANTED_FILES = (1 << 20, 1 << 16, 10240)  # macOS refuses more than it can give, Linux gives its hard limit


class _QuietHandler(MotoRequestHandler):
    """A log line for what went wrong only: there are thousands of requests a run."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        if str(code).startswith("5"):
            super().log_request(code, size)


class LocalAws:
    """S3, Glue, SNS, SQS and Athena in this process, as a context manager or with `start` and `stop`.

    moto keeps its state per process, so one at a time; `stop` forgets everything.

    Args:
        port: where to listen; 0 takes a free one.
        directory: for objects, query folders and results; a temporary one if None. Its contents go at `stop`.
        memory: DuckDB's memory limit.
        host: on which address; others than this machine may reach it there, and it asks no one who they are.

    Attributes:
        faults: calls that are to fail, while it runs.
    """

    faults: FaultMiddleware

    def __init__(
        self,
        port: int = DEFAULT_PORT,
        directory: Path | None = None,
        memory: str = DEFAULT_MEMORY,
        host: str = HOST,
    ) -> None:
        self._port = port
        self._host = host
        self._given_directory = directory
        self._memory = memory
        self._stack = contextlib.ExitStack()
        self._endpoint = ""

    @property
    def endpoint_url(self) -> str:
        """The server's address while it runs.

        Raises:
            RuntimeError: if it does not run.
        """
        if not self._endpoint:
            raise RuntimeError("the local AWS is not running: call start() first")
        return self._endpoint

    def start(self) -> LocalAws:
        """Listen and answer in background threads.

        Raises:
            PortTakenError: if the port is in use.
        """
        with contextlib.ExitStack() as stack:
            raise_open_files()
            directory = stack.enter_context(_work_directory(self._given_directory))
            stack.enter_context(_spooling())
            application = AthenaMiddleware(ConditionalWrites(DomainDispatcherApplication(create_backend_app)))
            self.faults = FaultMiddleware(LimitMiddleware(application))
            server = _listen(self._host, self._port, self.faults)
            endpoint = endpoint_url(server.server_port)
            stack.callback(server.server_close)
            thread = threading.Thread(target=server.serve_forever, name="local-aws", daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            stack.callback(self.faults.clear)
            stack.callback(_forget, endpoint)
            service = AthenaService(endpoint, directory, self._memory)
            stack.callback(service.close)
            application.service = service
            self._endpoint = endpoint
            self._stack = stack.pop_all()
        return self

    def stop(self) -> None:
        """Stop queries and the server, and remove what it kept; fine if it does not run."""
        self._endpoint = ""
        self._stack.close()

    def __enter__(self) -> LocalAws:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def raise_open_files() -> None:
    """Raise the process's limit of open files as far as allowed: moto holds one for every spooled object."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in _WANTED_FILES:
        limit = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        if soft != resource.RLIM_INFINITY and limit > soft:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
                return


def _listen(host: str, port: int, application: Application) -> BaseWSGIServer:
    require_free(port)  # werkzeug would print and exit
    return make_server(host, port, application, threaded=True, request_handler=_QuietHandler)


@contextlib.contextmanager
def _work_directory(given: Path | None) -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="local-aws-")) if given is None else given.resolve()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def _spooling() -> Iterator[None]:
    """Make moto keep larger objects in unnamed temporary files, and undo it afterwards."""
    name = "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE"
    previous = os.environ.get(name)
    os.environ[name] = str(_SPOOL_BYTES)
    try:
        yield
    finally:
        if previous is None:
            del os.environ[name]
        else:
            os.environ[name] = previous


def _forget(endpoint: str) -> None:
    """Empty moto through its own reset call, so that the next server in this process begins with nothing."""
    request = urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=60):  # noqa: S310
        pass
