"""What another OpenID Connect provider says is believed if it is its own, for us, and for now."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from aiohttp import BasicAuth, web
from aiohttp.test_utils import TestServer
from jwcrypto import jwk

from apogee_idp.external.model import Departure, ExternalSignInFailed, IdentityProvider
from apogee_idp.external.openid_provider import CLOCK_SECONDS, METADATA_SECONDS, OpenIdProvider
from apogee_idp.outgoing import Outgoing
from apogee_idp.remote_keys import RemoteKeys
from tests.clock import Clock

KEY, OTHER = (jwk.JWK.generate(kty="RSA", size=2048, kid="k", use="sig") for _ in range(2))
DEPARTURE = Departure("https://idp.example/connect/callback/work", "state", "nonce-1", "v" * 43)


@dataclass
class Upstream:
    """A provider that says whatever a test wants it to."""

    clock: Clock
    outgoing: Outgoing
    issuer: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    key: jwk.JWK = KEY
    kid: str = "k"
    header: dict[str, Any] = field(default_factory=dict)
    response: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    forms: list[dict[str, str]] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self.configuration)
        app.router.add_get("/jwks", self.jwks)
        app.router.add_get("/userinfo", self.tell)
        app.router.add_post("/token", self.token)
        return app

    async def configuration(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        endpoints = {
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
        }
        whole = {"issuer": self.issuer} | endpoints | self.metadata
        return web.json_response({n: v for n, v in whole.items() if v is not None})

    async def jwks(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [KEY.export_public(as_dict=True) | {"kid": self.kid}]})

    async def tell(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer at-1"
        return web.json_response({"sub": "e-1"} | self.userinfo)

    async def token(self, request: web.Request) -> web.Response:
        self.forms.append({name: str(value) for name, value in (await request.post()).items()})
        self.authorizations.append(request.headers.get("Authorization", ""))
        now = self.clock.now
        whole = {
            "iss": self.issuer,
            "sub": "e-1",
            "aud": "downstream",
            "exp": now + 300,
            "iat": now,
            "nonce": "nonce-1",
            "email": "ann@work.example",
            "email_verified": True,
        } | self.claims
        told = {name: value for name, value in whole.items() if value is not None}
        id_token = jwt.encode(
            told,
            self.key.export_to_pem(private_key=True, password=None),
            algorithm="RS256",
            headers={"kid": self.kid} | self.header,
        )
        return web.json_response({"access_token": "at-1", "id_token": id_token} | self.response)

    def client(self, **facts: Any) -> OpenIdProvider:
        """Ours, which knows nothing yet."""
        whole: dict[str, Any] = {
            "name": "work",
            "kind": "openid",
            "issuer": self.issuer,
            "client_id": "downstream",
            "client_secret": "s+e/c:ret",
            "title": "Work",
            "scopes": ("openid", "email"),
        }
        keys = RemoteKeys(self.outgoing.get_json, monotonic=self.clock)
        provider = IdentityProvider(**whole | facts)
        return OpenIdProvider(provider, self.outgoing, keys, now=self.clock, monotonic=self.clock)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Outgoing({"localhost"}) as outgoing:
        upstream = Upstream(Clock(), outgoing)
        async with TestServer(upstream.app()) as server:
            upstream.issuer = f"http://localhost:{server.port}"
            yield upstream


async def test_where_she_is_sent(upstream: Upstream) -> None:
    """With everything that has to come back."""
    url = urlsplit(await upstream.client().departure_url(DEPARTURE))
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{upstream.issuer}/authorize"
    sent = {name: value[0] for name, value in parse_qs(url.query).items()}
    assert sent == {
        "tenant": "1",
        "response_type": "code",
        "client_id": "downstream",
        "redirect_uri": DEPARTURE.redirect_uri,
        "scope": "openid email",
        "state": "state",
        "nonce": "nonce-1",
        "code_challenge": sent["code_challenge"],
        "code_challenge_method": "S256",
    }
    assert len(sent["code_challenge"]) == 43


@pytest.mark.parametrize(
    ("methods", "basic"),
    [
        (None, True),
        (["client_secret_post", "client_secret_basic"], True),
        (["client_secret_post"], False),
        (5, True),
    ],
    ids=["nothing said", "both", "post alone", "nonsense"],
)
async def test_how_the_code_is_redeemed(upstream: Upstream, methods: Any, basic: bool) -> None:
    """With the verifier, and the secret in the way that the provider takes."""
    upstream.metadata["token_endpoint_auth_methods_supported"] = methods
    who = await upstream.client().arrival(DEPARTURE, {"code": "c-1"})
    assert (who.provider, who.subject, who.email) == ("work", "e-1", "ann@work.example")
    assert who.email_verified
    (form,), (authorization,) = upstream.forms, upstream.authorizations
    assert form["code_verifier"] == DEPARTURE.verifier
    assert form["redirect_uri"] == DEPARTURE.redirect_uri
    if basic:
        presented = BasicAuth.decode(authorization)
        assert (presented.login, presented.password) == ("downstream", "s%2Be%2Fc%3Aret")
        assert "client_secret" not in form
    else:
        assert (authorization, form["client_secret"]) == ("", "s+e/c:ret")


REFUSED: list[Any] = [
    pytest.param({"claims": {"iss": "https://evil.example"}}, "issuer", id="iss"),
    pytest.param({"claims": {"iss": None}}, "issuer", id="no iss"),
    pytest.param({"claims": {"aud": "other"}}, "not for us", id="aud"),
    pytest.param({"claims": {"aud": ["downstream", "other"]}}, "not for us", id="two auds"),
    pytest.param({"claims": {"azp": "other"}}, "not for us", id="azp"),
    pytest.param({"claims": {"nonce": "nonce-2"}}, "nonce", id="nonce"),
    pytest.param({"claims": {"nonce": None}}, "nonce", id="no nonce"),
    pytest.param({"claims": {"exp": 1}}, "expired", id="expired"),
    pytest.param({"claims": {"exp": None}}, "expired", id="no exp"),
    pytest.param({"claims": {"exp": "2099-01-01"}}, "exp", id="exp of text"),
    pytest.param({"claims": {"iat": 2**40}}, "future", id="iat"),
    pytest.param({"claims": {"sub": None}}, "sub", id="no sub"),
    pytest.param({"claims": {"sub": "x" * 256}}, "length", id="long sub"),
    pytest.param({"key": OTHER}, "no key", id="other key"),
    pytest.param({"header": {"kid": "unknown"}}, "no key", id="other kid"),
    pytest.param({"header": {"jku": "https://evil.example"}}, "jku", id="jku"),
    pytest.param({"response": {"id_token": None}}, "token", id="no id_token"),
    pytest.param({"response": {"id_token": "e30.e30."}}, "JWS", id="no signature"),
    pytest.param({"response": {"id_token": {"a": 1}}}, "token", id="an object"),
    pytest.param({"metadata": {"issuer": "https://evil.example"}}, "metadata", id="metadata"),
    pytest.param({"metadata": {"token_endpoint": None}}, "endpoint", id="no endpoint"),
    pytest.param({"metadata": {"token_endpoint": 5}}, "endpoint", id="an endpoint of a number"),
    pytest.param(
        {"metadata": {"authorization_endpoint": "javascript:alert(1)"}}, "endpoint", id="script"
    ),
    pytest.param(
        {"metadata": {"authorization_endpoint": "https://x.example/\r\nSet-Cookie: a=b"}},
        "endpoint",
        id="header",
    ),
    pytest.param({"metadata": {"jwks_uri": "http://127.0.0.1:1/"}}, "keys", id="private jwks_uri"),
    pytest.param(
        {"metadata": {"token_endpoint": "https://127.0.0.1:1/"}}, "not public", id="private token"
    ),
    pytest.param(
        {"claims": {"email": None}, "userinfo": {"sub": "e-2"}}, "somebody else", id="userinfo"
    ),
]


@pytest.mark.parametrize(("says", "told"), REFUSED)
async def test_what_is_not_believed(upstream: Upstream, says: dict[str, Any], told: str) -> None:
    """OpenID Connect Core §3.1.3.7, and whatever else could be somebody else's."""
    for name, value in says.items():
        setattr(upstream, name, value)
    with pytest.raises(ExternalSignInFailed, match=told):
        await upstream.client().arrival(DEPARTURE, {"code": "c-1"})


