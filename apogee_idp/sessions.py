"""Who is signed in, in which browser: kept by the server, and ended by it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from .browser_secrets import is_value, key_of, new_value
from .errors import Conflict, StoreUnavailable, UnreadableDocument
from .requests import Session, UserAuthentication
from .stores.base import Collection, Stored
from .stores.listing import keys_with
from .stores.members import text, texts, whole
from .stores.values import Document
from .user_model import User

SEEN_EVERY_SECONDS = 60
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session begins, for its owner to recognise: browser and network, as they say."""

    user_agent: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class SessionEnds:
    """When a session ends, in Unix seconds: unless it is used, and at the latest."""

    idle: int
    latest: int


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Seconds that a session lasts, unused and at all."""

    idle: int
    lifetime: int


class Sessions:
    """Sessions by the secret value of a cookie, of which the store has the SHA-256 alone.

    One ends when nobody was seen for ``limits.idle`` seconds, ``limits.lifetime`` seconds after it
    began, when its user signs out, and when the user is disabled or gone, or has ended what was
    begun before (a new password). All of that is looked at each time. ``ended`` is told of each
    that somebody ends. ``now`` gives Unix seconds, ``new_id`` 128 random bits.

    Every method that waits raises StoreUnavailable.
    """

    __slots__ = ("_ended", "_limits", "_new_id", "_now", "_sessions", "_user")

    def __init__(
        self,
        sessions: Collection,
        user: Callable[[str], Awaitable[User | None]],
        limits: SessionLimits,
        *,
        now: Callable[[], int],
        new_id: Callable[[], str],
        ended: Callable[[Session], None],
    ) -> None:
        self._sessions = sessions
        self._user = user
        self._limits = limits
        self._now = now
        self._new_id = new_id
        self._ended = ended

    async def begin(
        self,
        authentication: UserAuthentication,
        *,
        previous: Session | None = None,
        place: Place = Place(),
    ) -> tuple[str, Session]:
        """A new session of who has just proven who she is, and the secret value for it.

        The ``previous`` one of this browser ends. If it was hers, clients go on as if it were the
        same.
        """
        value, now, user = new_value(), self._now(), authentication.user
        is_same = previous is not None and previous.user.subject == user.subject
        kept = previous if is_same else None
        session = Session(
            key_of(value),
            user,
            auth_time=authentication.auth_time,
            # What begins in the second in which everything was ended, counts from the next.
            begun_at=max(authentication.since, user.sessions_not_before + 1),
            seen_at=now,
            sid=kept.sid if kept else self._new_id(),
            methods=authentication.methods,
            clients=kept.clients if kept else (),
            user_agent=place.user_agent,
            source=place.source,
        )
        await self._keep(session, expires_at=now + self._limits.lifetime)
        if kept is not None:
            await self._delete(kept)
        elif previous is not None:
            await self.end(previous)
        return value, session

    async def find(self, value: str | None) -> Session | None:
        """The session behind the value, if it has not ended."""
        if value is None or not is_value(value):
            return None
        stored = await self._sessions.get(key_of(value))
        if stored is None:
            return None
        session = await self._read(stored)
        if session is None or self._has_ended(session):
            return None
        return await self._touch(stored, session)

    async def of(self, subject: str) -> list[Session]:
        """Every session of this user that has not ended."""
        found = []
        for key in await keys_with(self._sessions, f"{subject}/"):
            stored = await self._sessions.get(key)
            session = None if stored is None else await self._read(stored)
            if session is not None and not self._has_ended(session):
                found.append(session)
        return found

    def ends_of(self, session: Session) -> SessionEnds:
        """When this session ends; its use is noted once a minute."""
        return SessionEnds(
            idle=session.seen_at + self._limits.idle,
            latest=session.begun_at + self._limits.lifetime,
        )

    async def end(self, session: Session) -> None:
        """Ends it, if it has not ended already."""
        if await self._delete(session):
            self._ended(session)

    async def note_client(self, session: Session, client_id: str) -> None:
        """Notes that ``client_id`` has to hear of its end."""
        for _ in range(_ATTEMPTS):
            stored = await self._sessions.get(session.id)
            clients = () if stored is None else texts(stored.document.get("clients"))
            if stored is None or client_id in clients:
                return
            changes = {"clients": [*clients, client_id]}
            with suppress(Conflict):
                await self._sessions.replace(session.id, changes, version=stored.version)
                return
        raise StoreUnavailable("a session changes faster than a client can be noted")

    async def _keep(self, session: Session, *, expires_at: int) -> None:
        # First what it is found by: none is ever there that its owner doesn't see.
        place = {"subject": session.user.subject}
        await self._sessions.insert(_place_in_list(session), place, expires_at=expires_at)
        await self._sessions.insert(session.id, _document_of(session), expires_at=expires_at)

    async def _delete(self, session: Session) -> bool:
        was_there = await self._sessions.delete(session.id)
        await self._sessions.delete(_place_in_list(session))
        return was_there

    def _has_ended(self, session: Session) -> bool:
        now, ends = self._now(), self.ends_of(session)
        return session.user.has_ended(session.begun_at) or now >= ends.idle or now >= ends.latest

    async def _read(self, stored: Stored) -> Session | None:
        document = stored.document
        try:
            subject = text(document["subject"])
            user = await self._user(subject)
            return (
                None
                if user is None
                else Session(
                    stored.key,
                    user,
                    auth_time=whole(document["auth_time"]),
                    begun_at=whole(document["created_at"]),
                    seen_at=whole(document["last_seen_at"]),
                    sid=text(document["sid"]),
                    methods=texts(document["methods"]),
                    clients=texts(document["clients"]),
                    user_agent=text(document["user_agent"]),
                    source=text(document["source"]),
                )
            )
        except (ValueError, TypeError, KeyError) as error:
            raise UnreadableDocument("a session can't be read") from error

    async def _touch(self, stored: Stored, session: Session) -> Session:
        """Once a minute is enough; if several requests do it at once, one of them is."""
        now = self._now()
        if now < session.seen_at + SEEN_EVERY_SECONDS:
            return session
        with suppress(Conflict):
            await self._sessions.replace(stored.key, {"last_seen_at": now}, version=stored.version)
        return replace(session, seen_at=now)


def _document_of(session: Session) -> Document:
    return {
        "subject": session.user.subject,
        "sid": session.sid,
        "auth_time": session.auth_time,
        "created_at": session.begun_at,
        "last_seen_at": session.seen_at,
        "methods": list(session.methods),
        "clients": list(session.clients),
        "user_agent": session.user_agent,
        "source": session.source,
    }


def _place_in_list(session: Session) -> str:
    """The key of a document that is only there to be listed; no session has a key with a slash."""
    return f"{session.user.subject}/{session.id}"
