"""Sign-in as Streamlit keeps it: the section `[auth]` of its secrets, and a signed cookie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import config
from streamlit.auth_util import get_cookie_with_chunks, get_origin_from_redirect_uri
from streamlit.user_info import generate_login_redirect_url
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from frontend.core.settings import SettingsError

DAYS = 0.5
"""How long a sign-in holds. Streamlit itself would believe its cookie for a month."""
SHORTEST_SECRET = 32


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in that has not expired.

    Attributes:
        claims: the provider's, on who it is.
        mark: by which this sign-in is known from all others, of the same person too.
    """

    claims: Mapping[str, Any]
    mark: str


def is_configured() -> bool:
    """Whether people sign in here.

    Raises:
        SettingsError: it looks as if they should and it cannot work: a file of secrets is not there, cannot
            be read, or lacks something. Streamlit takes most of that for a page without sign-in.
    """
    files = [Path(path) for path in config.get_option("secrets.files")]
    missing = [str(path) for path in files if not path.exists()]
    if missing and config.is_manually_set("secrets.files"):
        raise SettingsError(f"A file of secrets does not exist: {', '.join(missing)}")
    if len(missing) == len(files):
        return False
    try:
        section = st.secrets.get("auth")
    except OSError as error:
        raise SettingsError(f"The secrets cannot be read, so sign-in cannot work: {error}") from error
    if section is None:
        return False
    if not isinstance(section, Mapping) or not section.get("redirect_uri"):
        raise SettingsError("Sign-in is configured without a redirect_uri in the section [auth]")
    if len(str(section.get("cookie_secret", ""))) < SHORTEST_SECRET:
        raise SettingsError(
            f"Sign-in needs a cookie_secret of at least {SHORTEST_SECRET} characters in the section [auth]: "
            "with a shorter one anybody could write a sign-in themselves"
        )
    return True


def sign_in_of(cookies: Mapping[str, str]) -> SignIn | None:
    """The sign-in that a browser brings, if it is genuine and has not expired."""
    secret = get_cookie_secret()

    def part(name: str) -> bytes | None:
        value = cookies.get(name)
        return decode_signed_value(secret, name, value, max_age_days=DAYS) if value else None

    signed = get_cookie_with_chunks(part, USER_COOKIE_NAME)
    if not signed:
        return None
    claims = json.loads(signed)
    if not claims.get("is_logged_in"):
        return None
    return SignIn(claims, hashlib.sha256(signed).hexdigest())


def origin() -> str:
    """The scheme, host and port at which people sign in, and so the page's own."""
    found = get_origin_from_redirect_uri()
    if found is None:
        raise SettingsError("The redirect_uri in the section [auth] is no address")
    return found


def login_address() -> str:
    """Where the provider is asked who someone is."""
    return generate_login_redirect_url("default")