def forged(claims: dict[str, Any], algorithm: str, secret: bytes) -> str:
    """As an attacker writes it, whom no library keeps from it (RFC 8725 §2.1, §2.2)."""
    parts = ({"alg": algorithm, "kid": "k"}, claims)
    signed = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    mac = hmac.digest(secret, signed.encode(), "sha256") if secret else b""
    return f"{signed}.{encoded(mac)}"


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def test_R_JW_05_no_alg_but_those_we_know(upstream: Upstream) -> None:
    """Neither none, nor a MAC by the public key."""
    claims = {"iss": upstream.issuer, "sub": "e-1", "aud": "downstream", "nonce": "nonce-1"}
    times = {"exp": upstream.clock.now + 300, "iat": upstream.clock.now}
    public = KEY.export_to_pem()
    for algorithm, secret in (("none", b""), ("none", public), ("HS256", public)):
        upstream.response = {"id_token": forged(claims | times, algorithm, secret)}
        with pytest.raises(ExternalSignInFailed):
            await upstream.client().arrival(DEPARTURE, {"code": "c-1"})


@pytest.mark.parametrize(
    ("promised", "iss", "good"),
    [
        (True, "", True),
        (True, None, False),
        (False, None, True),
        (False, "https://evil.example", False),
        (True, "https://evil.example", False),
    ],
)
async def test_whose_answer_it_is(
    upstream: Upstream, promised: bool, iss: str | None, good: bool
) -> None:
    """RFC 9207 §2.4: where it is promised, it has to be there; where it is there, it has to fit."""
    upstream.metadata["authorization_response_iss_parameter_supported"] = promised
    parameters = {"code": "c-1"} | ({} if iss is None else {"iss": iss or upstream.issuer})
    if good:
        assert (await upstream.client().arrival(DEPARTURE, parameters)).subject == "e-1"
        return
    with pytest.raises(ExternalSignInFailed):
        await upstream.client().arrival(DEPARTURE, parameters)
    assert upstream.forms == [], "no code goes to whoever didn't give it"


