"""Who is at the page, and whether they may be: decided here, so that it can be tested without a provider."""

from __future__ import annotations

import getpass
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ADDRESS = re.compile(r"[!-?A-~]+@[a-z0-9.-]+")
"""An address in lower case that can be compared letter by letter: one @, no blanks, ASCII."""


class NotAllowedError(Exception):
    """They may not use the page; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class User:
    """Someone at the page; `name` is what their actions are recorded under."""

    name: str
    signed_in: bool


def local_user(address: str | None, published_at: str | None) -> User:
    """The user of a page without sign-in, which serves only the machine it runs on.

    Args:
        address: which Streamlit is bound to; None is every address.
        published_at: where a container's port is published, if it is said.

    Raises:
        NotAllowedError: others could reach the page.
    """
    if not is_loopback(published_at or address):
        raise NotAllowedError(
            "No one can sign in, and others could reach this page, so it does not work: configure sign-in "
            "(docs/front-end.md says how), or bind it to this machine only with --server.address 127.0.0.1"
        )
    return User(f"{getpass.getuser()} (not signed in)", signed_in=False)


def is_loopback(address: str | None) -> bool:
    """Whether only the machine itself can reach a server bound to that address."""
    if address is None:
        return False
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def signed_in_user(claims: Mapping[str, Any], allowed: Sequence[str]) -> User:
    """The user whom the provider signed in.

    Args:
        claims: the provider's claims on them.
        allowed: addresses, `@domains`, or `*`.

    Raises:
        NotAllowedError: they are not among those who may use the page, the provider does not vouch for their
            address, or the settings do not say who may.
    """
    if not allowed:
        raise NotAllowedError("The settings do not say who may use this page: set STOCK_SIGN_IN_ALLOWED")
    address = claims.get("email")
    if not isinstance(address, str) or not address:
        raise NotAllowedError("The sign-in provider does not say who you are: ask it for the e-mail claim")
    # Some letters of other alphabets become ASCII in lower case, so the order counts.
    if not address.isascii() or not ADDRESS.fullmatch(address.lower()):
        raise NotAllowedError(f"{address!r} may not use this page: it is not a plain e-mail address")
    address = address.lower()
    # What an action is recorded under must be theirs. Some providers say it in text.
    if claims.get("email_verified") is not True and claims.get("email_verified") != "true":
        raise NotAllowedError(
            f"{address} may not use this page: the sign-in provider does not say that this address is "
            "verified (the claim email_verified must be true)"
        )
    domain = "@" + address.rpartition("@")[2]
    if "*" in allowed or address in allowed or domain in allowed:
        return User(address, signed_in=True)
    raise NotAllowedError(f"{address} may not use this page: ask for STOCK_SIGN_IN_ALLOWED to be extended")
