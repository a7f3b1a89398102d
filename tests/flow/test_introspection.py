"""Introspection (RFC 7662): what a token says, to those whom it concerns."""

from __future__ import annotations

from typing import Any

import pytest

from apogee_idp import (
    Client,
    ClientAuthentication,
    IntrospectionRequest,
    ProcessIntrospection,
    ProcessRevocation,
    Registry,
    Services,
    ValidatedToken,
)
from apogee_idp.model import Resource, TokenProfile, frozen
from apogee_idp.stores.repositories import resources_in
from tests.conftest import StartIdp
from tests.idp import ISSUER, Answer, Idp

BILLING = "https://billing.example"
INACTIVE = {"active": False}


class Caller:
    """A client that may introspect and revoke, and has tokens."""

    def __init__(self, idp: Idp, client_id: str, secret: str) -> None:
        self.idp, self.client_id, self.secret = idp, client_id, secret

    async def token(self, **parameters: str) -> str:
        return (await self.idp.grant(self.client_id, self.secret, **parameters)).token

    async def introspect(self, token: str, **parameters: str) -> Answer:
        return await self.idp.present(
            "introspect", token, self.client_id, self.secret, **parameters
        )

    async def knows(self, token: str) -> bool:
        answer = await self.introspect(token)
        assert answer.status == 200, answer.body
        return bool(answer.json["active"])

    async def revoke(self, token: str, **parameters: str) -> Answer:
        return await self.idp.present("revoke", token, self.client_id, self.secret, **parameters)


async def caller(idp: Idp, client_id: str = "billing", **command: Any) -> Caller:
    secret = await idp.add_client(client_id, **command)
    await idp.allow(client_id, "introspection", "revocation")
    return Caller(idp, client_id, secret)


FORMATS = [
    pytest.param({}, id="JWE"),
    pytest.param({"skip_token_encryption": True}, id="JWS"),
    pytest.param(
        {"skip_token_encryption": True, "token_profile": TokenProfile("ES256")}, id="ES256"
    ),
    pytest.param({"token_profile": TokenProfile(reference=True)}, id="opaque"),
]


@pytest.mark.parametrize("command", FORMATS)
async def test_R_IN_03_a_client_learns_what_its_token_says(
    idp: Idp, command: dict[str, Any]
) -> None:
    """All of it, whatever the token looks like."""
    client = await caller(idp, scopes=("invoices.read",), roles=("clerk",), **command)
    answer = await client.introspect(await client.token(scope="invoices.read roles"))
    told = answer.json
    assert answer.headers["Cache-Control"] == "no-store"
    assert told.pop("exp") - told.pop("iat") == 900
    assert len(told.pop("jti")) == 32
    assert told == {
        "active": True,
        "token_type": "Bearer",
        "iss": ISSUER,
        "sub": "billing",
        "name": "billing",
        "client_id": "billing",
        "aud": BILLING,
        "scope": "invoices.read roles",
        "role": ["clerk"],
    }


async def test_R_IN_02_what_is_not_active_has_no_reason(idp: Idp) -> None:
    """Unknown, malformed, of another client: one answer for all."""
    client, other = await caller(idp), await caller(idp, "other")
    foreign = await other.token()
    for token in ("x", "a.b.c", "a.b.c.d.e", foreign[:-1], foreign, "apogee_at_" + "0" * 50):
        answer = await client.introspect(token)
        assert (answer.status, answer.json) == (200, INACTIVE)


async def test_an_API_learns_of_the_tokens_that_are_for_it(idp: Idp) -> None:
    """If its resource names it, and of no others."""
    api = await caller(idp, "billing-api")
    client = await caller(idp, "shop", scopes=("invoices.read", "stock.read"))
    for_billing = await client.token(scope="invoices.read")
    for_both = await client.token(scope="invoices.read stock.read")
    for_stock = await client.token(scope="stock.read")
    assert not await api.knows(for_billing)
    resource = Resource(BILLING, introspection_clients=("billing-api",))
    await resources_in(idp.installation.store).add(resource)
    idp.installation.services.resources.forget(BILLING)
    assert await api.knows(for_billing)
    assert await api.knows(for_both)
    assert not await api.knows(for_stock)


async def test_R_IN_01_the_caller_authenticates_and_is_permitted(idp: Idp) -> None:
    """POST alone, a client alone, and one with ``ept:introspection``."""
    client = await caller(idp)
    token = await client.token()
    secret = await idp.add_client("unpermitted")
    refused = await idp.present("introspect", token, "unpermitted", secret)
    assert (refused.status, refused.error) == (400, "unauthorized_client")
    wrong = await idp.present("introspect", token, "billing", "wrong")
    assert (wrong.status, wrong.error) == (401, "invalid_client")
    assert "WWW-Authenticate" in wrong.headers
    assert (await idp.send("GET", f"/connect/introspect?token={token}")).status == 405
    await idp.change_client("billing", client_type="public")
    idp.installation.services.clients.forget("billing")
    assert (await client.introspect(token)).status == 401


@pytest.mark.parametrize("endpoint", ["introspect", "revoke"])
async def test_the_token_is_required_and_a_hint_never_misleads(idp: Idp, endpoint: str) -> None:
    """R-RV-01: whatever ``token_type_hint`` says, the token is found."""
    client = await caller(idp)
    missing = await idp.present(endpoint, "", "billing", client.secret)
    assert (missing.status, missing.error) == (400, "invalid_request")
    for hint in ("access_token", "refresh_token", "nonsense"):
        answer = await idp.present(
            endpoint, await client.token(), "billing", client.secret, token_type_hint=hint
        )
        assert answer.status == 200
        assert endpoint == "revoke" or answer.json["active"]


