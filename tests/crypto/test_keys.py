"""Keys: made once, sealed at rest, published without anything private."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwcrypto import jwk, jws

from apogee_idp.app import opened_store
from apogee_idp.crypto.sealing import KeyEncryptionKey
from apogee_idp.crypto.tokens import sign_jwt
from apogee_idp.errors import KeyringError
from apogee_idp.key_model import KeyRecord, KeyRingRecord
from apogee_idp.keyring import KeyRing, OpenedKeys
from apogee_idp.settings import Settings
from apogee_idp.stores.base import Store
from apogee_idp.stores.repositories import add_key_ring, load_key_ring
from tests.conftest import StartIdp
from tests.idp import Idp
from tests.keys import PERIODS, fresh_key_encryption_key, key_keeper, new_ring, opened

KEY = fresh_key_encryption_key()


@pytest.fixture(scope="module")
def records() -> tuple[KeyRecord, ...]:
    return new_ring(KEY, now=7).keys


def ring_of(records: tuple[KeyRecord, ...], now: int = 7) -> KeyRing:
    keys = OpenedKeys(opened(records, KEY), PERIODS)
    return KeyRing(lambda: keys, now=lambda: now)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened_store(Settings(store=f"sqlite:///{tmp_path}/a.db")) as opened:
        yield opened


async def open_key_ring(store: Store, keys: list[KeyEncryptionKey]) -> KeyRing:
    keeper = key_keeper(store, *keys, now=lambda: 5)
    await keeper.load()
    return keeper.ring


def test_three_keys_are_made(records: tuple[KeyRecord, ...]) -> None:
    """RS256, ES256 and RSA-OAEP, each named by its RFC 7638 thumbprint."""
    kinds = [(record.use, record.algorithm, record.created_at) for record in records]
    assert kinds == [("sig", "RS256", 7), ("sig", "ES256", 7), ("enc", "RSA-OAEP", 7)]
    for key in ring_of(records).jwks["keys"]:
        assert key["kid"] == jwk.JWK(**key).thumbprint()


def test_A_SEC_04_nothing_private_rests_in_clear(records: tuple[KeyRecord, ...]) -> None:
    """Whoever reads the store reads no key."""
    for record in records:
        assert record.sealed.count(".") == 4
        assert (
            json.loads(base64.urlsafe_b64decode(record.sealed.split(".")[0] + "=="))["enc"]
            == "A256GCM"
        )
        assert record.sealed not in repr(record)


def test_R_JW_11_the_JWK_Set_is_public(records: tuple[KeyRecord, ...]) -> None:
    """Signing keys only, public members only, no key_ops, RSA of 2,048 bits."""
    rsa, ec = ring_of(records).jwks["keys"]
    assert set(rsa) == {"kty", "use", "alg", "kid", "n", "e"}
    assert set(ec) == {"kty", "use", "alg", "kid", "crv", "x", "y"}
    assert (rsa["alg"], ec["alg"], rsa["use"], ec["use"]) == ("RS256", "ES256", "sig", "sig")
    assert len(base64.urlsafe_b64decode(rsa["n"] + "==")) * 8 == 2048


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_jwcrypto_verifies_what_the_fast_path_signs(
    records: tuple[KeyRecord, ...], algorithm: str
) -> None:
    """Signing bypasses jwcrypto, so jwcrypto is asked; 50 times, as EC signatures vary."""
    keys = ring_of(records)
    (public,) = [jwk.JWK(**k) for k in keys.jwks["keys"] if k["alg"] == algorithm]
    for n in range(50):
        token = await sign_jwt({"n": n, "text": "ü"}, keys.signing_key(algorithm), typ="at+jwt")
        verified = jws.JWS()
        verified.deserialize(token, public, alg=algorithm)
        assert json.loads(verified.payload) == {"n": n, "text": "ü"}
        assert verified.jose_header == {
            "alg": algorithm,
            "kid": public["kid"],
            "typ": "at+jwt",
        }


def test_an_unknown_algorithm_has_no_key(records: tuple[KeyRecord, ...]) -> None:
    """``none`` and HS256 least of all."""
    keys = ring_of(records)
    for algorithm in ("none", "HS256", "RS512", "rs256", ""):
        with pytest.raises(KeyringError):
            keys.signing_key(algorithm)


def test_the_encryption_key_holds_no_private_half(records: tuple[KeyRecord, ...]) -> None:
    """Not even where no attribute shows it: plugins are handed this object."""
    encryption = opened(records, KEY)[2].encryption
    assert encryption is not None
    key, _ = encryption._encrypt.args  # type: ignore[attr-defined]
    assert isinstance(key, RSAPublicKey)


def test_what_was_sealed_is_not_tested_for_primes_again(records: tuple[KeyRecord, ...]) -> None:
    """Its seal is authentic, and OpenSSL's test takes 27 ms: of every start, and of the loop."""
    began = time.thread_time()
    for _ in range(10):
        for key in opened([record for record in records if record.algorithm == "RS256"], KEY):
            assert key.signing is not None
    assert time.thread_time() - began < 0.1


