"""What a probe asks, on a port of its own: does this process live, and can it answer?"""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from ..readiness import Readiness

_NO_STORE = {"Cache-Control": "no-store"}


def create_health_application(readiness: Readiness) -> web.Application:
    """``/livez`` and ``/readyz``."""

    async def livez(_: web.Request) -> web.Response:
        """Asks nobody: a lost store is no reason to restart this process."""
        return web.json_response({"status": "alive"}, headers=_NO_STORE)

    async def readyz(_: web.Request) -> web.Response:
        """200 or 503, and in either case what is wrong."""
        ready = readiness.is_ready
        return web.json_response(
            {"status": "ready" if ready else "not ready", "problem": readiness.problem},
            status=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE,
            headers=_NO_STORE,
        )

    app = web.Application()
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    return app
