"""Who is signed in, in which browser: kept by the server, and ended by it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from .browser_secrets import is_value, key_of, new_value
from .errors import Conflict, UnreadableDocument
from .requests import Session, UserAuthentication
from .stores.base import Collection, Stored
from .stores.members import text, whole
from .user_model import User

SEEN_EVERY_SECONDS = 60


class Sessions:
    """Sessions by the secret value of a cookie, of which the store has the SHA-256 alone.

    One ends when nobody was seen for ``idle`` seconds, ``lifetime`` seconds after it began, when
    its user signs out, and when the user is disabled or gone, or has ended what was begun before
    (a new password). All of that is looked at each time. ``now`` gives Unix seconds.
    """

    __slots__ = ("_idle", "_lifetime", "_now", "_sessions", "_user")

    def __init__(
        self,
        sessions: Collection,
        user: Callable[[str], Awaitable[User | None]],
        *,
        idle: int,
        lifetime: int,
        now: Callable[[], int],
    ) -> None:
        self._sessions = sessions
        self._user = user
        self._idle = idle
        self._lifetime = lifetime
        self._now = now

    async def begin(self, authentication: UserAuthentication) -> tuple[str, Session]:
        """A new session of who has just proven who she is, and the secret value for it.

        Raises StoreUnavailable.
        """
        value, now, user = new_value(), self._now(), authentication.user
        # What begins in the second in which everything was ended, counts from the next.
        begun_at = max(authentication.since, user.sessions_not_before + 1)
        session = Session(key_of(value), user, auth_time=now, begun_at=begun_at, seen_at=now)
        document = {
            "subject": user.subject,
            "auth_time": session.auth_time,
            "created_at": session.begun_at,
            "last_seen_at": session.seen_at,
        }
        await self._sessions.insert(session.id, document, expires_at=now + self._lifetime)
        return value, session

    async def find(self, value: str | None) -> Session | None:
        """The session behind the value, if it has not ended; raises StoreUnavailable."""
        if value is None or not is_value(value):
            return None
        stored = await self._sessions.get(key_of(value))
        if stored is None:
            return None
        session = await self._read(stored)
        if session is None or self._has_ended(session):
            return None
        await self._touch(stored, session)
        return session

    async def end(self, session_id: str) -> None:
        """Ends it, if it has not ended already; raises StoreUnavailable."""
        await self._sessions.delete(session_id)

    def _has_ended(self, session: Session) -> bool:
        now = self._now()
        return (
            session.user.has_ended(session.begun_at)
            or now >= session.seen_at + self._idle
            or now >= session.begun_at + self._lifetime
        )

    async def _read(self, stored: Stored) -> Session | None:
        members: Mapping[str, Any] = stored.document
        try:
            subject = text(members["subject"])
            times = (whole(members[name]) for name in ("auth_time", "created_at", "last_seen_at"))
            auth_time, begun_at, seen_at = times
        except (ValueError, TypeError, KeyError) as error:
            raise UnreadableDocument("a session can't be read") from error
        user = await self._user(subject)
        return None if user is None else Session(stored.key, user, auth_time, begun_at, seen_at)

    async def _touch(self, stored: Stored, session: Session) -> None:
        """Once a minute is enough; if several requests do it at once, one of them is."""
        now = self._now()
        if now >= session.seen_at + SEEN_EVERY_SECONDS:
            with suppress(Conflict):
                await self._sessions.replace(
                    stored.key, {"last_seen_at": now}, version=stored.version
                )
