"""What is created under an Idempotency-Key is created once, on every store."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from apogee_idp.app import now
from apogee_idp.errors import StoreUnavailable
from apogee_idp.management.scopes import ScopeCommands
from apogee_idp.web.api.routes import ROUTES
from tests.acting import entries_in
from tests.conftest import StartIdp
from tests.idp import Answer, Idp

from .conftest import Admin, new_admin
from .test_client_changes import CODE, FULL, SPA

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
SCOPE: dict[str, Any] = {"name": "orders.read"}


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def create(admin: Admin, body: Any, path: str = "/scopes", key: str = KEY) -> Answer:
    return await admin.call("POST", path, body, Idempotency_Key=key)


async def changes_in(idp: Idp) -> int:
    return len(await entries_in(idp.installation.store))


CREATING: dict[str, dict[str, Any]] = {
    "/clients": {"client_id": "new"},
    "/clients/{client_id}/secrets": {"name": "second"},
    "/clients/{client_id}/secrets/rotate": {"overlap_seconds": 60},
    "/scopes": SCOPE,
    "/resources": {"identifier": "https://billing.example"},
    "/keys": {"algorithm": "RS256"},
}


def test_every_route_that_creates_is_in_the_table() -> None:
    """So none is forgotten here."""
    assert {route.path for route in ROUTES if route.creates} == CREATING.keys()


@pytest.mark.parametrize("route", CREATING)
async def test_a_replay_is_the_same_answer_without_the_secret(
    idp: Idp, admin: Admin, route: str
) -> None:
    """Nothing is done again, and the answer says so."""
    await idp.add_client()
    path = route.replace("{client_id}", "billing")
    first = await create(admin, CREATING[route], path)
    assert first.status == 201, first.body
    assert "Idempotency-Replayed" not in first.headers
    done = await changes_in(idp)
    again = await create(admin, CREATING[route], path, f'"{KEY}"')
    assert again.status == 201
    assert again.headers["Idempotency-Replayed"] == "true"
    shown_once = {name: None for name in first.json if name == "client_secret"}
    assert again.json == first.json | shown_once
    for header in ("Location", "ETag"):
        assert again.headers.get(header) == first.headers.get(header)
    assert await changes_in(idp) == done


@pytest.mark.parametrize("members", [FULL, CODE, SPA], ids=["all", "code", "spa"])
async def test_a_whole_registration_is_replayed(admin: Admin, members: dict[str, Any]) -> None:
    """Whatever members it has, with dots in their names or not."""
    body = {"client_id": "new", **members}
    first, again = [await create(admin, body, "/clients") for _ in range(2)]
    assert (first.status, again.status) == (201, 201), again.body
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json == first.json | {"client_secret": None}


async def test_the_secret_is_kept_nowhere(idp: Idp, admin: Admin) -> None:
    """What is kept for a repetition can be read only with the key, which is not kept, either."""
    secret = (await create(admin, {"client_id": "new"}, "/clients")).json["client_secret"]
    (record,) = (await idp.installation.store.idempotency.list()).items
    assert secret not in str(record)
    assert KEY not in str(record)
    assert (await idp.grant("new", secret)).status == 200


async def test_100_at_once_make_one(idp: Idp, admin: Admin) -> None:
    """The others are told to wait, or what the first one was told."""
    await idp.add_client()
    before = await changes_in(idp)
    bodies = [create(admin, {"name": "n"}, "/clients/billing/secrets") for _ in range(100)]
    told = await asyncio.gather(*bodies)
    kinds = Counter((a.status, a.headers.get("Idempotency-Replayed")) for a in told)
    assert kinds[201, None] == 1
    assert kinds[201, None] + kinds[201, "true"] + kinds[409, None] == 100
    for answer in told:
        if answer.status == 409:
            assert answer.json["type"].endswith(":idempotency-key-in-use")
            assert answer.headers["Retry-After"] == "1"
    secrets = (await admin.call("GET", "/clients/billing/secrets")).json["items"]
    assert [secret["name"] for secret in secrets] == ["", "n"]
    assert await changes_in(idp) == before + 1


async def test_another_body_under_the_same_key_is_refused(admin: Admin) -> None:
    """The order of its members makes no other."""
    whole = {"name": "a", "description": "x"}
    assert (await create(admin, whole)).status == 201
    assert (await create(admin, dict(reversed(whole.items())))).status == 201
    refused = await create(admin, {"name": "b"})
    assert (refused.status, refused.json["type"]) == (
        422,
        "urn:apogee-idp:problem:idempotency-key-reused",
    )
    assert (await admin.call("GET", "/scopes/b")).status == 404


async def test_a_key_is_its_actors_at_one_address(idp: Idp, admin: Admin) -> None:
    """Another's key of the same value says nothing, nor does it at another address."""
    other = await new_admin(idp, client_id="other")
    await idp.add_client("one")
    await idp.add_client("two")
    for path in ("/clients/one/secrets", "/clients/two/secrets"):
        for who in (admin, other):
            made = await create(who, {}, path)
            assert (made.status, "Idempotency-Replayed" in made.headers) == (201, False)


