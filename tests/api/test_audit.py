"""The audit trail: what HTTP writes to it, and how it is read."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from apogee_idp.crypto.secrets import reference_of
from apogee_idp.errors import StoreUnavailable
from apogee_idp.model import TokenProfile
from apogee_idp.requests import UserAuthentication
from apogee_idp.user_model import SecondFactor
from apogee_idp.web.api.routes import ROUTES
from tests.canary import findings_in
from tests.idp import Answer, Idp

from .conftest import Admin, new_admin
from .console import add_person

BOB, EVE = (f"usr_{letter * 22}" for letter in "BE")
FACTOR = SecondFactor("sealed", ("hash",), enrolled_at=1)
RESOURCE = "/resources/https%3A%2F%2Forders.example"


async def tag_of(admin: Admin, path: str) -> str:
    return str((await admin.call("GET", path)).headers["ETag"])


async def changed(admin: Admin, method: str, path: str, body: Any = None) -> Answer:
    return await admin.call(method, path, body, If_Match=await tag_of(admin, path))


async def retired(admin: Admin) -> Answer:
    (secret,) = (await admin.call("GET", "/clients/billing/secrets")).json["items"]
    return await admin.call("DELETE", f"/clients/billing/secrets/{secret['id']}?force=true")


async def revoked(admin: Admin) -> Answer:
    token = (await admin.idp.grant("billing", admin.idp.secrets["billing"])).token
    return await admin.call("POST", "/revocations", {"token": token})


async def key_revoked(admin: Admin) -> Answer:
    # Not the one that has signed the token of whoever asks.
    keys = (await admin.call("GET", "/keys")).json["items"]
    kid = next(key["kid"] for key in keys if key["algorithm"] == "ES256")
    return await admin.call("POST", f"/keys/{kid}/revoke")


async def session_ended(admin: Admin) -> Answer:
    (session,) = (await admin.call("GET", f"/users/{BOB}/sessions")).json["items"]
    return await admin.call("DELETE", f"/users/{BOB}/sessions/{session['sid']}")


CHANGES: dict[tuple[str, str], tuple[str, str, str, Callable[[Admin], Awaitable[Answer]]]] = {
    ("POST", "/clients"): (
        "add_client",
        "client",
        "new",
        lambda a: a.call("POST", "/clients", {"client_id": "new"}),
    ),
    ("PUT", "/clients/{client_id}"): (
        "update_client",
        "client",
        "billing",
        lambda a: changed(a, "PUT", "/clients/billing", {"display_name": "Renamed"}),
    ),
    ("PATCH", "/clients/{client_id}"): (
        "update_client",
        "client",
        "billing",
        lambda a: changed(a, "PATCH", "/clients/billing", {"display_name": "Renamed"}),
    ),
    ("DELETE", "/clients/{client_id}"): (
        "delete_client",
        "client",
        "billing",
        lambda a: changed(a, "DELETE", "/clients/billing"),
    ),
    ("POST", "/clients/{client_id}/disable"): (
        "disable_client",
        "client",
        "billing",
        lambda a: a.call("POST", "/clients/billing/disable"),
    ),
    ("POST", "/clients/{client_id}/revoke-tokens"): (
        "revoke_tokens",
        "client",
        "billing",
        lambda a: a.call("POST", "/clients/billing/revoke-tokens"),
    ),
    ("POST", "/scopes"): (
        "add_scope",
        "scope",
        "new",
        lambda a: a.call("POST", "/scopes", {"name": "new"}),
    ),
    ("PUT", "/scopes/{name}"): (
        "update_scope",
        "scope",
        "ping",
        lambda a: changed(a, "PUT", "/scopes/ping", {"display_name": "Ping"}),
    ),
    ("DELETE", "/scopes/{name}"): (
        "delete_scope",
        "scope",
        "ping",
        lambda a: changed(a, "DELETE", "/scopes/ping"),
    ),
    ("POST", "/resources"): (
        "add_resource",
        "resource",
        "https://new.example",
        lambda a: a.call("POST", "/resources", {"identifier": "https://new.example"}),
    ),
    ("PUT", "/resources/{identifier}"): (
        "update_resource",
        "resource",
        "https://orders.example",
        lambda a: changed(a, "PUT", RESOURCE, {"display_name": "Orders"}),
    ),
    ("DELETE", "/resources/{identifier}"): (
        "delete_resource",
        "resource",
        "https://orders.example",
        lambda a: changed(a, "DELETE", RESOURCE),
    ),
    ("POST", "/keys"): (
        "rotate_key",
        "key_ring",
        "current",
        lambda a: a.call("POST", "/keys", {"algorithm": "ES256"}),
    ),
    ("POST", "/clients/{client_id}/secrets"): (
        "add_secret",
        "client",
        "billing",
        lambda a: a.call("POST", "/clients/billing/secrets", {}),
    ),
    ("POST", "/clients/{client_id}/secrets/rotate"): (
        "rotate_secret",
        "client",
        "billing",
        lambda a: a.call("POST", "/clients/billing/secrets/rotate", {}),
    ),
    ("DELETE", "/clients/{client_id}/secrets/{secret_id}"): (
        "retire_secret",
        "client",
        "billing",
        retired,
    ),
    ("POST", "/revocations"): ("revoke_token", "token", "", revoked),
    ("POST", "/keys/{kid}/revoke"): ("revoke_key", "key_ring", "current", key_revoked),
    ("POST", "/users/{subject}/enable"): (
        "enable_user",
        "user",
        EVE,
        lambda a: a.call("POST", f"/users/{EVE}/enable"),
    ),
    ("POST", "/users/{subject}/disable"): (
        "disable_user",
        "user",
        BOB,
        lambda a: a.call("POST", f"/users/{BOB}/disable"),
    ),
    ("PUT", "/users/{subject}/roles/{role}"): (
        "grant_role",
        "user",
        BOB,
        lambda a: a.call("PUT", f"/users/{BOB}/roles/finance"),
    ),
    ("DELETE", "/users/{subject}/roles/{role}"): (
        "revoke_role",
        "user",
        BOB,
        lambda a: a.call("DELETE", f"/users/{BOB}/roles/sales"),
    ),
    ("DELETE", "/users/{subject}/second-factor"): (
        "remove_second_factor",
        "user",
        BOB,
        lambda a: a.call("DELETE", f"/users/{BOB}/second-factor"),
    ),
    ("DELETE", "/users/{subject}/sessions"): (
        "end_sessions",
        "user",
        BOB,
        lambda a: a.call("DELETE", f"/users/{BOB}/sessions"),
    ),
    ("DELETE", "/users/{subject}/sessions/{sid}"): ("end_session", "session", "", session_ended),
}
ELSEWHERE = {("POST", "/leaked-secrets"), ("POST", "/clients/{client_id}/enable")}
"""In test_leaked_secrets.py."""
NO_COMMANDS = {("POST", "/clients/{client_id}/preview"), ("DELETE", "/session")}
"""One changes nothing, the other is somebody signing out."""


@pytest.fixture
async def boss(idp: Idp) -> Admin:
    """An administrator of an installation that has something of each kind."""
    await idp.add_client()
    await add_person(idp, "bob@example.com", BOB, roles=("sales",), second_factor=FACTOR)
    await add_person(idp, "eve@example.com", EVE, roles=(), enabled=False)
    services = idp.installation.services
    bob = await services.users.get(BOB)
    assert bob is not None
    await services.sessions.begin(
        UserAuthentication(bob, services.now(), services.now()), previous=None
    )
    boss = await new_admin(idp)
    await boss.call("POST", "/resources", {"identifier": "https://orders.example"})
    return boss


def test_A_MG_10_every_change_is_in_that_table() -> None:
    """Whoever adds a route that changes something adds it there."""
    changing = {(route.method, route.path) for route in ROUTES if route.method != "GET"}
    assert changing - ELSEWHERE - NO_COMMANDS == set(CHANGES)


async def trail_of(boss: Admin) -> list[dict[str, Any]]:
    answer = await boss.call("GET", "/audit")
    assert findings_in(answer.body.decode()) == []
    items: list[dict[str, Any]] = answer.json["items"]
    return items


@pytest.mark.parametrize("route", CHANGES, ids=" ".join)
async def test_A_MG_10_a_change_leaves_one_entry(boss: Admin, route: tuple[str, str]) -> None:
    """Whose it was, in which request, without a secret."""
    action, kind, key, change = CHANGES[route]
    known = {entry["id"] for entry in await trail_of(boss)}
    answer = await change(boss)
    assert answer.status in (200, 201, 204)
    (entry,) = [entry for entry in await trail_of(boss) if entry["id"] not in known]
    assert (entry["action"], entry["kind"]) == (action, kind)
    assert key in ("", entry["key"])
    assert (entry["actor"], entry["outcome"]) == ("admin-admin", "done")
    assert entry["request_id"] == answer.headers["X-Request-Id"]
    assert entry["before"] != entry["after"]
    ends = action.startswith("delete_") or action in ("revoke_token", "end_session")
    assert (entry["after"] is None) == ends
    if answer.body and answer.json.get("client_secret"):
        assert answer.json["client_secret"] not in json.dumps(entry)
    assert (await boss.call("GET", f"/audit/{entry['id']}")).json == entry


@pytest.mark.parametrize("route", CHANGES, ids=" ".join)
async def test_A_MG_10_without_its_entry_nothing_changes(
    boss: Admin, monkeypatch: pytest.MonkeyPatch, route: tuple[str, str]
) -> None:
    """The caller is told to come back."""
    store = boss.idp.installation.store
    collections = (
        *(store.applications, store.scopes, store.resources),
        *(store.keys, store.revocations, store.users, store.sessions),
    )
    before = [(await collection.list()).items for collection in collections]

    async def fail(*_: object, **__: object) -> str:
        raise StoreUnavailable("gone")

    inserted = type(store.audit).insert

    async def insert(self: Any, *args: Any, **options: Any) -> str:
        return await (fail() if self is store.audit else inserted(self, *args, **options))

    monkeypatch.setattr(type(store.audit), "insert", insert)
    assert (await CHANGES[route][3](boss)).status == 503
    assert [(await collection.list()).items for collection in collections] == before


async def test_A_MG_10_what_is_disabled_and_enabled_again_has_two_entries(boss: Admin) -> None:
    """One for each."""
    for action in ("disable", "enable"):
        assert (await boss.call("POST", f"/clients/billing/{action}")).status == 200
    entries = {entry["action"]: entry for entry in await trail_of(boss)}
    assert entries["disable_client"]["after"]["enabled"] is False
    assert entries["enable_client"]["after"]["enabled"] is True


async def test_the_end_of_an_opaque_token_leads_to_no_token(idp: Idp, admin: Admin) -> None:
    """Its entry has the hash alone; what had ended before leaves none."""
    secret = await idp.add_client("opaque", token_profile=TokenProfile(reference=True))
    token = (await idp.grant("opaque", secret)).token
    for _ in range(2):
        assert (await admin.call("POST", "/revocations", {"token": token})).status == 204
    (entry,) = (await admin.call("GET", "/audit?action=revoke_token")).json["items"]
    assert (entry["kind"], entry["key"]) == ("opaque_token", reference_of(token))
    assert (entry["before"]["client_id"], entry["outcome"]) == ("opaque", "done")


async def test_the_trail_is_read_in_pages(boss: Admin) -> None:
    """Newest first, each entry once; a cursor belongs to its filter."""
    for number in range(5):
        await boss.call("POST", "/scopes", {"name": f"page.{number}"})
    path, found, cursor = "/audit?limit=2&action=add_scope&actor=admin-admin", [], ""
    while True:
        page = await boss.call("GET", path + (f"&cursor={cursor}" if cursor else ""))
        found += [entry["key"] for entry in page.json["items"]]
        assert ("Link" in page.headers) == (page.json["next_cursor"] is not None)
        if page.json["next_cursor"] is None:
            break
        cursor = page.json["next_cursor"]
    assert sorted(found) == [f"page.{number}" for number in range(5)]
    assert (await boss.call("GET", f"/audit?cursor={cursor}")).status == 400


@pytest.mark.parametrize(
    "query",
    [
        *("since=-1", "since=x", "since=1.0", "since=1e3", "since=99999999999", "since="),
        *("until=0", "until=%D9%A1", "actor=a%00b", "outcome=done", "key=" + "a" * 201),
    ],
)
async def test_wrong_questions_are_refused(admin: Admin, query: str) -> None:
    """Rather than answered by everything, or by nothing."""
    assert (await admin.call("GET", f"/audit?{query}")).status == 400


async def test_a_damaged_entry_hides_no_other(idp: Idp, admin: Admin) -> None:
    """Nor itself."""
    await idp.installation.store.audit.insert("0000000000-x", {"outcome": "done"})
    first, second, *_ = (await admin.call("GET", "/audit")).json["items"]
    assert (first["id"], first["outcome"]) == ("0000000000-x", "unreadable")
    assert second["outcome"] == "done"
    assert (await admin.call("GET", "/audit/0000000000-x")).json == first


@pytest.mark.parametrize("unknown", ["x", "a%00b", "%F0%9F%98%80", "a" * 300])
async def test_entries_that_are_not_there(admin: Admin, unknown: str) -> None:
    """Malformed ids, too, are just unknown."""
    assert (await admin.call("GET", f"/audit/{unknown}")).status == 404


async def test_reading_everything_else_reads_no_audit(idp: Idp) -> None:
    """Only who may read it does."""
    for scope, status in (("idp:read", 403), ("idp:clients", 403), ("idp:audit", 200)):
        reader = await new_admin(idp, scope)
        for path in ("/audit", "/audit?since=0"):
            assert (await reader.call("GET", path)).status == status
    assert (await reader.call("GET", "/clients")).status == 403
    assert (await reader.call("POST", "/audit", {})).status == 405
