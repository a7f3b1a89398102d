"""Those who act without a token."""

from __future__ import annotations

from dataclasses import replace

from ..model import ADMIN_SCOPE
from ..requests import Actor
from ..user_model import User


def local_actor(name: str) -> Actor:
    """The user of the operating system who runs the command line; he may do everything."""
    return Actor(f"cli:{name}", frozenset({ADMIN_SCOPE}), is_local=True)


def user_actor(user: User) -> Actor:
    """A person who changes her own account; an administrator may do everything."""
    return Actor(user.subject, frozenset({ADMIN_SCOPE} if user.is_administrator else ()))


def person_actor(user: User, request_id: str) -> Actor:
    """A person in the console: an administrator may do everything there, all others nothing."""
    return replace(user_actor(user), request_id=request_id)


SERVER_ACTOR = Actor("apogee-idp", frozenset({ADMIN_SCOPE}), is_local=True)
"""The server itself, where it changes something without being told to."""
