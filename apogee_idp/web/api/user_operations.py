"""What the routes of people do."""

from __future__ import annotations

from functools import partial
from typing import Any

from ...errors import NotFound
from ...management.user_queries import UserFilter, person_facts
from ...management.user_sessions import SessionCommands
from ...requests import Session
from ...stores.repositories import Listing
from ...user_model import User, is_user_subject
from .calls import Call, Desk, Reply
from .listing import listed


async def list_users(desk: Desk, call: Call) -> Reply:
    """A page of people, by subject."""
    wanted = UserFilter(**{name: call.query[name] for name in UserFilter.__dataclass_fields__})

    async def pages(after: str | None, limit: int) -> Listing[User]:
        return await desk.management.user_queries().page(wanted, after=after, limit=limit)

    return await listed(desk, call, f"users {wanted!r}", pages, person_facts)


async def get_user(desk: Desk, call: Call) -> Reply:
    """One person."""
    return _told(await desk.management.user_queries().get(_subject(call)))


async def enable_user(desk: Desk, call: Call) -> Reply:
    """The person, who may sign in again."""
    users = desk.management.users(call.actor)
    return _changed(desk, await users.set_enabled(_subject(call), enabled=True))


async def disable_user(desk: Desk, call: Call) -> Reply:
    """The person, who is out."""
    subject, users = _subject(call), desk.management.users(call.actor)
    disable = partial(users.set_enabled, enabled=False)
    return _changed(desk, await _sessions(desk, call).end_by(subject, disable))


async def grant_role(desk: Desk, call: Call) -> Reply:
    """The person, with the role."""
    users = desk.management.users(call.actor)
    return _changed(desk, await users.grant_role(_subject(call), call.path["role"]))


async def revoke_role(desk: Desk, call: Call) -> Reply:
    """The person, without the role."""
    subject, users = _subject(call), desk.management.users(call.actor)
    revoke = partial(users.revoke_role, role=call.path["role"])
    return _changed(desk, await _sessions(desk, call).end_by(subject, revoke))


async def remove_second_factor(desk: Desk, call: Call) -> Reply:
    """The person, who needs no second factor any more."""
    users = desk.management.users(call.actor)
    return _changed(desk, await users.remove_second_factor(_subject(call)))


async def list_sessions(desk: Desk, call: Call) -> Reply:
    """Where she is signed in: at few places."""
    sessions = await _sessions(desk, call).of(_subject(call))
    return Reply({"items": [_session_facts(desk, session) for session in sessions]})


async def end_user_session(desk: Desk, call: Call) -> Reply:
    """Nothing."""
    await _sessions(desk, call).end(_subject(call), call.path["sid"])
    return Reply()


async def end_user_sessions(desk: Desk, call: Call) -> Reply:
    """The person, all of whose sessions have ended."""
    subject, users = _subject(call), desk.management.users(call.actor)
    return _changed(desk, await _sessions(desk, call).end_by(subject, users.end_sessions))


def _sessions(desk: Desk, call: Call) -> SessionCommands:
    return desk.management.sessions(call.actor, desk.services.sessions)


def _subject(call: Call) -> str:
    subject = call.path["subject"]
    if not is_user_subject(subject):
        raise NotFound("there is no such user")
    return subject


def _changed(desk: Desk, user: User) -> Reply:
    return _told(desk.management.user_queries().effective(user))


def _told(user: User) -> Reply:
    return Reply(person_facts(user), version=user.concurrency_token)


def _session_facts(desk: Desk, session: Session) -> dict[str, Any]:
    members = ("sid", "begun_at", "seen_at", "methods", "user_agent", "source", "clients")
    ends = desk.services.sessions.ends_of(session)
    facts = {name: getattr(session, name) for name in members}
    return facts | {"expires_at": min(ends.idle, ends.latest)}