async def test_an_expired_token_is_not_active(start_idp: StartIdp) -> None:
    """From the very second that ``exp`` names."""
    now = [1_800_000_000]
    idp = await start_idp(clock=lambda: now[0])
    client = await caller(idp)
    opaque = await caller(idp, "opaque", token_profile=TokenProfile(reference=True))
    token, reference = await client.token(), await opaque.token()
    now[0] += 899
    assert await client.knows(token)
    assert await opaque.knows(reference)
    now[0] += 1
    assert not await client.knows(token)
    assert not await opaque.knows(reference)


async def test_A_TE_10_a_client_that_has_ended_has_no_active_tokens(idp: Idp) -> None:
    """Disabled or deleted, from the moment this process knows."""
    api = await caller(idp, "api")
    await resources_in(idp.installation.store).add(
        Resource(BILLING, introspection_clients=("api",))
    )
    for client_id in ("disabled", "deleted"):
        client = await caller(idp, client_id, scopes=("invoices.read",))
        token = await client.token(scope="invoices.read")
        assert await api.knows(token)
        if client_id == "disabled":
            await idp.change_client(client_id, enabled=False)
        else:
            await idp.installation.store.applications.delete(client_id)
        idp.installation.services.clients.forget(client_id)
        assert not await api.knows(token)


async def test_a_client_that_is_made_anew_has_no_old_tokens(start_idp: StartIdp) -> None:
    """What was revoked with the client of this id before stays so."""
    now = [1_800_000_000]
    idp = await start_idp(clock=lambda: now[0])
    old = await caller(idp)
    token = await old.token()
    await idp.installation.store.applications.delete("billing")
    now[0] += 5
    new = await caller(idp)
    idp.installation.services.clients.forget("billing")
    assert not await new.knows(token)
    assert await new.knows(await new.token())


FORGERIES = {
    "no proof": None,
    "a forged proof": ClientAuthentication(
        Client("billing"), IntrospectionRequest("x"), "client_secret_post"
    ),
}


@pytest.mark.parametrize("endpoint", ["introspect", "revoke"])
@pytest.mark.parametrize("forgery", FORGERIES)
async def test_A_PIPE_2_no_answer_without_proof(
    start_idp: StartIdp, endpoint: str, forgery: str
) -> None:
    """A plugin that takes it away or forges it gets a 500, and nothing was revoked."""
    event = {"introspect": ProcessIntrospection, "revoke": ProcessRevocation}[endpoint]
    is_on = [False]

    def register(registry: Registry, _: Services) -> None:
        async def forge(event: Any) -> None:
            if is_on[0]:
                event.authentication = FORGERIES[forgery]

        registry.add(event, forge, name="forge", order=5500)

    idp = await start_idp(register=register)
    client = await caller(idp)
    token = await client.token()
    is_on[0] = True
    answer = await idp.present(endpoint, token, "billing", client.secret)
    assert (answer.status, answer.error) == (500, "server_error")
    is_on[0] = False
    assert await client.knows(token)


async def test_A_PIPE_2_a_token_of_another_request_is_not_told_of(start_idp: StartIdp) -> None:
    """Nor revoked: the event's token has to come out of the request's."""
    kept: list[ValidatedToken] = []

    def register(registry: Registry, _: Services) -> None:
        async def swap(event: Any) -> None:
            if event.token is not None:
                kept.append(event.token)
            elif kept:
                event.token = kept[0]

        for event in (ProcessIntrospection, ProcessRevocation):
            registry.add(event, swap, name="swap", order=5500)

    idp = await start_idp(register=register)
    client = await caller(idp)
    token = await client.token()
    assert await client.knows(token)
    assert (await client.introspect("x")).status == 500
    assert (await client.revoke("x")).status == 500
    assert await client.knows(token)


async def test_A_PIPE_3_what_a_token_says_is_not_replaced(start_idp: StartIdp) -> None:
    """Neither by a mapping of the plugin's own, nor by a member of the same name."""

    def register(registry: Registry, _: Services) -> None:
        async def replace(event: ProcessIntrospection) -> None:
            if event.request.parameters.get("whole"):
                event.members = {"scope": "admin"}  # type: ignore[assignment]
            else:
                event.members["tenant"] = "forged"

        registry.add(ProcessIntrospection, replace, name="replace", order=6000)

    idp = await start_idp(register=register)
    profile = TokenProfile(claims=frozen({"tenant": "blue"}))
    client = await caller(idp, token_profile=profile)
    token = await client.token()
    assert (await client.introspect(token)).json["tenant"] == "blue"
    assert (await client.introspect(token, whole="1")).status == 500


async def test_a_plugin_adds_to_the_answer_but_makes_up_no_token(start_idp: StartIdp) -> None:
    """What stands in the token comes from the token; a forged one ends in a 500."""

    def register(registry: Registry, _: Services) -> None:
        async def add(event: ProcessIntrospection) -> None:
            if event.request.parameters.get("forge"):
                event.token = ValidatedToken("access_token", "x", "x", (), 0, 1, {})
            event.members["tenant"] = "blue"

        registry.add(ProcessIntrospection, add, name="add_tenant", order=6000)

    idp = await start_idp(register=register)
    client = await caller(idp)
    token = await client.token()
    assert (await client.introspect(token)).json["tenant"] == "blue"
    assert (await client.introspect("x")).json == INACTIVE
    forged = await client.introspect("x", forge="1")
    assert (forged.status, forged.error) == (500, "server_error")
