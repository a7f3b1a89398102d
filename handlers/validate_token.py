"""Has the presented token validated, as an event of its own."""

from __future__ import annotations

from apogee_idp import (
    InvalidToken,
    ProcessIntrospection,
    ProcessRevocation,
    Registry,
    ValidateToken,
)


class ValidatePresentedToken:
    """A token that is not valid is no error here (RFC 7662 §2.2, RFC 7009 §2.2)."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def __call__(self, event: ProcessIntrospection | ProcessRevocation) -> None:
        token = event.request.token or ""
        nested = ValidateToken(token, kinds=frozenset({"access_token", "refresh_token"}))
        try:
            await self._registry.dispatch(nested)
        except InvalidToken as error:
            event.refusal = error.reason
        else:
            event.token = nested.validated
