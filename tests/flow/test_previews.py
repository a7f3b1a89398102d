"""What a client's next token will look like: true to the byte, and good for nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
import pytest

from apogee_idp import GenerateToken, ProcessSignIn, Registry, Services, Stage, TokenProfile
from apogee_idp.errors import InvalidClient, UnusableEvent
from apogee_idp.management.previews import Preview, Previews
from apogee_idp.requests import PreviewedClient, TokenRequest
from apogee_idp.stores.base import Store
from tests.conftest import StartIdp
from tests.idp import Idp

FORMS: dict[str, dict[str, Any]] = {
    "JWE": {},
    "JWS": {"skip_token_encryption": True},
    "ES256": {
        "skip_token_encryption": True,
        "token_profile": TokenProfile(signing_algorithm="ES256"),
    },
    "opaque": {"token_profile": TokenProfile(reference=True)},
    "with claims": {
        "token_profile": TokenProfile(claims={"tenant": "blue", "n": [1, {"x": None}]})
    },
}


async def preview(idp: Idp, *scopes: str, client_id: str = "billing") -> Preview:
    installation = idp.installation
    return await Previews(installation.services, installation.registry).of(client_id, scopes)


def catching(caught: list[str]) -> Callable[[Registry, Services], None]:
    """A plugin that keeps every access token."""

    async def catch(event: ProcessSignIn) -> None:
        assert event.access_token is not None
        caught.append(event.access_token.value)

    def register(registry: Registry, services: Services) -> None:
        registry.add(ProcessSignIn, catch, name="catch", order=Stage.ATTACH_PARAMETERS + 1)

    return register


async def rows_of(store: Store) -> dict[str, list[Any]]:
    """Everything there is in the store."""
    names = [
        *("applications", "scopes", "keys", "resources", "revocations", "tokens", "assertions"),
        *("idempotency", "audit", "secrets", "users", "logins", "sessions", "consents"),
        *("interactions", "authorizations", "refusals"),
    ]
    return {name: list((await getattr(store, name).list()).items) for name in names}


def header_of(token: str) -> dict[str, Any]:
    return jwt.get_unverified_header(token)


@pytest.mark.parametrize("form", FORMS)
async def test_the_preview_is_what_the_next_token_is(idp: Idp, form: str) -> None:
    """Headers, claims but for times and ids, size, lifetime, and the response beside the token."""
    secret = await idp.add_client(scopes=("invoices.read",), **FORMS[form])
    told = (await preview(idp, "invoices.read")).token
    assert told is not None
    real = await idp.grant("billing", secret, scope="invoices.read")
    token = real.token
    assert told["size"] == len(token)
    assert told["lifetime"] == real.json["expires_in"]
    assert told["response"] == {n: v for n, v in real.json.items() if n != "access_token"}
    if form == "opaque":
        assert (told["format"], told["layers"]) == ("opaque", [])
        return
    layers, inner = told["layers"], token
    if told["format"] == "jwe":
        header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
        assert layers[0] == {"kind": "jwe", "header": header, "encrypted_to": "server"}
        inner = await idp.decrypt(token)
    assert layers[-1] == {"kind": "jws", "header": header_of(inner)}
    changing = {"iat", "exp", "jti"}
    claims = {n: v for n, v in (await idp.claims(inner)).items() if n not in changing}
    assert {n: v for n, v in told["claims"].items() if n not in changing} == claims
    assert told["claims"].keys() - claims.keys() == changing


@pytest.mark.parametrize("form", FORMS)
async def test_a_preview_leaves_nothing_and_makes_no_token(start_idp: StartIdp, form: str) -> None:
    """Planted: a plugin that gets hold of the token; introspection calls it inactive.

    Nor is a row written anywhere, or the use of a secret counted.
    """
    caught: list[str] = []
    idp = await start_idp(register=catching(caught))
    secret = await idp.add_client(scopes=("invoices.read",), **FORMS[form])
    await idp.allow("billing", "introspection", "revocation")
    assert (await idp.grant("billing", secret, scope="invoices.read")).status == 200
    real = caught.pop()
    told = await idp.present("introspect", real, "billing", secret)
    assert told.json["active"] is True
    usage = idp.installation.management.usage
    await usage.flush()
    before = await rows_of(idp.installation.store)
    made = await preview(idp, "invoices.read")
    assert made.token is not None
    (value,) = caught
    assert value != real
    assert value not in json.dumps(made.facts())
    await usage.flush()
    assert await rows_of(idp.installation.store) == before
    refused = await idp.present("introspect", value, "billing", secret)
    assert refused.json == {"active": False}


async def test_no_endpoint_sends_what_was_made_for_a_preview(idp: Idp) -> None:
    """The minter knows it for none of its own, also for the very request; no grant is spent so."""
    await idp.add_client()
    services = idp.installation.services
    request = TokenRequest("client_credentials", PreviewedClient("billing"))
    event = ProcessSignIn(request)
    await idp.installation.registry.dispatch(event)
    with pytest.raises(UnusableEvent):
        services.minter.vouch(event.access_token, request)
    code = TokenRequest("authorization_code", PreviewedClient("billing"))
    with pytest.raises(InvalidClient):
        await services.authenticator.authenticate(code)


@pytest.mark.parametrize(
    ("registration", "scopes", "error", "handler"),
    [
        pytest.param({}, ["nothing"], "invalid_scope", "set_scopes", id="scope"),
        pytest.param({"enabled": False}, [], "invalid_client", "validate_client", id="disabled"),
        pytest.param(
            {"flow_type": "authorization_code", "redirect_uris": ("https://x.example/cb",)},
            [],
            "unauthorized_client",
            "validate_permissions",
            id="another flow",
        ),
        pytest.param(
            {"token_profile": TokenProfile(typ="JWT"), "skip_token_encryption": True},
            [],
            "invalid_target",
            "set_resources",
            id="could pass for an id_token",
        ),
    ],
)
async def test_a_refusal_says_where_it_came_from(
    idp: Idp, registration: dict[str, Any], scopes: list[str], error: str, handler: str
) -> None:
    """And no handler behind it had its turn."""
    profile = {"token_profile", "skip_token_encryption"}
    changes = {n: v for n, v in registration.items() if n in profile}
    await idp.add_client(**{n: v for n, v in registration.items() if n not in changes})
    await idp.change_client("billing", **changes)
    made = await preview(idp, *scopes)
    assert made.token is None
    assert made.refusal is not None
    assert (made.refusal["error"], made.refusal["handler"]) == (error, handler)
    assert made.verdicts == ()
    last = [step for step in made.steps if step.outcome in ("refused", "failed")][-1]
    assert last.row.name == handler
    assert "attach_parameters" not in [step.row.name for step in made.steps]


async def test_a_plugins_fault_is_told_as_one(start_idp: StartIdp) -> None:
    """What would be a 500 without a word."""

    async def break_down(event: GenerateToken) -> None:
        raise RuntimeError("a secret that the plugin knows")

    def register(registry: Registry, services: Services) -> None:
        registry.add(GenerateToken, break_down, name="break_down", order=1)

    idp = await start_idp(register=register)
    await idp.add_client()
    refusal = (await preview(idp)).refusal
    assert refusal is not None
    assert (refusal["error"], refusal["event"]) == ("server_error", "GenerateToken")
    assert refusal["description"] == "handler break_down: raised RuntimeError"


async def test_each_handler_is_shown_with_what_it_changed(start_idp: StartIdp) -> None:
    """In order, plugins included, those of nested events below the one that dispatched them."""

    async def add_tenant(event: GenerateToken) -> None:
        event.claims["tenant"] = "x" * 1000

    def is_for_nobody(event: ProcessSignIn) -> bool:
        return False

    async def never(event: ProcessSignIn) -> None:
        raise AssertionError

    def register(registry: Registry, services: Services) -> None:
        registry.add(GenerateToken, add_tenant, name="add_tenant", order=1)
        registry.add(ProcessSignIn, never, name="never", order=1, when=is_for_nobody)

    idp = await start_idp(register=register)
    await idp.add_client(scopes=("invoices.read",))
    steps = [step.facts() for step in (await preview(idp, "invoices.read")).steps]
    by_name = {step["name"]: step for step in steps}
    assert [step["name"] for step in steps][:3] == ["never", "validate_request", "validate_client"]
    assert (by_name["never"]["outcome"], by_name["never"]["microseconds"]) == ("skipped", None)
    assert by_name["never"]["filter"] == "is_for_nobody"
    assert by_name["set_scopes"]["changes"] == [
        {"field": "scopes", "before": [], "after": ["invoices.read"]}
    ]
    (change,) = by_name["validate_client"]["changes"]
    assert (change["field"], change["after"]) == ("authentication", "billing by preview")
    (claims,) = by_name["add_tenant"]["changes"]
    assert claims["after"]["tenant"] == "x" * 200 + "…"
    assert (by_name["generate_token"]["depth"], by_name["add_tenant"]["depth"]) == (0, 1)
    inner = by_name["write_token"]["microseconds"]
    assert 0 < inner <= by_name["generate_token"]["microseconds"]
    assert by_name["set_scopes"]["plugin"] == "handlers:register"


async def test_the_presets_judge_what_was_made(idp: Idp) -> None:
    """The rule that breaks, and what to do; the same client, once it is plain, holds."""
    await idp.add_client(scopes=("invoices.read",))
    verdicts = {v["preset"]: v for v in (await preview(idp, "invoices.read")).verdicts}
    assert verdicts["default"]["holds"]
    assert not verdicts["vault"]["holds"]
    assert [v["rule"] for v in verdicts["vault"]["violations"]] == ["plain"]
    assert "--skip-token-encryption" in verdicts["vault"]["violations"][0]["why"]
    await idp.add_client("plain", scopes=("invoices.read",), skip_token_encryption=True)
    made = await preview(idp, "invoices.read", client_id="plain")
    assert {v["preset"]: v["holds"] for v in made.verdicts}["vault"]


async def test_requests_beside_a_preview_are_not_shown_to_it(start_idp: StartIdp) -> None:
    """Nor are they slowed or changed by it: each task has its own witness."""
    waiting: list[Callable[[], Awaitable[object]]] = []

    async def ask_beside(event: ProcessSignIn) -> None:
        if waiting and event.request.is_preview:
            await waiting.pop()()

    def register(registry: Registry, services: Services) -> None:
        registry.add(ProcessSignIn, ask_beside, name="ask_beside", order=1)

    idp = await start_idp(register=register)
    secret = await idp.add_client()
    waiting.append(lambda: idp.grant("billing", secret))
    steps = (await preview(idp)).steps
    names = [step.row.name for step in steps if step.row.event is ProcessSignIn]
    assert len(names) == len(set(names))
