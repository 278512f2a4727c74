"""The one WSGI application: query executions are answered here, everything else by moto."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from typing import Any

from local_aws.athena.errors import InvalidRequestError
from local_aws.athena.service import ACTIONS, AthenaService
from local_aws.environment import REGION
from local_aws.faults import FAILS_QUERY, Application

logger = logging.getLogger(__name__)

_TARGET = re.compile(r"AmazonAthena\.(\w+)")
_CREDENTIAL_REGION = re.compile(r"Credential=[^/]+/\d+/([^/]+)/")


class AthenaMiddleware:
    """Takes Athena's query-execution calls out of the stream to another application.

    Args:
        application: answers everything else.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self.service: AthenaService | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request, as WSGI has it."""
        target = _TARGET.fullmatch(environ.get("HTTP_X_AMZ_TARGET", ""))
        if self.service is None or target is None or target[1] not in ACTIONS:
            return self._application(environ, start_response)
        status, body = self._answer(target[1], environ)
        start_response(
            status, [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))]
        )
        return [body]

    def _answer(self, action: str, environ: dict[str, Any]) -> tuple[str, bytes]:
        assert self.service is not None  # noqa: S101 - checked by the caller
        region = _CREDENTIAL_REGION.search(environ.get("HTTP_AUTHORIZATION", ""))
        try:
            request = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}")
            answer = self.service.call(
                action, request, region[1] if region else REGION, environ.get(FAILS_QUERY)
            )
        except InvalidRequestError as error:
            return "400 Bad Request", _error("InvalidRequestException", str(error))
        except Exception as error:
            logger.exception("%s broke the local Athena", action)
            return "500 Internal Server Error", _error("InternalServerException", repr(error))
        return "200 OK", json.dumps(answer).encode()


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"__type": kind, "Message": message}).encode()
