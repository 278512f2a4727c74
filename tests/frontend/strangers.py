"""What a child process is asked to do in tests of `reader_process`."""

from __future__ import annotations

import os
import threading
from typing import Any


def answer(request: dict[str, Any]) -> dict[str, Any]:
    if request.get("abort"):
        os.abort()
    if request.get("hang"):
        threading.Event().wait()
    print("a library that talks")  # noqa: T201
    return {"number": request["number"], "process": os.getpid()}
