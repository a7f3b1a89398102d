"""A-PIPE-2, A-PIPE-3: a plugin gone wrong fails its own request, closed, and no other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from apogee_idp import (
    ClientAuthentication,
    GenerateToken,
    InvalidScope,
    IssuedToken,
    OAuthError,
    Principal,
    ProcessConfiguration,
    ProcessSignIn,
    Registry,
    Services,
    Stage,
    TokenResponse,
    TokenStage,
)
from tests.conftest import StartIdp
from tests.idp import ISSUER, Answer, Idp, is_jwe

Misdeed = Callable[[Any], Awaitable[object]]
BEFORE_TOKEN = (ProcessSignIn, Stage.GENERATE_TOKEN - 1)
BEFORE_SIGNATURE = (GenerateToken, TokenStage.WRITE_TOKEN - 1)
AT_THE_END = (ProcessSignIn, Stage.ATTACH_PARAMETERS + 1)


def misdeed(function: Callable[[Any], object]) -> Misdeed:
    async def handler(event: Any) -> object:
        return function(event)

    return handler


def setting(name: str, value: object) -> Misdeed:
    async def handler(event: Any) -> None:
        setattr(event, name, value)

    return handler


def claiming(name: str, value: object = "forged") -> Misdeed:
    async def handler(event: Any) -> None:
        event.claims[name] = value

    return handler


async def wait_for_ever(event: Any) -> None:
    await asyncio.Event().wait()


async def recurse(event: Any) -> None:
    await recurse(event)


async def exit_the_process(event: Any) -> None:
    raise SystemExit(0)


async def forge_proof(event: ProcessSignIn) -> None:
    client = event.known_client()
    event.authentication = ClientAuthentication(client, event.request, "client_secret_post")


async def become_another_client(event: ProcessSignIn) -> None:
    other = replace(event.known_client(), client_id="admin")
    event.authentication = replace(event.authentication, client=other)  # type: ignore[type-var]


async def swap_the_request(event: ProcessSignIn) -> None:
    event.request = replace(event.request)


async def smuggle_a_reserved_claim(event: GenerateToken) -> None:
    event.claims._entries["iss"] = "https://evil.example"


async def replace_the_claims(event: GenerateToken) -> None:
    event.claims = {"iss": "https://evil.example"}  # type: ignore[assignment]


class Unusual(str):
    """Equal to no reserved name, and written like one."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


async def a_JWT_for_the_client_too(event: GenerateToken) -> None:
    event.typ = "JWT"
    event.sign_in.audience = ("https://api.example", "hostile")


async def claim_by_an_unusual_name(event: GenerateToken) -> None:
    event.claims._entries[Unusual("sub")] = "admin"


@dataclass(frozen=True)
class FakeKey:
    """Whatever a plugin may take for a key."""

    algorithm: str = "RS256"
    kid: str = "fake"
    signature: object = b"signed"
    encrypted: object = None

    async def sign(self, message: bytes) -> Any:
        return self.signature

    def encrypt(self, signed_token: str, *, typ: str) -> Any:
        return self.encrypted


def responding(**parameters: object) -> Misdeed:
    async def handler(event: ProcessSignIn) -> None:
        assert event.access_token is not None
        event.response = TokenResponse(event.access_token, parameters)

    return handler


async def a_response_of_its_own(event: ProcessSignIn) -> None:
    assert event.response is not None
    token = IssuedToken("forged", event.request, 10**9)
    event.response = replace(event.response, access_token=token)