async def test_a_refused_request_frees_its_key(admin: Admin) -> None:
    """It may be mended and sent again."""
    assert (await admin.call("POST", "/scopes", SCOPE)).status == 201
    assert (await create(admin, SCOPE)).status == 409
    mended = await create(admin, {"name": "other"})
    assert (mended.status, "Idempotency-Replayed" in mended.headers) == (201, False)


async def test_after_a_fault_nothing_is_done_a_second_time(
    start_idp: StartIdp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it was done, nobody knows; after a day the key is free."""
    clock = [now()]
    idp = await start_idp(clock=lambda: clock[0])
    admin = await new_admin(idp)
    with monkeypatch.context() as lost:

        async def add_and_lose(*_: object, **__: object) -> None:
            raise StoreUnavailable("no answer")

        lost.setattr(ScopeCommands, "add", add_and_lose)
        assert (await create(admin, SCOPE)).status == 503
    answers = [await create(admin, SCOPE)]
    clock[0] += 60
    answers.append(await create(admin, SCOPE))
    kinds = [answer.json["type"].rpartition(":")[2] for answer in answers]
    assert kinds == ["idempotency-key-in-use", "idempotency-outcome-unknown"]
    assert [answer.status for answer in answers] == [409, 409]
    clock[0] += 86_400
    later = await new_admin(idp, client_id="later")
    assert (await create(later, SCOPE)).status == 201


async def test_a_key_is_free_after_a_day(start_idp: StartIdp) -> None:
    """To the second; behind that the request is a new one."""
    clock = [now()]
    idp = await start_idp(clock=lambda: clock[0])
    secret = await idp.add_client("boss", scopes=("idp:admin",), default_scopes=("idp:admin",))
    statuses = []
    for seconds in (0, 86_399, 1):
        clock[0] += seconds
        admin = Admin(idp, (await idp.grant("boss", secret)).token)
        made = await create(admin, SCOPE)
        statuses.append((made.status, made.headers.get("Idempotency-Replayed")))
    assert statuses == [(201, None), (201, "true"), (409, None)]


async def test_a_reply_that_could_not_be_kept_is_told_all_the_same(
    idp: Idp, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thing is made, and its secret is to be had this once."""
    records, add = idp.installation.store.idempotency, ScopeCommands.add

    async def add_and_lose(*args: Any, **named: Any) -> Any:
        for record in (await records.list()).items:
            await records.delete(record.key)
        return await add(*args, **named)

    monkeypatch.setattr(ScopeCommands, "add", add_and_lose)
    assert (await create(admin, SCOPE)).status == 201


async def test_a_damaged_record_is_no_answer(idp: Idp, admin: Admin) -> None:
    """Nor a reason to do it again."""
    assert (await create(admin, SCOPE)).status == 201
    records = idp.installation.store.idempotency
    (record,) = (await records.list()).items
    await records.replace(record.key, {"reply": "{"}, version=record.version)
    assert (await create(admin, SCOPE)).status == 503


@pytest.mark.parametrize(
    "key", ["", " ", '"', '""', '"a', "a b", "ä", "x" * 201, "a\\b", '"a", "b"']
)
async def test_a_malformed_key_is_refused(admin: Admin, key: str) -> None:
    """And nothing is made."""
    answer = await create(admin, SCOPE, key=key)
    assert (answer.status, answer.json["type"]) == (400, "urn:apogee-idp:problem:invalid-request")
    assert (await admin.call("GET", "/scopes/orders.read")).status == 404


async def test_elsewhere_the_header_says_nothing(admin: Admin) -> None:
    """Other methods may be repeated anyway."""
    answer = await admin.call("GET", "/scopes", Idempotency_Key="")
    assert answer.status == 200
