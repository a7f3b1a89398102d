"""Client authentication by ``private_key_jwt`` (RFC 7523), on both stores."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from jwcrypto import jwk, jws

from apogee_idp import ProcessSignIn, Registry, Services
from apogee_idp.crypto.signing import generate_private_key
from apogee_idp.model import SIGNING_ALGORITHMS, frozen
from tests.conftest import StartIdp
from tests.idp import ISSUER, TOKEN_PATH, Answer, Idp

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NOW = 1_800_000_000


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def public(*keys: jwk.JWK, **members: str) -> dict[str, Any]:
    return {"keys": [key.export_public(as_dict=True) | members for key in keys]}


@dataclass
class Signer:
    """A client with a key of its own, and a clock for both sides."""

    idp: Idp
    key: jwk.JWK
    clock: list[int]
    count: int = 0

    def assertion(
        self,
        *,
        header: dict[str, Any] | None = None,
        key: jwk.JWK | None = None,
        alg: str = "RS256",
        raw: bytes | None = None,
        **claims: Any,
    ) -> str:
        self.count += 1
        now = self.clock[0]
        body = {
            "iss": "billing",
            "sub": "billing",
            "aud": ISSUER,
            "exp": now + 60,
            "iat": now,
            "jti": f"a{self.count}",
        } | claims
        token = jws.JWS(raw or json.dumps({n: v for n, v in body.items() if v != ""}).encode())
        token.allowed_algs = [alg]
        protected = {"alg": alg} | (header or {})
        token.add_signature(key or self.key, protected=json.dumps(protected))
        return str(token.serialize(compact=True))

    async def ask(self, assertion: str, **parameters: str) -> Answer:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": TYPE,
            "client_assertion": assertion,
        }
        return await self.idp.ask(form | parameters)

    async def passes(self, assertion: str, **parameters: str) -> None:
        answer = await self.ask(assertion, **parameters)
        assert answer.status == 200, answer.body

    async def refuses(self, assertion: str, **parameters: str) -> None:
        answer = await self.ask(assertion, **parameters)
        assert (answer.status, answer.error) == (401, "invalid_client"), answer.body


@pytest.fixture(scope="module")
def key() -> jwk.JWK:
    return generate_private_key("RS256")


@pytest.fixture
async def signer(start_idp: StartIdp, key: jwk.JWK) -> Signer:
    clock = [NOW]
    idp = await start_idp(clock=lambda: clock[0])
    await idp.add_client()
    await idp.change_client("billing", secrets=(), jwks=frozen(public(key)))
    return Signer(idp, key, clock)


@pytest.mark.parametrize("alg", SIGNING_ALGORITHMS)
async def test_every_advertised_algorithm_works(start_idp: StartIdp, alg: str) -> None:
    """R-MD-05: with and without ``kid`` and ``client_id``."""
    key = generate_private_key(alg)
    clock = [NOW]
    idp = await start_idp(clock=lambda: clock[0])
    await idp.add_client()
    kid = {"kid": "mine"}
    await idp.change_client("billing", jwks=frozen(public(key, **kid)))
    signer = Signer(idp, key, clock)
    await signer.passes(signer.assertion(alg=alg))
    await signer.passes(signer.assertion(alg=alg, header=kid), client_id="billing")
    await signer.refuses(signer.assertion(alg=alg, header={"kid": "other"}))


async def test_R_CA_03_typ(signer: Signer) -> None:
    """None, JWT or the one of the draft; that of another kind of token never."""
    for typ in ("JWT", "client-authentication+jwt"):
        await signer.passes(signer.assertion(header={"typ": typ}))
    for typ in ("at+jwt", "dpop+jwt", "logout+jwt", "jwt", ""):
        await signer.refuses(signer.assertion(header={"typ": typ}))


ENDPOINT = f"{ISSUER}{TOKEN_PATH}"


@pytest.mark.parametrize(
    "audience",
    [ENDPOINT, [ISSUER], [ISSUER, "https://evil.example"], f"{ISSUER}/", "", [], {}, 5],
    ids=repr,
)
async def test_R_CA_02_the_audience_is_the_issuer_alone(signer: Signer, audience: Any) -> None:
    """Else an assertion made for somebody else's server would do for ours."""
    await signer.refuses(signer.assertion(aud=audience))


