"""Questions about people: one, or a page of those that match."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..administrators import configured
from ..errors import NotFound
from ..stores.base import Store
from ..stores.repositories import Listing, users_in
from ..user_model import User
from .filtered import filtered_page


@dataclass(frozen=True, slots=True)
class UserFilter:
    """What matches: ``search`` is part of the address, the name or the subject."""

    search: str = ""
    enabled: bool | None = None
    role: str = ""

    def matches(self, user: User) -> bool:
        """Whether every criterion holds."""
        sought = self.search.casefold()
        told = (user.email, str(user.profile.get("name", "")), user.subject)
        return (
            any(sought in text.casefold() for text in told)
            and self.enabled in (None, user.enabled)
            and (not self.role or self.role in user.roles)
        )


class UserQueries:
    """People with the roles that the settings' ``administrators`` leave them.

    Raises NotFound, and whatever the store raises.
    """

    def __init__(self, store: Store, administrators: Collection[str]) -> None:
        self._users = users_in(store)
        self._administrators = administrators

    async def get(self, subject: str) -> User:
        """The user of this subject."""
        user = await self._users.get(subject)
        if user is None:
            raise NotFound(f"there is no user {subject}")
        return self.effective(user)

    async def page(self, wanted: UserFilter, *, after: str | None, limit: int) -> Listing[User]:
        """Up to ``limit`` people behind ``after``, by subject; see ``filtered_page``."""

        def matches(user: User) -> bool:
            return wanted.matches(self.effective(user))

        page = await filtered_page(
            self._users, matches, lambda u: u.subject, after=after, limit=limit
        )
        return replace(page, items=tuple(map(self.effective, page.items)))

    def effective(self, user: User) -> User:
        """``user``, no administrator by an entry that is in the settings no more."""
        if not user.administrator_by or user.administrator_by in self._administrators:
            return user
        return configured(user, self._administrators)


def person_facts(user: User) -> dict[str, Any]:
    """What administrators see of a person; of her password, whether she has one."""
    members = ("subject", "email", "email_verified", "is_administrator", "administrator_by")
    dates = ("enabled", "created_at", "password_changed_at", "sessions_not_before")
    return {name: getattr(user, name) for name in (*members, *dates)} | {
        "name": str(user.profile.get("name", "")),
        "roles": list(user.roles),
        "has_password": bool(user.password_hash),
        "has_second_factor": user.second_factor is not None,
        "identities": [asdict(identity) for identity in user.identities],
    }