def test_the_second_key_encryption_key_opens_too(records: tuple[KeyRecord, ...]) -> None:
    """So that the key that guards keys can be rotated."""
    assert len(opened(records, fresh_key_encryption_key(), KEY)) == 3


def test_F_KEY_04_a_wrong_key_encryption_key_is_named(records: tuple[KeyRecord, ...]) -> None:
    """By its thumbprint, so that the operator knows which one to bring."""
    with pytest.raises(KeyringError, match=KEY.id):
        opened(records, fresh_key_encryption_key())


def swapped(records: tuple[KeyRecord, ...]) -> list[KeyRecord]:
    rsa, ec, enc = records
    return [replace(rsa, sealed=enc.sealed), ec, replace(enc, sealed=rsa.sealed)]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(swapped, id="two sealed keys swapped"),
        pytest.param(
            lambda records: [replace(r, algorithm="RS512") for r in records], id="an algorithm"
        ),
        pytest.param(
            lambda records: [replace(r, sealed=r.sealed[:-4] + "AAAA") for r in records], id="a tag"
        ),
        pytest.param(lambda records: [replace(r, sealed="") for r in records], id="no sealed key"),
        pytest.param(lambda records: [replace(r, sealed="a.b.c.d.e") for r in records], id="junk"),
    ],
)
def test_a_damaged_key_is_not_opened(records: tuple[KeyRecord, ...], damage: Any) -> None:
    """A record's use, algorithm and kid are authenticated with its key."""
    with pytest.raises(KeyringError):
        opened(damage(records), KEY)


@pytest.mark.parametrize(
    "lack",
    [
        pytest.param(lambda records: records[:2], id="no encryption key"),
        pytest.param(lambda records: records[1:], id="no RS256 key"),
        pytest.param(lambda records: (), id="nothing at all"),
    ],
)
async def test_a_ring_that_lacks_a_key_is_not_opened(
    records: tuple[KeyRecord, ...], store: Store, lack: Any
) -> None:
    """Nor is it mended in silence: that is for a backup."""
    await add_key_ring(store, KeyRingRecord(lack(records)))
    with pytest.raises(KeyringError, match="no key for"):
        await key_keeper(store, KEY, now=lambda: 7).load()


@pytest.mark.parametrize("text", ["", "short", "x" * 44, "ä" * 44, "A" * 43 + "!", "g" * 64])
def test_a_malformed_key_encryption_key_is_refused_without_repeating_it(text: str) -> None:
    """32 bytes as base64 or base64url, nothing else."""
    with pytest.raises(ValueError, match="base64") as caught:
        KeyEncryptionKey.parse(text)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_the_usual_spellings_are_taken(encode: Any) -> None:
    """Base64 with and without padding, hexadecimal digits; the key stays out of the repr."""
    raw = b"\xfb\xff" * 16
    text = encode(raw).decode()
    assert KeyEncryptionKey.parse(text).id == KeyEncryptionKey.parse(text.rstrip("=") + "\n").id
    assert KeyEncryptionKey.parse(raw.hex()).id == KeyEncryptionKey.parse(text).id
    assert text not in repr(KeyEncryptionKey.parse(text))


