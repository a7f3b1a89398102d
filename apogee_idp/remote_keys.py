"""JWK Sets that stand at a URI of somebody else's: asked for seldom, kept while he is away."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cachetools import LRUCache

from .errors import OutgoingRefused
from .model import frozen

_SIZE = 1000
_SECONDS = 300.0
_STALE_SECONDS = 24 * 3600.0
_REST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of one URI: its last JWK Set, if any, and how the last request went."""

    jwks: Mapping[str, Any] | None = None
    read_at: float = -math.inf
    asked_at: float = -math.inf
    refusal: str = "it could not be asked"


class RemoteKeys:
    """Remembers the JWK Sets of 1000 URIs.

    A set is good for 5 minutes; if it can't be had again after them, for a day. No URI is asked
    more than once in 30 seconds, however that went and whoever asks, unless it was forgotten
    over 1000 others. Any number of simultaneous callers wait for one request.

    ``fetch`` gets the JSON object at a URI, or raises OutgoingRefused.
    """

    __slots__ = ("_fetch", "_fetching", "_known", "_monotonic")

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Mapping[str, Any]]],
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._known: LRUCache[str, _Known] = LRUCache(_SIZE)
        self._fetching: dict[str, asyncio.Task[_Known]] = {}

    async def get(self, uri: str) -> Mapping[str, Any]:
        """The JWK Set at ``uri``, read-only; raises OutgoingRefused if it is not to be had."""
        return await self._get(uri, _SECONDS)

    async def get_anew(self, uri: str) -> Mapping[str, Any]:
        """For a key that the set at ``uri`` lacks: asks again, unless that was done just now.

        Otherwise, and if it fails, as ``get``.
        """
        return await self._get(uri, 0)

    async def _get(self, uri: str, seconds: float) -> Mapping[str, Any]:
        known = self._known.get(uri, _Known())
        if self._monotonic() >= known.read_at + seconds and self._may_ask(uri, known):
            # Shielded: one caller's time-out must not fail the others who wait for the same set.
            known = await asyncio.shield(self._asking(uri))
        if known.jwks is None or self._monotonic() >= known.read_at + _STALE_SECONDS:
            raise OutgoingRefused(known.refusal)
        return known.jwks

    def _may_ask(self, uri: str, known: _Known) -> bool:
        return uri in self._fetching or self._monotonic() >= known.asked_at + _REST_SECONDS

    def _asking(self, uri: str) -> asyncio.Task[_Known]:
        asking = self._fetching.get(uri)
        if asking is None:
            known = replace(self._known.get(uri, _Known()), asked_at=self._monotonic())
            self._known[uri] = known
            asking = asyncio.ensure_future(self._ask(uri, known))
            self._fetching[uri] = asking
            asking.add_done_callback(lambda done: self._finish(uri, done))
        return asking

    async def _ask(self, uri: str, known: _Known) -> _Known:
        try:
            jwks = frozen(await self._fetch(uri))
            if not isinstance(jwks.get("keys"), tuple):
                raise OutgoingRefused("the answer is no JWK Set")  # noqa: TRY301
            known = replace(known, jwks=jwks, read_at=known.asked_at)
        except OutgoingRefused as refused:
            known = replace(known, refusal=str(refused))
        self._known[uri] = known
        return known

    def _finish(self, uri: str, asking: asyncio.Task[_Known]) -> None:
        del self._fetching[uri]
        if not asking.cancelled():
            asking.exception()  # else asyncio complains that nobody waited for it