@pytest.mark.parametrize("seconds", [CLOCK_SECONDS, 0], ids=["clocks differ", "just now"])
async def test_who_has_to_prove_it_anew_has_done_so(upstream: Upstream, seconds: int) -> None:
    """Since she left (OpenID Connect Core §2, auth_time)."""
    now = upstream.clock.now
    upstream.claims = {"auth_time": now - seconds}
    found = await upstream.client().arrival(replace(DEPARTURE, again_since=now), {"code": "c-1"})
    assert found.auth_time == now - seconds


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(CLOCK_SECONDS + 1, "before this one"), (None, "without auth_time")],
    ids=["before", "not said"],
)
async def test_who_has_not_done_so(upstream: Upstream, seconds: int | None, told: str) -> None:
    """Who takes max_age out of the address does not have to be told auth_time, either."""
    now = upstream.clock.now
    upstream.claims = {} if seconds is None else {"auth_time": now - seconds}
    with pytest.raises(ExternalSignInFailed, match=told):
        await upstream.client().arrival(replace(DEPARTURE, again_since=now), {"code": "c-1"})


@pytest.mark.parametrize(
    ("kind", "again", "auth_time"),
    [("openid", False, 0), ("google", False, 1_700_000_000), ("google", True, 1_700_000_000)],
)
async def test_when_nobody_says_it(
    upstream: Upstream, kind: str, again: bool, auth_time: int
) -> None:
    """Then nobody knows; but Google never says it, and is believed to mean now."""
    upstream.clock.now = 1_700_000_000
    departure = replace(DEPARTURE, again_since=upstream.clock.now if again else None)
    found = await upstream.client(kind=kind).arrival(departure, {"code": "c-1"})
    assert found.auth_time == auth_time


