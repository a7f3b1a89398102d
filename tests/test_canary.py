"""The test of the test: the canary finds what it is there to find."""

from __future__ import annotations

import json

import pytest
from jwcrypto import jwk

from apogee_idp.crypto.secrets import generate_secret
from apogee_idp.crypto.slow_hashes import NOBODYS_HASH
from tests.canary import OPERATORS_SECRET, findings_in

TOKEN = ".".join(["eyJ" + "hbGciOiJSUzI1NiJ9", "eyJzdWIiOiJ4In0", "c2lnbmF0dXJl"])
NEW = generate_secret()
PRIVATE = json.loads(jwk.JWK.generate(kty="EC", crv="P-256").export_private())


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        pytest.param(NEW.value, "a client secret", id="a client secret"),
        pytest.param(TOKEN, "a token", id="a token"),
        pytest.param(OPERATORS_SECRET, "a planted secret", id="an operator's secret"),
        pytest.param(NEW.hash, "a hash of a secret", id="a fast hash"),
        pytest.param(NOBODYS_HASH, "a hash of a secret", id="a slow hash"),
        pytest.param(json.dumps(PRIVATE), "a private key", id="a private key as JSON"),
        pytest.param(repr(PRIVATE), "a private key", id="a private key as Python"),
    ],
)
def test_it_sings(text: str, finding: str) -> None:
    """In the middle of a line, too."""
    assert findings_in(f"before {text} after") == [finding]


@pytest.mark.parametrize("text", ["", "apogee_idp", "status=200", "apogee_a_b_000000"])
def test_it_is_quiet_otherwise(text: str) -> None:
    """Or nobody would listen."""
    assert findings_in(text) == []
