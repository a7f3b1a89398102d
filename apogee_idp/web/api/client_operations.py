"""What the routes of clients do; the next request to this process sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ...errors import ChangedMeanwhile
from ...management.client_queries import ClientFilter
from ...management.clients import RegisteredClient
from ...management.registration_schema import registration_from, registration_members
from ...management.registrations import OF_THE_CODE_FLOW, ClientRegistration, registration_of
from ...model import Client, is_client_id
from ...stores.repositories import Listing
from .calls import Call, Desk, Reply
from .client_schemas import ClientChange, ClientFacts
from .listing import listed, named
from .problems import Problem, loaded


async def list_clients(desk: Desk, call: Call) -> Reply:
    """A page of clients, by id."""
    wanted = ClientFilter(**{name: call.query[name] for name in ClientFilter.__dataclass_fields__})

    async def pages(after: str | None, limit: int) -> Listing[Client]:
        return await desk.management.client_queries().page(wanted, after=after, limit=limit)

    return await listed(desk, call, f"clients {wanted!r}", pages, client_answer)


async def get_client(desk: Desk, call: Call) -> Reply:
    """One client."""
    return _told(await desk.management.client_queries().get(_client_id(call)))


async def list_refusals(desk: Desk, call: Call) -> Reply:
    """Why the client was refused lately."""
    client_id = _client_id(call)
    await desk.management.client_queries().get(client_id)
    refusals = await desk.management.refusals.of(client_id)
    return Reply({"items": [asdict(refusal) for refusal in refusals]})


async def create_client(desk: Desk, call: Call) -> Reply:
    """The new client, and its secret if one was made."""
    made = await desk.management.clients(call.actor).add(registration_from(call.body))
    return _written(desk, made, location=f"/clients/{made.client.client_id}")


async def replace_client(desk: Desk, call: Call) -> Reply:
    """The client as it is now; what the body leaves out has its default."""
    return await _update(desk, call, _registration(_client_id(call), call.body))


async def patch_client(desk: Desk, call: Call) -> Reply:
    """The same, from a merge patch on the version that the caller has seen."""
    client_id = _client_id(call)
    current = await desk.management.client_queries().get(client_id)
    if current.concurrency_token != call.version:
        raise ChangedMeanwhile(f"{client_id} was changed meanwhile: try again")
    members = merged(_patched(current, call.body), call.body)
    return await _update(desk, call, _registration(client_id, loaded(ClientChange(), members)))


async def delete_client(desk: Desk, call: Call) -> Reply:
    """Nothing."""
    client_id = _client_id(call)
    await desk.management.clients(call.actor).delete(client_id, version=call.version)
    desk.services.clients.forget(client_id)
    return Reply()


async def enable_client(desk: Desk, call: Call) -> Reply:
    """The client, enabled."""
    return await _set_enabled(desk, call, enabled=True)


async def disable_client(desk: Desk, call: Call) -> Reply:
    """The client, disabled."""
    return await _set_enabled(desk, call, enabled=False)


async def revoke_tokens(desk: Desk, call: Call) -> Reply:
    """The client, whose tokens have ended."""
    client_id = _client_id(call)
    await desk.management.clients(call.actor).revoke_tokens(client_id)
    desk.services.clients.forget(client_id)
    return await get_client(desk, call)


def client_answer(client: Client) -> dict[str, Any]:
    """A client for ``ClientAnswer``: what can be written of it, and the facts that can't."""
    facts = {name: getattr(client, name) for name in ClientFacts().fields}
    return facts | {
        **registration_members(registration_of(client)),
        "permissions": sorted(client.permissions),
        "requirements": sorted(client.requirements),
    }


def merged(target: Any, patch: Any) -> Any:
    """``target`` after ``patch`` (RFC 7396 §2)."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _patched(current: Client, patch: Mapping[str, Any]) -> dict[str, Any]:
    """What a patch is applied to: the registration, without what it is to decide anew.

    A preset decides about the token profile. Of what only the other flow has, nobody has said
    anything yet: it begins with its defaults, among them PKCE.
    """
    members = registration_members(registration_of(current))
    anew: tuple[str, ...] = ()
    if patch.get("preset") is not None:
        anew = ("token_profile", "skip_token_encryption")
    if patch.get("flow_type", current.flow_type) != current.flow_type:
        anew = (*anew, *OF_THE_CODE_FLOW)
    return {name: value for name, value in members.items() if name not in anew}


def _registration(client_id: str, body: Mapping[str, Any]) -> ClientRegistration:
    """What the body says of the client in the path, which it may name."""
    if body.get("client_id", client_id) != client_id:
        wrong = {"pointer": "/client_id", "detail": "The id of a client can't be changed."}
        raise Problem(422, "validation", "Members of the body are wrong.", errors=[wrong])
    return registration_from({**body, "client_id": client_id})


async def _update(desk: Desk, call: Call, registration: ClientRegistration) -> Reply:
    commands = desk.management.clients(call.actor)
    return _written(desk, await commands.update(registration, version=call.version))


async def _set_enabled(desk: Desk, call: Call, *, enabled: bool) -> Reply:
    client_id = _client_id(call)
    client = await desk.management.clients(call.actor).set_enabled(client_id, enabled=enabled)
    desk.services.clients.forget(client_id)
    return _told(client)


def _written(desk: Desk, made: RegisteredClient, *, location: str | None = None) -> Reply:
    client = made.client
    desk.services.clients.forget(client.client_id)
    secret = None if made.secret is None else made.secret.value
    body = client_answer(client) | {"client_secret": secret}
    return Reply(body, version=client.concurrency_token, location=location)


def _told(client: Client) -> Reply:
    return Reply(client_answer(client), version=client.concurrency_token)


def _client_id(call: Call) -> str:
    return named(call, "client", is_client_id)