@pytest.mark.parametrize(
    ("error", "told"),
    [("server_error", ": server_error"), ("<b>\nno</b>", "$"), ("x" * 65, "$")],
    ids=["an error", "anything else", "too long"],
)
async def test_what_it_says_instead_of_a_code(upstream: Upstream, error: str, told: str) -> None:
    """Stands in the log, if it is an error's name."""
    with pytest.raises(ExternalSignInFailed, match=f"^the provider gives no code{told}"):
        await upstream.client().arrival(DEPARTURE, {"error": error, "code": "c-1"})
    assert upstream.forms == []


async def test_keys_may_be_named_in_base64(upstream: Upstream) -> None:
    """As those of Amazon Cognito are."""
    upstream.kid = "8AUt+pNO7A8/YkM8WdJpIi0m="
    assert (await upstream.client().arrival(DEPARTURE, {"code": "c-1"})).subject == "e-1"


async def test_clocks_may_differ(upstream: Upstream) -> None:
    """A little."""
    now = upstream.clock.now
    upstream.claims = {"exp": now - CLOCK_SECONDS + 1, "iat": now + CLOCK_SECONDS}
    assert (await upstream.client().arrival(DEPARTURE, {"code": "c-1"})).subject == "e-1"


async def test_what_the_id_token_lacks_is_asked_for(upstream: Upstream) -> None:
    """Some providers tell the address at userinfo alone."""
    upstream.claims = {"email": None, "email_verified": None}
    upstream.userinfo = {
        "email": "ann@work.example",
        "email_verified": True,
        "name": "Ann",
        "picture": "javascript:alert(1)",
        "zoneinfo": 5,
        "secret_role": "admin",
        "auth_time": "when it was signed by nobody",
    }
    who = await upstream.client().arrival(DEPARTURE, {"code": "c-1"})
    assert (who.email, who.email_verified) == ("ann@work.example", True)
    assert who.profile == {"name": "Ann"}, "of the rest, a profile can have nothing"
    assert who.auth_time == 0


async def test_who_says_the_address_says_whether_it_is_verified(upstream: Upstream) -> None:
    """That one is, in the id_token, is not said of the one at userinfo."""
    upstream.claims = {"email": None, "email_verified": True}
    upstream.userinfo = {"email": "ann@work.example"}
    who = await upstream.client().arrival(DEPARTURE, {"code": "c-1"})
    assert (who.email, who.email_verified) == ("ann@work.example", False)


@pytest.mark.parametrize("said", ["true", 1, None])
async def test_an_address_is_verified_by_true_alone(upstream: Upstream, said: Any) -> None:
    """Not by what looks like it."""
    upstream.claims = {"email_verified": said}
    who = await upstream.client().arrival(DEPARTURE, {"code": "c-1"})
    assert not who.email_verified


async def test_its_metadata_is_asked_for_once_an_hour(upstream: Upstream) -> None:
    """However many come."""
    client = upstream.client()
    for _ in range(3):
        await client.departure_url(DEPARTURE)
    assert len(upstream.asked) == 1
    upstream.clock.now += int(METADATA_SECONDS)
    await client.departure_url(DEPARTURE)
    assert len(upstream.asked) == 2


async def test_A_CA_06_private_addresses_are_not_asked(upstream: Upstream) -> None:
    """Unless the operator has named them."""
    async with Outgoing(()) as outgoing:
        upstream.outgoing = outgoing
        with pytest.raises(ExternalSignInFailed):
            await upstream.client().departure_url(DEPARTURE)
    assert upstream.asked == []