async def test_R_CA_07_a_client_may_be_allowed_the_token_endpoint(signer: Signer) -> None:
    """For those whose library knows nothing else; still nobody beside it."""
    await signer.idp.change_client("billing", accepts_token_endpoint_audience=True)
    signer.idp.installation.services.clients.forget("billing")
    for audience in (ISSUER, ENDPOINT, [ENDPOINT], [ISSUER]):
        await signer.passes(signer.assertion(aud=audience))
    for odd in ([ISSUER, ENDPOINT], [ENDPOINT, "https://evil.example"], "https://evil.example"):
        await signer.refuses(signer.assertion(aud=odd))


ODD: list[dict[str, Any]] = [
    {"iss": "other"},
    {"sub": "other"},
    {"iss": "other", "sub": "other"},
    {"iss": "", "sub": ""},
    {"sub": {"$ne": 1}},
    {"exp": ""},
    {"exp": NOW - 60},
    {"exp": NOW + 661},
    {"exp": NOW + 10 * 365 * 86_400},
    {"exp": 1e400},
    {"exp": "x"},
    {"exp": True},
    {"exp": NOW + 60.5},
    {"iat": NOW + 61},
    {"iat": "x"},
    {"nbf": NOW + 61},
    {"nbf": None},
    {"nbf": True},
    {"iat": True},
    {"jti": ""},
    {"jti": 5},
    {"jti": "j" * 256},
    {"jti": "\ud800"},
]


@pytest.mark.parametrize("claims", ODD, ids=lambda claims: repr(claims).replace("\\", ""))
async def test_A_CA_05_odd_claims(signer: Signer, claims: dict[str, Any]) -> None:
    """R-CA-01, R-CA-05: each claim is there, of its type, and of our time."""
    await signer.refuses(signer.assertion(**claims))


@pytest.mark.parametrize(
    "claims", [{"exp": NOW - 59}, {"exp": NOW + 660}, {"iat": NOW + 60}, {"nbf": NOW + 8}]
)
async def test_R_CA_05_clocks_differ(signer: Signer, claims: dict[str, int]) -> None:
    """By a minute at most."""
    await signer.passes(signer.assertion(**claims))


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "zip", "crit"])
async def test_A_CA_05_headers_that_bring_something(signer: Signer, name: str) -> None:
    """Keys least of all."""
    head, payload, signature = signer.assertion().split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "==")) | {name: ["exp"]}
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    await signer.refuses(f"{encoded}.{payload}.{signature}")


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
async def test_A_CA_05_keys_that_come_with_the_assertion(signer: Signer, name: str) -> None:
    """Refused, though the signature is right."""
    await signer.refuses(signer.assertion(header={name: "https://evil.example"}))


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"use": "enc"}, id="for encryption"),
        pytest.param({"alg": "PS256"}, id="for another algorithm"),
        pytest.param({"e": "Aw"}, id="a small exponent"),
        pytest.param({"n": "A" * 1400}, id="a huge modulus"),
        pytest.param({"kid": 5}, id="a kid that is none"),
        pytest.param({"kty": "EC"}, id="another type"),
        pytest.param({"n": None}, id="no modulus"),
    ],
)
async def test_A_DOS_08_keys_that_are_for_something_else(
    signer: Signer, members: dict[str, Any]
) -> None:
    """R-JW-01: what a registered key is for is obeyed, and odd ones are passed over."""
    await signer.idp.change_client("billing", jwks=frozen(public(signer.key, **members)))
    signer.idp.installation.services.clients.forget("billing")
    await signer.refuses(signer.assertion())


async def test_A_DOS_08_few_keys_are_tried(signer: Signer) -> None:
    """Three, for an assertion that does not say which; any of twenty, for one that does."""
    others = [generate_private_key("RS256") for _ in range(3)]
    named = [
        key.export_public(as_dict=True) | {"kid": f"k{number}"}
        for number, key in enumerate([*others, signer.key])
    ]
    await signer.idp.change_client("billing", jwks=frozen({"keys": named}))
    signer.idp.installation.services.clients.forget("billing")
    await signer.refuses(signer.assertion())
    await signer.passes(signer.assertion(header={"kid": "k3"}))
    crowd = frozen({"keys": [named[0]] * 20 + [named[3]]})
    await signer.idp.change_client("billing", jwks=crowd)
    signer.idp.installation.services.clients.forget("billing")
    await signer.refuses(signer.assertion(header={"kid": "k3"}))


