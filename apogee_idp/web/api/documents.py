"""The two things that need no token: what the API is, for programs and for people."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

from ...settings import Settings
from ..pages import render_page
from .calls import Route
from .openapi import openapi_of


class ApiDocuments:
    """Made of the table of routes, once somebody asks."""

    def __init__(self, routes: Sequence[Route], settings: Settings) -> None:
        self._routes = routes
        self._settings = settings
        self._made: dict[str, Any] | None = None

    async def openapi(self, _: web.Request) -> web.Response:
        """OpenAPI 3.1."""
        headers = {"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}
        return web.json_response(await self._document(), headers=headers)

    async def page(self, request: web.Request) -> web.Response:
        """The same to be read, without a script."""
        document = await self._document()
        operations = [
            {
                "route": route,
                "operation": document["paths"][route.path][route.method.lower()],
                "members": _members(document, route),
                "statuses": [(s, HTTPStatus(s).phrase) for s in sorted(route.statuses)],
            }
            for route in self._routes
        ]
        context: dict[str, object] = {
            "audience": self._settings.management_audience,
            "operations": operations,
        }
        response = render_page(request, "api.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response

    async def _document(self) -> dict[str, Any]:
        if self._made is None:
            self._made = await asyncio.to_thread(openapi_of, self._routes, self._settings)
        return self._made


def _members(document: dict[str, Any], route: Route) -> list[tuple[str, str, bool]]:
    """Of the body: each member with its type, and whether it is required."""
    if route.body is None:
        return []
    schema = document["components"]["schemas"][route.body.__name__]
    required = schema.get("required", [])
    return [
        (name, " or ".join(_types(member)), name in required)
        for name, member in schema["properties"].items()
    ]


def _types(member: dict[str, object]) -> list[str]:
    kind = member.get("type", "object")
    return [str(one) for one in kind] if isinstance(kind, list) else [str(kind)]
