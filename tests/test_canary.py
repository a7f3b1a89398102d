"""The test of the test: the canary finds what it is there to find."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jwcrypto import jwk

from apogee_idp.crypto.secrets import generate_secret
from apogee_idp.crypto.slow_hashes import NOBODYS_HASH
from tests.canary import HEARD, OPERATORS_SECRET, findings_at_rest, findings_in
from tests.overhearing import overhear

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


HUSH = "hush-hush-hush"
BASIC = base64.b64encode(f"billing:{HUSH}".encode()).decode()


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        pytest.param({"data": f"client_secret={HUSH}"}, {}, id="a form"),
        pytest.param({"headers": {"authorization": f"Basic {BASIC}"}}, {}, id="a Basic header"),
        pytest.param({"headers": {"Authorization": f"Bearer {HUSH}"}}, {}, id="a Bearer header"),
        pytest.param({"headers": {"Cookie": f"a=b; session={HUSH}"}}, {}, id="a cookie"),
        pytest.param({}, {"access_token": HUSH}, id="an answer"),
    ],
)
def test_what_went_over_the_wire_is_a_canary_from_then_on(
    request_: Mapping[str, Any], answer: Mapping[str, str], tmp_path: Path
) -> None:
    """In texts, and in a database."""
    (tmp_path / "apogee.db").write_bytes(b"\xff" + HUSH.encode())
    assert findings_at_rest(tmp_path) == findings_in(HUSH) == []
    overhear("POST", "/connect/token", request_, json.dumps(answer).encode(), 200)
    assert findings_at_rest(tmp_path) == findings_in(f"before {HUSH} after") != []


@pytest.mark.parametrize(
    ("method", "url", "status", "body"),
    [
        pytest.param("POST", "/connect/token", 400, "{HUSH}", id="an error"),
        pytest.param("GET", "/account", 200, "<!doctype html>{HUSH}", id="a page"),
        pytest.param("GET", "/api/v1/clients?x", 200, '["{HUSH}"]', id="a list"),
    ],
)
def test_answers_that_show_one_fail(method: str, url: str, status: int, body: str) -> None:
    """Where they are no answers that hand one out."""
    HEARD[HUSH] = "client_secret"
    text = body.replace("{HUSH}", HUSH).encode()
    with pytest.raises(AssertionError, match=f"{status} with .'what stood in client_secret'"):
        overhear(method, url, {}, text, status)
    overhear("POST", "/connect/token", {}, text.removeprefix(b"<!doctype html>"), 200)


@pytest.mark.parametrize("text", ["", "apogee_idp", "status=200", "apogee_a_b_000000"])
def test_it_is_quiet_otherwise(text: str) -> None:
    """Or nobody would listen."""
    assert findings_in(text) == []
