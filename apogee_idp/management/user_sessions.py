"""Commands on the sessions of people; clients that were used in them are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ..commands import EndSession
from ..errors import NotFound
from ..requests import Actor, Session
from ..sessions import Sessions
from ..user_model import User
from .changes import Changes
from .users import UserCommands


class SessionCommands:
    """Raises CommandRefused for what breaks a rule, and whatever the store raises.

    What ``actor`` ends is recorded; what is an administrator's takes ``idp:admin``.
    """

    def __init__(
        self, sessions: Sessions, users: UserCommands, *, changes: Changes, actor: Actor
    ) -> None:
        self._sessions = sessions
        self._users = users
        self._changes = changes
        self._actor = actor

    async def of(self, subject: str) -> list[Session]:
        """Hers that have not ended, the latest first."""
        await self._users.get(subject)
        return sorted(await self._sessions.of(subject), key=lambda s: -s.seen_at)

    async def end(self, subject: str, sid: str) -> None:
        """Ends the one that clients know as ``sid``."""
        self._users.check_privilege(await self._users.get(subject))
        session = next((s for s in await self._sessions.of(subject) if s.sid == sid), None)
        if session is None:
            raise NotFound("there is no such session")
        command = EndSession(self._actor, session, None)
        facts = _facts(session)
        async with self._changes.recording(command, "session", session.id, facts, None):
            await self._sessions.end(session)

    async def end_by(self, subject: str, change: Callable[[str], Awaitable[User]]) -> User:
        """What ``change`` returns, which ends all that she has begun."""
        sessions = await self._sessions.of(subject)
        user = await change(subject)
        for session in sessions:
            await self._sessions.end(session)
        return user


def _facts(session: Session) -> dict[str, Any]:
    return {
        "subject": session.user.subject,
        "sid": session.sid,
        "begun_at": session.begun_at,
        "source": session.source,
    }
