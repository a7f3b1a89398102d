"""Questions about people: one, or a page of those that match."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from ..administrators import configured
from ..errors import NotFound
from ..stores.base import MAXIMUM_PAGE, Store
from ..stores.repositories import Listing, users_in
from ..user_model import User

MAXIMUM_READ = 1000
"""So many people one question reads at most; then it says where to go on."""


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
        """Up to ``limit`` people behind ``after``, by subject.

        A page may be short, or empty, and still not the last: see MAXIMUM_READ.
        """
        found: list[User] = []
        unreadable: list[str] = []
        for _ in range(MAXIMUM_READ // MAXIMUM_PAGE):
            read = await self._users.page(after=after, limit=MAXIMUM_PAGE)
            for user in filter(wanted.matches, map(self.effective, read.items)):
                if len(found) == limit:
                    last = found[-1].subject
                    unreadable += [key for key in read.unreadable if key < last]
                    return Listing(tuple(found), tuple(unreadable), after=last)
                found.append(user)
            unreadable += read.unreadable
            after = read.after
            if after is None:
                break
        return Listing(tuple(found), tuple(unreadable), after=after)

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
