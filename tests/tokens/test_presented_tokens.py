"""Forged, altered and odd tokens at the introspection endpoint: none is ever active."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwcrypto import jwe, jwk, jws

from apogee_idp.crypto.sealing import KeyEncryptionKey, unseal
from apogee_idp.errors import InvalidToken
from apogee_idp.key_model import KeyRecord
from apogee_idp.stores.repositories import load_key_ring
from tests.conftest import StartIdp
from tests.idp import ISSUER, Answer, Idp


@dataclass
class Forger:
    """Has the server's own keys, so that only one thing is wrong with each token."""

    idp: Idp
    secret: str
    good: str
    keys: dict[str, jwk.JWK]

    @property
    def claims(self) -> dict[str, Any]:
        return part(self.good, 1)

    @property
    def kid(self) -> str:
        return str(part(self.good, 0)["kid"])

    async def ask(self, token: str) -> Answer:
        return await self.idp.present("introspect", token, "billing", self.secret)

    async def refuses(self, token: str) -> None:
        answer = await self.ask(token)
        assert (answer.status, answer.json) == (200, {"active": False}), token[:200]

    def signed(
        self,
        *,
        header: dict[str, Any] | None = None,
        raw: bytes | None = None,
        alg: str = "RS256",
        key: jwk.JWK | None = None,
        **claims: Any,
    ) -> str:
        """A token signed by ``key`` (ours for ``alg``); a claim or header of None is left out."""
        signer = key or self.keys[alg]
        ours = {"alg": alg, "kid": signer.thumbprint(), "typ": "at+jwt"} | (header or {})
        body = {n: v for n, v in (self.claims | claims).items() if v is not None}
        token = jws.JWS(raw if raw is not None else json.dumps(body).encode())
        token.allowed_algs = [alg]
        protected = {n: v for n, v in ours.items() if v is not None}
        if protected.get("alg") == alg and "crit" not in protected and "b64" not in protected:
            token.add_signature(signer, protected=json.dumps(protected))
            return str(token.serialize(compact=True))
        token.add_signature(signer, protected=json.dumps({"alg": alg}))
        _, _, signature = token.serialize(compact=True).split(".")
        return f"{b64(json.dumps(protected))}.{b64(json.dumps(body))}.{signature}"

    def encrypted(self, plaintext: str | bytes, **header: Any) -> str:
        """A JWE to the server's own key."""
        ours = {
            "alg": "RSA-OAEP",
            "enc": "A256CBC-HS512",
            "kid": self.keys["RSA-OAEP"].thumbprint(),
            "typ": "at+jwt",
            "cty": "JWT",
        } | header
        protected = json.dumps({n: v for n, v in ours.items() if v is not None})
        body = plaintext.encode() if isinstance(plaintext, str) else plaintext
        token = jwe.JWE(body, protected=protected, algs=[ours["alg"], ours["enc"]])
        token.add_recipient(self.keys["RSA-OAEP"])
        return str(token.serialize(compact=True))


def b64(value: str | bytes) -> str:
    raw = value.encode() if isinstance(value, str) else value
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def part(token: str, index: int) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(token.split(".")[index] + "==")))


async def forger_on(idp: Idp) -> Forger:
    secret = await idp.add_client(skip_token_encryption=True)
    await idp.allow("billing", "introspection")
    ring = await load_key_ring(idp.installation.store)
    assert ring is not None
    (text,) = idp.installation.settings.key_encryption_key
    guard = KeyEncryptionKey.parse(text)

    def opened(record: KeyRecord) -> jwk.JWK:
        return unseal(record, [guard])

    keys = {record.algorithm: opened(record) for record in ring.keys}
    return Forger(idp, secret, (await idp.grant("billing", secret)).token, keys)


@pytest.fixture
async def forger(idp: Idp) -> Forger:
    return await forger_on(idp)


async def test_what_the_forger_makes_right_is_active(forger: Forger) -> None:
    """Else no refusal below would prove anything."""
    for token in (
        forger.good,
        forger.signed(),
        forger.signed(alg="ES256"),
        forger.encrypted(forger.good),
        forger.signed(aud=["a", "b"]),
        forger.signed(header={"typ": "JWT"}, aud="https://billing.example"),
    ):
        assert (await forger.ask(token)).json["active"], token


NONE = ["none", "None", "nOnE", "NONE", ""]


