"""Decides the audience of the access token."""

from __future__ import annotations

from apogee_idp import (
    MANAGEMENT_SCOPES,
    InvalidTarget,
    ProcessSignIn,
    Services,
    choose_audience,
)


class SetResources:
    """The resources behind the granted scopes, narrowed by ``resource`` (RFC 8707 §2.2).

    Without any: the client's default audience; without that, its client_id. A token for the
    management API takes one of that API's own scopes, whatever else points there.
    """

    def __init__(self, services: Services) -> None:
        self._scopes = services.scopes
        self._management = services.settings.management_audience

    async def __call__(self, event: ProcessSignIn) -> None:
        addressed = choose_audience(
            event.known_client(),
            {name: await self._resources_of(name) for name in event.scopes},
            wanted=_wanted(event),
            # A request with a code has no scope (RFC 6749 §4.1.3).
            scopes_were_asked=event.request.scope is not None
            and event.request.grant_type != "authorization_code",
        )
        if self._management in addressed.audience and MANAGEMENT_SCOPES.isdisjoint(
            addressed.scopes
        ):
            raise InvalidTarget("The management API takes scopes of its own.")
        event.scopes, event.audience = addressed.scopes, addressed.audience

    async def _resources_of(self, name: str) -> tuple[str, ...]:
        if name in MANAGEMENT_SCOPES:
            return (self._management,)
        scope = await self._scopes.get(name)
        return scope.resources if scope else ()


def _wanted(event: ProcessSignIn) -> tuple[str, ...]:
    """Those of the request, within those that the authorization request named (RFC 8707 §2.2)."""
    granted = () if event.grant is None else event.grant.grant.resources
    wanted = event.request.resources
    if granted and not set(wanted) <= set(granted):
        raise InvalidTarget("A resource was not granted.")
    return wanted or granted
