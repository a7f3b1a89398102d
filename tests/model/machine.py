"""Everything that may happen to clients and their tokens, in any order, to server and model."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import jwt
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from apogee_idp.model import AUTHORIZATION_CODE
from tests.durability.trail import check_documents, settled
from tests.idp import Answer, Idp

from .reference import NOBODY, Client, Facts, Reference, SignIn, Token
from .world import CALLBACK, Crash, World

MACHINE, APP = "billing", "shop"
CLIENTS = st.sampled_from((MACHINE, APP))
ANY = st.integers(0, 1_000_000)
"""Which of several, however many there are."""


def _crashes(writes: int) -> st.SearchStrategy[Crash]:
    """None, or a crash at one of so many writes."""
    return st.one_of(st.none(), st.tuples(st.integers(0, writes - 1), st.booleans()))


OF_COMMANDS = _crashes(4)
"""An entry in the trail, the id of a secret, the change, the outcome."""

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


class Machine(RuleBasedStateMachine):
    """``new_world`` makes the server; ``report`` hears of its crashes and its tokens."""

    new_world: Callable[[], World]
    report: Callable[[int, int], None]

    def __init__(self) -> None:
        super().__init__()
        self.world = self.new_world()
        self.reference = Reference(self.world.clock.now)
        self.told: dict[str, list[str]] = {}
        self.turns = count()
        self.untold = (f"untold-{number}" for number in count())

    def teardown(self) -> None:
        """However it came here: each change has its entry in the trail, each entry an outcome."""
        clock = self.world.clock

        async def check(idp: Idp) -> None:
            store = idp.installation.store
            await check_documents(store, await settled(store, now=clock))

        try:
            self.world.run(check)
        finally:
            self.world.close()
            self.report(self.world.crashes, len(self.reference.tokens))

    @initialize()
    def begin(self) -> None:
        """With something of each kind, as most of what can happen needs it."""
        for client_id in (MACHINE, APP):
            self.create(client_id, None)
        self.authenticate(0)
        self.sign_in()

    @rule(seconds=st.sampled_from([1, 11, 61, 301, 901]))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.now += seconds
        self.reference.now += seconds

    @rule(orderly=st.booleans())
    def restart(self, orderly: bool) -> None:
        self.world.restart(orderly=orderly)

    @rule(client_id=CLIENTS, crash=OF_COMMANDS)
    def restore(self, client_id: str, crash: Crash) -> None:
        """Makes the client, or enables it."""
        if client_id in self.reference.clients:
            self._switch(client_id, "enable", crash)
        else:
            self.create(client_id, crash)

    @rule(
        client_id=CLIENTS,
        how=st.sampled_from(["disable", "revoke-tokens", "delete"]),
        crash=OF_COMMANDS,
    )
    def end(self, client_id: str, how: str, crash: Crash) -> None:
        """The client, for now or for ever, or all that it has got."""
        if how == "delete":
            self._delete(client_id, crash)
        else:
            self._switch(client_id, how, crash)

    def create(self, client_id: str, crash: Crash) -> None:
        """A client, unless there is one of this id."""
        known, secret = self.reference.copy(client_id), next(self.untold)
        body = {"client_id": client_id, **_COMMON, **(_OF_APPS if client_id == APP else {})}
        changed = known or Client(self.reference.now - 1, {secret: None})
        answer = self._command(client_id, changed, "POST", "/clients", body, crash)
        if answer is not None:
            assert answer.status == (409 if known else 201), answer.body
            if known is None:
                self._tell(client_id, secret, answer.json["client_secret"])

    @rule(client_id=CLIENTS, overlap=st.sampled_from([None, 0, 60]), crash=OF_COMMANDS)
    def renew_secret(self, client_id: str, overlap: int | None, crash: Crash) -> None:
        """Another one, or one instead of the others, with an overlap or without."""
        changed, secret = self.reference.copy(client_id), next(self.untold)
        if changed is None or len(changed.secrets) > 5:
            return
        path, body = f"/clients/{client_id}/secrets", {}
        if overlap is not None:
            path, body = f"{path}/rotate", {"overlap_seconds": overlap}
            until = self.reference.now + overlap
            changed.secrets = {
                s: min(until, changed.secrets[s] or until) for s in self.reference.live(changed)
            }
        changed.secrets[secret] = None
        answer = self._command(client_id, changed, "POST", path, body, crash)
        if answer is not None:
            assert answer.status == 201, answer.body
            self._tell(client_id, secret, answer.json["client_secret"])

    @rule(which=ANY)
    def authenticate(self, which: int) -> None:
        """With any secret that the client was ever told."""
        secret = self._one_of(self.told[MACHINE], which)
        answer = self._present(MACHINE, secret, grant_type="client_credentials")
        assert answer is not None
        works = self.reference.works(MACHINE, secret)
        assert answer.status == (200 if works else 401), answer.body
        if works:
            self._add_token(answer, MACHINE, None)

    @rule(crash=_crashes(2))
    def authorize(self, crash: Crash) -> None:
        """Somebody allows the app what it asks for."""
        if APP in self.reference.clients:
            code = self.world.authorize(APP, crash)
            if code is not None:
                self.reference.sign_ins.append(SignIn(APP, code, self.reference.now))

    @rule()
    def sign_in(self) -> None:
        """The same, and the app redeems its code."""
        self.authorize(None)
        if self.reference.sign_ins:
            self.redeem(len(self.reference.sign_ins) - 1, 0, None)

    @precondition(lambda self: self.reference.sign_ins)
    @rule(which=ANY, value=ANY, crash=_crashes(1))
    def redeem(self, which: int, value: int, crash: Crash) -> None:
        """A code, or any refresh token that it led to."""
        sign_in = self._one_of(self.reference.sign_ins, which)
        secret = sign_in and self._secret_of(sign_in.client_id)
        if sign_in is None or secret is None:
            return
        presented = [sign_in.code, *(t for t in sign_in.refresh_tokens if t)]
        chosen = presented[value % len(presented)]
        form = {"grant_type": "refresh_token", "refresh_token": chosen}
        if chosen == sign_in.code:
            form = {"grant_type": "authorization_code", "code": chosen, "redirect_uri": CALLBACK}
        is_good = self.reference.is_good(sign_in, chosen)
        betrays = self.reference.betrays(sign_in, chosen)
        answer = self._present(sign_in.client_id, secret, crash=crash, **form)
        if answer is None:
            self._look_again(sign_in, chosen, is_good=is_good, betrays=betrays)
            return
        assert answer.status == (200 if is_good else 400), answer.body
        sign_in.ended |= betrays
        if is_good:
            sign_in.spend(chosen, answer.json["refresh_token"], self.reference.now)
            self._add_token(answer, sign_in.client_id, sign_in)

    @precondition(lambda self: self.reference.sign_ins)
    @rule(which=ANY, crash=_crashes(1))
    def revoke_refresh_token(self, which: int, crash: Crash) -> None:
        """The current one, and with it all that it led to."""
        sign_in = self._one_of(self.reference.sign_ins, which)
        secret = sign_in and self._secret_of(sign_in.client_id)
        if sign_in is None or secret is None or not sign_in.refresh_tokens:
            return
        token = sign_in.refresh_tokens[-1]
        if token is None or not self.reference.is_good(sign_in, token):
            return
        answer = self._present(sign_in.client_id, secret, "revoke", crash=crash, token=token)
        assert answer is None or answer.status == 200
        state = self.world.state_of(sign_in, token)
        assert state in ("ended", *(("good",) if answer is None else ()))
        sign_in.ended = state == "ended"

    @precondition(lambda self: self.reference.tokens)
    @rule(which=ANY, crash=_crashes(1))
    def revoke_token(self, which: int, crash: Crash) -> None:
        """An access token."""
        token = self._one_of(self.reference.tokens, which)
        secret = token and self._secret_of(token.client_id)
        if token is None or secret is None:
            return
        was_active = self.reference.is_active(token)
        answer = self._present(token.client_id, secret, "revoke", crash=crash, token=token.text)
        assert answer is None or answer.status == 200
        is_active = self._is_active(token, secret)
        assert not is_active or (answer is None and was_active)
        token.revoked |= was_active and not is_active

    @rule(crash=OF_COMMANDS)
    def rotate_key(self, crash: Crash) -> None:
        """One at most waits to take over; what was signed before stays what it is."""
        answer = self.world.api("POST", "/keys", {"algorithm": "ES256"}, crash)
        assert answer is None or answer.status in (201, 422)

    @precondition(lambda self: self.reference.tokens)
    @rule(which=ANY)
    def revoke_key(self, which: int) -> None:
        """The one of some token."""
        token = self._one_of(self.reference.tokens, which)
        if token is not None and token.kid in self._published():
            self.world.revoke_key(token.kid)
            self.reference.revoked_kids.add(token.kid)

    @rule()
    def keys_are_published(self) -> None:
        """Those of every token that is still active, and none that was revoked."""
        published = self._published()
        active = {t.kid for t in self.reference.tokens if self.reference.is_active(t)}
        assert active <= published
        assert not published & self.reference.revoked_kids

    @invariant()
    def agree(self) -> None:
        """On one secret, one token and one sign-in after each step, all of them in turn."""
        turn = next(self.turns)
        secrets = [(c, s) for c, told in self.told.items() for s in told]
        if secrets:
            client_id, secret = secrets[turn % len(secrets)]
            works = self.reference.works(client_id, secret)
            assert self._authenticates(client_id, secret) == works
        token = self._one_of(self.reference.tokens, turn)
        if token is not None and (secret := self._secret_of(token.client_id)):
            assert self._is_active(token, secret) == self.reference.is_active(token)
        sign_in = self._one_of(self.reference.sign_ins, turn)
        if sign_in is not None:
            state = self.world.state_of(sign_in, sign_in.code)
            spent = "spent" if sign_in.redeemed_at else "good"
            assert state == ("ended" if sign_in.ended else spent)

    def _switch(self, client_id: str, action: str, crash: Crash) -> None:
        changed = self.reference.copy(client_id)
        if changed is not None and action == "revoke-tokens":
            changed.not_before = self.reference.now
        elif changed is not None:
            changed.enabled = action == "enable"
        path = f"/clients/{client_id}/{action}"
        self._check_found(self._command(client_id, changed, "POST", path, None, crash), changed)

    def _delete(self, client_id: str, crash: Crash) -> None:
        known = self.reference.copy(client_id)
        answer = self._command(client_id, None, "DELETE", f"/clients/{client_id}", None, crash)
        self._check_found(answer, known)

    def _command(
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
            found = self._facts(client_id)
            possible = [c for c in (before, changed) if self.reference.facts(c) == found]
            assert possible, (found, before, changed)
            changed = possible[0]
        self.reference.clients.pop(client_id, None)
        if changed is not None:
            self.reference.clients[client_id] = changed
        return answer

    def _facts(self, client_id: str) -> Facts:
        """What the server says of the client, and which of its secrets it takes."""
        answer = self.world.asked("GET", f"/clients/{client_id}")
        if answer.status == 404:
            return NOBODY
        client, now = answer.json, self.reference.now
        ends = [secret["expires_at"] for secret in client["secrets"]]
        live = sum(end is None or now < end for end in ends)
        works = (s for s in self.told.get(client_id, ()) if self._authenticates(client_id, s))
        return True, client["enabled"], client["tokens_not_before"], live, tuple(sorted(works))

    def _authenticates(self, client_id: str, secret: str) -> bool:
        answer = self._present(client_id, secret, "introspect", token="x")
        assert answer is not None
        return answer.status == 200

    def _look_again(self, sign_in: SignIn, value: str, *, is_good: bool, betrays: bool) -> None:
        """What became of a code or refresh token that was presented when the server crashed."""
        state = self.world.state_of(sign_in, value)
        if is_good:
            assert state in ("good", "spent")
            if state == "spent":
                sign_in.spend(value, None, self.reference.now)
        elif betrays:
            assert state in ("spent", "ended")
            sign_in.ended = state == "ended"

    def _is_active(self, token: Token, secret: str) -> bool:
        answer = self._present(token.client_id, secret, "introspect", token=token.text)
        assert answer is not None
        return bool(answer.json["active"])

    def _present(
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

    def _published(self) -> set[str]:
        answer = self.world.run(lambda idp: idp.send("GET", "/.well-known/jwks"))
        assert answer is not None
        return {key["kid"] for key in answer.json["keys"]}

    def _secret_of(self, client_id: str) -> str | None:
        """One that works, if there is one."""
        told = self.told.get(client_id, ())
        return next((s for s in told if self.reference.works(client_id, s)), None)

    def _add_token(self, answer: Answer, client_id: str, sign_in: SignIn | None) -> None:
        kid = jwt.get_unverified_header(answer.token)["kid"]
        token = Token(answer.token, client_id, kid, self.reference.now, sign_in)
        self.reference.tokens.append(token)

    def _tell(self, client_id: str, untold: str, secret: str) -> None:
        secrets = self.reference.clients[client_id].secrets
        secrets[secret] = secrets.pop(untold)
        self.told.setdefault(client_id, []).append(secret)

    def _check_found(self, answer: Answer | None, known: Client | None) -> None:
        assert answer is None or answer.status in ((404,) if known is None else (200, 204))

    def _one_of(self, things: list[Any], which: int) -> Any:
        return things[which % len(things)] if things else None
