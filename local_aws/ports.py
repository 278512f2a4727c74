"""Whether a port of this machine can be listened on."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"


class PortTakenError(Exception):
    """Something else listens on the port."""


def require_free(port: int) -> None:
    """Refuse a port that something listens on; 0, meaning any, is always fine.

    Raises:
        PortTakenError: saying what to do.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortTakenError(
                f"port {port} is in use: something else listens there, or a local AWS runs already "
                "(see `python -m local_aws status`); choose another with --port"
            ) from error
