"""Discovery drives these tests: what it lists works, and what it doesn't list is refused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from aiohttp import encode_basic_auth
from jwcrypto import jwk, jws

from apogee_idp.crypto.signing import generate_private_key
from apogee_idp.model import SIGNING_ALGORITHMS, TokenProfile, frozen
from tests.conftest import StartIdp
from tests.idp import FORM, ISSUER, Answer, Idp

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
METHODS = {
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
    "none",
}
ALGORITHMS = {
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "ES256K", "EdDSA", "HS256", "HS384", "HS512", "none"),
}
GRANT_TYPES = {
    *("client_credentials", "authorization_code", "refresh_token", "password", "implicit"),
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
}
ENDPOINTS = ("token", "introspection", "revocation")


class Client:
    """A client with a secret and with keys of every kind, who reads the metadata first."""

    def __init__(self, idp: Idp, metadata: dict[str, Any], secret: str) -> None:
        self.idp, self.metadata, self.secret = idp, metadata, secret
        self.keys: dict[str, jwk.JWK] = {}
        self.token = ""
        self._count = 0

    async def present(self, endpoint: str, form: dict[str, str], basic: bool = False) -> Answer:
        path = self.metadata[f"{endpoint}_endpoint"].removeprefix(ISSUER)
        if endpoint == "token":
            if "client_secret" not in form and "client_assertion" not in form and not basic:
                # What a public client may ask for: the answer is about its code, not about itself.
                form = {"grant_type": "authorization_code", "code": "x"} | form
            form = {"grant_type": "client_credentials"} | form
            return await self.idp.ask(form, basic=("billing", self.secret) if basic else None)
        headers = {"Content-Type": FORM}
        if basic:
            headers["Authorization"] = encode_basic_auth("billing", self.secret)
        return await self.idp.send("POST", path, headers=headers, data={"token": self.token} | form)

    def assertion(self, algorithm: str) -> dict[str, str]:
        self._count += 1
        now = int(time.time())
        claims = {
            "iss": "billing",
            "sub": "billing",
            "aud": ISSUER,
            "exp": now + 60,
            "jti": f"j{self._count}",
        }
        token = jws.JWS(json.dumps(claims).encode())
        token.allowed_algs = [algorithm]
        token.add_signature(self.keys[algorithm], protected=json.dumps({"alg": algorithm}))
        return {
            "client_assertion_type": TYPE,
            "client_assertion": token.serialize(compact=True),
        }

    async def by(self, method: str, endpoint: str) -> Answer:
        """Authenticates by one method."""
        match method:
            case "client_secret_basic":
                return await self.present(endpoint, {}, basic=True)
            case "client_secret_post":
                form = {"client_id": "billing", "client_secret": self.secret}
                return await self.present(endpoint, form)
            case "private_key_jwt":
                return await self.present(endpoint, self.assertion("RS256"))
            case "client_secret_jwt":
                return await self.present(endpoint, self.assertion("HS256"))
        name = "spa" if method == "none" else "billing"
        return await self.present(endpoint, {"client_id": name})


def new_key(algorithm: str, secret: str) -> jwk.JWK:
    curves = {"ES512": "P-521", "ES256K": "secp256k1"}
    if algorithm in curves:
        return jwk.JWK.generate(kty="EC", crv=curves[algorithm])
    if algorithm.startswith("HS"):
        return jwk.JWK.from_password(secret)
    return generate_private_key(algorithm)


@pytest.fixture
async def client(start_idp: StartIdp) -> Client:
    idp = await start_idp()
    secret = await idp.add_client(skip_token_encryption=True)
    await idp.allow("billing", "introspection", "revocation")
    await idp.add_client(
        "spa",
        flow_type="authorization_code",
        client_type="public",
        redirect_uris=("https://spa.example/cb",),
        endpoints=("introspection", "revocation"),
    )
    metadata = (await idp.send("GET", "/.well-known/openid-configuration")).json
    client = Client(idp, metadata, secret)
    client.keys = {alg: new_key(alg, secret) for alg in ALGORITHMS - {"none"}}
    public = [
        key.export_public(as_dict=True) | {"alg": alg}
        for alg, key in client.keys.items()
        if key["kty"] != "oct"
    ]
    await idp.change_client("billing", jwks=frozen({"keys": public}))
    client.token = (await idp.grant("billing", secret)).token
    return client


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_R_MD_05_every_method_of_authentication(client: Client, endpoint: str) -> None:
    """At each of the three endpoints, by what the metadata says about it."""
    advertised = set(client.metadata[f"{endpoint}_endpoint_auth_methods_supported"])
    assert advertised <= METHODS
    for method in sorted(METHODS):
        answer = await client.by(method, endpoint)
        is_known = answer.status == 200 or answer.error in ("invalid_grant", "unauthorized_client")
        assert is_known == (method in advertised), method
        assert is_known or answer.error == "invalid_client"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_R_MD_05_every_algorithm_of_assertions(client: Client, endpoint: str) -> None:
    """The client has a registered key for each."""
    advertised = set(client.metadata[f"{endpoint}_endpoint_auth_signing_alg_values_supported"])
    assert advertised <= ALGORITHMS - {"none"}
    for algorithm in sorted(client.keys):
        answer = await client.present(endpoint, client.assertion(algorithm))
        assert (answer.status == 200) == (algorithm in advertised), algorithm


async def test_R_MD_05_every_grant_type(client: Client) -> None:
    """What is not advertised does not exist."""
    advertised = set(client.metadata["grant_types_supported"])
    assert advertised <= GRANT_TYPES
    for grant_type in sorted(GRANT_TYPES):
        answer = await client.present("token", {"grant_type": grant_type}, basic=True)
        is_known = answer.status == 200 or answer.error == "unauthorized_client"
        assert is_known == (grant_type in advertised), grant_type
        assert is_known or answer.error == "unsupported_grant_type"


async def test_R_MD_05_every_endpoint(client: Client) -> None:
    """Each URL stands below the issuer, and something is there."""
    for name, url in client.metadata.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            assert url.startswith(f"{ISSUER}/")
            answer = await client.idp.send("GET", url.removeprefix(ISSUER))
            assert answer.status in (200, 400, 401, 405, 410), name


async def test_R_MD_05_every_signing_algorithm_of_the_settings(start_idp: StartIdp) -> None:
    """Each has its key in the JWK Set, and signs the tokens of whoever wants it."""
    idp = await start_idp(store="sqlite:///:memory:", signing_algorithms=SIGNING_ALGORITHMS)
    keys = (await idp.send("GET", "/.well-known/jwks")).json["keys"]
    assert [key["alg"] for key in keys] == list(SIGNING_ALGORITHMS)
    for algorithm in SIGNING_ALGORITHMS:
        client_id = f"by-{algorithm.lower()}"
        profile = TokenProfile(algorithm)
        secret = await idp.add_client(client_id, token_profile=profile, skip_token_encryption=True)
        await idp.allow(client_id, "introspection")
        token = (await idp.grant(client_id, secret)).token
        assert (await idp.claims(token))["sub"] == client_id
        assert (await idp.present("introspect", token, client_id, secret)).json["active"]
