"""The description of the API is true: what it says is what is answered."""

from __future__ import annotations

import asyncio
import io
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import jsonschema_rs
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from apogee_idp.web.api.routes import ROUTES
from tests.idp import Answer, Idp

from .conftest import API, Admin, new_admin


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


MALFORMED = b"The HTTP request is malformed."


@dataclass
class Explorer:
    """Sends what Schemathesis makes up to a server, from another thread than that of its loop."""

    admin: Admin
    document: dict[str, Any]
    loop: asyncio.AbstractEventLoop
    statuses: Counter[int] = field(default_factory=Counter)

    def explore(self, mode: GenerationMode, *, seed: int, count: int) -> None:
        """So many requests to every operation, chosen under the seed."""
        api = schemathesis.openapi.from_dict(self.document)
        operations = [o.ok() for o in api.get_all_operations() if isinstance(o, Ok)]
        assert len(operations) == len(ROUTES)
        for operation in operations:
            limits = settings(
                max_examples=count,
                deadline=None,
                database=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            )
            cases = given(case=operation.as_strategy(generation_mode=mode))
            with suppress(Unsatisfiable):  # what takes nothing can't be given anything wrong
                hypothesis.seed(seed)(limits(cases(self.ask)))()

    def ask(self, case: Any) -> None:
        """One request, whose answer has to be one that is described."""
        idp = self.admin.idp
        sent = case.as_transport_kwargs(base_url=idp.url + API)
        sent["headers"] = {
            name: value
            for name, value in dict(sent["headers"]).items()
            if name.lower() in ("content-type", "if-match", "idempotency-key")
            and re.fullmatch("[ -~]*", value)
        } | {"Authorization": f"Bearer {self.admin.token}"}
        path = sent["url"].removeprefix(idp.url)
        options = {k: v for k, v in sent.items() if k in ("headers", "json", "data")}
        options["params"] = [
            (name, str(value))
            for name, values in (sent.get("params") or {}).items()
            for value in (values if isinstance(values, list) else [values])
        ]
        asking = asyncio.run_coroutine_threadsafe(idp.send(case.method, path, **options), self.loop)
        self.check(case, path, asking.result(30))

    def check(self, case: Any, path: str, answer: Answer) -> None:
        """Its status, and the members of its body."""
        self.statuses[answer.status] += 1
        if answer.status == 404 and not re.fullmatch(f"{API}/[a-z]+/[^/?]+", path):
            return  # a path that HTTP itself shortened: /scopes/..
        if answer.status == 400 and MALFORMED in answer.body:
            return  # what HTTP itself refuses: a line that is too long
        responses = _responses_of(self.document, case.operation.path, case.method)
        assert answer.status < 500, answer.body
        assert str(answer.status) in responses, (answer.status, answer.body)
        for content in responses[str(answer.status)].get("content", {}).values():
            whole = {**content["schema"], "components": self.document["components"]}
            jsonschema_rs.validate(whole, answer.json)


async def test_whatever_is_sent_is_answered_as_described(
    idp: Idp, long: Callable[[int, int], int], seed: int, log_output: io.StringIO
) -> None:
    """No 5xx, no status and no member that isn't described, and no fault in the log.

    At length also for what breaks the description, which takes long to think of.
    """
    document = (await idp.send("GET", f"{API}/openapi.json")).json
    explorer = Explorer(await new_admin(idp), document, asyncio.get_running_loop())
    counts = {GenerationMode.POSITIVE: long(15, 500), GenerationMode.NEGATIVE: long(0, 50)}
    for mode, count in counts.items():
        if count:
            await asyncio.to_thread(explorer.explore, mode, seed=seed, count=count)
    print(f"seed {seed}: {explorer.statuses.total()} requests, {dict(explorer.statuses)}")
    assert explorer.statuses.total() > 10 * len(ROUTES)
    assert '"level": "error"' not in log_output.getvalue()
