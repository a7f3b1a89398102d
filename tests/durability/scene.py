"""The clients and people of the load, put into the store before anything is killed."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from jwcrypto import jwk, jws

from apogee_idp.app import new_id, now
from apogee_idp.browser_secrets import new_value
from apogee_idp.consents import Consents
from apogee_idp.crypto.secrets import generate_subject
from apogee_idp.crypto.signing import generate_private_key
from apogee_idp.crypto.slow_hashes import hash_secret
from apogee_idp.management.client_keys import ClientKeys
from apogee_idp.management.clients import ClientCommands
from apogee_idp.management.registrations import ClientRegistration
from apogee_idp.model import AUTHORIZATION_CODE, MANAGEMENT_SCOPES, TokenProfile, frozen
from apogee_idp.requests import UserAuthentication
from apogee_idp.sessions import SessionLimits, Sessions
from apogee_idp.stores.base import Store
from apogee_idp.stores.logins import Logins
from apogee_idp.stores.repositories import clients_in, users_in
from apogee_idp.user_model import User
from tests.acting import acting
from tests.browser import Browser, Page
from tests.idp import ISSUER, Answer

from .deployment import Service

CALLBACK = "https://app.example/cb"
PASSWORD = "correct horse battery staple"
SESSION = "__Host-apogee_session"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_BROWSER = new_value()
_HASH = hash_secret(PASSWORD)
_CODE_FLOW = {
    "flow_type": AUTHORIZATION_CODE,
    "client_type": "public",
    "redirect_uris": (CALLBACK,),
    "allow_offline_access": True,
}
ASKED_FOR = ("app", "par")
"""Whom every person has allowed what they ask for."""

TO_BE_ASKED = tuple(f"asks-{n}" for n in range(3))


@dataclass
class Scene:
    """The store, and what the load knows of it; ``service`` is who is asked."""

    store: Store
    service: Service
    secrets: dict[str, str] = field(default_factory=dict)
    key: jwk.JWK = field(default_factory=lambda: generate_private_key("ES256"))

    async def prepare(self) -> None:
        """Makes the clients."""
        public = {"keys": [self.key.export_public(as_dict=True)]}
        reads = ("introspection", "revocation")
        boss = tuple(MANAGEMENT_SCOPES)
        plain = {"skip_token_encryption": True}
        opaque = {"token_profile": TokenProfile(reference=True)}
        await self._add("machine", endpoints=reads, **plain)
        await self._add("opaque", endpoints=reads, **opaque)
        await self._add("boss", scopes=boss, default_scopes=("idp:admin",))
        await self._add("signer", keys=ClientKeys(frozen(public)))
        for client_id in (*ASKED_FOR, *TO_BE_ASKED):
            await self._add(client_id, **_CODE_FLOW)

    async def _add(self, client_id: str, **registration: Any) -> None:
        commands = ClientCommands(self.store, now=now, **acting(self.store))
        made = await commands.add(ClientRegistration(client_id, **registration))
        self.secrets[client_id] = made.secret.value if made.secret else ""

    async def new_person(self) -> Person:
        """Somebody with PASSWORD who is signed in and has allowed ASKED_FOR."""
        subject = generate_subject()
        email = f"{subject.lower()}@example.com"
        await Logins(self.store, now=now).claim(email, subject)
        users = users_in(self.store)
        user = await users.add(User(subject, email, password_hash=_HASH, created_at=now()))
        for client_id in ASKED_FOR:
            client = await clients_in(self.store).get(client_id)
            assert client is not None
            scopes = ("openid", "offline_access")
            await Consents(self.store.consents, now=now).remember(subject, client, scopes)
        limits = SessionLimits(3600, 3600)
        sessions = Sessions(
            self.store.sessions, users.get, limits, now=now, new_id=new_id, ended=print
        )
        cookie, _ = await sessions.begin(UserAuthentication(user, now(), now()))
        return Person(self.service, subject, email, cookie)

    async def push(self) -> str:
        """The request_uri of a new pushed request of ``par``."""
        answer = await self.service.form(
            "/connect/par",
            client_id="par",
            redirect_uri=CALLBACK,
            response_type="code",
            scope="openid",
            code_challenge=CHALLENGE,
            code_challenge_method="S256",
        )
        assert answer.status == 201, answer.body
        return str(answer.json["request_uri"])

    def assertion(self, jti: str) -> str:
        """One by which ``signer`` authenticates."""
        claims = {"iss": "signer", "sub": "signer", "aud": ISSUER, "exp": now() + 500, "jti": jti}
        token = jws.JWS(json.dumps(claims).encode())
        token.add_signature(self.key, protected=json.dumps({"alg": "ES256"}))
        return str(token.serialize(compact=True))

    async def grant(self, client_id: str) -> Answer:
        """A client credentials request."""
        secret = self.secrets[client_id]
        form = {"client_id": client_id, "client_secret": secret}
        return await self.service.form("/connect/token", grant_type="client_credentials", **form)


@dataclass
class Person:
    """Somebody at the service, by HTTP alone."""

    service: Service
    subject: str
    email: str
    cookie: str

    def browser(self, cookie: str | None = None) -> Browser:
        """One in which she is signed in, if by another ``cookie`` than her own."""
        session = self.cookie if cookie is None else cookie
        cookies = {"__Host-apogee_browser": _BROWSER, SESSION: session}
        return Browser(self.service, {n: c for n, c in cookies.items() if c})  # type: ignore[arg-type]

    async def authorize(self, client_id: str, **changes: str) -> Page:
        """An authorization request, up to the first page or answer."""
        browser = self.browser(changes.pop("cookie", None))
        request = {
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid offline_access",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | changes
        given = {name: value for name, value in request.items() if value}
        return await browser.follow(await browser.get(f"/connect/authorize?{urlencode(given)}"))

    async def code(self) -> str:
        """A code for ``app``."""
        return (await self.authorize("app")).parameters["code"]


def accepted(answer: Answer, *refusals: str) -> bool:
    """Whether a token request had success; the ``refusals`` are those that may come instead."""
    if answer.status != 200:
        assert answer.error in refusals, answer.body
    return answer.status == 200