async def test_a_disabled_client_uses_up_nothing(signer: Signer) -> None:
    """No row for what was refused, and nobody is asked for keys."""
    await signer.idp.change_client("billing", enabled=False)
    signer.idp.installation.services.clients.forget("billing")
    await signer.refuses(signer.assertion())
    assert (await signer.idp.installation.store.assertions.list()).items == ()


async def test_R_TE_01_no_assertion_in_the_URL_or_among_the_parameters(
    start_idp: StartIdp, key: jwk.JWK
) -> None:
    """Where logs and plugins would see it."""
    seen: list[str] = []

    def register(registry: Registry, _: Services) -> None:
        async def look(event: ProcessSignIn) -> None:
            seen.extend(event.request.parameters)

        registry.add(ProcessSignIn, look, name="look", order=1)

    idp = await start_idp(register=register, clock=lambda: NOW)
    await idp.add_client()
    await idp.change_client("billing", jwks=frozen(public(key)))
    signer = Signer(idp, key, [NOW])
    await signer.passes(signer.assertion(), other="x")
    assert seen == ["other"]
    for name in ("client_assertion", "client_assertion_type"):
        answer = await idp.send("POST", f"{TOKEN_PATH}?{name}=x", data={"grant_type": "x"})
        assert (answer.status, answer.error) == (400, "invalid_request")


async def test_A_CA_05_other_keys_and_algorithms(signer: Signer) -> None:
    """none, HS256 by the public key, another key, another algorithm of the same key."""
    stranger = generate_private_key("RS256")
    await signer.refuses(signer.assertion(key=stranger))
    pem = signer.key.export_to_pem(private_key=False, password=None)
    oct_key = jwk.JWK(kty="oct", k=base64.urlsafe_b64encode(pem).rstrip(b"=").decode())
    await signer.refuses(signer.assertion(key=oct_key, alg="HS256"))
    _, payload, _ = signer.assertion().split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    for odd in (f"{none}.{payload}.", "x", "....", "a.b.c.d.e", f"{none}.{payload}.AAAA", "." * 99):
        await signer.refuses(odd)


async def test_A_CA_05_names_that_are_repeated(signer: Signer) -> None:
    """Signed, and refused all the same."""
    body = '{"iss":"other","iss":"billing","sub":"billing","aud":"%s","exp":%d,"jti":"x"}'
    await signer.refuses(signer.assertion(raw=(body % (ISSUER, NOW + 60)).encode()))


async def test_R_CA_01_client_id_is_the_same(signer: Signer) -> None:
    """If it is sent at all; and no second way of authentication comes with it."""
    await signer.refuses(signer.assertion(), client_id="other")
    mixed = await signer.ask(signer.assertion(), client_id="billing", client_secret="x")
    assert (mixed.status, mixed.error) == (400, "invalid_request")
    for parameters in ({"client_assertion_type": "x"}, {"client_assertion_type": ""}):
        answer = await signer.ask(signer.assertion(), **parameters)
        assert (answer.status, answer.error) == (401, "invalid_client")


async def test_R_CA_04_an_assertion_is_used_once(signer: Signer) -> None:
    """Of fifty at the same time, one; and none ever after."""
    assertion = signer.assertion()
    answers = await asyncio.gather(*(signer.ask(assertion) for _ in range(50)))
    assert sorted(answer.status for answer in answers) == [200] + [401] * 49
    signer.clock[0] += 119
    await signer.refuses(assertion)
    await signer.refuses(signer.assertion(jti="a1"))


async def test_a_jti_belongs_to_its_client(signer: Signer) -> None:
    """Two clients may choose the same."""
    await signer.idp.add_client("other")
    await signer.idp.change_client("other", jwks=frozen(public(signer.key)))
    await signer.passes(signer.assertion(jti="same"))
    await signer.passes(signer.assertion(iss="other", sub="other", jti="same"))


