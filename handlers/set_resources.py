"""Decides the audience of the access token."""

from __future__ import annotations

from apogee_idp import (
    Client,
    InvalidScope,
    InvalidTarget,
    ProcessSignIn,
    Services,
    could_pass_for_id_token,
    is_resource,
)


class SetResources:
    """The resources behind the granted scopes, narrowed by ``resource`` (RFC 8707 §2.2).

    Without any: the client's default audience; without that, its client_id.
    """

    def __init__(self, services: Services) -> None:
        self._scopes = services.scopes

    async def __call__(self, event: ProcessSignIn) -> None:
        client = event.known_client()
        behind = {name: await self._resources_of(name) for name in event.scopes}
        if event.request.resources:
            _narrow(event, behind, client)
        else:
            audience = dict.fromkeys(r for resources in behind.values() for r in resources)
            event.audience = tuple(audience) or _default_audience(client)
        if could_pass_for_id_token(client.token_profile.typ, event.audience, client.client_id):
            raise InvalidTarget("This client's tokens need a resource: ask for a scope with one.")

    async def _resources_of(self, name: str) -> tuple[str, ...]:
        scope = await self._scopes.get(name)
        return scope.resources if scope else ()


def _narrow(event: ProcessSignIn, behind: dict[str, tuple[str, ...]], client: Client) -> None:
    wanted = tuple(dict.fromkeys(event.request.resources))
    known = {resource for resources in behind.values() for resource in resources}
    if not known and client.default_audience:
        known = {client.default_audience}
    if not all(is_resource(resource) and resource in known for resource in wanted):
        raise InvalidTarget("A resource is unknown, or outside the scopes of this client.")
    outside = [n for n, resources in behind.items() if resources and not {*resources} & {*wanted}]
    if outside and event.request.scope is not None:
        raise InvalidScope("A scope does not belong to the resource that was asked for.")
    event.scopes = tuple(name for name in event.scopes if name not in outside)
    event.audience = wanted


def _default_audience(client: Client) -> tuple[str, ...]:
    return (client.default_audience or client.client_id,)
