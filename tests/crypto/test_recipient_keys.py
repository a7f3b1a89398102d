"""The key of an API that its tokens are encrypted to."""

from __future__ import annotations

from typing import Any

import pytest
from jwcrypto import jwk

from apogee_idp.crypto.public_keys import UnusableKey, check_recipient_jwks, recipient_key
from apogee_idp.crypto.signing import generate_private_key


@pytest.fixture(scope="module")
def key() -> jwk.JWK:
    return generate_private_key("RS256")


def members(key: jwk.JWK, **changes: Any) -> dict[str, Any]:
    return {n: v for n, v in (key.export_public(as_dict=True) | changes).items() if v is not None}


def test_a_key_for_signatures_is_passed_over(key: jwk.JWK) -> None:
    """The first one that may be used for encryption is taken."""
    jwks = {"keys": [members(key, use="sig", kid="a"), members(key, use="enc", kid="b")]}
    assert recipient_key(jwks).kid == "b"


@pytest.mark.parametrize(
    ("changes", "algorithm"),
    [
        pytest.param({}, "RSA-OAEP-256", id="RSA"),
        pytest.param({"alg": "RSA-OAEP"}, "RSA-OAEP", id="as the key says"),
    ],
)
def test_the_key_says_how(key: jwk.JWK, changes: dict[str, Any], algorithm: str) -> None:
    """Else the safest that its type has."""
    assert recipient_key({"keys": [members(key, **changes)]}).algorithm == algorithm


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"e": "Aw"}, id="a small exponent"),
        pytest.param({"n": "A" * 1400}, id="a huge modulus"),
        pytest.param({"alg": "RSA1_5"}, id="an algorithm that leaks"),
        pytest.param({"alg": "RS256"}, id="for signatures"),
        pytest.param({"kid": "k" * 129}, id="an endless kid"),
        pytest.param({"d": "AQAB"}, id="private"),
        pytest.param({"kty": "oct", "k": "AAAA"}, id="symmetric"),
    ],
)
def test_what_no_token_can_be_encrypted_to(key: jwk.JWK, changes: dict[str, Any]) -> None:
    """Refused when the resource is registered, without a word of the key."""
    with pytest.raises(UnusableKey) as caught:
        check_recipient_jwks({"keys": [members(key, **changes)]})
    assert members(key)["n"][:20] not in str(caught.value)
