"""What is told of a person to whoever has her access token."""

from __future__ import annotations

from typing import Any

import pytest

from tests.idp import FORM, Answer

from .conftest import EMAIL, SUBJECT, Site, access_token, id_token

PATH = "/connect/userinfo"
PROFILE = {
    "name": "Ann Example",
    "given_name": "Ann",
    "locale": "de",
    "phone_number": "+49 30 123",
    "phone_number_verified": True,
    "address": {"formatted": "Street 1\nBerlin", "country": "DE"},
}
TOLD: dict[str, dict[str, Any]] = {
    "profile": {"name": "Ann Example", "given_name": "Ann", "locale": "de"},
    "email": {"email": EMAIL, "email_verified": True},
    "phone": {"phone_number": "+49 30 123", "phone_number_verified": True},
    "address": {"address": PROFILE["address"]},
    "roles": {"role": ["clerk"]},
    "invoices.read": {},
}


async def ask(site: Site, token: str | None, **headers: str) -> Answer:
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return await site.idp.send("GET", PATH, headers=headers)


@pytest.mark.parametrize("scope", ["", *TOLD, " ".join(TOLD)])
async def test_R_OC_03_each_scope_tells_its_claims(site: Site, scope: str) -> None:
    """And no others; the subject always."""
    from apogee_idp.model import frozen

    await site.change_user(profile=frozen(PROFILE), roles=("clerk",), email_verified=True)
    answer = await ask(site, await access_token(site, f"openid {scope}"))
    expected: dict[str, Any] = {"sub": SUBJECT}
    for name in scope.split():
        expected |= TOLD[name]
    assert (answer.status, answer.json) == (200, expected)
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["Cache-Control"] == "no-store"


async def test_R_OC_03_by_GET_by_POST_and_in_a_form(site: Site) -> None:
    """R-BT-04: the scheme's case is free."""
    token = await access_token(site)
    for answer in (
        await ask(site, token),
        await site.idp.send("POST", PATH, headers={"Authorization": f"bEARER {token}"}),
        await site.idp.send(
            "POST", PATH, headers={"Content-Type": FORM}, data=f"access_token={token}"
        ),
    ):
        assert (answer.status, answer.json) == (200, {"sub": SUBJECT})


async def test_R_BT_02_no_token(site: Site) -> None:
    """A challenge without an error."""
    for answer in (
        await ask(site, None),
        await ask(site, None, Authorization="Basic eDp5"),
        await site.idp.send("POST", PATH, headers={"Content-Type": FORM}, data="x=1"),
    ):
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="apogee-idp"'


@pytest.mark.parametrize(
    "kind", ["nonsense", "expired", "foreign", "id_token", "unknown user", "altered"]
)
async def test_R_BT_02_a_token_that_is_none(site: Site, kind: str) -> None:
    """401 invalid_token."""
    good = await access_token(site)
    tokens = {
        "nonsense": "x",
        "expired": await access_token(site, iat=site.clock.now - 9, exp=site.clock.now),
        "foreign": await access_token(site, iss="https://other.example"),
        "id_token": await id_token(site),
        "unknown user": await access_token(site, sub="usr_" + "Z" * 22),
        "altered": good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB"),
    }
    answer = await ask(site, tokens[kind])
    assert (answer.status, answer.error) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


async def test_R_OC_03_a_clients_own_token(site: Site) -> None:
    """Speaks of nobody."""
    secret = await site.idp.add_client("machine")
    token = (await site.idp.grant("machine", secret)).token
    assert (await ask(site, token)).status == 401


@pytest.mark.parametrize("change", [{"enabled": False}, {"sessions_not_before": 10**10}])
async def test_R_OC_03_a_user_who_was_disabled(site: Site, change: dict[str, Any]) -> None:
    """Or has ended what was begun before: at once."""
    token = await access_token(site)
    assert (await ask(site, token)).status == 200
    await site.change_user(**change)
    assert (await ask(site, token)).status == 401


async def test_R_BT_02_a_token_without_openid(site: Site) -> None:
    """403, and what it lacks."""
    answer = await ask(site, await access_token(site, "profile email"))
    assert (answer.status, answer.error) == (403, "insufficient_scope")
    assert 'scope="openid"' in answer.headers["WWW-Authenticate"]


async def test_R_BT_01_one_way_only(site: Site) -> None:
    """Neither in the URL nor in two places."""
    token = await access_token(site)
    header = {"Authorization": f"Bearer {token}"}
    for answer in (
        await site.idp.send("GET", f"{PATH}?access_token={token}"),
        await site.idp.send("GET", f"{PATH}?access_token={token}", headers=header),
        await site.idp.send(
            "POST", PATH, headers=header | {"Content-Type": FORM}, data=f"access_token={token}"
        ),
        await ask(site, "a b"),
        await ask(site, ""),
    ):
        assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.parametrize("status", [200, 401])
async def test_R_OC_03_pages_of_other_origins_may_ask(site: Site, status: int) -> None:
    """CORS: for everyone, since no cookie counts here."""
    answer = await ask(site, await access_token(site) if status == 200 else None)
    assert answer.status == status
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    preflight = await site.idp.send("OPTIONS", PATH)
    assert (preflight.status, preflight.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods(site: Site, method: str) -> None:
    """405."""
    token = await access_token(site)
    answer = await site.idp.send(method, PATH, headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 405
