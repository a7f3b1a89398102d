"""Public keys of others, before anything is verified by them."""

from __future__ import annotations

from typing import Any

import pytest

from apogee_idp.crypto.public_keys import UnusableKey, verification_key
from apogee_idp.crypto.signing import generate_private_key

ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]


def members(algorithm: str, **changes: Any) -> dict[str, Any]:
    return dict(generate_private_key(algorithm).export_public(as_dict=True) | changes)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_of_its_type_is_taken(algorithm: str) -> None:
    """With its kid, for signatures by this algorithm, whether it says so or not."""
    taken = verification_key(members(algorithm, kid="a", use="sig", alg=algorithm), algorithm)
    assert (taken.kid, taken.algorithm) == ("a", algorithm)
    assert verification_key(members(algorithm), algorithm).kid is None


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"n": "AAAA", "x": "AAAA"}, id="too short"),
        pytest.param({"n": 5, "x": 5}, id="a number where text belongs"),
        pytest.param({"n": "A" * 1400, "x": "A" * 1400}, id="too long"),
        pytest.param({"use": "enc"}, id="for encryption"),
        pytest.param({"alg": "HS256"}, id="for another algorithm"),
        pytest.param({"kty": "AKP"}, id="of another type"),
        pytest.param({"kid": "k" * 129}, id="an endless kid"),
    ],
)
def test_what_no_signature_can_be_verified_by(algorithm: str, changes: dict[str, Any]) -> None:
    """Refused before it is tried, whatever its type."""
    with pytest.raises(UnusableKey):
        verification_key(members(algorithm, **changes), algorithm)
