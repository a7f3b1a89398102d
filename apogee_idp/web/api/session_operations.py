"""The console session itself: who is signed in, what the console has to know, and its end."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from ...model import MANAGEMENT_SCOPES
from ...presets import PRESETS
from ...settings import Settings
from .calls import Call, Desk, Person, Reply
from .console_session import ended
from .problems import Problem
from .session_schemas import SessionAnswer

_VERSION = metadata.version("apogee-idp")
_DOCUMENTS = {
    "configuration": "/.well-known/openid-configuration",
    "jwks": "/.well-known/jwks",
    "token": "/connect/token",
}


async def get_session(desk: Desk, call: Call) -> Reply:
    """Who is signed in; raises Problem, with the same, for who is no administrator."""
    facts = _facts(desk, call, _person(call))
    if not facts["is_administrator"]:
        told = "You are signed in, but only administrators manage this identity provider."
        members = {"session": SessionAnswer().dump(facts)}
        raise Problem(403, "not-administrator", told, members=members)
    return Reply(facts)


async def end_session(desk: Desk, call: Call) -> Reply:
    """Nothing."""
    await desk.services.sessions.end(_person(call).session)
    return Reply(signs_out=True)


def _person(call: Call) -> Person:
    if call.person is None:
        raise ended("session-needed", "Nobody is signed in in this browser.")
    return call.person


def _facts(desk: Desk, call: Call, person: Person) -> dict[str, Any]:
    session, user = person.session, person.session.user
    ends = desk.services.sessions.ends_of(session)
    return {
        "subject": user.subject,
        "name": str(user.profile.get("name", "")),
        "email": user.email,
        "roles": list(user.roles),
        "is_administrator": user.is_administrator,
        "scopes": sorted(scope for scope in MANAGEMENT_SCOPES if call.actor.may(scope)),
        "csrf_token": person.csrf_token,
        "signed_in_at": session.begun_at,
        "idle_expires_at": ends.idle,
        "expires_at": ends.latest,
        "now": desk.services.now(),
        **_of_the_server(desk.services.settings),
    }


def _of_the_server(settings: Settings) -> dict[str, Any]:
    """What the console's shell shows and links to; the account page is a public one."""
    return {
        "issuer": settings.issuer,
        "version": _VERSION,
        "account_url": None if settings.admin_port else f"{settings.issuer_path}/account",
        "signing_algorithms": list(settings.signing_algorithms),
        "grant_types": list(settings.grant_types),
        "presets": [{"name": p.name, "title": p.title} for p in PRESETS.values()],
        "endpoints": {name: settings.endpoint(path) for name, path in _DOCUMENTS.items()},
    }
