"""Who calls without a token, where none is needed: nobody in particular, and not too often."""

from __future__ import annotations

import math

from aiohttp import web

from ...requests import Actor
from ..middleware import REQUEST_ID
from ..rate_limit import RateLimit
from ..sources import Sources
from .problems import Problem


class AnonymousAccess:
    """Lets everyone in, as long as ``limit`` allows; an Authorization header is not looked at."""

    def __init__(self, limit: RateLimit, sources: Sources) -> None:
        self._limit = limit
        self._sources = sources

    def actor(self, request: web.Request, name: str) -> Actor:
        """``anonymous:<name>``, which no client is called, without any scope; raises Problem."""
        wait = self._limit.seconds_to_wait(self._sources.of(request))
        if wait:
            told = "Too many requests: try again later."
            headers = {"Retry-After": str(math.ceil(wait))}
            raise Problem(429, "too-many-requests", told, headers=headers)
        return Actor(f"anonymous:{name}", frozenset(), request[REQUEST_ID])
