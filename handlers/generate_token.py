"""Has the access token generated, as an event of its own."""

from __future__ import annotations

from apogee_idp import GenerateToken, ProcessSignIn, Registry, Services


class GenerateAccessToken:
    """Dispatches ``GenerateToken`` and keeps what it issued."""

    def __init__(self, registry: Registry, services: Services) -> None:
        self._registry = registry
        self._lifetime = services.settings.access_token_lifetime

    async def __call__(self, event: ProcessSignIn) -> None:
        nested = GenerateToken(
            sign_in=event,
            kind="access_token",
            typ=event.token_profile.typ,
            lifetime=self._lifetime,
            claims=event.claims.copy(),
            reference=event.token_profile.reference,
        )
        await self._registry.dispatch(nested)
        event.access_token = nested.token
