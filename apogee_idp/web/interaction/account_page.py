"""What ``/account`` shows its owner."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from ...browser_secrets import proof
from ...requests import Session
from ...services import Services
from ...user_model import Identity
from ..pages import render_page
from .own_forms import form_token

_BROWSERS = ("Edg/", "OPR/", "Firefox/", "Chrome/", "Safari/")
_BROWSER_NAMES = {"Edg/": "Edge", "OPR/": "Opera"}
_SYSTEMS = ("Windows", "Android", "iPhone", "iPad", "Mac OS X", "Linux")
_SYSTEM_NAMES = {"Mac OS X": "macOS"}


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session, as its owner recognises it."""

    id: str
    browser: str
    source: str
    begun_at: str
    seen_at: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """One application that may do something; ``is_connected`` means without her being there."""

    client_id: str
    name: str
    scopes: tuple[str, ...]
    is_connected: bool


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """Who she is elsewhere."""

    title: str
    provider: str
    subject: str
    email: str


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """Where she could sign in, too; ``proof`` goes with the address to link it."""

    name: str
    title: str
    proof: str


class AccountPage:
    """Renders the page; its forms have a token that only its browser can have sent."""

    def __init__(self, services: Services) -> None:
        self._sessions = services.sessions
        self._consents = services.consents
        self._grants = services.grants
        self._clients = services.clients
        self._providers = services.external_providers.known

    async def render(
        self, request: web.Request, session: Session, secret: str, notice: str
    ) -> web.Response:
        """Everything of hers; ``notice`` names the text of what was just done, or is empty."""
        user = session.user
        context: dict[str, object] = {
            "email": user.email,
            "name": user.profile.get("name", ""),
            "has_password": bool(user.password_hash),
            "second_factor": user.second_factor,
            "identities": [self._identity_row(each) for each in user.identities],
            "providers": self._linkable(session, secret),
            "sessions": [_row(each, session) for each in await self._sessions_of(session)],
            "applications": await self._applications_of(user.subject),
            "notice": notice,
            "action": request.path,
            "token": form_token(secret, session.id),
        }
        response = render_page(request, "account.html", context, form_action="'self'")
        response.headers["Cache-Control"] = "no-store"
        return response

    def _identity_row(self, identity: Identity) -> IdentityRow:
        known = self._providers.get(identity.provider)
        title = known.title if known else identity.provider
        return IdentityRow(title, identity.provider, identity.subject, identity.email)

    def _linkable(self, session: Session, secret: str) -> list[ProviderRow]:
        """The address to go there is good for this session alone."""
        return [
            ProviderRow(each.name, each.title, proof(secret, "link", session.id, each.name))
            for each in self._providers.values()
        ]

    async def _sessions_of(self, current: Session) -> Iterable[Session]:
        """This one first, then those that were used last."""
        found = await self._sessions.of(current.user.subject)
        return sorted(found, key=lambda each: (each.id != current.id, -each.seen_at))

    async def _applications_of(self, subject: str) -> list[ApplicationRow]:
        connected = {each.grant.client_id: each.grant for each in await self._grants.of(subject)}
        rows = []
        for client_id in sorted({*connected, *await self._consents.clients_of(subject)}):
            client = await self._clients.get(client_id)
            if client is None:
                continue
            allowed = await self._consents.of(subject, client) or frozenset()
            grant = connected.get(client_id)
            scopes = allowed | set(grant.scopes if grant else ())
            if scopes:
                name = client.display_name or client_id
                is_connected = grant is not None
                rows.append(ApplicationRow(client_id, name, tuple(sorted(scopes)), is_connected))
        return rows


def _row(session: Session, current: Session) -> SessionRow:
    return SessionRow(
        session.id,
        browser_name(session.user_agent),
        session.source,
        _time(session.begun_at),
        _time(session.seen_at),
        is_current=session.id == current.id,
    )


def browser_name(user_agent: str) -> str:
    """Browser and system in a ``User-Agent``, as far as they are known; else its first word."""
    browser = next((name for name in _BROWSERS if name in user_agent), "")
    system = next((name for name in _SYSTEMS if name in user_agent), "")
    known = (
        _BROWSER_NAMES.get(browser, browser.rstrip("/")),
        _SYSTEM_NAMES.get(system, system),
    )
    return ", ".join(filter(None, known)) or user_agent.partition(" ")[0]


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