async def test_A_CA_02_nobody_learns_which_clients_exist(signer: Signer) -> None:
    """Unknown, disabled, public, without keys: the same answer as a wrong signature."""
    wrong = await signer.ask(signer.assertion(key=generate_private_key("RS256")))
    changes: dict[str, dict[str, Any]] = {
        "disabled": {"enabled": False},
        "public": {"client_type": "public"},
        "keyless": {"jwks": None},
    }
    for client_id, change in changes.items():
        await signer.idp.add_client(client_id)
        await signer.idp.change_client(client_id, **{"jwks": frozen(public(signer.key)), **change})
    for client_id in ("unknown", "usr_x", *changes):
        for alg in ("RS256", "ES256", "ES384", "EdDSA", "PS256"):
            key = signer.key if alg in ("RS256", "PS256") else generate_private_key(alg)
            answer = await signer.ask(
                signer.assertion(iss=client_id, sub=client_id, alg=alg, key=key)
            )
            assert (answer.status, answer.body) == (wrong.status, wrong.body)


async def test_it_authenticates_at_the_other_endpoints_too(signer: Signer) -> None:
    """Introspection and revocation take what the token endpoint takes."""
    await signer.idp.allow("billing", "introspection", "revocation")
    token = (await signer.ask(signer.assertion())).token
    for endpoint in ("introspect", "revoke"):
        form = {
            "token": token,
            "client_assertion_type": TYPE,
            "client_assertion": signer.assertion(),
        }
        answer = await signer.idp.send("POST", f"/connect/{endpoint}", data=form)
        assert answer.status == 200


class KeyHost:
    """A client's own server, which publishes its keys."""

    def __init__(self) -> None:
        self.keys: list[jwk.JWK] = []
        self.requests = 0
        self.status = 200
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def answer(self, _: web.Request) -> web.Response:
        self.requests += 1
        await self.may_answer.wait()
        return web.json_response(public(*self.keys), status=self.status)


@pytest.fixture
async def host() -> AsyncIterator[tuple[KeyHost, str]]:
    keys = KeyHost()
    app = web.Application()
    app.router.add_get("/jwks", keys.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield keys, f"http://127.0.0.1:{runner.addresses[0][1]}/jwks"
    await runner.cleanup()


Start = Callable[..., Awaitable[Signer]]


@pytest.fixture
def start(start_idp: StartIdp, key: jwk.JWK) -> Start:
    async def with_uri(uri: str, **settings: Any) -> Signer:
        clock = [NOW]
        idp = await start_idp(clock=lambda: clock[0], **settings)
        await idp.add_client()
        await idp.change_client("billing", jwks_uri=uri)
        return Signer(idp, key, clock)

    return with_uri


async def test_R_CA_06_keys_at_a_uri(start: Start, host: tuple[KeyHost, str]) -> None:
    """Read once, and once more for a kid that is not there; then not before 30 seconds."""
    keys, uri = host
    signer = await start(uri, private_hosts=("127.0.0.1",))
    keys.keys = [signer.key]
    kid = {"kid": signer.key.thumbprint()}
    keys.keys[0] = jwk.JWK(**(signer.key.export(as_dict=True) | kid))
    for _ in range(3):
        await signer.passes(signer.assertion(header=kid))
    assert keys.requests == 1
    for _ in range(20):
        await signer.refuses(signer.assertion(header={"kid": "other"}))
    await signer.refuses(signer.assertion(key=generate_private_key("RS256")))
    assert keys.requests == 1  # asked just now, so not again


async def test_A_CA_06_a_private_address_is_not_asked(
    start: Start, host: tuple[KeyHost, str]
) -> None:
    """Unless the operator names the host."""
    keys, uri = host
    signer = await start(uri)
    keys.keys = [signer.key]
    await signer.refuses(signer.assertion())
    assert keys.requests == 0


async def test_keys_that_can_not_be_had_are_a_refusal(
    start: Start, host: tuple[KeyHost, str]
) -> None:
    """The same answer as ever, and the log says why."""
    keys, uri = host
    signer = await start(uri, private_hosts=("127.0.0.1",))
    keys.status = 500
    await signer.refuses(signer.assertion())


async def test_A_CA_02_a_slow_uri_is_a_refusal(start: Start, host: tuple[KeyHost, str]) -> None:
    """The same answer as ever; what comes in the end is there for the next assertion."""
    keys, uri = host
    keys.keys = [generate_private_key("RS256")]
    keys.may_answer.clear()
    signer = await start(uri, private_hosts=("127.0.0.1",), handler_timeout=0.5)
    keys.keys = [signer.key]
    await signer.refuses(signer.assertion())
    keys.may_answer.set()

    async with asyncio.timeout(5):
        while (await signer.ask(signer.assertion())).status != 200:
            pass
