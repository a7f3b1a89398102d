"""People, as administrators see and change them; on every store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from apogee_idp.user_model import Identity, SecondFactor
from tests.clock import Clock
from tests.conftest import StartIdp
from tests.idp import Answer, Idp
from tests.interaction.conftest import SUBJECT

from .conftest import Admin, new_admin
from .console import Console, add_person

BOB, EVE = (f"usr_{letter * 22}" for letter in "BE")
FACTOR = SecondFactor("sealed", ("hash",), enrolled_at=1)


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def people(idp: Idp) -> None:
    """Ann, an administrator; Bob, who has all sorts of things; and Eve, who is disabled."""
    await add_person(idp, profile={"name": "Ann Example"})
    await add_person(
        idp,
        "bob@example.com",
        BOB,
        roles=("sales",),
        second_factor=FACTOR,
        identities=(Identity("google", "b", "bob@example.com", True, 5),),
        administrator_by="google:bob@example.com",
    )
    await add_person(idp, "eve@example.com", EVE, roles=(), enabled=False)


async def test_people_are_listed_by_what_is_asked_for(idp: Idp) -> None:
    """Nothing of a password or second factor but whether it is there."""
    await people(idp)
    admin = await new_admin(idp, "idp:users")

    async def found(query: str) -> list[str]:
        return [u["subject"] for u in (await admin.call("GET", f"/users?{query}")).json["items"]]

    assert await found("") == [SUBJECT, BOB, EVE]
    assert await found("search=ANN%20ex") == [SUBJECT]
    assert await found("search=bob@") == [BOB]
    assert await found("role=sales") == [BOB]
    assert await found("role=idp-admin") == [SUBJECT]
    assert await found("enabled=false") == [EVE]
    first = (await admin.call("GET", "/users?limit=2")).json
    rest = await admin.call("GET", f"/users?limit=2&cursor={first['next_cursor']}")
    assert [u["subject"] for u in rest.json["items"]] == [EVE]
    answer = await admin.call("GET", f"/users/{BOB}")
    assert answer.headers["ETag"]
    assert answer.json == {
        "subject": BOB,
        "email": "bob@example.com",
        "email_verified": False,
        "name": "",
        "roles": ["sales"],
        "is_administrator": False,
        "administrator_by": "",
        "enabled": True,
        "has_password": True,
        "has_second_factor": True,
        "identities": [
            {
                "provider": "google",
                "subject": "b",
                "email": "bob@example.com",
                "email_verified": True,
                "linked_at": 5,
            }
        ],
        "created_at": 0,
        "password_changed_at": 0,
        "sessions_not_before": 0,
    }
    for unknown in ("usr_" + "X" * 22, "bob@example.com", "..%2Fx"):
        assert (await admin.call("GET", f"/users/{unknown}")).status == 404


Way = Callable[[Admin, str], Awaitable[Answer]]


def act(method: str, path: str) -> Way:
    return lambda admin, subject: admin.call(method, f"/users/{subject}{path}")


WAYS: dict[str, Way] = {
    "disable_user": act("POST", "/disable"),
    "enable_user": act("POST", "/enable"),
    "grant_role": act("PUT", "/roles/support"),
    "revoke_role": act("DELETE", "/roles/sales"),
    "remove_second_factor": act("DELETE", "/second-factor"),
    "end_sessions": act("DELETE", "/sessions"),
}


@pytest.mark.parametrize("action", WAYS)
async def test_what_is_done_to_a_person_is_recorded(idp: Idp, action: str) -> None:
    """By idp:users alone; and told as it is afterwards."""
    await people(idp)
    done = await WAYS[action](await new_admin(idp, "idp:users"), BOB)
    assert done.status == 200, done.body
    auditor = await new_admin(idp, "idp:audit")
    (entry,) = (await auditor.call("GET", f"/audit?key={BOB}")).json["items"]
    assert (entry["action"], entry["actor"]) == (action, "users-admin")
    after = (await (await new_admin(idp)).call("GET", f"/users/{BOB}")).json
    assert after == done.json
    assert after["enabled"] is (action != "disable_user")
    assert after["has_second_factor"] is (action != "remove_second_factor")
    assert after["roles"] == {
        "grant_role": ["sales", "support"],
        "revoke_role": [],
    }.get(action, ["sales"])


@pytest.mark.parametrize("action", [*WAYS, "end_session", "make_administrator"])
async def test_no_way_leads_from_idp_users_to_an_administrator(idp: Idp, action: str) -> None:
    """Whoever could change one could become one."""
    ways = WAYS | {
        "revoke_role": act("DELETE", "/roles/idp-admin"),
        "end_session": act("DELETE", "/sessions/s"),
        "make_administrator": act("PUT", "/roles/idp-admin"),
    }
    await add_person(idp, roles=("idp-admin", "sales"), second_factor=FACTOR)
    await add_person(idp, "bob@example.com", BOB, roles=())
    helper = await new_admin(idp, "idp:users")
    subject = BOB if action == "make_administrator" else SUBJECT
    before = (await helper.call("GET", f"/users/{subject}")).json
    refused = await ways[action](helper, subject)
    assert (refused.status, refused.json["type"]) == (403, "urn:apogee-idp:problem:forbidden")
    assert (await helper.call("GET", f"/users/{subject}")).json == before
    done = await ways[action](await new_admin(idp), subject)
    assert done.status == (404 if action == "end_session" else 200), done.body


async def test_nobody_locks_herself_out(idp: Idp) -> None:
    """Another administrator can do it to her."""
    await people(idp)
    console = await Console.opened(idp)
    for method, path in (("POST", "/disable"), ("DELETE", "/roles/idp-admin")):
        refused = await console.call(method, f"/users/{SUBJECT}{path}")
        assert (refused.status, refused.json["type"]) == (422, "urn:apogee-idp:problem:refused")
    assert (await console.call("GET", "/session")).status == 200
    admin = await new_admin(idp)
    assert (await admin.call("DELETE", f"/users/{SUBJECT}/roles/idp-admin")).status == 200
    assert (await console.call("GET", "/session")).status == 401


async def test_sessions_are_listed_and_ended_one_by_one_or_all(start_idp: StartIdp) -> None:
    """Each by what clients know it as; who signs in afterwards is signed in."""
    clock = Clock()
    idp = await start_idp(clock=clock)
    await people(idp)
    first, second = await Console.opened(idp), await Console.opened(idp)
    admin = await new_admin(idp, "idp:users", "idp:admin")
    sessions = (await admin.call("GET", f"/users/{SUBJECT}/sessions")).json["items"]
    assert len(sessions) == 2
    assert {s["methods"][0] for s in sessions} == {"pwd"}
    assert sessions[0]["expires_at"] == clock.now + 28_800
    assert first.browser.cookies["__Host-apogee_session"] not in str(sessions)
    mine = await _sid_of(first, admin, sessions)
    assert (await admin.call("DELETE", f"/users/{SUBJECT}/sessions/{mine}")).status == 204
    assert (await admin.call("DELETE", f"/users/{SUBJECT}/sessions/{mine}")).status == 404
    assert (await first.call("GET", "/session")).status == 401
    assert (await second.call("GET", "/session")).status == 200
    entries = (await admin.call("GET", "/audit?action=end_session&kind=session")).json["items"]
    assert [(e["before"]["sid"], e["outcome"]) for e in entries] == [(mine, "done")]
    assert (await admin.call("DELETE", f"/users/{SUBJECT}/sessions")).status == 200
    assert (await second.call("GET", "/session")).status == 401
    assert (await admin.call("GET", f"/users/{SUBJECT}/sessions")).json["items"] == []
    clock.now += 1
    assert (await (await Console.opened(idp)).call("GET", "/session")).status == 200
    unknown = await admin.call("GET", f"/users/usr_{'X' * 22}/sessions")
    assert unknown.status == 404


async def _sid_of(console: Console, admin: Admin, sessions: list[dict[str, Any]]) -> str:
    """Which of them is that browser's."""
    found = await admin.idp.installation.services.sessions.find(
        console.browser.cookies["__Host-apogee_session"]
    )
    assert found is not None
    assert found.sid in [session["sid"] for session in sessions]
    return found.sid
