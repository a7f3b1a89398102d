"""Decides the audience of the access token."""

from __future__ import annotations

from apogee_idp import ProcessSignIn, Services, choose_audience


class SetResources:
    """The resources behind the granted scopes, narrowed by ``resource`` (RFC 8707 §2.2).

    Without any: the client's default audience; without that, its client_id.
    """

    def __init__(self, services: Services) -> None:
        self._scopes = services.scopes

    async def __call__(self, event: ProcessSignIn) -> None:
        addressed = choose_audience(
            event.known_client(),
            {name: await self._resources_of(name) for name in event.scopes},
            wanted=event.request.resources,
            scopes_were_asked=event.request.scope is not None,
        )
        event.scopes, event.audience = addressed.scopes, addressed.audience

    async def _resources_of(self, name: str) -> tuple[str, ...]:
        scope = await self._scopes.get(name)
        return scope.resources if scope else ()
