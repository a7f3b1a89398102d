"""How the management API says no (RFC 9457)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web
from marshmallow import Schema, ValidationError

from ...errors import (
    ChangedMeanwhile,
    CommandRefused,
    Duplicate,
    Forbidden,
    InvalidDocument,
    KeptInFile,
    NotFound,
    OAuthError,
    StateConflict,
    StoreError,
    TemporarilyUnavailable,
)
from ..middleware import PROBLEM_MEDIA_TYPE

_COMMANDS: tuple[tuple[type[CommandRefused], int, str], ...] = (
    (NotFound, 404, "not-found"),
    (Duplicate, 409, "duplicate"),
    (ChangedMeanwhile, 412, "changed-meanwhile"),
    (StateConflict, 409, "conflict"),
    (KeptInFile, 409, "kept-in-file"),
    (Forbidden, 403, "forbidden"),
    (CommandRefused, 422, "refused"),
)


class Problem(Exception):
    """An answer that is a refusal; ``kind`` ends its URN, ``errors`` name members of the body.

    ``members`` are told beside what every problem tells (RFC 9457 §3.2).
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        errors: Iterable[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.members = dict(members or {})


def problem_of(error: Exception) -> Problem:
    """What the caller is told of ``error``; of what is not his fault, nothing."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, CommandRefused):
        status, kind = next((s, k) for type_, s, k in _COMMANDS if isinstance(error, type_))
        told = f"{error}."
        pointer = "/" + error.field.replace(".", "/")
        errors = [{"pointer": pointer, "detail": told}] if error.field else []
        return Problem(status, kind, told, errors=errors)
    if isinstance(error, InvalidDocument):
        return Problem(422, "refused", "That can't be stored.")
    if isinstance(error, StoreError | TemporarilyUnavailable):
        told = "The server can't answer at the moment; try again."
        return Problem(503, "unavailable", told, headers={"Retry-After": "1"})
    if isinstance(error, OAuthError) and error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Problem(error.status, error.code.replace("_", "-"), error.description)
    return Problem(500, "server-error", "The server could not complete the request.")


def render_problem(problem: Problem, request_id: str) -> web.Response:
    """RFC 9457 §3."""
    body: dict[str, Any] = {
        "type": f"urn:apogee-idp:problem:{problem.kind}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "request_id": request_id,
        **problem.members,
    }
    if problem.errors:
        body["errors"] = problem.errors
    return web.json_response(
        body,
        status=problem.status,
        content_type=PROBLEM_MEDIA_TYPE,
        headers={"Cache-Control": "no-store"} | problem.headers,
    )


def loaded(schema: Schema, members: Mapping[str, Any]) -> dict[str, Any]:
    """What ``schema`` makes of the members of a body; raises Problem, with a pointer to each."""
    try:
        result: dict[str, Any] = schema.load(members)
    except ValidationError as error:
        detail = "Members of the body are wrong."
        errors = pointers(error.messages)
        raise Problem(422, "validation", detail, errors=errors) from None
    return result


def pointers(messages: Any, at: str = "") -> Iterator[dict[str, str]]:
    """marshmallow's messages, each with the JSON pointer (RFC 6901) of what it is about."""
    if isinstance(messages, dict):
        for name, inner in messages.items():
            step = (
                "" if name == "_schema" else "/" + str(name).replace("~", "~0").replace("/", "~1")
            )
            yield from pointers(inner, at + step)
    elif isinstance(messages, list):
        for message in messages:
            yield from pointers(message, at)
    else:
        yield {"pointer": at, "detail": str(messages)}
