"""Whoever finds a secret can end it, and is told nothing."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from apogee_idp.crypto.secrets import SECRET_PATTERN, generate_secret
from apogee_idp.errors import CommandRefused, StoreUnavailable
from apogee_idp.management.actor import Actor
from apogee_idp.secret_usage import SecretUsage
from apogee_idp.web.api.calls import Route
from apogee_idp.web.api.leaked_secrets import report_leaked_secret
from apogee_idp.web.api.routes import ROUTES
from tests.acting import entries_in
from tests.idp import Answer, Idp

from .conftest import API, Admin

PATH = f"{API}/leaked-secrets"
JSON = {"Content-Type": "application/json"}
VARYING = ("date", "x-request-id")


async def report(idp: Idp, secret: object, **headers: str) -> Answer:
    body = json.dumps({"secret": secret})
    return await idp.send("POST", PATH, data=body, headers=JSON | headers)


def told(answer: Answer) -> tuple[int, bytes, dict[str, str]]:
    """All of an answer but what differs between any two."""
    rest = {n: v for n, v in answer.headers.items() if n.lower() not in VARYING}
    return answer.status, answer.body, rest


async def test_a_report_ends_the_secret_and_tells_nothing(idp: Idp) -> None:
    """Ours, unknown, malformed, ended already: one answer; this very process obeys at once."""
    secret = await idp.add_client()
    assert (await idp.grant("billing", secret)).status == 200
    ours = await report(idp, secret)
    assert (await idp.grant("billing", secret)).status == 401
    others = [
        await report(idp, other)
        for other in (secret, generate_secret().value, secret[:-1] + "-", "", "x" * 5000, "a\0b")
    ]
    assert (ours.status, ours.body) == (202, b"")
    assert {str(told(answer)) for answer in (ours, *others)} == {str(told(ours))}


async def test_nobody_gets_it_again(idp: Idp) -> None:
    """Not even who brings it himself."""
    secret = await idp.add_client()
    await report(idp, secret)
    with pytest.raises(CommandRefused, match="reported as leaked"):
        await idp.secret_commands().add("billing", own=secret)
    other = await idp.secret_commands().add("billing", own=generate_secret().value)
    assert (await idp.grant("billing", other.value)).status == 200


async def test_A_MG_10_a_report_leaves_one_entry(idp: Idp) -> None:
    """By nobody in particular, in the request that was answered."""
    secret = await idp.add_client()
    answer = await report(idp, secret)
    await report(idp, secret)
    entries = await entries_in(idp.installation.store)
    (ended,) = [entry for entry in entries if entry.action == "end_leaked_secret"]
    assert (ended.actor, ended.kind, ended.key) == ("anonymous:leaked-secrets", "client", "billing")
    assert ended.request_id == answer.headers["X-Request-Id"]
    assert ended.outcome == "done"


@pytest.mark.parametrize("authorization", ["Bearer x", "Basic eDp5", "x", ""])
async def test_credentials_are_not_looked_at(idp: Idp, authorization: str) -> None:
    """Neither good nor bad ones."""
    answer = await report(idp, "x", Authorization=authorization)
    assert told(answer) == told(await report(idp, "x"))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"secret": "a", "secret": "b"}', 400),
        (b"{}", 422),
        (b'{"secret": null}', 422),
        (b'{"secret": ["a"]}', 422),
        (b'{"secret": "a", "client_id": "b"}', 422),
        (b'{"secret": "' + b"x" * 262_144 + b'"}', 413),
    ],
)
async def test_a_malformed_report_is_refused(idp: Idp, body: bytes, status: int) -> None:
    """Its sender learns that, and still nothing of any secret."""
    assert (await idp.send("POST", PATH, data=body, headers=JSON)).status == status


async def test_without_the_store_nobody_says_that_it_ended(
    idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reports it tries again."""

    async def fail(*_: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(SecretUsage, "clients_of", fail)
    answer = await report(idp, generate_secret().value)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


async def test_A_CA_04_a_flood_of_reports_is_cut(idp: Idp, admin: Admin) -> None:
    """Ten at once, then one a second; nothing else is refused for it."""
    answers = await asyncio.gather(*(report(idp, generate_secret().value) for _ in range(60)))
    refused = [answer for answer in answers if answer.status == 429]
    assert {answer.status for answer in answers} == {202, 429}
    assert 10 <= len(answers) - len(refused) < 30
    assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
    assert refused[0].json["type"] == "urn:apogee-idp:problem:too-many-requests"
    assert (await admin.call("GET", "/scopes")).status == 200


async def test_only_this_route_takes_no_token(idp: Idp) -> None:
    """By the table, by the document, and by the page for people."""
    (route,) = [route for route in ROUTES if route.anonymous]
    assert (route.method, route.path, route.scopes) == ("POST", "/leaked-secrets", ())
    paths = (await idp.send("GET", f"{API}/openapi.json")).json["paths"]
    open_to_all = [
        (method, path)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if operation["security"] == []
    ]
    assert open_to_all == [("post", "/leaked-secrets")]
    assert SECRET_PATTERN in paths["/leaked-secrets"]["post"]["description"]
    page = (await idp.send("GET", f"{API}/docs")).body.decode()
    assert page.count("none, and no token") == 1
    assert re.search(re.escape(SECRET_PATTERN), page)
    for method in ("GET", "PUT", "DELETE"):
        assert (await idp.send(method, PATH)).status == 401


def test_a_route_without_a_token_says_so() -> None:
    """Not by leaving the scopes out; and a scope that nobody asks for is a mistake."""
    with pytest.raises(ValueError, match="needs a scope"):
        Route("POST", "/x", (), "X", report_leaked_secret)
    with pytest.raises(ValueError, match="open to all"):
        Route("POST", "/x", ("idp:read",), "X", report_leaked_secret, anonymous="x")
    nobody = Actor("nobody", frozenset())
    open_to_all = {route.path for route in ROUTES if route.is_open_to(nobody)}
    assert open_to_all == {"/leaked-secrets", "/session"}
