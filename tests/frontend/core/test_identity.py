from __future__ import annotations

from typing import Any

import pytest

from frontend.core.identity import NotAllowedError, local_user, signed_in_user

VERIFIED = {"email": "ann@seller.example", "email_verified": True}


@pytest.mark.parametrize(
    ("address", "published_at"),
    [("127.0.0.1", None), ("localhost", None), ("::1", None), ("0.0.0.0", "127.0.0.1"), (None, "localhost")],
)
def test_without_sign_in_the_page_serves_its_own_machine(
    address: str | None, published_at: str | None
) -> None:
    user = local_user(address, published_at)
    assert not user.signed_in
    assert user.name.endswith("(not signed in)")


@pytest.mark.parametrize(
    ("address", "published_at"),
    [
        (None, None),
        ("0.0.0.0", None),
        ("::", None),
        ("10.1.2.3", None),
        ("stock.seller.example", None),
        ("127.0.0.1", "0.0.0.0"),
    ],
)
def test_without_sign_in_an_address_that_others_reach_is_refused(
    address: str | None, published_at: str | None
) -> None:
    with pytest.raises(NotAllowedError, match="configure sign-in"):
        local_user(address, published_at)


@pytest.mark.parametrize(
    ("claims", "allowed", "name"),
    [
        (VERIFIED, ["ann@seller.example"], "ann@seller.example"),
        (VERIFIED | {"email": "Ann@Seller.example"}, ["@seller.example"], "ann@seller.example"),
        (VERIFIED | {"email_verified": "true"}, ["@seller.example"], "ann@seller.example"),
        (VERIFIED | {"email": "ann@elsewhere.example", "name": "Ann"}, ["*"], "ann@elsewhere.example"),
        (
            VERIFIED | {"email": "o'brien+stock@seller.example"},
            ["@seller.example"],
            "o'brien+stock@seller.example",
        ),
    ],
)
def test_who_is_allowed_comes_in_under_their_address(
    claims: dict[str, Any], allowed: list[str], name: str
) -> None:
    user = signed_in_user(claims, allowed)
    assert (user.name, user.signed_in) == (name, True)


@pytest.mark.parametrize(
    ("claims", "allowed", "why"),
    [
        (VERIFIED, [], "STOCK_SIGN_IN_ALLOWED"),
        (VERIFIED | {"email": "eve@elsewhere.example"}, ["@seller.example"], "eve@elsewhere.example may not"),
        (VERIFIED | {"email": "eve@not-seller.example"}, ["@seller.example"], "may not"),
        (VERIFIED | {"email": "eve@mail.seller.example"}, ["@seller.example"], "may not"),
        (VERIFIED | {"email": "eve@seller.example.elsewhere.example"}, ["@seller.example"], "may not"),
        *(
            (VERIFIED | {"email": address}, ["@seller.example", "*"], "not a plain e-mail address")
            for address in (
                "eve@elsewhere.example@seller.example",
                "eve@seller.example@elsewhere.example",
                '"eve@elsewhere.example"@seller.example',
                "@seller.example",
                "eve@",
                "eve",
                "eve@seller.example\n",
                "eve smith@seller.example",
                "eve@\u017feller.example",
                "\u212a@seller.example",
                "eve@seller.example, ann@seller.example",
            )
        ),
        *(
            ({"email": "ann@seller.example", **said}, allowed, "email_verified must be true")
            for said in (
                {},
                {"email_verified": False},
                {"email_verified": None},
                {"email_verified": "false"},
                {"email_verified": 1},
                {"email_verified": "yes"},
                {"email_verified": [True]},
            )
            for allowed in (["@seller.example"], ["ann@seller.example"], ["*"])
        ),
        ({"name": "ann@seller.example"}, ["ann@seller.example"], "does not say who you are"),
        ({"email": ["ann@seller.example"], "email_verified": True}, ["*"], "does not say who you are"),
        ({"name": "Ann", "sub": "17", "email_verified": True}, ["*"], "does not say who you are"),
        ({}, ["*"], "does not say who you are"),
    ],
)
def test_nobody_else_comes_in(claims: dict[str, Any], allowed: list[str], why: str) -> None:
    with pytest.raises(NotAllowedError, match=why):
        signed_in_user(claims, allowed)
