"""The description of the API is true: what it says is what is answered."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import jsonschema_rs
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok

from apogee_idp.web.api.routes import ROUTES
from tests.idp import Idp

from .conftest import API, new_admin


async def test_the_document_has_every_route_and_status(idp: Idp) -> None:
    """Of the table, and no other."""
    answer = await idp.send("GET", f"{API}/openapi.json")
    document = answer.json
    assert document["openapi"] == "3.1.0"
    described = {
        (method.upper(), path): {int(status) for status in operation["responses"]}
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert described == {(r.method, r.path): r.statuses for r in ROUTES}
    names = [o["operationId"] for p in document["paths"].values() for o in p.values()]
    assert len(names) == len(set(names))


async def test_the_page_for_people_tells_of_every_route(idp: Idp) -> None:
    """Without a script, from here alone."""
    page = await idp.send("GET", f"{API}/docs")
    text = page.body.decode()
    for route in ROUTES:
        assert f"<code>{route.method} {route.path}</code>" in text
        assert route.summary in text
    assert "<script" not in text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def _responses_of(document: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    responses: dict[str, Any] = document["paths"][path][method.lower()]["responses"]
    return responses


async def test_whatever_is_sent_is_answered_as_described(idp: Idp, long: Any) -> None:
    """Schemathesis makes requests up: no 5xx, no status and no member that isn't described."""
    admin = await new_admin(idp)
    document = (await idp.send("GET", f"{API}/openapi.json")).json
    api = schemathesis.openapi.from_dict(document)
    loop = asyncio.get_running_loop()

    def ask(case: Any) -> None:
        sent = case.as_transport_kwargs(base_url=idp.url + API)
        sent["headers"] = {
            name: value
            for name, value in dict(sent["headers"]).items()
            if name.lower() in ("content-type", "if-match", "idempotency-key")
            and re.fullmatch("[ -~]*", value)
        } | {"Authorization": f"Bearer {admin.token}"}
        path = sent["url"].removeprefix(idp.url)
        options = {k: v for k, v in sent.items() if k in ("headers", "params", "json", "data")}
        answering = asyncio.run_coroutine_threadsafe(idp.send(case.method, path, **options), loop)
        answer = answering.result(30)
        if answer.status == 404 and not re.fullmatch(f"{API}/[a-z]+/[^/?]+", path):
            return  # a path that HTTP itself shortened: /scopes/..
        responses = _responses_of(document, case.operation.path, case.method)
        assert answer.status < 500, answer.body
        assert str(answer.status) in responses, (answer.status, answer.body)
        for content in responses[str(answer.status)].get("content", {}).values():
            whole = {**content["schema"], "components": document["components"]}
            jsonschema_rs.validate(whole, answer.json)

    def explore() -> None:
        operations = [o.ok() for o in api.get_all_operations() if isinstance(o, Ok)]
        assert len(operations) == len(ROUTES)
        for operation in operations:
            limits = settings(
                max_examples=long(25, 500),
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            limits(given(case=operation.as_strategy())(ask))()

    await asyncio.to_thread(explore)
