"""The description of the API (OpenAPI 3.1), made of nothing but the routes and their schemas."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from ...model import ADMIN_SCOPE, MANAGEMENT_SCOPES
from ...settings import Settings
from ..middleware import PROBLEM_MEDIA_TYPE
from .calls import IDEMPOTENCY_KEY, REPLAYED, Route
from .console_session import CSRF_HEADER, cookie_name
from .schemas import ProblemAnswer

_JSON = "application/json"
_SECURITY = "management"
_CONSOLE = "console"


def openapi_of(routes: Iterable[Route], settings: Settings) -> dict[str, Any]:
    """The document."""
    plugin = MarshmallowPlugin(schema_name_resolver=_schema_name)
    spec = APISpec(
        title="Apogee IdP management API",
        version="1",
        openapi_version="3.1.0",
        plugins=[plugin],
        servers=[{"url": settings.management_address}],
    )
    spec.components.security_scheme(_SECURITY, _security_scheme(settings))
    spec.components.security_scheme(_CONSOLE, _session_scheme(settings))
    for route in routes:
        spec.path(path=route.path, operations={route.method.lower(): _operation(route, plugin)})
    return spec.to_dict()


def _schema_name(schema: Schema | type[Schema] | str) -> str:
    if isinstance(schema, str):
        return schema
    return (schema if isinstance(schema, type) else type(schema)).__name__


def _security_scheme(settings: Settings) -> dict[str, Any]:
    scopes = {scope: f"See {scope} in the README." for scope in sorted(MANAGEMENT_SCOPES)}
    flow = {"tokenUrl": settings.endpoint("/connect/token"), "scopes": scopes}
    return {"type": "oauth2", "flows": {"clientCredentials": flow}}


def _session_scheme(settings: Settings) -> dict[str, Any]:
    told = f"The session of an administrator, same-origin; what changes something: {CSRF_HEADER}."
    return {
        "type": "apiKey",
        "in": "cookie",
        "name": cookie_name(settings),
        "description": told,
    }


def _operation(route: Route, plugin: MarshmallowPlugin) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handle.__name__,
        "summary": route.summary,
        "tags": [route.path.split("/")[1]],
        "security": _security(route),
        "parameters": _parameters(route, plugin),
        "responses": {str(status): _response(route, status) for status in sorted(route.statuses)},
    }
    if route.description:
        operation["description"] = route.description
    if route.body is not None:
        content = {media_type: {"schema": route.body} for media_type in route.media_types}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _security(route: Route) -> list[dict[str, list[str]]]:
    """One of them has to be met; of none at all, nothing."""
    if route.anonymous:
        return []
    session: dict[str, list[str]] = {_CONSOLE: []}
    if route.personal:
        return [session]
    return [*({_SECURITY: [scope]} for scope in (*route.scopes, ADMIN_SCOPE)), session]


def _parameters(route: Route, plugin: MarshmallowPlugin) -> list[dict[str, Any]]:
    text = {"type": "string"}
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in route.parameters
    ]
    if route.conditional:
        parameters.append({"name": "If-Match", "in": "header", "required": True, "schema": text})
    if route.creates:
        key = text | {"minLength": 1, "maxLength": 200}
        parameters.append({"name": IDEMPOTENCY_KEY, "in": "header", "schema": key})
    if route.query is not None and plugin.converter is not None:
        parameters += plugin.converter.schema2parameters(route.query, location="query")
    return parameters


def _response(route: Route, status: int) -> dict[str, Any]:
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if status == HTTPStatus.CREATED:
        described["headers"] = {REPLAYED: {"schema": {"type": "string", "enum": ["true"]}}}
    if status >= HTTPStatus.BAD_REQUEST:
        described["content"] = {PROBLEM_MEDIA_TYPE: {"schema": ProblemAnswer}}
    elif route.answer is not None and route.lists:
        listed = {"type": "array", "items": route.answer}
        page: dict[str, Any] = {"items": listed}
        required = ["items"]
        if route.query is not None:
            page["unreadable"] = {"type": "array", "items": {"type": "string"}}
            page["next_cursor"] = {"type": ["string", "null"]}
            required += ["unreadable", "next_cursor"]
        schema = {"type": "object", "properties": page, "required": required}
        described["content"] = {_JSON: {"schema": schema}}
    elif route.answer is not None:
        described["content"] = {_JSON: {"schema": route.answer}}
    return described
