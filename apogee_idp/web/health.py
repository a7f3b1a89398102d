"""What operators ask, on a port of its own: has it started, does it live, what has it done?"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from ..readiness import Health
from ..telemetry.metrics import Expose

_NO_STORE = {"Cache-Control": "no-store"}


def create_health_application(
    health: Callable[[], Health], expose: Expose | None = None
) -> web.Application:
    """``/startupz``, ``/livez`` and ``/readyz``, and ``/metrics`` if somebody can ``expose`` them.

    Nothing here ever asks the store.
    """

    async def startupz(_: web.Request) -> web.Response:
        """200 once whatever serves has come up, with its store or without."""
        started = health().is_started
        return _told(started, "started" if started else "starting", None)

    async def livez(_: web.Request) -> web.Response:
        """A lost store is no reason to restart this process; an event loop that hangs is."""
        silent = health().silent
        return _told(silent is None, "alive" if silent is None else "not alive", silent)

    async def readyz(_: web.Request) -> web.Response:
        """200 or 503, and in either case what is wrong."""
        now = health()
        status = "not ready"
        if now.is_ready:
            status = "ready" if now.problem is None else "degraded"
        return _told(now.is_ready, status, now.problem)

    app = web.Application()
    app.router.add_get("/startupz", startupz)
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


def _told(is_well: bool, status: str, problem: str | None) -> web.Response:
    return web.json_response(
        {"status": status, "problem": problem},
        status=HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE,
        headers=_NO_STORE,
    )
