"""Conditional writes as S3 has them: of two at a time one wins.

moto looks whether the condition holds and writes afterwards, so two requests in two threads may both find it
holding. Here one conditional write of a key at a time gets through. A write without a condition is not held
up: what the pipeline writes under a condition it never writes without.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from local_aws.faults import Application

CONDITIONS = ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH")
WRITES = {"PUT", "POST", "DELETE"}


class ConditionalWrites:
    """Passes requests on to another application, conditional writes of a key one by one.

    Args:
        application: answers them.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._locks: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request, as WSGI has it."""
        conditional = any(name in environ for name in CONDITIONS)
        if not conditional or environ["REQUEST_METHOD"] not in WRITES:
            return self._application(environ, start_response)
        with self._locks[environ.get("HTTP_HOST", ""), environ["PATH_INFO"]]:
            return list(self._application(environ, start_response))
