"""From HTTP to a route and back: who may, what is asked, what is told, what is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.helpers import ETag
from marshmallow import Schema, ValidationError

from ...errors import InvalidRequest
from ...logs import annotate_request, log_fault
from ...strict_json import NotStrictJson, UnpairedSurrogate, parse_json_object
from ..middleware import REQUEST_ID
from ..wire import read_body
from .anonymous import AnonymousAccess
from .authentication import ApiAuthentication
from .bearer import refused
from .calls import REPLAYED, Call, Caller, Desk, Reply, Route
from .idempotency import Idempotency, idempotency_key
from .problems import Problem, loaded, problem_of, render_problem

MAXIMUM_BODY_BYTES = 256 * 1024

_MEDIA_TYPE = re.compile(r'([a-z/+-]+)(?:\s*;\s*charset="?utf-8"?)?', re.IGNORECASE)
_IF_MATCH = re.compile(r'"([\x21\x23-\x7e]{1,100})"')


class ApiEndpoint:
    """One path of the management API, with all its methods.

    Whoever has no credentials where some are needed is told so, and nothing else. A body has to
    arrive within ``timeout`` seconds.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        desk: Desk,
        authentication: ApiAuthentication,
        anonymous: AnonymousAccess,
        *,
        timeout: float,
    ) -> None:
        self._routes = {route.method: route for route in routes}
        self._desk = desk
        self._idempotency = Idempotency(desk)
        self._authentication = authentication
        self._anonymous = anonymous
        self._timeout = timeout

    async def handle(self, request: web.Request) -> web.Response:
        """Never raises, but for a cancellation."""
        try:
            response = await self._answer(request)
        except Exception as error:
            problem = problem_of(error)
            annotate_request(error=problem.kind)
            if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
                log_fault("management_request_failed", error)
            elif problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
                annotate_request(reason=str(error))
            response = render_problem(problem, request[REQUEST_ID])
        if not request.content.is_eof():
            response.force_close()
        return response

    async def _answer(self, request: web.Request) -> web.Response:
        route = self._routes.get("GET" if request.method == "HEAD" else request.method)
        caller = await self._caller(request, route)
        if not self._routes:
            raise Problem(404, "not-found", "There is nothing at this address.")
        if route is None:
            allow = {"Allow": ", ".join(sorted(self._routes))}
            raise Problem(405, "method-not-allowed", "Not with this method.", headers=allow)
        if not route.is_open_to(caller.actor):
            needed = route.scopes[0]
            raise refused(403, "insufficient_scope", "A scope is missing.", scope=needed)
        reply = await self._idempotency.reply(route, await self._call(request, route, caller))
        return self._rendered(route, reply, request)

    async def _caller(self, request: web.Request, route: Route | None) -> Caller:
        if route is not None and route.anonymous:
            return Caller(self._anonymous.actor(request, route.anonymous))
        is_personal = route is not None and route.personal
        return await self._authentication.caller(request, personal=is_personal)

    async def _call(self, request: web.Request, route: Route, caller: Caller) -> Call:
        query = _query(request, route.query)
        version = _version(request) if route.conditional else ""
        key = idempotency_key(request) if route.creates else ""
        body = {} if route.body is None else await self._body(request, route, route.body)
        path, person = dict(request.match_info), caller.person
        return Call(caller.actor, path, query, body, version, key, person)

    async def _body(
        self, request: web.Request, route: Route, schema: type[Schema]
    ) -> dict[str, Any]:
        types = request.headers.getall("Content-Type", [])
        match = _MEDIA_TYPE.fullmatch(types[0].strip()) if len(types) == 1 else None
        if match is None or match[1].lower() not in route.media_types:
            told = f"The Content-Type is {' or '.join(route.media_types)}."
            raise Problem(415, "unsupported-media-type", told)
        if "Content-Encoding" in request.headers:
            raise Problem(415, "unsupported-media-type", "A Content-Encoding is not accepted.")
        try:
            raw = await read_body(request, timeout=self._timeout, most=MAXIMUM_BODY_BYTES)
            body = parse_json_object(raw)
        except InvalidRequest as error:
            raise Problem(error.status, "invalid-request", error.description) from None
        except UnpairedSurrogate as error:
            raise Problem(422, "validation", f"The body has {error}.") from None
        except NotStrictJson as error:
            raise Problem(400, "invalid-request", f"The body is refused: {error}.") from None
        return loaded(schema(), body)

    def _rendered(self, route: Route, reply: Reply, request: web.Request) -> web.Response:
        headers = {"Cache-Control": "no-store"}
        base = self._desk.services.settings.management_address
        if reply.location is not None:
            headers["Location"] = base + reply.location
        if reply.is_replay:
            headers[REPLAYED] = "true"
        if reply.following is not None:
            following = request.rel_url.update_query(cursor=reply.following).raw_query_string
            headers["Link"] = f'<{base}{route.path}?{following}>; rel="next"'
        if route.answer is None:
            response = web.Response(status=route.status, headers=headers)
            if reply.signs_out:
                self._authentication.sessions.forget(response)
            return response
        schema = route.answer()
        if route.lists:
            body: Any = {**reply.body, "items": schema.dump(reply.body["items"], many=True)}
        else:
            body = schema.dump(reply.body)
        response = web.json_response(body, status=route.status, headers=headers)
        if reply.version is not None:
            response.etag = ETag(reply.version)
        return response


def _query(request: web.Request, schema: type[Schema] | None) -> Mapping[str, Any]:
    given = request.query
    if len(set(given)) != len(given):
        raise Problem(400, "invalid-request", "A parameter is repeated.")
    if schema is None:
        if given:
            raise Problem(400, "invalid-request", "This address takes no parameters.")
        return {}
    try:
        loaded: dict[str, Any] = schema().load(dict(given))
    except ValidationError as error:
        names = ", ".join(n for n in sorted(map(str, error.messages_dict)) if n in schema().fields)
        told = f"Wrong in the query: {names or 'a parameter that nobody knows'}."
        raise Problem(400, "invalid-request", told) from None
    return loaded


def _version(request: web.Request) -> str:
    """RFC 9110 §13.1.1, but one strong tag only: the ETag of what the caller has seen."""
    given = request.headers.getall("If-Match", [])
    if not given:
        told = "Say in If-Match which version this is about: the ETag that you got."
        raise Problem(428, "precondition-required", told)
    match = _IF_MATCH.fullmatch(given[0].strip()) if len(given) == 1 else None
    if match is None:
        raise Problem(400, "invalid-request", "If-Match takes one ETag, as it was told.")
    return match[1]