async def test_the_keys_are_made_once(store: Store) -> None:
    """The second start finds them."""
    first = await open_key_ring(store, [KEY])
    second = await open_key_ring(store, [KEY])
    assert first.jwks == second.jwks


async def test_a_wrong_key_encryption_key_makes_no_new_set(store: Store) -> None:
    """F-KEY-04: never fresh keys in silence."""
    first = await open_key_ring(store, [KEY])
    with pytest.raises(KeyringError):
        await open_key_ring(store, [fresh_key_encryption_key()])
    assert (await open_key_ring(store, [KEY])).jwks == first.jwks


STARTER = """
import asyncio, json, sys
from apogee_idp.app import now, opened_store
from apogee_idp.crypto.sealing import KeyEncryptionKey
from apogee_idp.settings import Settings
from tests.keys import key_keeper

async def start():
    async with opened_store(Settings(store="sqlite:///" + sys.argv[1])) as store:
        keeper = key_keeper(store, KeyEncryptionKey.parse(sys.argv[2]), now=now)
        await keeper.load()
        print(json.dumps([key["kid"] for key in keeper.ring.jwks["keys"]]))

asyncio.run(start())
"""


async def test_R_K8_03_processes_that_start_together_make_one_key_set(tmp_path: Path) -> None:
    """On an empty store, all of them publish the same keys."""
    text = base64.b64encode(secrets.token_bytes(32)).decode()
    starters = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            STARTER,
            str(tmp_path / "a.db"),
            text,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(4)
    ]
    outputs = [(await starter.communicate())[0] for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * 4
    assert len({output.decode() for output in outputs}) == 1
    with sqlite3.connect(tmp_path / "a.db") as db:
        assert db.execute("SELECT count(*) FROM keys").fetchone() == (1,)
    db.close()


async def test_the_store_keeps_records_as_they_are(store: Store) -> None:
    """What was made is what is read."""
    await open_key_ring(store, [KEY])
    loaded = await load_key_ring(store)
    assert loaded is not None
    assert [record.created_at for record in loaded.keys] == [5, 5, 5]


async def test_the_published_set_is_cacheable_and_open_to_all_origins(idp: Idp) -> None:
    """R-MD-03: 200, JSON, CORS, HEAD, and no private member under any name."""
    answer = await idp.send("GET", "/.well-known/jwks")
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "max-age" in answer.headers["Cache-Control"]
    assert (await idp.send("HEAD", "/.well-known/jwks")).status == 200
    members = {member for key in answer.json["keys"] for member in key}
    assert not members & {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
    assert len(jwt.PyJWKSet.from_dict(answer.json).keys) == 2


@pytest.mark.parametrize("path", ["/.well-known/jwks", "/.well-known/openid-configuration"])
async def test_A_DOS_07_who_has_the_document_is_not_sent_it_again(idp: Idp, path: str) -> None:
    """RFC 9110 §13.1.2: 304 for the same ETag, of several, weak or any; the whole for another."""
    answer = await idp.send("GET", path)
    tag = answer.headers["ETag"]
    assert tag == (await idp.send("GET", path)).headers["ETag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = await idp.send("GET", path, headers={"If-None-Match": known})
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
        assert again.headers["Cache-Control"] == "public, max-age=300"
    for other in ('"x"', 'W/"x"', "nonsense", '"' + "x" * 4000 + '"'):
        assert (await idp.send("GET", path, headers={"If-None-Match": other})).status == 200


@pytest.mark.parametrize(
    ("ahead", "age"), [(86_400, 300), (600, 300), (599, 299), (10, 5), (1, 0)], ids=str
)
async def test_R_JW_11_nobody_caches_the_keys_for_too_long(
    start_idp: StartIdp, ahead: int, age: int
) -> None:
    """Half of the time for which a key is published before it signs, and 5 minutes at most."""
    idp = await start_idp(key_ahead_seconds=ahead)
    answer = await idp.send("GET", "/.well-known/jwks")
    assert answer.headers["Cache-Control"] == f"public, max-age={age}"
