"""What the OpenID Foundation's conformance suite asks of a Basic OP and of its configuration.

Each module of the plan ``oidcc-basic-certification-test-plan`` is here under its own name, and the
checks of ``oidcc-config-certification-test-plan`` at the end.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from apogee_idp.model import frozen
from tests.browser import Browser, Page
from tests.idp import FORM, ISSUER, Answer

from .conftest import CALLBACK, CHALLENGE, EMAIL, PASSWORD, SUBJECT, VERIFIER, Site

PROFILE = {
    "name": "Ann Example",
    "given_name": "Ann",
    "family_name": "Example",
    "nickname": "ann",
    "middle_name": "B",
    "preferred_username": "ann",
    "gender": "female",
    "birthdate": "1990-01-01",
    "zoneinfo": "Europe/Berlin",
    "locale": "de-DE",
    "profile": "https://ann.example/",
    "picture": "https://ann.example/me.png",
    "website": "https://ann.example/",
    "phone_number": "+49 30 1",
    "address": {"country": "DE"},
    "phone_number_verified": True,
}
CLAIMS = {
    "profile": {*PROFILE} - {"phone_number", "phone_number_verified", "address"},
    "email": {"email", "email_verified"},
    "address": {"address"},
    "phone": {"phone_number", "phone_number_verified"},
}


@dataclass
class Suite:
    """The suite's client, which authenticates by Basic and has no PKCE, and its one browser."""

    site: Site
    browser: Browser

    async def request(self, browser: Browser | None = None, **changes: str | None) -> Page:
        """The request of each module, up to the answer or the first page."""
        parameters = {
            "client_id": "suite",
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid",
            "state": "s-1",
            "nonce": "n-1",
        } | changes
        sent = {name: value for name, value in parameters.items() if value is not None}
        browser = browser or self.browser
        return await browser.follow(await browser.get(f"/connect/authorize?{urlencode(sent)}"))

    async def answered(self, page: Page) -> dict[str, str]:
        """The answer, behind whatever pages there are; checked as in every module."""
        if page.status == 200 and page.title == "Sign in":
            page = await page.browser.follow(await page.sign_in(EMAIL, PASSWORD))
        if page.status == 200:
            page = await page.allow()
        assert page.location.startswith(f"{CALLBACK}&")
        assert (page.parameters["state"], page.parameters["iss"]) == ("s-1", ISSUER)
        return page.parameters

    async def tokens(self, **changes: str | None) -> dict[str, Any]:
        """The token response of a whole flow, its id_token checked."""
        return await self.redeemed(await self.answered(await self.request(**changes)), **changes)

    async def redeemed(
        self, answer: dict[str, str], *, nonce: str | None = "n-1", **_: str | None
    ) -> dict[str, Any]:
        response = await self.redeem(answer["code"])
        assert response.status == 200, response.body
        assert response.headers["Cache-Control"] == "no-store"
        tokens = response.json
        assert tokens["token_type"] == "Bearer"
        claims = await self.site.idp.claims(tokens["id_token"])
        now = self.site.clock.now
        assert (claims["iss"], claims["aud"], claims["iat"]) == (ISSUER, "suite", now)
        assert claims["exp"] > now
        assert (len(claims["sub"]) <= 255, claims.get("nonce")) == (True, nonce)
        tokens["claims"] = claims
        return dict(tokens)

    async def redeem(self, code: str, **changes: str) -> Answer:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        basic = ("suite", self.site.idp.secrets["suite"])
        return await self.site.idp.ask(form | changes, basic=basic)

    async def userinfo(self, token: str) -> dict[str, Any]:
        answer = await self.site.idp.send(
            "GET", "/connect/userinfo", headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status == 200
        return dict(answer.json)


async def happy(suite: Suite, **changes: str | None) -> dict[str, Any]:
    """A whole flow, and userinfo about the same person."""
    tokens = await suite.tokens(**changes)
    assert (await suite.userinfo(tokens["access_token"]))["sub"] == tokens["claims"]["sub"]
    return tokens


async def response_type_missing(suite: Suite) -> None:
    page = await suite.request(response_type=None)
    assert page.parameters["error"] in ("invalid_request", "unsupported_response_type")


async def signature(suite: Suite) -> None:
    header = jwt.get_unverified_header((await happy(suite))["id_token"])
    keys = (await suite.site.idp.send("GET", "/.well-known/jwks")).json["keys"]
    assert header["alg"] == "RS256"
    assert header["kid"] in [key["kid"] for key in keys]


async def unsigned(suite: Suite) -> None:
    metadata = (await suite.site.idp.send("GET", "/.well-known/openid-configuration")).json
    assert "none" not in metadata["id_token_signing_alg_values_supported"]


async def userinfo(suite: Suite, method: str, headers: bool) -> None:
    token = (await suite.tokens())["access_token"]
    options: dict[str, Any] = {"headers": {"Authorization": f"Bearer {token}"}}
    if not headers:
        options = {"headers": {"Content-Type": FORM}, "data": f"access_token={token}"}
    answer = await suite.site.idp.send(method, "/connect/userinfo", **options)
    assert (answer.status, answer.json["sub"]) == (200, SUBJECT)


async def scopes(suite: Suite, *names: str) -> None:
    tokens = await suite.tokens(scope=" ".join(("openid", *names)))
    expected = {"sub"}.union(*(CLAIMS[name] for name in names))
    assert (await suite.userinfo(tokens["access_token"])).keys() == expected


async def prompt_login(suite: Suite) -> None:
    first = await suite.tokens()
    suite.site.clock.now += 2
    page = await suite.request(prompt="login")
    assert page.title == "Sign in"
    second = await suite.redeemed(await suite.answered(page))
    assert second["claims"]["auth_time"] > first["claims"]["auth_time"]
    assert second["claims"]["sub"] == first["claims"]["sub"]


async def prompt_none_not_logged_in(suite: Suite) -> None:
    page = await suite.request(prompt="none")
    assert page.parameters["error"] in ("login_required", "interaction_required")
    assert page.parameters["state"] == "s-1"


async def silent(suite: Suite, **changes: str | None) -> None:
    first = await suite.tokens()
    suite.site.clock.now += 2
    if changes.get("id_token_hint") == "":
        changes["id_token_hint"] = first["id_token"]
    page = await suite.request(**changes)
    assert page.status == 303
    second = await suite.redeemed(page.parameters)
    for name in ("sub", "auth_time"):
        assert second["claims"][name] == first["claims"][name]


async def max_age_1(suite: Suite) -> None:
    first = await suite.tokens()
    suite.site.clock.now += 2
    page = await suite.request(max_age="1")
    assert page.title == "Sign in"
    second = await suite.redeemed(await suite.answered(page))
    assert second["claims"]["auth_time"] > first["claims"]["auth_time"]


async def code_reuse(suite: Suite, seconds: int) -> None:
    answer = await suite.answered(await suite.request())
    tokens = await suite.redeemed(answer)
    suite.site.clock.now += seconds
    again = await suite.redeem(answer["code"])
    assert (again.status, again.error) == (400, "invalid_grant")
    if seconds:
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        told = await suite.site.idp.send("GET", "/connect/userinfo", headers=bearer)
        assert told.status == 401


async def unregistered_redirect_uri(suite: Suite) -> None:
    page = await suite.request(redirect_uri=CALLBACK + "x")
    assert (page.status, page.location) == (400, "")
    assert page.answer.headers["Content-Type"].startswith("text/html")


async def post_request(suite: Suite) -> None:
    fields = {
        "client_id": "suite",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid",
        "state": "s-1",
        "nonce": "n-1",
    }
    page = await suite.browser.follow(await suite.browser.post("/connect/authorize", fields))
    await suite.redeemed(await suite.answered(page))


async def client_secret_post(suite: Suite) -> None:
    answer = await suite.answered(await suite.request())
    form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": CALLBACK}
    assert (await suite.site.ask("suite", **form)).status == 200


async def rejected(suite: Suite, **changes: str) -> None:
    page = await suite.request(**changes)
    (name,) = changes
    assert page.parameters["error"] == f"{name}_not_supported"


def unsigned_object(**claims: str) -> str:
    parts = ({"alg": "none"}, {"client_id": "suite", "scope": "openid"} | claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join((*encoded, b"")).decode()


async def refresh_token(suite: Suite) -> None:
    tokens = await suite.tokens(scope="openid offline_access")
    token = tokens["refresh_token"]
    assert re.fullmatch(r"[\x20-\x7e]+", token)
    await suite.site.add_app("second", require_pkce=False)
    assert (await suite.site.refresh(token, "second")).error == "invalid_grant"
    suite.site.clock.now += 2
    answer = await suite.site.refresh(token, "suite")
    assert answer.json["access_token"] != tokens["access_token"]
    claims = await suite.site.idp.claims(answer.json["id_token"])
    for name in ("iss", "sub", "aud", "auth_time"):
        assert claims[name] == tokens["claims"][name]
    assert claims["iat"] > tokens["claims"]["iat"]


async def valid_pkce(suite: Suite) -> None:
    page = await suite.request(code_challenge=CHALLENGE, code_challenge_method="S256")
    answer = await suite.answered(page)
    assert (await suite.redeem(answer["code"], code_verifier=VERIFIER)).status == 200


async def alternate_happy_flow(suite: Suite) -> None:
    """The order of scopes, and of parameters, is free."""
    first = await happy(suite, scope="email profile openid")
    second = await happy(suite, state="s-1", scope="openid profile email", nonce="n-1")
    assert first["claims"]["sub"] == second["claims"]["sub"]


ESSENTIAL = json.dumps({"userinfo": {"name": {"essential": True}}})
HINTED = {"prompt": "none", "id_token_hint": ""}
Module = Callable[[Suite], Awaitable[object]]
MODULES: dict[str, Module] = {
    "oidcc-server": happy,
    "oidcc-response-type-missing": response_type_missing,
    "oidcc-idtoken-signature": signature,
    "oidcc-idtoken-unsigned": unsigned,
    "oidcc-userinfo-get": lambda s: userinfo(s, "GET", True),
    "oidcc-userinfo-post-header": lambda s: userinfo(s, "POST", True),
    "oidcc-userinfo-post-body": lambda s: userinfo(s, "POST", False),
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow": lambda s: happy(s, nonce=None),
    "oidcc-scope-profile": lambda s: scopes(s, "profile"),
    "oidcc-scope-email": lambda s: scopes(s, "email"),
    "oidcc-scope-address": lambda s: scopes(s, "address"),
    "oidcc-scope-phone": lambda s: scopes(s, "phone"),
    "oidcc-scope-all": lambda s: scopes(s, *CLAIMS),
    "oidcc-alternate-happy-flow": alternate_happy_flow,
    "oidcc-display-page": lambda s: happy(s, display="page"),
    "oidcc-display-popup": lambda s: happy(s, display="popup"),
    "oidcc-prompt-login": prompt_login,
    "oidcc-prompt-none-not-logged-in": prompt_none_not_logged_in,
    "oidcc-prompt-none-logged-in": lambda s: silent(s, prompt="none"),
    "oidcc-max-age-1": max_age_1,
    "oidcc-max-age-10000": lambda s: silent(s, max_age="10000"),
    "oidcc-ensure-request-with-unknown-parameter-succeeds": lambda s: happy(s, extra="foobar"),
    "oidcc-id-token-hint": lambda s: silent(s, **HINTED),
    "oidcc-login-hint": lambda s: happy(s, login_hint="ann@example.com"),
    "oidcc-ui-locales": lambda s: happy(s, ui_locales="se"),
    "oidcc-claims-locales": lambda s: happy(s, claims_locales="se"),
    "oidcc-ensure-request-with-acr-values-succeeds": lambda s: happy(s, acr_values="1 2"),
    "oidcc-codereuse": lambda s: code_reuse(s, 0),
    "oidcc-codereuse-30seconds": lambda s: code_reuse(s, 30),
    "oidcc-ensure-registered-redirect-uri": unregistered_redirect_uri,
    "oidcc-ensure-post-request-succeeds": post_request,
    "oidcc-server-client-secret-post": client_secret_post,
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported": (
        lambda s: rejected(s, request_uri="https://app.example/request.jwt")
    ),
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported": (
        lambda s: rejected(s, request=unsigned_object())
    ),
    "oidcc-claims-essential": lambda s: happy(s, claims=ESSENTIAL),
    "oidcc-ensure-request-object-with-redirect-uri": (
        lambda s: rejected(s, request=unsigned_object(redirect_uri=CALLBACK))
    ),
    "oidcc-refresh-token": refresh_token,
    "oidcc-ensure-request-with-valid-pkce-succeeds": valid_pkce,
}


