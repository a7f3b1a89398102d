"""What operators ask, on a port of its own: does it live, can it answer, what has it done?"""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from ..readiness import Readiness
from ..telemetry.metrics import Expose

_NO_STORE = {"Cache-Control": "no-store"}


def create_health_application(readiness: Readiness, expose: Expose | None) -> web.Application:
    """``/livez`` and ``/readyz``, and ``/metrics`` if somebody can ``expose`` them."""

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
    if expose is not None:
        app.router.add_get("/metrics", _metrics(expose))
    return app


def _metrics(expose: Expose) -> Handler:
    async def metrics(request: web.Request) -> web.Response:
        """What Prometheus reads, in the format that it prefers."""
        body, content_type = await expose(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type, **_NO_STORE})

    return metrics