MISDEEDS: list[Any] = [
    pytest.param(BEFORE_TOKEN, misdeed(lambda event: 1 / 0), id="raises"),
    pytest.param(BEFORE_TOKEN, exit_the_process, id="exits"),
    pytest.param(BEFORE_TOKEN, wait_for_ever, id="awaits for ever"),
    pytest.param(BEFORE_TOKEN, recurse, id="recurses"),
    pytest.param(BEFORE_TOKEN, misdeed(lambda event: {"ok": True}), id="returns something"),
    pytest.param(BEFORE_TOKEN, setting("no_such_field", 1), id="a misspelt field"),
    pytest.param(BEFORE_TOKEN, setting("authentication", None), id="no proof"),
    pytest.param(BEFORE_TOKEN, setting("authentication", True), id="a proof that is none"),
    pytest.param(
        BEFORE_TOKEN, setting("authentication", SimpleNamespace(client=None)), id="a lookalike"
    ),
    pytest.param(BEFORE_TOKEN, forge_proof, id="a forged proof"),
    pytest.param(BEFORE_TOKEN, become_another_client, id="another client's proof"),
    pytest.param(BEFORE_TOKEN, swap_the_request, id="a proof of another request"),
    pytest.param(BEFORE_TOKEN, setting("principal", None), id="no principal"),
    pytest.param(BEFORE_TOKEN, setting("principal", "admin"), id="a principal that is text"),
    pytest.param(BEFORE_TOKEN, setting("principal", Principal("admin", "x")), id="another subject"),
    pytest.param(BEFORE_TOKEN, setting("principal", Principal("hostile", "")), id="no name"),
    pytest.param(
        BEFORE_TOKEN, setting("principal", Principal("hostile", "x", (1,))), id="a role of 1"
    ),
    pytest.param(BEFORE_TOKEN, setting("scopes", "a b"), id="scopes that are text"),
    pytest.param(BEFORE_TOKEN, setting("scopes", ("a b",)), id="two scopes in one"),
    pytest.param(BEFORE_TOKEN, setting("scopes", None), id="no tuple of scopes"),
    pytest.param(BEFORE_TOKEN, setting("audience", ()), id="no audience"),
    pytest.param(BEFORE_TOKEN, setting("audience", "everyone"), id="an audience that is text"),
    pytest.param(BEFORE_TOKEN, setting("audience", ({},)), id="an audience of a dict"),
    pytest.param(BEFORE_TOKEN, setting("token_profile", None), id="no token profile"),
    pytest.param(BEFORE_TOKEN, setting("claims", None), id="no claims"),
    pytest.param(BEFORE_TOKEN, claiming("set", {1, 2}), id="a claim that is no JSON"),
    pytest.param(BEFORE_TOKEN, claiming("nan", float("nan")), id="a claim that is no number"),
    pytest.param(BEFORE_SIGNATURE, setting("lifetime", -1), id="a negative lifetime"),
    pytest.param(BEFORE_SIGNATURE, setting("lifetime", 0.5), id="half a second of life"),
    pytest.param(BEFORE_SIGNATURE, setting("lifetime", True), id="a lifetime of true"),
    pytest.param(BEFORE_SIGNATURE, setting("signing_key", None), id="no signing key"),
    pytest.param(BEFORE_SIGNATURE, setting("signing_key", "key"), id="a key that is text"),
    pytest.param(BEFORE_SIGNATURE, setting("encryption_key", "key"), id="a text to encrypt to"),
    pytest.param(BEFORE_SIGNATURE, setting("typ", {1}), id="a typ that is no JSON"),
    pytest.param(BEFORE_SIGNATURE, setting("typ", "jwt"), id="another typ"),
    pytest.param(BEFORE_SIGNATURE, setting("typ", "JWT"), id="a JWT for the client itself"),
    pytest.param(BEFORE_SIGNATURE, a_JWT_for_the_client_too, id="a JWT for the client too"),
    pytest.param(BEFORE_SIGNATURE, setting("lifetime", 10**9), id="a lifetime without end"),
    pytest.param(BEFORE_SIGNATURE, setting("signing_key", FakeKey("none")), id="alg none"),
    pytest.param(BEFORE_SIGNATURE, setting("signing_key", FakeKey("HS256")), id="alg HS256"),
    pytest.param(
        BEFORE_SIGNATURE, setting("signing_key", FakeKey(signature=b"")), id="no signature"
    ),
    pytest.param(
        BEFORE_SIGNATURE, setting("signing_key", FakeKey(signature="x")), id="a signature of text"
    ),
    pytest.param(BEFORE_SIGNATURE, setting("encryption_key", FakeKey()), id="encrypts to nothing"),
    pytest.param(
        BEFORE_SIGNATURE, setting("encryption_key", FakeKey(encrypted="x")), id="encrypts to text"
    ),
    pytest.param(BEFORE_SIGNATURE, claiming("big", "x" * 100_000), id="a claim without measure"),
    pytest.param(BEFORE_SIGNATURE, claiming("half", "\ud800"), id="a claim of half a character"),
    pytest.param(BEFORE_SIGNATURE, claim_by_an_unusual_name, id="a claim by an unusual name"),
    pytest.param(BEFORE_SIGNATURE, smuggle_a_reserved_claim, id="a claim smuggled in"),
    pytest.param(BEFORE_SIGNATURE, replace_the_claims, id="the claims replaced"),
    pytest.param(
        (GenerateToken, TokenStage.WRITE_TOKEN + 1), setting("token", None), id="no token"
    ),
    pytest.param(
        (GenerateToken, TokenStage.WRITE_TOKEN + 1), setting("token", "x.y.z"), id="a text as token"
    ),
    pytest.param(AT_THE_END, setting("response", None), id="no response"),
    pytest.param(AT_THE_END, setting("response", {"access_token": "x"}), id="a dict as response"),
    pytest.param(AT_THE_END, a_response_of_its_own, id="a token of its own making"),
    pytest.param(AT_THE_END, responding(scope="admin"), id="another scope told"),
    pytest.param(AT_THE_END, responding(refresh_token="x"), id="a refresh token told"),
    pytest.param(AT_THE_END, responding(error="x"), id="an error told"),
    pytest.param(AT_THE_END, responding(x=float("nan")), id="a parameter that is no number"),
    pytest.param(AT_THE_END, responding(x={1}), id="a parameter that is no JSON"),
    *[
        pytest.param(at, claiming(name), id=f"claims {name} {where}")
        for at, where in ((BEFORE_TOKEN, "for all"), (BEFORE_SIGNATURE, "for one"))
        for name in (
            *("iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "cnf"),
            *("act", "azp", "nonce", "sid", "auth_time", "acr", "name", "role"),
        )
    ],
]


async def run(start_idp: StartIdp, at: tuple[type, int], handler: Misdeed) -> tuple[Answer, Idp]:
    """The hostile client's answer, from a server where the misdeed is done to it alone."""

    def register(registry: Registry, _: Services) -> None:
        def hostile_client(event: ProcessSignIn | GenerateToken) -> bool:
            sign_in = event.sign_in if isinstance(event, GenerateToken) else event
            return sign_in.known_client().client_id == "hostile"

        registry.add(at[0], handler, name="misdeed", order=at[1], when=hostile_client)

    slow = handler is wait_for_ever
    idp = await start_idp(register=register, handler_timeout=1.0 if slow else 10.0)
    secret = await idp.add_client("hostile", skip_token_encryption=True)
    return await idp.grant("hostile", secret), idp


@pytest.mark.parametrize(("at", "handler"), MISDEEDS)
async def test_a_misdeed_fails_its_own_request_closed(
    start_idp: StartIdp, at: tuple[type, int], handler: Misdeed
) -> None:
    """A 500 without details, no token, and the next client is served as ever."""
    answer, idp = await run(start_idp, at, handler)
    assert (answer.status, answer.error) == (500, "server_error")
    assert answer.json["error_description"] == "The server could not complete the request."
    good = await idp.grant("good", await idp.add_client("good"))
    assert is_jwe(good.token)


async def test_reserved_response_parameters_stay_the_cores(start_idp: StartIdp) -> None:
    """A-PIPE-3: a plugin adds parameters, but none of ours."""

    async def add(event: ProcessSignIn) -> None:
        event.parameters["tenant"] = "blue"

    answer, _ = await run(start_idp, BEFORE_TOKEN, add)
    assert answer.json["tenant"] == "blue"
    for name in ("access_token", "error", "token_type", "expires_in", "scope", "refresh_token"):

        async def forge(event: ProcessSignIn, name: str = name) -> None:
            event.parameters[name] = "forged"

        forged, _ = await run(start_idp, BEFORE_TOKEN, forge)
        assert (forged.status, forged.error) == (500, "server_error")


class Teapot(OAuthError):
    code = "teapot"
    status = 200


class Unprepared(OAuthError):
    """Forgets to call the constructor that it inherits."""

    code = "unprepared"

    def __init__(self) -> None:
        pass


@dataclass
class Refusal:
    error: OAuthError
    status: int
    code: str


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(Refusal(InvalidScope("not on Sundays"), 400, "invalid_scope"), id="as meant"),
        pytest.param(Refusal(InvalidScope('"a\\b\r\nX: ü'), 400, "invalid_scope"), id="odd text"),
        pytest.param(Refusal(Unprepared(), 400, "unprepared"), id="without its constructor"),
    ],
)
async def test_a_plugins_refusal_is_rendered_within_the_rules(
    start_idp: StartIdp, refusal: Refusal
) -> None:
    """R-TE-12: whatever its text, the answer keeps to the characters that are allowed."""

    async def refuse(event: ProcessSignIn) -> None:
        raise refusal.error

    answer, _ = await run(start_idp, BEFORE_TOKEN, refuse)
    assert (answer.status, answer.error) == (refusal.status, refusal.code)
    assert answer.json["error_description"].isascii()
    assert not set(answer.json["error_description"]) & set('"\\\r\n')


