"""What a preview shows is as long as the token would be."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

import pytest

from apogee_idp.crypto.void_keys import VoidKey


def rsa(kid: str, size: int) -> dict[str, Any]:
    """A public key whose modulus has so many bytes."""
    n = base64.urlsafe_b64encode(b"\xf0" * size).rstrip(b"=").decode()
    return {"kty": "RSA", "kid": kid, "n": n, "e": "AQAB"}


KEYS = {"keys": [rsa("other", 512), {"kty": "EC", "kid": "curve"}, rsa("large", 384)]}


@pytest.mark.parametrize(
    ("kid", "algorithm", "size"),
    [
        pytest.param("large", "RS256", 384, id="RSA"),
        pytest.param("gone", "RS256", 256, id="RSA that is not published"),
        pytest.param("curve", "ES256", 64, id="P-256"),
        pytest.param("curve", "ES384", 96, id="P-384"),
        pytest.param("curve", "EdDSA", 64, id="Ed25519"),
    ],
)
async def test_its_signatures_are_as_long(kid: str, algorithm: str, size: int) -> None:
    """And the same for whatever is signed: nobody learns anything from them."""
    key: Any = SimpleNamespace(kid=kid, algorithm=algorithm)
    void = VoidKey.like(key, KEYS)
    assert (void.kid, void.algorithm) == (kid, algorithm)
    assert await void.sign(b"one") == await void.sign(b"another") == b"\xff" * size