@pytest.mark.parametrize("alg", NONE)
async def test_A_TK_01_unsigned(forger: Forger, alg: str) -> None:
    """``none`` in every case, with and without a signature (R-JW-02)."""
    header = b64(json.dumps({"alg": alg, "kid": forger.kid, "typ": "at+jwt"}))
    _, payload, signature = forger.good.split(".")
    await forger.refuses(f"{header}.{payload}.")
    await forger.refuses(f"{header}.{payload}.{signature}")


async def test_A_TK_01_a_public_key_as_a_secret(forger: Forger) -> None:
    """HS256 over the PEM, the DER or the JWK that anyone can read."""
    public = forger.keys["RS256"]
    pem = public.export_to_pem(private_key=False, password=None)
    jwk_text = public.export_public().encode()
    for secret in (pem, b" " + pem, pem.strip(), jwk_text, b64(jwk_text).encode()):
        oct_key = jwk.JWK(kty="oct", k=b64(secret))
        for alg in ("HS256", "HS512"):
            token = jws.JWS(json.dumps(forger.claims).encode())
            header = {"alg": alg, "kid": forger.kid, "typ": "at+jwt"}
            token.add_signature(oct_key, protected=json.dumps(header))
            await forger.refuses(token.serialize(compact=True))


async def test_A_TK_04_alg_and_key_agree(forger: Forger) -> None:
    """R-JW-01: each key has one algorithm, even where the mathematics would allow another."""
    rsa, ec = forger.keys["RS256"], forger.keys["ES256"]
    for alg in ("PS256", "RS384", "RS512"):
        await forger.refuses(forger.signed(alg=alg, key=rsa))
    for header in ({"alg": "RS256"}, {"kid": rsa.thumbprint()}, {"alg": "es256"}):
        await forger.refuses(forger.signed(alg="ES256", key=ec, header=header))


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
async def test_A_TK_02_keys_that_come_with_the_token(forger: Forger, name: str) -> None:
    """Whether they are used or not: such a token is refused."""
    evil = jwk.JWK.generate(kty="RSA", size=2048)
    value: Any = json.loads(evil.export_public()) if name == "jwk" else "https://evil.example/k"
    for key in (evil, forger.keys["RS256"]):
        header = {name: [value] if name == "x5c" else value, "kid": forger.kid}
        await forger.refuses(forger.signed(key=key, header=header))


KIDS: list[Any] = [
    None,
    "",
    "../../../dev/null",
    "' OR 1=1 --",
    {"$ne": None},
    ["RS256"],
    5,
    True,
    "\0",
    "k" * 129,
    "k" * 7000,
]


@pytest.mark.parametrize("kid", KIDS, ids=lambda kid: repr(kid).replace("\\", "")[:20])
async def test_A_TK_03_odd_kids(forger: Forger, kid: Any) -> None:
    """R-JW-05: a kid is looked up, and nothing else is done with it."""
    await forger.refuses(forger.signed(header={"kid": kid}))


async def test_A_TK_03_the_kid_of_the_encryption_key(forger: Forger) -> None:
    """It signs nothing, though it is RSA, too."""
    enc = forger.keys["RSA-OAEP"]
    await forger.refuses(forger.signed(key=enc))


@pytest.mark.parametrize("crit", [["exp"], [], ["b64"], "exp", [1], ["exp", "exp"]], ids=repr)
async def test_A_TK_05_crit(forger: Forger, crit: Any) -> None:
    """R-JW-09: we know no extension, so none may be critical."""
    await forger.refuses(forger.signed(header={"crit": crit, "exp": 1}))


async def test_A_TK_05_unencoded_payload(forger: Forger) -> None:
    """RFC 7797."""
    await forger.refuses(forger.signed(header={"b64": False, "crit": ["b64"]}))


@pytest.mark.parametrize(
    "typ",
    ["logout+jwt", "client-authentication+jwt", "dpop+jwt", "AT+JWT", "jwt", "", None, 5],
    ids=repr,
)
async def test_A_TK_06_other_kinds(forger: Forger, typ: Any) -> None:
    """R-JW-06: what isn't typed as an access token is none."""
    await forger.refuses(forger.signed(header={"typ": typ}))


