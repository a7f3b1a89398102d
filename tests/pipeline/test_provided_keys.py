"""Keys that a plugin provides, as one for a KMS would: the server never has the private half."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from apogee_idp import ProvidedKey, ProvideKeys, Registry, Services, TemporarilyUnavailable
from apogee_idp.crypto.signing import LocalSigningKey, generate_private_key
from apogee_idp.errors import KeyringError
from tests.conftest import Register, StartIdp
from tests.idp import Idp

MEMORY = "sqlite:///:memory:"


@dataclass
class Kms:
    """Signs elsewhere, and may be away."""

    algorithm: str = "RS256"
    is_away: bool = False
    messages: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        private = generate_private_key(self.algorithm)
        self.kid = str(private.thumbprint())
        self.public_jwk: Mapping[str, Any] = private.export_public(as_dict=True)
        self._signing = LocalSigningKey.of(self.kid, self.algorithm, private)

    async def sign(self, message: bytes) -> bytes:
        if self.is_away:
            raise TemporarilyUnavailable(reason="the KMS is away")
        self.messages.append(message)
        return await asyncio.to_thread(asyncio.run, self._signing.sign(message))


def plugin(*keys: ProvidedKey) -> Register:
    def register(registry: Registry, _: Services) -> None:
        async def provide_keys(event: ProvideKeys) -> None:
            event.keys.extend(keys)

        registry.add(ProvideKeys, provide_keys, name="provide_keys", order=1)

    return register


async def token_of(idp: Idp) -> str:
    secret = await idp.add_client(skip_token_encryption=True)
    return (await idp.grant("billing", secret)).token


async def test_a_plugin_s_key_signs_and_is_published(start_idp: StartIdp) -> None:
    """From the first start, as if it were our own; verifiers see no difference."""
    kms = Kms()
    idp = await start_idp(store=MEMORY, register=plugin(kms))
    token = await token_of(idp)
    assert (await idp.claims(token))["sub"] == "billing"
    assert kms.messages[-1] == token.rpartition(".")[0].encode()
    published = (await idp.send("GET", "/.well-known/jwks")).json["keys"]
    assert [key["kid"] for key in published if key["alg"] == "RS256"] == [kms.kid]


async def test_a_key_that_is_away_is_a_503(start_idp: StartIdp) -> None:
    """Its plugin says so; nothing else signs instead, and the next request tries again."""
    kms = Kms(is_away=True)
    idp = await start_idp(store=MEMORY, register=plugin(kms))
    secret = await idp.add_client()
    refused = await idp.grant("billing", secret)
    assert (refused.status, refused.error) == (503, "temporarily_unavailable")
    kms.is_away = False
    assert (await idp.grant("billing", secret)).status == 200


@pytest.mark.parametrize(
    "odd", [None, "key", object(), {"kid": "x"}], ids=lambda odd: type(odd).__name__
)
async def test_what_is_no_key_stops_the_start(start_idp: StartIdp, odd: Any) -> None:
    """And says that a plugin is to blame."""
    with pytest.raises(KeyringError, match="plugins"):
        await start_idp(store=MEMORY, register=plugin(odd))
