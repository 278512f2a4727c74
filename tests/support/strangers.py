"""What a limited process is asked to do in its tests."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any


def answer(request: dict[str, Any]) -> dict[str, Any]:
    if "do" in request:
        return DEEDS[request["do"]](request) or {}
    print("a library that talks")  # noqa: T201
    return {"number": request["number"], "process": os.getpid()}


def last_words(_: Any) -> None:
    sys.stderr.write("\x1b[31mlast words\n" + "x" * 100_000)
    sys.stderr.flush()
    os._exit(3)


def spin(_: Any) -> None:
    while True:
        pass


def fail(_: Any) -> None:
    raise KeyError("a fault of ours")


DEEDS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "abort": lambda _: os.abort(),
    "exit": last_words,
    "kill": lambda request: os.kill(os.getpid(), getattr(signal, request["signal"])),
    "hang": lambda _: threading.Event().wait(),
    "spin": spin,
    "allocate": lambda request: {"length": len(bytes(request["bytes"]))},
    "recurse": answer,
    "write": lambda request: Path(request["path"]).write_bytes(bytes(request["bytes"])),
    "fail": fail,
    "talk": lambda request: {"text": "x" * request["bytes"]},
    "environment": lambda _: {
        "environment": dict(os.environ),
        "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
    },
}


def abort(_: dict[str, Any]) -> dict[str, Any]:
    os.abort()


def segfault(_: dict[str, Any]) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def be_killed(_: dict[str, Any]) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def run_out_of_memory(_: dict[str, Any]) -> dict[str, Any]:
    return {"length": len(bytes(1 << 40))}


def take_for_ever(request: dict[str, Any]) -> dict[str, Any]:
    spin(request)
    return {}
