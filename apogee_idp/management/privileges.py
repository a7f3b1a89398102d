"""Clients that could use the management API, and who may touch them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from ..errors import CommandRefused, Forbidden, UnreadableDocument
from ..model import (
    ADMIN_SCOPE,
    CLIENT_CREDENTIALS,
    MANAGEMENT_SCOPE_PREFIX,
    SCOPE_PERMISSION,
    Client,
)
from ..requests import Actor, ValidatedToken
from ..stores.repositories import Repository

_MANAGEMENT_PERMISSION = SCOPE_PERMISSION + MANAGEMENT_SCOPE_PREFIX


@dataclass(frozen=True, slots=True)
class Privileges:
    """What ``actor`` may do to which client; ``management_audience`` is that of the API.

    Whoever could change a client that has a scope of the management API could take its place, and
    do with it what he may not do himself.
    """

    actor: Actor
    clients: Repository[Client]
    management_audience: str | None = None

    def check(self, *clients: Client | None) -> None:
        """Raises Forbidden unless he may touch each, as it was, is, or is to be."""
        if self.actor.may(ADMIN_SCOPE):
            return
        for client in clients:
            if client is not None and self.is_of_management(client):
                raise Forbidden(
                    f"{client.client_id} is a client of the management API: that takes"
                    f" {ADMIN_SCOPE}"
                )

    async def check_token(self, token: ValidatedToken) -> None:
        """Raises Forbidden for a token that only administrators end: that of such a client."""
        self.check(await self.clients.get(token.client_id))

    def is_of_management(self, client: Client) -> bool:
        """Whether it could get a token that the management API listens to."""
        is_addressed = (
            self.management_audience is not None
            and client.default_audience == self.management_audience
        )
        return is_addressed or any(
            permission.startswith(_MANAGEMENT_PERMISSION) for permission in client.permissions
        )

    async def check_change(self, before: Client, after: Client | None, *, now: int) -> None:
        """As ``check``; and somebody must be left who can administrate, unless at the shell.

        ``after`` is None for an end. Two who end each other at the same moment are not noticed.
        """
        self.check(before, after)
        loses = can_administrate(before, now) and not (
            after is not None and can_administrate(after, now)
        )
        if loses and not self.actor.is_local and not await self._is_another(before, now):
            raise CommandRefused(
                f"{before.client_id} is the last client that can administrate: give another one"
                f" {ADMIN_SCOPE} first, or use the command line"
            )

    async def _is_another(self, client: Client, now: int) -> bool:
        async for stored in self.clients.documents():
            if stored.key != client.client_id:
                with suppress(UnreadableDocument):  # whoever that is, he gets no token
                    if can_administrate(self.clients.entity(stored), now):
                        return True
        return False


def can_administrate(client: Client, now: int) -> bool:
    """Whether it can get a token with ``idp:admin`` by itself."""
    has_secret = any(not secret.is_expired(now) for secret in client.secrets)
    can_authenticate = has_secret or client.jwks is not None or client.jwks_uri is not None
    return (
        client.enabled
        and can_authenticate
        and client.permits_grant_type(CLIENT_CREDENTIALS)
        and client.permits_scope(ADMIN_SCOPE)
    )
