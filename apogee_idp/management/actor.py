"""Who gives a command."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import ADMIN_SCOPE


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, what he may do, and in which request, if it is one."""

    subject: str
    scopes: frozenset[str]
    request_id: str = ""

    def may(self, scope: str) -> bool:
        """Whether ``scope`` was granted, by itself or by ``idp:admin``."""
        return not self.scopes.isdisjoint((scope, ADMIN_SCOPE))


def local_actor(name: str) -> Actor:
    """The user of the operating system who runs the command line; he may do everything."""
    return Actor(f"cli:{name}", frozenset({ADMIN_SCOPE}))


SERVER_ACTOR = Actor("apogee-idp", frozenset({ADMIN_SCOPE}))
"""The server itself, where it changes something without being told to."""
