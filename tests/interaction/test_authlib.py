"""Authlib, as a confidential web application."""

from __future__ import annotations

import asyncio

from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.idp import ISSUER

from .conftest import CALLBACK, EMAIL, PASSWORD, SUBJECT, VERIFIER, Site


async def test_authlib(site: Site) -> None:
    """Its own request, its own PKCE, its own check of the id_token; then refresh and revoke."""
    session = OAuth2Session(
        "app",
        site.idp.secrets["app"],
        scope="openid profile offline_access",
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        token_endpoint=f"{site.idp.url}/connect/token",
        revocation_endpoint=f"{site.idp.url}/connect/revoke",
    )
    with session:
        url, state = session.create_authorization_url(
            "/connect/authorize", code_verifier=VERIFIER, nonce="n-7"
        )
        browser = site.browser()
        page = await browser.follow(await browser.get(url))
        consent = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
        back = (await consent.allow()).location
        token = await asyncio.to_thread(
            session.fetch_token,
            f"{site.idp.url}/connect/token",
            authorization_response=back,
            state=state,
            code_verifier=VERIFIER,
        )
        keys = KeySet.import_key_set((await site.idp.send("GET", "/.well-known/jwks")).json)
        claims = CodeIDToken(
            jwt.decode(token["id_token"], keys).claims,
            {},
            {"iss": {"value": ISSUER}, "aud": {"value": "app"}},
            {"nonce": "n-7", "client_id": "app", "access_token": token["access_token"]},
        )
        claims.header = {"alg": "RS256"}
        claims.validate(now=site.clock.now)
        assert (claims["sub"], claims["name"]) == (SUBJECT, "Ann Example")
        refreshed = await asyncio.to_thread(
            session.refresh_token, f"{site.idp.url}/connect/token", token["refresh_token"]
        )
        assert refreshed["refresh_token"] != token["refresh_token"]
        ended = await asyncio.to_thread(
            session.revoke_token,
            f"{site.idp.url}/connect/revoke",
            refreshed["refresh_token"],
            "refresh_token",
        )
        assert ended.status_code == 200
    answer = await site.refresh(refreshed["refresh_token"])
    assert (answer.status, answer.error) == (400, "invalid_grant")
