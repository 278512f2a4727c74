"""Calls that fail on purpose: what a pipeline does when AWS fails can only be seen when it does.

A fault names a service, an action and an AWS error code; calls that match it are answered with that error
instead of reaching the service, in the form the service has for errors, so that clients cannot tell.
"""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import parse_qs

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

STATUS = {
    "InternalError": "500 Internal Server Error",
    "InternalServiceException": "500 Internal Server Error",
    "InternalServerException": "500 Internal Server Error",
    "SlowDown": "503 Slow Down",
    "ServiceUnavailable": "503 Service Unavailable",
    "ThrottlingException": "400 Bad Request",
    "TooManyRequestsException": "400 Bad Request",
    "Throttling": "400 Bad Request",
    "AccessDenied": "403 Forbidden",
    "AccessDeniedException": "400 Bad Request",
    "AuthorizationError": "403 Forbidden",
    "InvalidParameter": "400 Bad Request",
    "KeyTooLongError": "400 Bad Request",
    "MetadataTooLarge": "400 Bad Request",
}
"""The HTTP status of each error code that a fault may have."""

QUERY_FAILED = "QueryFailed"
"""Not an error of the call: Athena takes the statement, and the query ends FAILED."""

HANG = "Hang"
"""The call is not answered until the fault is removed, and then does nothing; for killing who waits."""

FAILS_QUERY = "local_aws.fails_query"
"""The key of a request's environment by which the local Athena is told to let the query fail."""

CONTROL_PATH = "/local-aws/faults"
OWN_USER_AGENT = "local-athena"
"""In the user agent of the local Athena's own calls, which never fail: they are how it is made, not AWS."""

_HANG_SECONDS = 300.0
_SCOPE = re.compile(r"Credential=[^/]+/[0-9]+/[^/]+/(\w+)/")
_POSTS = {
    "delete": "DeleteObjects",
    "uploads": "CreateMultipartUpload",
    "uploadId": "CompleteMultipartUpload",
}
_GETS = {"list-type": "ListObjectsV2", "versions": "ListObjectVersions"}
_OF_OBJECTS = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}


class FaultError(ValueError):
    """A fault that cannot be; the message says what there is."""


