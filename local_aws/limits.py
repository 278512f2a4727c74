"""AWS's limits on the size of things that moto does not hold calls to, or counts in letters instead of bytes.

A call that goes beyond one is refused as AWS refuses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from local_aws.faults import Application, called, read_body, refuse

MESSAGE_BYTES = 262_144
"""Of a message on SNS, with the names, types and values of its attributes."""

KEY_BYTES = 1_024
"""Of the key of an S3 object, in UTF-8."""

METADATA_BYTES = 2_048
"""Of the names and values of an S3 object's own metadata, together."""

_METADATA = "HTTP_X_AMZ_META_"
_ATTRIBUTE = "MessageAttributes.entry."
_ATTRIBUTE_PARTS = (".Name", ".Value.DataType", ".Value.StringValue", ".Value.BinaryValue")


class LimitMiddleware:
    """Refuses calls to another application that are too large for AWS.

    Args:
        application: answers the calls that are not.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request, as WSGI has it."""
        service, action = called(environ)
        for code, message in _faults(service, action, environ):
            return refuse(environ, start_response, service, code, message)
        return self._application(environ, start_response)


def _faults(service: str, action: str, environ: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The error codes and messages with which AWS refuses a call; none if it does not."""
    if service == "s3":
        # WSGI has the bytes of the path, each as a letter.
        if len(environ["PATH_INFO"].strip("/").partition("/")[2]) > KEY_BYTES:
            yield "KeyTooLongError", "Your key is too long"
        metadata = {
            name.removeprefix(_METADATA): environ[name] for name in environ if name.startswith(_METADATA)
        }
        if sum(len(name) + len(value) for name, value in metadata.items()) > METADATA_BYTES:
            yield "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size"
    elif (service, action) == ("sns", "Publish") and _published_bytes(_form(environ)) > MESSAGE_BYTES:
        yield "InvalidParameter", "Invalid parameter: Message too long"


def _form(environ: dict[str, Any]) -> Mapping[str, str]:
    body = read_body(environ).decode(errors="replace")
    return {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}


def _published_bytes(form: Mapping[str, str]) -> int:
    counted = (
        value
        for name, value in form.items()
        if name == "Message" or (name.startswith(_ATTRIBUTE) and name.endswith(_ATTRIBUTE_PARTS))
    )
    return sum(len(value.encode()) for value in counted)
