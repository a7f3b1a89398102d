"""The two things that need no token: what the API is, for programs and for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import web

from ...settings import Settings
from ..pages import render_page
from .calls import Route
from .openapi import openapi_of


class ApiDocuments:
    """Made once, of the table of routes."""

    def __init__(self, routes: Sequence[Route], settings: Settings) -> None:
        self._document = openapi_of(routes, settings)
        self._text = json.dumps(self._document)
        self._routes = routes
        self._audience = settings.management_audience

    async def openapi(self, _: web.Request) -> web.Response:
        """OpenAPI 3.1."""
        headers = {"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}
        return web.json_response(text=self._text, headers=headers)

    async def page(self, request: web.Request) -> web.Response:
        """The same to be read, without a script."""
        operations = [
            {
                "route": route,
                "operation": self._document["paths"][route.path][route.method.lower()],
                "members": self._members(route),
                "statuses": [(s, HTTPStatus(s).phrase) for s in sorted(route.statuses)],
            }
            for route in self._routes
        ]
        context: dict[str, object] = {"audience": self._audience, "operations": operations}
        response = render_page(request, "api.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _members(self, route: Route) -> list[tuple[str, str, bool]]:
        """Of the body: each member with its type, and whether it is required."""
        if route.body is None:
            return []
        schema = self._document["components"]["schemas"][route.body.__name__]
        required = schema.get("required", [])
        return [
            (name, " or ".join(_types(member)), name in required)
            for name, member in schema["properties"].items()
        ]


def _types(member: dict[str, object]) -> list[str]:
    kind = member.get("type", "object")
    return [str(one) for one in kind] if isinstance(kind, list) else [str(kind)]
