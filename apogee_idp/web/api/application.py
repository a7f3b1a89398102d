"""Puts the management API below ``/api/v1``."""

from __future__ import annotations

from collections import defaultdict

from aiohttp import web

from .bearer import BearerAuthentication
from .calls import Desk, Route
from .documents import ApiDocuments
from .endpoint import ApiEndpoint
from .routes import ROUTES


def add_management_api(router: web.UrlDispatcher, desk: Desk) -> None:
    """Every route of the table, two public documents, and a refusal for all the rest."""
    settings = desk.services.settings
    base = f"{settings.issuer_path}/api/v1"
    authentication = BearerAuthentication(desk.services, desk.registry)
    documents = ApiDocuments(ROUTES, settings)
    router.add_get(f"{base}/openapi.json", documents.openapi)
    router.add_get(f"{base}/docs", documents.page)
    paths: dict[str, list[Route]] = defaultdict(list)
    for route in ROUTES:
        paths[route.path].append(route)
    for path, routes in (*paths.items(), ("{rest:(/.*)?}", [])):
        endpoint = ApiEndpoint(routes, desk, authentication, timeout=settings.request_timeout)
        router.add_route("*", base + path, endpoint.handle)
