"""The two ways Athena says no: a refused call, and an accepted query that ends FAILED."""

from __future__ import annotations


class InvalidRequestError(Exception):
    """The API call itself is refused; the client sees an InvalidRequestException."""


class QueryCancelledError(Exception):
    """The running query was stopped by StopQueryExecution."""


class QueryFailedError(Exception):
    """The query was accepted and ends FAILED.

    Args:
        code: Athena's error name, such as `TABLE_NOT_FOUND`; empty where Athena gives a sentence alone.
        message: the text after the name.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}" if code else message)
        self.code = code
