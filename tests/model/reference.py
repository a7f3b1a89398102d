"""What the server should do, in a few lines without a socket, a store or a signature."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

TOKEN_SECONDS = 300
CODE_SECONDS = 60
IDLE_SECONDS = 900
SIGN_IN_SECONDS = 2000
RACE_SECONDS = 10


@dataclass
class Client:
    """Secrets by value, with the second in which they end; those that nobody was told have others.

    What was issued at ``not_before`` or earlier has ended.
    """

    not_before: int
    secrets: dict[str, int | None] = field(default_factory=dict)
    enabled: bool = True


@dataclass
class SignIn:
    """An authorization: a code, then refresh tokens, of which the last is good.

    A successor that nobody was told is None.
    """

    client_id: str
    code: str
    begun_at: int
    redeemed_at: int = 0
    refresh_tokens: list[str | None] = field(default_factory=list)
    refreshed_at: int = 0
    refresh_expires_at: int = 0
    ended: bool = False

    def spent_at(self, value: str) -> int:
        """When this code or refresh token was spent; 0 for one that is not."""
        if value == self.code:
            return self.redeemed_at
        return 0 if value == self.refresh_tokens[-1] else self.refreshed_at

    def expires_at(self, value: str) -> int:
        return self.begun_at + CODE_SECONDS if value == self.code else self.refresh_expires_at

    def spend(self, value: str, successor: str | None, now: int) -> None:
        if value == self.code:
            self.redeemed_at = now
        self.refreshed_at = now
        self.refresh_tokens.append(successor)
        self.refresh_expires_at = min(now + IDLE_SECONDS, self.begun_at + SIGN_IN_SECONDS)


@dataclass
class Token:
    """An access token."""

    text: str
    client_id: str
    kid: str
    issued_at: int
    sign_in: SignIn | None = None
    revoked: bool = False


Facts = tuple[bool, bool, int, int, tuple[str, ...]]
"""Of a client: whether it exists and is enabled, since when, and which of its secrets work."""

NOBODY: Facts = (False, False, 0, 0, ())


@dataclass
class Reference:
    """All that was made, and what is still worth something at ``now``."""

    now: int
    clients: dict[str, Client] = field(default_factory=dict)
    sign_ins: list[SignIn] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    revoked_kids: set[str] = field(default_factory=set)

    def copy(self, client_id: str) -> Client | None:
        return deepcopy(self.clients.get(client_id))

    def works(self, client_id: str, secret: str) -> bool:
        """Whether the client authenticates with it."""
        client = self.clients.get(client_id)
        return client is not None and client.enabled and secret in self.live(client)

    def live(self, client: Client) -> list[str]:
        return [s for s, end in client.secrets.items() if end is None or self.now < end]

    def facts(self, client: Client | None) -> Facts:
        if client is None:
            return NOBODY
        live = self.live(client)
        works = tuple(sorted(s for s in live if client.enabled and not s.startswith("untold")))
        return True, client.enabled, client.not_before, len(live), works

    def is_active(self, token: Token) -> bool:
        client = self.clients.get(token.client_id)
        return (
            client is not None
            and client.enabled
            and token.issued_at > client.not_before
            and self.now < token.issued_at + TOKEN_SECONDS
            and not token.revoked
            and token.kid not in self.revoked_kids
            and not (token.sign_in and token.sign_in.ended)
        )

    def is_good(self, sign_in: SignIn, value: str) -> bool:
        """Whether its client gets tokens for this code or refresh token."""
        is_spent = sign_in.spent_at(value) > 0
        return self._counts(sign_in) and not is_spent and self.now < sign_in.expires_at(value)

    def betrays(self, sign_in: SignIn, value: str) -> bool:
        """Whether it was spent so long ago that somebody must have stolen it."""
        spent_at = sign_in.spent_at(value)
        return self._counts(sign_in) and 0 < spent_at < self.now - RACE_SECONDS

    def _counts(self, sign_in: SignIn) -> bool:
        client = self.clients[sign_in.client_id]
        return not sign_in.ended and sign_in.begun_at > client.not_before