async def test_a_malformed_refusal_is_a_fault(start_idp: StartIdp) -> None:
    """An error with a status of success, or of nothing, can't even be made."""
    for make in (lambda: Teapot("x"), lambda: InvalidScope("x", status=9000)):

        async def refuse(event: ProcessSignIn, make: Any = make) -> None:
            raise make()

        answer, _ = await run(start_idp, BEFORE_TOKEN, refuse)
        assert (answer.status, answer.error) == (500, "server_error")
    with pytest.raises(TypeError, match="OAuth error code"):
        type("Bad", (OAuthError,), {"code": 'bad"code'})


async def test_what_is_done_to_one_tokens_claims_stays_there(start_idp: StartIdp) -> None:
    """Nested values included: the request's own claims are copied for each token."""
    seen: list[Any] = []

    def register(registry: Registry, _: Services) -> None:
        async def give(event: ProcessSignIn) -> None:
            event.claims["nested"] = {"list": [1]}

        async def change(event: GenerateToken) -> None:
            event.claims["nested"]["list"].append(2)
            seen.append((event.kind, event.sign_in.claims["nested"]))

        registry.add(ProcessSignIn, give, name="give", order=BEFORE_TOKEN[1])
        registry.add(GenerateToken, change, name="change", order=BEFORE_SIGNATURE[1])

    idp = await start_idp(register=register)
    secret = await idp.add_client(skip_token_encryption=True)
    claims = await idp.claims((await idp.grant("billing", secret)).token)
    assert claims["nested"] == {"list": [1, 2]}
    assert seen == [("access_token", {"list": [1]})]


