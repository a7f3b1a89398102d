"""Discovery (RFC 8414, OpenID Connect Discovery) and the JWK Set."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from aiohttp import ETag, web

from ..events import ProcessConfiguration
from ..model import thawed
from ..pipeline import Registry
from ..services import Services

_MAXIMUM_AGE_SECONDS = 300
_PUBLIC = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class WellKnown:
    """What anyone may read; the same from every process and for every Host header."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self._issuer = services.settings.issuer
        # A cached key set is stale before a new key signs.
        ahead = services.settings.key_ahead_seconds
        self._keys_age = min(_MAXIMUM_AGE_SECONDS, ahead // 2)
        self._keys = services.keys
        self._registry = registry

    async def configuration(self, request: web.Request) -> web.Response:
        """The metadata document; ``issuer`` is exactly the configured one."""
        event = ProcessConfiguration()
        await self._registry.dispatch(event)
        # RFC 8414 §3.2: members without elements are left out.
        told = {name: value for name, value in event.metadata.items() if value not in ([], ())}
        return _cacheable(request, {**told, "issuer": self._issuer}, _MAXIMUM_AGE_SECONDS)

    async def jwks(self, request: web.Request) -> web.Response:
        """RFC 7517 §5."""
        return _cacheable(request, thawed(self._keys.jwks), self._keys_age)


def _cacheable(request: web.Request, document: dict[str, Any], age: int) -> web.Response:
    """The document, or 304 for whoever has it already (RFC 9110 §13.1.2)."""
    text = json.dumps(document)
    tag = hashlib.sha256(text.encode()).hexdigest()[:32]
    headers = {**_PUBLIC, "Cache-Control": f"public, max-age={age}"}
    known = request.if_none_match or ()
    if any(etag.value in (tag, "*") for etag in known):
        response = web.Response(status=304, headers=headers)
    else:
        response = web.json_response(text=text, headers=headers)
    response.etag = ETag(tag)
    return response
