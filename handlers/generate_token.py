"""Has the tokens generated, each as an event of its own."""

from __future__ import annotations

from apogee_idp import (
    GenerateToken,
    IssuedToken,
    PresentedGrant,
    ProcessSignIn,
    Registry,
    Services,
)


class GenerateTokens:
    """Dispatches ``GenerateToken`` for each token and keeps what was issued.

    The access token lives as long as the strictest of the client and the resources of its audience
    allows; where none says anything, as long as the settings say. No signed token outlives the
    publication of its key. A code or refresh token is spent last, by a refresh token taking its
    place where there is to be one.
    """

    def __init__(self, registry: Registry, services: Services) -> None:
        self._registry = registry
        self._resources = services.resources
        self._grants = services.grants
        self._settings = services.settings
        self._longest = services.settings.longest_token_lifetime

    async def __call__(self, event: ProcessSignIn) -> None:
        event.access_token = await self._access_token(event)
        if event.grant is None:
            return
        if "openid" in event.scopes:
            event.id_token = await self._id_token(event)
        if self._may_be_refreshed(event, event.grant):
            event.refresh_token = await self._refresh_token(event)
        else:
            await self._grants.redeem(event.grant)

    async def _access_token(self, event: ProcessSignIn) -> IssuedToken | None:
        profile = event.token_profile
        return await self._generated(
            GenerateToken(
                sign_in=event,
                kind="access_token",
                typ=profile.typ,
                lifetime=await self._lifetime_of(event),
                claims=event.claims.copy(),
                reference=profile.reference,
            )
        )

    async def _id_token(self, event: ProcessSignIn) -> IssuedToken | None:
        lifetime = min(self._settings.id_token_lifetime, self._longest)
        return await self._generated(
            GenerateToken(event, "id_token", "JWT", lifetime, claims=event.claims.copy())
        )

    async def _refresh_token(self, event: ProcessSignIn) -> IssuedToken | None:
        lifetime = self._settings.refresh_token_idle_seconds
        return await self._generated(GenerateToken(event, "refresh_token", "JWT", lifetime))

    async def _generated(self, nested: GenerateToken) -> IssuedToken | None:
        await self._registry.dispatch(nested)
        return nested.token

    def _may_be_refreshed(self, event: ProcessSignIn, presented: PresentedGrant) -> bool:
        """OpenID Connect Core §11; a narrower scope for one access token changes nothing of it."""
        return (
            "offline_access" in presented.grant.scopes
            and "refresh_token" in self._settings.grant_types
            and event.known_client().permits_grant_type("refresh_token")
        )

    async def _lifetime_of(self, event: ProcessSignIn) -> int:
        self._resources.prefetch(event.audience[1:])
        resources = [await self._resources.get(name) for name in event.audience]
        default = self._settings.access_token_lifetime
        return min(event.token_profile.lifetime_for(resources, default), self._longest)
