"""Administrators by configuration: an address that a provider has verified gives the role."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

from .user_model import ADMINISTRATOR_ROLE, Identity, User, comparable_email


def entry_of(identity: Identity) -> str:
    """How the setting ``administrators`` names this identity; "" if its address isn't verified.

    Nor does it name one that only looks like another: what a provider has verified is this spelling
    of the mailbox, in capitals or not.
    """
    if not identity.email_verified or not identity.email:
        return ""
    address = comparable_email(identity.email)
    if _mailbox(identity.email).lower() != _mailbox(address):
        return ""
    return f"{identity.provider}:{address}"


def _mailbox(email: str) -> str:
    return email.rpartition("@")[0]


def configured(user: User, administrators: Collection[str]) -> User:
    """``user`` with the role by the first of her identities that is named, or without it.

    A role that an administrator has given stays.
    """
    named = next((e for e in map(entry_of, user.identities) if e in administrators), "")
    if named == user.administrator_by:
        return user
    if ADMINISTRATOR_ROLE in user.roles and not user.administrator_by:
        return user
    others = tuple(role for role in user.roles if role != ADMINISTRATOR_ROLE)
    roles = (*others, ADMINISTRATOR_ROLE) if named else others
    return replace(user, roles=roles, administrator_by=named)


def without_former_administrators(
    find: Callable[[str], Awaitable[User | None]], administrators: Collection[str]
) -> Callable[[str], Awaitable[User | None]]:
    """``find``, by which nobody has the role whom the settings don't name any more."""

    async def find_user(subject: str) -> User | None:
        user = await find(subject)
        if user is None or not user.administrator_by or user.administrator_by in administrators:
            return user
        return configured(user, administrators)

    return find_user
