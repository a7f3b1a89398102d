"""Has the access token generated, as an event of its own."""

from __future__ import annotations

from apogee_idp import GenerateToken, ProcessSignIn, Registry, Services


class GenerateAccessToken:
    """Dispatches ``GenerateToken`` and keeps what it issued.

    The token lives as long as the strictest of the client and the resources of its audience
    allows; where none says anything, as long as the settings say. It never outlives the
    publication of the key that signed it.
    """

    def __init__(self, registry: Registry, services: Services) -> None:
        self._registry = registry
        self._resources = services.resources
        self._lifetime = services.settings.access_token_lifetime
        self._longest = services.settings.longest_token_lifetime

    async def __call__(self, event: ProcessSignIn) -> None:
        nested = GenerateToken(
            sign_in=event,
            kind="access_token",
            typ=event.token_profile.typ,
            lifetime=await self._lifetime_of(event),
            claims=event.claims.copy(),
            reference=event.token_profile.reference,
        )
        await self._registry.dispatch(nested)
        event.access_token = nested.token

    async def _lifetime_of(self, event: ProcessSignIn) -> int:
        self._resources.prefetch(event.audience)
        resources = [await self._resources.get(name) for name in event.audience]
        return min(event.token_profile.lifetime_for(resources, self._lifetime), self._longest)
