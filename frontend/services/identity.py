"""Who is at the page, and whether they may be: decided here, so that it can be tested without a provider."""

from __future__ import annotations

import getpass
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class NotAllowedError(Exception):
    """They may not use the page; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody at the page; `name` is what their actions are recorded under."""

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
            "Nobody can sign in, and others could reach this page, so it does not work: configure sign-in "
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
        NotAllowedError: they are not among those who may use the page, or nobody has said who may.
    """
    if not allowed:
        raise NotAllowedError("Nobody has said who may use this page: set STOCK_SIGN_IN_ALLOWED")
    address = str(claims.get("email") or "").casefold()
    name = address or str(claims.get("name") or claims.get("sub") or "")
    if not name:
        raise NotAllowedError("The sign-in provider does not say who you are: ask it for the e-mail claim")
    if "*" in allowed:
        return User(name, signed_in=True)
    # An address that nobody has verified is one that anybody may claim.
    verified = claims.get("email_verified", True) in {True, "true"}
    domain = "@" + address.rpartition("@")[2]
    if address and verified and (address in allowed or domain in allowed):
        return User(name, signed_in=True)
    raise NotAllowedError(f"{name} may not use this page: ask for STOCK_SIGN_IN_ALLOWED to be extended")