@dataclass(eq=False)
class Fault:
    """Calls of one action that fail.

    Attributes:
        service: as in a request's signature: `s3`, `glue`, `athena`, `sns`, `sqs`.
        action: as the API names it, such as `CopyObject`.
        error: one of `STATUS`, or `QUERY_FAILED` or `HANG`.
        after: how many calls still get through first.
        times: how many calls then fail; all if None.
        calls: how many there were.
        failed: how many of them failed.
        reached: set as soon as one has failed, or hangs.
    """

    service: str
    action: str
    error: str
    after: int = 0
    times: int | None = None
    calls: int = field(default=0, init=False)
    failed: int = field(default=0, init=False)
    reached: threading.Event = field(default_factory=threading.Event, init=False, repr=False)
    removed: threading.Event = field(default_factory=threading.Event, init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.service or not self.action:
            raise FaultError("name a service and an action")
        if self.error not in {*STATUS, QUERY_FAILED, HANG}:
            raise FaultError(
                f"no error {self.error}; there are {', '.join(sorted([*STATUS, QUERY_FAILED, HANG]))}"
            )
        if self.error == QUERY_FAILED and (self.service, self.action) != ("athena", "StartQueryExecution"):
            raise FaultError(f"{QUERY_FAILED} is for athena StartQueryExecution")

    def describe(self) -> dict[str, Any]:
        """The fault and what it did so far, as JSON has it."""
        return {
            name: getattr(self, name)
            for name in ("service", "action", "error", "after", "times", "calls", "failed")
        }


class FaultMiddleware:
    """Lets calls to another application fail.

    Args:
        application: answers the calls that do not.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(
        self, service: str, action: str, error: str, *, after: int = 0, times: int | None = None
    ) -> Fault:
        """Let calls fail from now on; returns the fault, which counts them.

        Raises:
            FaultError: there is no such error.
        """
        fault = Fault(service, action, error, after, times)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Let every call through again."""
        with self._lock:
            gone, self._faults = self._faults, []
        for fault in gone:
            fault.removed.set()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request, as WSGI has it."""
        if environ.get("PATH_INFO") == CONTROL_PATH:
            return self._control(environ, start_response)
        if not self._faults:
            return self._application(environ, start_response)
        service, action = called(environ)
        fault = self._next(service, action)
        if fault is None:
            return self._application(environ, start_response)
        if fault.error == QUERY_FAILED:
            environ[FAILS_QUERY] = f"{QUERY_FAILED}, by a fault of the local AWS"
            return self._application(environ, start_response)
        if fault.error == HANG:
            fault.removed.wait(_HANG_SECONDS)
        message = f"{fault.error}, by a fault of the local AWS"
        return refuse(environ, start_response, service, fault.error, message)

    def _next(self, service: str, action: str) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if (fault.service, fault.action) != (service, action):
                    continue
                fault.calls += 1
                if fault.calls > fault.after and (fault.times is None or fault.failed < fault.times):
                    fault.failed += 1
                    fault.reached.set()
                    return fault
        return None

    def _control(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer `python -m local_aws faults`: GET gives the faults, POST adds one, DELETE removes all."""
        status = "200 OK"
        try:
            if environ["REQUEST_METHOD"] == "POST":
                self.add(**json.loads(_body(environ)))
            elif environ["REQUEST_METHOD"] == "DELETE":
                self.clear()
            with self._lock:
                answer: Any = [fault.describe() for fault in self._faults]
        except (FaultError, TypeError, ValueError) as error:
            status, answer = "400 Bad Request", {"error": str(error)}
        return _respond(start_response, status, "application/json", json.dumps(answer).encode())


def called(environ: dict[str, Any]) -> tuple[str, str]:
    """The service and the action of a request; empty where it has none, or is the local Athena's own."""
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    if scope is None or OWN_USER_AGENT in environ.get("HTTP_USER_AGENT", ""):
        return "", ""
    service = scope[1]
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return service, target.rpartition(".")[2]
    if service == "s3":
        return service, _s3_action(environ)
    return service, parse_qs(read_body(environ).decode(errors="replace")).get("Action", [""])[0]


def _s3_action(environ: dict[str, Any]) -> str:
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    bucket, _, key = environ["PATH_INFO"].strip("/").partition("/")
    method, copies = environ["REQUEST_METHOD"], "HTTP_X_AMZ_COPY_SOURCE" in environ
    if method == "POST":
        return next((_POSTS[name] for name in _POSTS if name in query), "")
    if "partNumber" in query and method == "PUT":
        return "UploadPartCopy" if copies else "UploadPart"
    if copies:
        return "CopyObject"
    if key:
        return _OF_OBJECTS.get(method, "")
    if method == "GET":
        return next((_GETS[name] for name in _GETS if name in query), "") if bucket else "ListBuckets"
    return "HeadBucket" if method == "HEAD" else ""


def refuse(
    environ: dict[str, Any], start_response: Any, service: str, code: str, message: str
) -> Iterable[bytes]:
    """Answer a request with an error of AWS, in the form that the service has for errors."""
    _body(environ)  # a client that is not heard out sees a broken connection
    status = STATUS.get(code, STATUS["InternalError"])
    if service == "s3":
        kind = "application/xml"
        text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    elif "HTTP_X_AMZ_TARGET" in environ:
        kind = "application/x-amz-json-1.1"
        text = json.dumps({"__type": code, "Message": message, "message": message})
    else:
        kind = "text/xml"
        text = (
            f"<ErrorResponse><Error><Type>Receiver</Type><Code>{code}</Code><Message>{message}</Message>"
            "</Error><RequestId>fault</RequestId></ErrorResponse>"
        )
    body = b"" if environ["REQUEST_METHOD"] == "HEAD" else text.encode()
    return _respond(start_response, status, kind, body)


def _respond(start_response: Any, status: str, kind: str, body: bytes) -> Iterable[bytes]:
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]


def read_body(environ: dict[str, Any]) -> bytes:
    """The body of a request, which its handler can read again."""
    body = _body(environ)
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _body(environ: dict[str, Any]) -> bytes:
    length = environ.get("CONTENT_LENGTH")
    stream: IO[bytes] = environ["wsgi.input"]
    if length:
        return stream.read(int(length))
    return stream.read() if environ.get("wsgi.input_terminated") else b""
