"""What people have allowed clients: codes and refresh tokens, each good for one redemption.

One document is one authorization: what was granted, which code stands for it, and which refresh
token is the current one. So whatever happens to it is one compare-and-set: a redemption, the next
refresh token, its end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from .crypto.handles import Code, RefreshToken, hash_of, is_hash_of
from .errors import Conflict, InvalidGrant, InvalidToken, StoreUnavailable, UnusableEvent
from .model import MAXIMUM_TOKEN_LIFETIME
from .requests import Grant, PresentedGrant
from .stores.authorization_documents import Authorization, new_authorization, read_authorization
from .stores.base import Collection
from .stores.listing import keys_with
from .stores.values import Document
from .user_model import User, is_user_subject

RACE_SECONDS = 10
"""A reuse that comes so soon after the redemption lost a race, and betrays nobody."""

_END_ATTEMPTS = 20
_NOBODY = "0" * 32


class Grants:
    """Authorizations by id, and the codes and refresh tokens that stand for them.

    ``user`` looks a user up by subject; ``now`` gives Unix seconds, ``new_id`` 32 random
    hexadecimal digits. Every method raises StoreUnavailable if the store does not answer.
    """

    __slots__ = ("_authorizations", "_found", "_new_id", "_now", "_redeemed", "_user")

    def __init__(
        self,
        authorizations: Collection,
        user: Callable[[str], Awaitable[User | None]],
        *,
        now: Callable[[], int],
        new_id: Callable[[], str],
    ) -> None:
        self._authorizations = authorizations
        self._user = user
        self._now = now
        self._new_id = new_id
        self._found: WeakSet[PresentedGrant] = WeakSet()
        self._redeemed: WeakSet[PresentedGrant] = WeakSet()

    async def authorize(self, grant: Grant, *, code_seconds: int, seconds: int) -> str:
        """A code for ``grant``, good for ``code_seconds``; refresh tokens end after ``seconds``."""
        now = self._now()
        code = Code.new(self._new_id())
        document = new_authorization(
            grant,
            code_hash=hash_of(code.secret),
            created_at=now,
            code_expires_at=now + code_seconds,
            ends_at=now + seconds,
        )
        # Kept as long as any of its access tokens could live, so that what is unknown has ended.
        expires_at = now + max(seconds, code_seconds) + MAXIMUM_TOKEN_LIFETIME
        # First what it is found by: none is ever there that its owner doesn't see.
        place = _place_in_list(grant.subject, grant.client_id) + code.authorization_id
        await self._authorizations.insert(place, {"state": "listed"}, expires_at=expires_at)
        await self._authorizations.insert(code.authorization_id, document, expires_at=expires_at)
        return str(code)

    async def of(self, subject: str) -> list[Authorization]:
        """Those of this user by which a client has a refresh token that is still good."""
        now, user = self._now(), await self._user(subject)
        found = []
        for place in await keys_with(self._authorizations, f"{subject}/"):
            with suppress(InvalidGrant):
                known = await self._valid(place.rpartition("/")[2])
                has_ended = user is None or user.has_ended(known.grant.begun_at)
                if now < known.refresh_expires_at and not has_ended:
                    found.append(known)
        return found

    async def end_all(self, subject: str, client_id: str) -> None:
        """``end`` for everything that this user has allowed this client."""
        for authorization_id in await keys_with(
            self._authorizations, _place_in_list(subject, client_id)
        ):
            await self.end(authorization_id)

    async def find_code(self, value: str) -> PresentedGrant:
        """What this code stands for; raises InvalidGrant if it is none, or has ended.

        One that is spent is found, too: see ``check_unspent``.
        """
        code = Code.parse(value)
        known = await self._valid(code.authorization_id if code else None)
        if code is None or not is_hash_of(known.code_hash, code.secret):
            raise _refused("unknown code")
        return self._presented(
            known, code, redeemed_at=known.code_redeemed_at, expires_at=known.code_expires_at
        )

    async def find_refresh_token(self, value: str) -> PresentedGrant:
        """The same for a refresh token."""
        token = RefreshToken.parse(value)
        known = await self._valid(token.authorization_id if token else None)
        if token is None or not is_hash_of(known.family_hash, token.family):
            raise _refused("unknown refresh token")
        is_current = is_hash_of(known.refresh_hash, token.secret)
        return self._presented(
            known,
            token,
            redeemed_at=0 if is_current else known.refreshed_at or known.code_redeemed_at,
            expires_at=known.refresh_expires_at,
        )

    async def check_unspent(self, presented: PresentedGrant) -> None:
        """Raises InvalidGrant for a spent or expired one; ask once its client has proven itself.

        If a spent one comes back later than the losers of a race do, somebody has stolen it, from
        the client or from whoever redeemed it: then all of its authorization ends (RFC 9700 §2.2.2,
        §4.14.2; RFC 6749 §4.1.2).
        """
        now = self._now()
        if presented.redeemed_at:
            if now > presented.redeemed_at + RACE_SECONDS:
                await self.end(presented.authorization_id)
                raise _refused("spent before: its authorization was ended")
            raise _refused("spent a moment ago")
        if now >= presented.expires_at:
            raise _refused("expired")

    async def user_of(self, presented: PresentedGrant) -> User:
        """Who allowed it; raises InvalidGrant if she can't any more, or has ended it since."""
        user = await self._user(presented.grant.subject)
        if user is None or user.has_ended(presented.grant.begun_at):
            raise _refused("its user has gone, or has ended it")
        return user

    async def redeem(self, presented: PresentedGrant) -> None:
        """Spends it: of any number of callers, one at most doesn't get InvalidGrant."""
        await self._spend(presented, {})

    async def redeem_for_refresh_token(self, presented: PresentedGrant, *, seconds: int) -> str:
        """Spends it as ``redeem`` does, for the next refresh token, good for ``seconds``."""
        if isinstance(presented.handle, RefreshToken):
            token = presented.handle.successor()
        else:
            token = RefreshToken.first(presented.authorization_id)
        await self._spend(
            presented,
            {
                "family_hash": hash_of(token.family),
                "refresh_hash": hash_of(token.secret),
                "refresh_expires_at": min(self._now() + seconds, presented.ends_at),
            },
        )
        return str(token)

    async def end(self, authorization_id: str) -> None:
        """From now on its code, its refresh tokens and its access tokens are nothing."""
        for _ in range(_END_ATTEMPTS):
            stored = await self._authorizations.get(authorization_id)
            if stored is None or stored.document.get("state") != "valid":
                return
            try:
                await self._authorizations.replace(
                    authorization_id, {"state": "ended"}, version=stored.version
                )
            except Conflict:
                continue  # it was redeemed meanwhile, which ends nothing
            return
        raise StoreUnavailable("an authorization changes faster than it can be ended")

    async def check(self, authorization_id: str | None, subject: str) -> None:
        """Raises InvalidToken if what an access token stands on has ended.

        A client's own token stands on no authorization; one that speaks of a user does.
        """
        if authorization_id is None:
            if is_user_subject(subject):
                raise InvalidToken(reason="a user's token without an authorization")
            return
        try:
            known = await self._valid(authorization_id)
            await self.user_of(_as_presented(known))
        except InvalidGrant as error:
            raise InvalidToken(reason=error.reason) from None
        if known.grant.subject != subject:
            raise InvalidToken(reason="an authorization of somebody else")

    def vouch(self, presented: object) -> PresentedGrant:
        """``presented`` if it was found here; raises UnusableEvent."""
        if not isinstance(presented, PresentedGrant) or presented not in self._found:
            raise UnusableEvent("no grant that was found by what the request presents")
        return presented

    def vouch_redeemed(self, presented: object) -> None:
        """Raises UnusableEvent unless it was spent, for this caller."""
        if self.vouch(presented) not in self._redeemed:
            raise UnusableEvent("a grant that nobody has redeemed")

    async def _valid(self, authorization_id: str | None) -> Authorization:
        """One read for what is malformed, too, so that time doesn't tell."""
        stored = await self._authorizations.get(authorization_id or _NOBODY)
        if stored is None:
            raise _refused("no such authorization")
        known = read_authorization(stored)
        if known.state != "valid":
            raise _refused("its authorization has ended")
        return known

    def _presented(
        self, known: Authorization, handle: object, *, redeemed_at: int, expires_at: int
    ) -> PresentedGrant:
        presented = _as_presented(
            known, handle=handle, redeemed_at=redeemed_at, expires_at=expires_at
        )
        self._found.add(presented)
        return presented

    async def _spend(self, presented: PresentedGrant, successor: Document) -> None:
        self.vouch(presented)
        spent = "refreshed_at" if isinstance(presented.handle, RefreshToken) else "code_redeemed_at"
        try:
            await self._authorizations.replace(
                presented.authorization_id,
                {spent: self._now(), **successor},
                version=presented.version,
            )
        except Conflict:
            raise _refused("another request was faster") from None
        self._redeemed.add(presented)


def _place_in_list(subject: str, client_id: str) -> str:
    """What the key of a document begins with that is only there to be listed."""
    return f"{subject}/{client_id}/"


def is_refresh_token(value: str) -> bool:
    """Whether ``value`` has the form of a refresh token."""
    return RefreshToken.parse(value) is not None


def _refused(reason: str) -> InvalidGrant:
    return InvalidGrant("The code or refresh token is not usable.", reason=reason)


def _as_presented(known: Authorization, **facts: Any) -> PresentedGrant:
    return PresentedGrant(
        known.id,
        known.grant,
        authorized_at=known.created_at,
        ends_at=known.ends_at,
        version=known.version,
        **facts,
    )
