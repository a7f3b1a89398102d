"""Puts the management API below ``/api/v1``."""

from __future__ import annotations

import time
from collections import defaultdict

from aiohttp import web

from ..rate_limit import Rate, RateLimit
from ..sources import Sources
from .anonymous import AnonymousAccess
from .authentication import ApiAuthentication
from .calls import Desk, Route
from .documents import ApiDocuments
from .endpoint import ApiEndpoint
from .routes import ROUTES

_ANONYMOUS_CALLER = Rate(at_once=10, per_second=1)
_ANONYMOUS_CALLERS = Rate(at_once=100, per_second=100)


def add_management_api(router: web.UrlDispatcher, desk: Desk) -> None:
    """Every route of the table, two public documents, and a refusal for all the rest."""
    settings = desk.services.settings
    base = f"{settings.issuer_path}/api/v1"
    authentication = ApiAuthentication(desk.services, desk.registry)
    limit = RateLimit(
        of_source=_ANONYMOUS_CALLER, of_all=_ANONYMOUS_CALLERS, monotonic=time.monotonic
    )
    anonymous = AnonymousAccess(limit, Sources(settings.trusted_proxies))
    documents = ApiDocuments(ROUTES, settings)
    router.add_get(f"{base}/openapi.json", documents.openapi)
    router.add_get(f"{base}/docs", documents.page)
    paths: dict[str, list[Route]] = defaultdict(list)
    for route in ROUTES:
        paths[route.path].append(route)
    for path, routes in (*paths.items(), ("{rest:(/.*)?}", [])):
        endpoint = ApiEndpoint(
            routes, desk, authentication, anonymous, timeout=settings.request_timeout
        )
        router.add_route("*", base + path, endpoint.handle)
