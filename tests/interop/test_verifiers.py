"""Third-party verifiers accept our tokens, from the published keys alone."""

from __future__ import annotations

import asyncio
import base64
import json
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
import requests
from aiohttp import ClientSession, web
from joserfc import jwe
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet, RSAKey

from apogee_idp.app import opened_store
from apogee_idp.crypto.sealing import KeyEncryptionKey, unseal
from apogee_idp.key_model import KeyRecord
from apogee_idp.settings import Settings
from apogee_idp.stores.repositories import load_key_ring
from tests.sample_api.api import create_api

from .conftest import AUDIENCE, Deployment

ALGORITHMS = ["RS256", "ES256"]


def granted(deployment: Deployment, client_id: str, **form: str) -> str:
    answer = requests.post(
        deployment.token_endpoint,
        data={"grant_type": "client_credentials", "scope": "invoices.read"} | form,
        auth=(client_id, deployment.secrets[client_id]),
        timeout=30,
    )
    return str(answer.json()["access_token"])


def discovery(deployment: Deployment) -> dict[str, Any]:
    url = f"{deployment.issuer}/.well-known/openid-configuration"
    with urllib.request.urlopen(url, timeout=30) as answer:
        return dict(json.load(answer))


@pytest.mark.parametrize("client_id", ["plain", "elliptic"])
def test_PyJWT_verifies_from_discovery(deployment: Deployment, client_id: str) -> None:
    """``PyJWKClient`` finds the key by its kid."""
    token = granted(deployment, client_id)
    key = jwt.PyJWKClient(discovery(deployment)["jwks_uri"]).get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, ALGORITHMS, issuer=deployment.issuer, audience=AUDIENCE)
    assert (claims["sub"], claims["client_id"], claims["name"]) == (client_id,) * 3


@pytest.mark.parametrize("client_id", ["plain", "elliptic"])
def test_joserfc_verifies(deployment: Deployment, client_id: str) -> None:
    """A second implementation, with its own claims check."""
    keys = KeySet.import_key_set(requests.get(discovery(deployment)["jwks_uri"], timeout=30).json())
    token = joserfc_jwt.decode(granted(deployment, client_id), keys, algorithms=ALGORITHMS)
    joserfc_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": deployment.issuer},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
    ).validate(token.claims)
    assert token.header["typ"] == "at+jwt"


def test_the_JWE_decrypts_to_a_token_like_the_plain_one(deployment: Deployment) -> None:
    """By joserfc, with the private key taken from the store as a disaster drill would."""

    async def stored_keys() -> tuple[KeyRecord, ...]:
        async with opened_store(Settings(store=deployment.store)) as store:
            ring = await load_key_ring(store)
            return ring.keys if ring else ()

    (record,) = [record for record in asyncio.run(stored_keys()) if record.use == "enc"]
    opened = unseal(record, [KeyEncryptionKey.parse(deployment.key_encryption_key)])
    private = RSAKey.import_key(opened.export_private(as_dict=True))
    token = granted(deployment, "sealed")
    plain = jwe.decrypt_compact(token, private, algorithms=["RSA-OAEP", "A256CBC-HS512"])
    assert plain.plaintext is not None
    inner = plain.plaintext.decode()
    key = jwt.PyJWKClient(discovery(deployment)["jwks_uri"]).get_signing_key_from_jwt(inner)
    claims = jwt.decode(inner, key, ALGORITHMS, issuer=deployment.issuer, audience=AUDIENCE)
    assert claims["sub"] == "sealed"


def test_discovery_says_what_works_and_what_works_is_said(deployment: Deployment) -> None:
    """R-MD-01, R-MD-05: the issuer to the letter, no empty lists, every claim."""
    metadata = discovery(deployment)
    twin = requests.get(
        f"{deployment.issuer}/.well-known/oauth-authorization-server", timeout=30
    ).json()
    assert metadata == twin
    assert metadata["issuer"] == deployment.issuer
    assert metadata["token_endpoint"] == f"{deployment.issuer}/connect/token"
    assert all(value != [] for value in metadata.values())
    claims = jwt.decode(granted(deployment, "plain"), options={"verify_signature": False})
    assert set(claims) <= set(metadata["claims_supported"])
    for name in ("authorization_endpoint", "userinfo_endpoint", "end_session_endpoint"):
        assert metadata[name].startswith(f"{deployment.issuer}/connect/")


@pytest.fixture
async def api(deployment: Deployment) -> AsyncIterator[str]:
    runner = web.AppRunner(create_api(deployment.issuer, AUDIENCE, "invoices.read"))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/invoices"
    await runner.cleanup()


def altered(token: str, **changes: object) -> str:
    """The token with another payload under the same signature."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "==")) | changes
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{header}.{forged}.{signature}"


def unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


async def test_the_sample_api_takes_our_token_and_nothing_else(
    deployment: Deployment, api: str
) -> None:
    """README's resource server: 200 for the JWS, 401 for all forgeries, 403 without the scope."""
    good, sealed = granted(deployment, "plain"), granted(deployment, "sealed")
    elsewhere = granted(deployment, "plain", scope="ping")
    expected = {
        f"Bearer {good}": 200,
        f"bearer {granted(deployment, 'elliptic')}": 200,
        f"Bearer {sealed}": 401,
        f"Bearer {elsewhere}": 401,
        f"Bearer {altered(good, sub='admin')}": 401,
        f"Bearer {unsigned(good)}": 401,
        f"Bearer {good[:-4]}AAAA": 401,
        f"Basic {good}": 401,
        "Bearer": 401,
        "Bearer x": 401,
    }
    async with ClientSession() as session:
        for authorization, status in expected.items():
            headers = {"Authorization": authorization}
            async with session.get(api, headers=headers) as answer:
                assert answer.status == status, authorization[:12]
        async with session.get(api) as answer:
            assert answer.status == 401