async def test_A_TK_06_an_id_token_is_no_access_token(forger: Forger) -> None:
    """Typed JWT, addressed to its client, without client_id."""
    jwt = {"typ": "JWT"}
    await forger.refuses(forger.signed(header=jwt, aud="billing", client_id=None, nonce="n"))
    await forger.refuses(forger.signed(header=jwt, aud="billing"))
    await forger.refuses(forger.signed(header=jwt, aud=["https://billing.example", "billing"]))


ISSUERS = [
    f"{ISSUER}.evil",
    f"{ISSUER}/",
    ISSUER.upper(),
    ISSUER[:-1],
    "",
    None,
    [ISSUER],
    {"a": ISSUER},
    5,
]


@pytest.mark.parametrize("issuer", ISSUERS, ids=repr)
async def test_A_TK_08_the_issuer_to_the_letter(forger: Forger, issuer: Any) -> None:
    """R-JW-04: no prefix, no other case, no list."""
    await forger.refuses(forger.signed(iss=issuer))


CLAIMS: list[dict[str, Any]] = [
    {"exp": None},
    {"exp": "soon"},
    {"exp": True},
    {"exp": 1e400},
    {"exp": 1.8e9},
    {"exp": 2**53 + 1},
    {"exp": -1},
    {"exp": [1]},
    {"iat": None},
    {"iat": "now"},
    {"iat": False},
    {"sub": None},
    {"sub": 5},
    {"sub": ""},
    {"client_id": None},
    {"client_id": {"$ne": 1}},
    {"client_id": "nobody"},
    {"jti": None},
    {"jti": ["a"]},
    {"aud": None},
    {"aud": []},
    {"aud": [5]},
    {"aud": {"a": 1}},
    {"aud": ""},
]


@pytest.mark.parametrize("claims", CLAIMS, ids=repr)
async def test_R_JW_10_odd_claims(forger: Forger, claims: dict[str, Any]) -> None:
    """Each has its type, and times are whole, finite numbers."""
    await forger.refuses(forger.signed(**claims))


async def test_A_TK_15_times(forger: Forger) -> None:
    """No leeway for ``exp``; five seconds for the clock of another process in ``iat``."""
    now = int(time.time())
    for claims in (
        {"exp": now},
        {"exp": now - 59},
        {"iat": now + 600, "exp": now + 900},
        {"iat": now + 30, "exp": now + 900},
        {"iat": now - 10, "exp": now - 10},
        {"iat": now + 5, "exp": now + 4},
        {"iat": now + 3, "exp": now + 3},
    ):
        await forger.refuses(forger.signed(**claims))
    assert (await forger.ask(forger.signed(iat=now + 4))).json["active"]


RAW: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"{",
    b"\xff\xfe{}",
    b'{"a":' * 700,
    b"[" * 4000,
    b'{"exp":' + b"9" * 5000 + b"}",
]


@pytest.mark.parametrize("raw", RAW, ids=lambda raw: repr(raw[:12]).replace("\\", ""))
async def test_R_JW_10_claims_that_are_no_object(forger: Forger, raw: bytes) -> None:
    """Signed by us all the same."""
    await forger.refuses(forger.signed(raw=raw))


async def test_R_JW_10_names_that_are_repeated(forger: Forger) -> None:
    """Parsers disagree about which one counts, so neither does."""
    body = json.dumps(forger.claims)
    for twice in ('"sub":"admin",', '"exp":9999999999,', '"x":1,"x":2,', '"x":{"y":1,"y":2},'):
        await forger.refuses(forger.signed(raw=("{" + twice + body[1:]).encode()))
    header = json.dumps(part(forger.good, 0))
    _, payload, signature = forger.good.split(".")
    for twice in ('"alg":"none",', '"kid":"x",'):
        await forger.refuses(f"{b64('{' + twice + header[1:])}.{payload}.{signature}")


FORMS: list[tuple[str, Callable[[str], str]]] = [
    ("a space before", lambda token: f" {token}"),
    ("a newline behind", lambda token: f"{token}\n"),
    ("padding", lambda token: token + "="),
    ("one segment less", lambda token: token.rpartition(".")[0]),
    ("one segment more", lambda token: f"{token}.x"),
    ("two segments more", lambda token: f"{token}.x.y"),
    ("an empty segment", lambda token: token.replace(".", "..", 1)),
    ("a character less", lambda token: token[:-1]),
    ("a character more", lambda token: f"{token}A"),
    ("another case", str.swapcase),
    ("standard base64", lambda token: token.replace("-", "+").replace("_", "/") + "+/"),
    ("other digits", lambda token: token.replace("1", "\N{FULLWIDTH DIGIT ONE}") + "\N{RLO}"),
    ("a JSON serialisation", lambda token: json.dumps({"payload": token})),
]