@pytest.fixture
async def suite(site: Site) -> Suite:
    await site.add_app("suite", require_pkce=False)
    await site.change_user(profile=frozen(PROFILE))
    return Suite(site, site.browser())


def test_all_modules_of_the_plan_are_here() -> None:
    """38, as of the suite of August 2026."""
    assert len(MODULES) == 38


@pytest.mark.parametrize("name", MODULES)
async def test_basic_op(suite: Suite, name: str) -> None:
    """The module of this name passes."""
    await MODULES[name](suite)


async def test_oidcc_discovery_endpoint_verification(site: Site) -> None:
    """The Config OP plan: what has to be there, in which form, and nothing that misleads."""
    answer = await site.idp.send("GET", "/.well-known/openid-configuration")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    told = answer.json
    assert told["issuer"] == ISSUER
    for name in ("authorization", "token", "userinfo", "end_session", "revocation"):
        assert told[f"{name}_endpoint"].startswith("https://")
    assert told["response_types_supported"] == ["code"]
    assert told["subject_types_supported"] == ["public"]
    assert "RS256" in told["id_token_signing_alg_values_supported"]
    assert {"authorization_code", "refresh_token"} <= {*told["grant_types_supported"]}
    assert "openid" in told["scopes_supported"]
    assert all(re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]+", s) for s in told["scopes_supported"])
    assert {"sub", "iss", "auth_time", "name", "email"} <= {*told["claims_supported"]}
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told.keys().isdisjoint({"check_session_iframe", "registration_endpoint"})
    for name in ("claims", "request", "request_uri"):
        assert told[f"{name}_parameter_supported"] is False
    keys = (await site.idp.send("GET", told["jwks_uri"].removeprefix(ISSUER))).json["keys"]
    assert len({key["kid"] for key in keys}) == len(keys)
    assert all({"d", "p", "q", "k"}.isdisjoint(key) for key in keys)
    jwt.PyJWKSet.from_dict({"keys": keys})
