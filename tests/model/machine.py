"""Everything that may happen to clients and their tokens, in any order, to server and model."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.durability.trail import check_documents, settled
from tests.idp import Idp

from .comparison import APP, MACHINE, Comparison
from .reference import SignIn
from .world import CALLBACK, Crash, World

CLIENTS = st.sampled_from((MACHINE, APP))
ANY = st.integers(0, 1_000_000)
"""Which of several, however many there are."""


def _crashes(writes: int) -> st.SearchStrategy[Crash]:
    """None, or a crash at one of so many writes."""
    return st.one_of(st.none(), st.tuples(st.integers(0, writes - 1), st.booleans()))


OF_COMMANDS = _crashes(4)
"""An entry in the trail, the id of a secret, the change, the outcome."""


class Machine(Comparison, RuleBasedStateMachine):
    """``new_world`` makes the server; ``report`` hears of its crashes and its tokens."""

    new_world: Callable[[], World]
    report: Callable[[int, int], None]

    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        Comparison.__init__(self, self.new_world())
        self.turns = count()

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
            self.switch(client_id, "enable", crash)
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
            self.delete(client_id, crash)
        else:
            self.switch(client_id, how, crash)

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
        answer = self.command(client_id, changed, "POST", path, body, crash)
        if answer is not None:
            assert answer.status == 201, answer.body
            self.tell(client_id, secret, answer.json["client_secret"])

    @rule(which=ANY)
    def authenticate(self, which: int) -> None:
        """With any secret that the client was ever told."""
        secret = self.one_of(self.told[MACHINE], which)
        answer = self.present(MACHINE, secret, grant_type="client_credentials")
        assert answer is not None
        works = self.reference.works(MACHINE, secret)
        assert answer.status == (200 if works else 401), answer.body
        if works:
            self.add_token(answer, MACHINE, None)

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
        sign_in = self.one_of(self.reference.sign_ins, which)
        secret = sign_in and self.secret_of(sign_in.client_id)
        if sign_in is None or secret is None:
            return
        presented = [sign_in.code, *(t for t in sign_in.refresh_tokens if t)]
        chosen = presented[value % len(presented)]
        form = {"grant_type": "refresh_token", "refresh_token": chosen}
        if chosen == sign_in.code:
            form = {"grant_type": "authorization_code", "code": chosen, "redirect_uri": CALLBACK}
        is_good = self.reference.is_good(sign_in, chosen)
        betrays = self.reference.betrays(sign_in, chosen)
        answer = self.present(sign_in.client_id, secret, crash=crash, **form)
        if answer is None:
            self.look_again(sign_in, chosen, is_good=is_good, betrays=betrays)
            return
        assert answer.status == (200 if is_good else 400), answer.body
        sign_in.ended |= betrays
        if is_good:
            sign_in.spend(chosen, answer.json["refresh_token"], self.reference.now)
            self.add_token(answer, sign_in.client_id, sign_in)

    @precondition(lambda self: self.reference.sign_ins)
    @rule(which=ANY, crash=_crashes(1))
    def revoke_refresh_token(self, which: int, crash: Crash) -> None:
        """The current one, and with it all that it led to."""
        sign_in = self.one_of(self.reference.sign_ins, which)
        secret = sign_in and self.secret_of(sign_in.client_id)
        if sign_in is None or secret is None or not sign_in.refresh_tokens:
            return
        token = sign_in.refresh_tokens[-1]
        if token is None or not self.reference.is_good(sign_in, token):
            return
        answer = self.present(sign_in.client_id, secret, "revoke", crash=crash, token=token)
        assert answer is None or answer.status == 200
        state = self.world.state_of(sign_in, token)
        assert state in ("ended", *(("good",) if answer is None else ()))
        sign_in.ended = state == "ended"

    @precondition(lambda self: self.reference.tokens)
    @rule(which=ANY, crash=_crashes(1))
    def revoke_token(self, which: int, crash: Crash) -> None:
        """An access token."""
        token = self.one_of(self.reference.tokens, which)
        secret = token and self.secret_of(token.client_id)
        if token is None or secret is None:
            return
        was_active = self.reference.is_active(token)
        answer = self.present(token.client_id, secret, "revoke", crash=crash, token=token.text)
        assert answer is None or answer.status == 200
        is_active = self.is_active(token, secret)
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
        token = self.one_of(self.reference.tokens, which)
        if token is not None and token.kid in self.published():
            self.world.revoke_key(token.kid)
            self.reference.revoked_kids.add(token.kid)

    @rule()
    def keys_are_published(self) -> None:
        """Those of every token that is still active, and none that was revoked."""
        published = self.published()
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
            assert self.authenticates(client_id, secret) == works
        token = self.one_of(self.reference.tokens, turn)
        if token is not None and (secret := self.secret_of(token.client_id)):
            assert self.is_active(token, secret) == self.reference.is_active(token)
        sign_in = self.one_of(self.reference.sign_ins, turn)
        if sign_in is not None:
            state = self.world.state_of(sign_in, sign_in.code)
            spent = "spent" if sign_in.redeemed_at else "good"
            assert state == ("ended" if sign_in.ended else spent)