@pytest.mark.parametrize("change", [c for _, c in FORMS], ids=[name for name, _ in FORMS])
async def test_R_JW_08_only_the_compact_form(forger: Forger, change: Callable[[str], str]) -> None:
    """A-TE-04: to the letter; one encoding of each token."""
    await forger.refuses(change(forger.good))


async def test_A_TE_04_the_last_bits_of_a_signature_count(forger: Forger) -> None:
    """A signature of 256 bytes leaves four bits of its last character unused."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(forger.good.rpartition(".")[2]) % 4 == 2
    for last in alphabet:
        if last != forger.good[-1]:
            await forger.refuses(forger.good[:-1] + last)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("." * 8000, id="dots"),
        pytest.param("a." * 4000, id="segments"),
        pytest.param("A" * 8193, id="one segment"),
        pytest.param("A" * 15_000 + ".a.a", id="a long header"),
        pytest.param(b64('{"alg":"RS256","p2c":' + "9" * 4000 + "}") + ".a.a", id="a number"),
    ],
)
async def test_A_TK_09_oversize(forger: Forger, token: str) -> None:
    """More than 8 KiB is not looked at, more than 16 KiB not even read."""
    await forger.refuses(token)
    assert (await forger.ask(token * 20)).status == 413


async def test_A_TK_09_a_token_of_8_KiB_is_the_largest(forger: Forger) -> None:
    """However well it is signed."""
    sizes: dict[int, str] = {}
    for padding in range(5250, 5750):
        token = forger.signed(padding="x" * padding)
        sizes.setdefault(len(token), token)
    largest = max(size for size in sizes if size <= 8192)
    smallest = min(size for size in sizes if size > 8192)
    assert smallest - largest <= 2
    assert (await forger.ask(sizes[largest])).json["active"]
    await forger.refuses(sizes[smallest])


async def test_A_TK_10_compressed(forger: Forger) -> None:
    """R-JW-07: ``zip`` is refused before anything is inflated."""
    bomb = forger.encrypted(b"\0" * 2_000_000, zip="DEF")
    assert len(bomb) < 8000
    started = time.perf_counter()
    await forger.refuses(bomb)
    await forger.refuses(forger.encrypted(forger.good, zip="DEF"))
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "PBES2-HS256+A128KW", "p2c": 2**31, "p2s": "AAAA"},
        {"alg": "RSA1_5"},
        {"alg": "RSA-OAEP-256"},
        {"alg": "dir"},
        {"alg": "none"},
        {"enc": "A256GCM"},
        {"enc": None},
        {"cty": None},
        {"cty": "at+jwt"},
        {"kid": None},
        {"kid": "x"},
        {"typ": "JWT"},
        {"typ": None},
        {"crit": ["exp"]},
        {"epk": {}},
    ],
    ids=repr,
)
async def test_A_TK_11_A_TK_12_other_ways_to_encrypt(
    forger: Forger, header: dict[str, Any]
) -> None:
    """Only what this server writes: RSA-OAEP and A256CBC-HS512, typed alike inside and out."""
    whole = forger.encrypted(forger.good)
    ours = {n: v for n, v in (part(whole, 0) | header).items() if v is not None}
    altered = ".".join([b64(json.dumps(ours)), *whole.split(".")[1:]])
    await forger.refuses(altered)
    started = time.perf_counter()
    await forger.refuses(altered)
    assert time.perf_counter() - started < 5


async def test_R_JW_03_the_layers_agree(forger: Forger) -> None:
    """Both are typed alike, and neither has a header that this server does not write."""
    await forger.refuses(forger.encrypted(forger.good, typ="JWT"))
    await forger.refuses(forger.encrypted(forger.good, foo="x"))
    await forger.refuses(forger.signed(header={"foo": "x"}))


async def test_A_TK_12_all_failures_of_decryption_look_alike(forger: Forger) -> None:
    """A wrong key, IV, ciphertext or tag: no oracle."""
    whole = forger.encrypted(forger.good).split(".")
    for index in range(1, 5):
        segments = list(whole)
        flipped = "B" if segments[index][0] != "B" else "C"
        segments[index] = flipped + segments[index][1:]
        await forger.refuses(".".join(segments))


async def test_A_TK_13_decrypting_is_not_authenticating(forger: Forger) -> None:
    """R-JW-03: anyone can encrypt to us; only a signature inside counts."""
    claims = json.dumps(forger.claims)
    unsigned = ".".join([b64('{"alg":"none"}'), b64(claims), ""])
    for inner in (claims, unsigned, forger.encrypted(forger.good), "a.b.c", "", b"\xff" * 50):
        await forger.refuses(forger.encrypted(inner))


async def test_A_TK_14_degenerate_signatures(forger: Forger) -> None:
    """r = s = 0, DER, other lengths."""
    header, payload, signature = forger.signed(alg="ES256").split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for odd in (
        bytes(64),
        order.to_bytes(32, "big") * 2,
        raw[:63],
        raw + b"\0",
        raw[:32] + b"\0" * 16 + raw[32:] + b"\0" * 16,
        b"0" + raw,
        b"",
        b"\x30\x06\x02\x01\x01\x02\x01\x01",
    ):
        await forger.refuses(f"{header}.{payload}.{b64(odd)}")


async def test_F_KEY_05_tokens_of_a_revoked_key_are_refused(forger: Forger) -> None:
    """Signed with a key that is not in the ring, however well."""
    stranger = jwk.JWK.generate(kty="RSA", size=2048)
    await forger.refuses(forger.signed(key=stranger))
    await forger.refuses(forger.signed(key=stranger, header={"kid": forger.kid}))


def mutations(token: str) -> st.SearchStrategy[str]:
    """The token with a few characters, segments or bits changed."""
    positions = st.integers(0, len(token) - 1)
    characters = st.characters(codec="utf-8", exclude_categories=("Cs",))
    segments = token.split(".")
    return st.one_of(
        st.tuples(positions, characters).map(lambda p: token[: p[0]] + p[1] + token[p[0] + 1 :]),
        st.tuples(positions, positions).map(lambda p: token[: min(p)] + token[max(p) + 1 :]),
        st.tuples(positions, st.text(characters, max_size=20)).map(
            lambda p: token[: p[0]] + p[1] + token[p[0] :]
        ),
        st.permutations(segments).map(".".join),
        st.lists(st.sampled_from([*segments, "", "e30", "bnVsbA"]), max_size=7).map(".".join),
        st.tuples(st.sampled_from(range(len(segments))), st.binary(max_size=60)).map(
            lambda p: ".".join([*segments[: p[0]], b64(p[1]), *segments[p[0] + 1 :]])
        ),
        st.text(characters, max_size=200),
    )


async def test_A_TK_mutated_tokens_are_never_active(
    start_idp: StartIdp, long: Callable[[int, int], int]
) -> None:
    """Whatever is done to a token: no 5xx, and no token but itself."""
    forger = await forger_on(await start_idp())
    reader = forger.idp.installation.services.reader
    size = long(2000, 100_000)
    originals = [forger.good, forger.signed(alg="ES256"), forger.encrypted(forger.good)]
    seen: list[str] = []

    @settings(
        max_examples=size,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(*map(mutations, originals)))
    def collect(token: str) -> None:
        seen.append(token)

    collect()
    assert len(seen) >= size
    for start in range(0, len(seen), 50):
        altered = [token for token in seen[start : start + 50] if token not in originals]
        for token in altered:
            with pytest.raises(InvalidToken):
                await reader.read(token)
        for answer in await asyncio.gather(*map(forger.ask, altered)):
            assert answer.status in (400, 413) or answer.json == {"active": False}
            assert answer.status < 500


async def test_A_TK_16_a_token_that_is_active_says_nothing_of_its_likes(forger: Forger) -> None:
    """The same claims under another signature, asked for before and after the true one."""
    evil = jwk.JWK.generate(kty="RSA", size=2048)
    header, payload, signature = forger.good.split(".")
    likes = [
        f"{header}.{payload}.{signature[::-1]}",
        forger.signed(key=evil, header={"kid": forger.kid}, **part(forger.good, 1)),
    ]
    for _ in range(2):
        for like in likes:
            await forger.refuses(like)
        assert (await forger.ask(forger.good)).json["active"]