async def test_a_token_of_another_request_is_not_sent(start_idp: StartIdp) -> None:
    """Even when a plugin swaps the request along with the response."""
    kept: list[ProcessSignIn] = []

    def register(registry: Registry, _: Services) -> None:
        async def swap(event: ProcessSignIn) -> None:
            kept.append(event)
            if event.known_client().client_id == "thief":
                event.request, event.response = kept[0].request, kept[0].response

        registry.add(ProcessSignIn, swap, name="swap", order=AT_THE_END[1])

    idp = await start_idp(register=register)
    assert (await idp.grant("victim", await idp.add_client("victim"))).status == 200
    stolen = await idp.grant("thief", await idp.add_client("thief"))
    assert (stolen.status, stolen.error) == (500, "server_error")


@pytest.mark.parametrize("value", [0, None, "", "false"])
async def test_only_the_boolean_false_switches_encryption_off(
    start_idp: StartIdp, value: object
) -> None:
    """Whatever else is left on the event keeps the token encrypted."""
    answer, _ = await run(start_idp, BEFORE_TOKEN, setting("encrypt_access_token", value))
    assert is_jwe(answer.token)


async def test_the_issuer_of_the_metadata_is_the_configured_one(start_idp: StartIdp) -> None:
    """A plugin may add to the document, and replace even the mapping, but not the issuer."""

    def register(registry: Registry, _: Services) -> None:
        async def forge(event: ProcessConfiguration) -> None:
            event.metadata = {"issuer": "https://evil.example", "extra": 1}  # type: ignore[assignment]

        registry.add(ProcessConfiguration, forge, name="forge", order=9000)

    idp = await start_idp(register=register)
    answer = await idp.send("GET", "/.well-known/openid-configuration")
    assert answer.json == {"issuer": ISSUER, "extra": 1}


@pytest.mark.parametrize("field", ["Stage", "TokenStage"])
def test_stages_are_spaced(field: str) -> None:
    """Room for plugins between any two."""
    import apogee_idp

    orders = [int(stage) for stage in getattr(apogee_idp, field)]
    assert all(later - earlier >= 500 for earlier, later in pairwise([0, *orders]))
