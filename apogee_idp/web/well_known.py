"""Discovery (RFC 8414, OpenID Connect Discovery) and the JWK Set."""

from __future__ import annotations

from aiohttp import web

from ..events import ProcessConfiguration
from ..pipeline import Registry
from ..services import Services

_PUBLIC = {
    "Cache-Control": "public, max-age=300",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class WellKnown:
    """What anyone may read; the same from every process and for every Host header."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self._issuer = services.settings.issuer
        self._keys = services.keys
        self._registry = registry

    async def configuration(self, _: web.Request) -> web.Response:
        """The metadata document; ``issuer`` is exactly the configured one."""
        event = ProcessConfiguration()
        await self._registry.dispatch(event)
        # RFC 8414 §3.2: members without elements are left out.
        told = {name: value for name, value in event.metadata.items() if value not in ([], ())}
        return web.json_response({**told, "issuer": self._issuer}, headers=_PUBLIC)

    async def jwks(self, _: web.Request) -> web.Response:
        """RFC 7517 §5."""
        keys = [dict(key) for key in self._keys.jwks["keys"]]
        return web.json_response({"keys": keys}, headers=_PUBLIC)
