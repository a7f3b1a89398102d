"""What is done to server and model both, and how they are compared."""

from __future__ import annotations

from itertools import count
from typing import Any

import jwt

from apogee_idp.model import AUTHORIZATION_CODE
from tests.idp import Answer

from .reference import NOBODY, Client, Facts, Reference, SignIn, Token
from .world import CALLBACK, Crash, World

MACHINE, APP = "billing", "shop"
_COMMON = {
    "endpoints": ["introspection", "revocation"],
    "skip_token_encryption": True,
    "token_profile": {"signing_algorithm": "ES256"},
}
_OF_APPS = {
    "flow_type": AUTHORIZATION_CODE,
    "redirect_uris": [CALLBACK],
    "allow_offline_access": True,
}


class Comparison:
    """A server, the model of it, and the secrets that were told."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reference = Reference(world.clock.now)
        self.told: dict[str, list[str]] = {}
        self.untold = (f"untold-{number}" for number in count())

    def create(self, client_id: str, crash: Crash) -> None:
        """A client, unless there is one of this id."""
        known, secret = self.reference.copy(client_id), next(self.untold)
        body = {"client_id": client_id, **_COMMON, **(_OF_APPS if client_id == APP else {})}
        changed = known or Client(self.reference.now - 1, {secret: None})
        answer = self.command(client_id, changed, "POST", "/clients", body, crash)
        if answer is not None:
            assert answer.status == (409 if known else 201), answer.body
            if known is None:
                self.tell(client_id, secret, answer.json["client_secret"])

    def switch(self, client_id: str, action: str, crash: Crash) -> None:
        changed = self.reference.copy(client_id)
        if changed is not None and action == "revoke-tokens":
            changed.not_before = self.reference.now
        elif changed is not None:
            changed.enabled = action == "enable"
        path = f"/clients/{client_id}/{action}"
        self.check_found(self.command(client_id, changed, "POST", path, None, crash), changed)

    def delete(self, client_id: str, crash: Crash) -> None:
        known = self.reference.copy(client_id)
        answer = self.command(client_id, None, "DELETE", f"/clients/{client_id}", None, crash)
        self.check_found(answer, known)

    def command(
        self,
        client_id: str,
        changed: Client | None,
        method: str,
        path: str,
        body: Any,
        crash: Crash,
    ) -> Answer | None:
        """Makes ``changed`` of the client; after a crash it is that, or as it was, wholly."""
        before = self.reference.clients.get(client_id)
        answer = self.world.api(method, path, body, crash)
        if answer is None:
            found = self.facts(client_id)
            possible = [c for c in (before, changed) if self.reference.facts(c) == found]
            assert possible, (found, before, changed)
            changed = possible[0]
        self.reference.clients.pop(client_id, None)
        if changed is not None:
            self.reference.clients[client_id] = changed
        return answer

    def facts(self, client_id: str) -> Facts:
        """What the server says of the client, and which of its secrets it takes."""
        answer = self.world.asked("GET", f"/clients/{client_id}")
        if answer.status == 404:
            return NOBODY
        client, now = answer.json, self.reference.now
        ends = [secret["expires_at"] for secret in client["secrets"]]
        live = sum(end is None or now < end for end in ends)
        works = (s for s in self.told.get(client_id, ()) if self.authenticates(client_id, s))
        return True, client["enabled"], client["tokens_not_before"], live, tuple(sorted(works))

    def authenticates(self, client_id: str, secret: str) -> bool:
        answer = self.present(client_id, secret, "introspect", token="x")
        assert answer is not None
        return answer.status == 200

    def look_again(self, sign_in: SignIn, value: str, *, is_good: bool, betrays: bool) -> None:
        """What became of a code or refresh token that was presented when the server crashed."""
        state = self.world.state_of(sign_in, value)
        if is_good:
            assert state in ("good", "spent")
            if state == "spent":
                sign_in.spend(value, None, self.reference.now)
        elif betrays:
            assert state in ("spent", "ended")
            sign_in.ended = state == "ended"

    def is_active(self, token: Token, secret: str) -> bool:
        answer = self.present(token.client_id, secret, "introspect", token=token.text)
        assert answer is not None
        return bool(answer.json["active"])

    def present(
        self,
        client_id: str,
        secret: str,
        endpoint: str = "token",
        *,
        crash: Crash = None,
        **form: str,
    ) -> Answer | None:
        credentials = {"client_id": client_id, "client_secret": secret}
        return self.world.form(f"/connect/{endpoint}", crash, **credentials, **form)

    def published(self) -> set[str]:
        answer = self.world.run(lambda idp: idp.send("GET", "/.well-known/jwks"))
        assert answer is not None
        return {key["kid"] for key in answer.json["keys"]}

    def secret_of(self, client_id: str) -> str | None:
        """One that works, if there is one."""
        told = self.told.get(client_id, ())
        return next((s for s in told if self.reference.works(client_id, s)), None)

    def add_token(self, answer: Answer, client_id: str, sign_in: SignIn | None) -> None:
        kid = jwt.get_unverified_header(answer.token)["kid"]
        token = Token(answer.token, client_id, kid, self.reference.now, sign_in)
        self.reference.tokens.append(token)

    def tell(self, client_id: str, untold: str, secret: str) -> None:
        secrets = self.reference.clients[client_id].secrets
        secrets[secret] = secrets.pop(untold)
        self.told.setdefault(client_id, []).append(secret)

    def check_found(self, answer: Answer | None, known: Client | None) -> None:
        assert answer is None or answer.status in ((404,) if known is None else (200, 204))

    def one_of(self, things: list[Any], which: int) -> Any:
        return things[which % len(things)] if things else None
