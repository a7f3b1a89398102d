"""Secrets of clients by the management API."""

from __future__ import annotations

import pytest

from apogee_idp.app import now
from tests.conftest import StartIdp
from tests.idp import Idp

from .conftest import Admin, new_admin

SECRETS = "/clients/billing/secrets"


async def test_A_MG_05_a_secret_is_shown_once(idp: Idp, admin: Admin) -> None:
    """And counted from then on."""
    old = await idp.add_client()
    assert (await idp.grant("billing", old)).status == 200
    expires_at = now() + 3600
    made = await admin.call("POST", SECRETS, {"name": "blue", "expires_at": expires_at})
    assert made.status == 201
    assert made.headers["Cache-Control"] == "no-store"
    assert made.headers["Location"].endswith(f"{SECRETS}/{made.json['id']}")
    told = {name: made.json[name] for name in ("name", "expires_at")}
    assert told == {"name": "blue", "expires_at": expires_at}
    assert made.json.keys() == {"id", "name", "created_at", "expires_at", "client_secret"}
    new = made.json["client_secret"]
    assert (await idp.grant("billing", new)).status == 200

    listed = await admin.call("GET", SECRETS)
    first, second = listed.json["items"]
    assert (first["uses"], second["uses"]) == (1, 1)
    assert second == {
        "id": made.json["id"],
        "name": "blue",
        "created_at": made.json["created_at"],
        "expires_at": expires_at,
        "last_used_at": second["last_used_at"],
        "last_used_from": "127.0.0.1",
        "uses": 1,
        "is_expired": False,
        "is_safe_to_retire": False,
    }
    assert abs(second["last_used_at"] - now()) < 60
    for hidden in (old.encode(), new.encode(), b"sha256"):
        assert hidden not in listed.body


async def test_a_secret_in_use_is_ended_by_force_alone(idp: Idp, admin: Admin) -> None:
    """At once, for this very process, too."""
    old = await idp.add_client()
    assert (await idp.grant("billing", old)).status == 200
    new = (await admin.call("POST", SECRETS, {})).json["client_secret"]
    (first, _) = (await admin.call("GET", SECRETS)).json["items"]
    path = f"{SECRETS}/{first['id']}"
    missed = await admin.call("DELETE", path)
    assert (missed.status, missed.json["type"]) == (409, "urn:apogee-idp:problem:conflict")
    assert "force it" in missed.json["detail"]
    assert (await idp.grant("billing", old)).status == 200
    gone = await admin.call("DELETE", f"{path}?force=true")
    assert (gone.status, gone.body) == (204, b"")
    assert (await idp.grant("billing", old)).status == 401
    assert (await idp.grant("billing", new)).status == 200
    assert (await admin.call("DELETE", f"{path}?force=true")).status == 404


async def test_an_unused_secret_is_retired_without_force(idp: Idp, admin: Admin) -> None:
    """Unless it is the last."""
    await idp.add_client()
    made = (await admin.call("POST", SECRETS, {})).json
    statuses = (await admin.call("GET", SECRETS)).json["items"]
    assert [status["is_safe_to_retire"] for status in statuses] == [True, True]
    assert (await admin.call("DELETE", f"{SECRETS}/{made['id']}")).status == 204
    (last,) = (await admin.call("GET", SECRETS)).json["items"]
    refused = await admin.call("DELETE", f"{SECRETS}/{last['id']}")
    assert (refused.status, "last secret" in refused.json["detail"]) == (409, True)


async def test_A_TE_10_a_rotation_ends_the_old_ones(start_idp: StartIdp) -> None:
    """At once, for this very process, too; or after the overlap."""
    clock = [now()]
    idp = await start_idp(clock=lambda: clock[0])
    first = await idp.add_client()
    admin = await new_admin(idp)
    assert (await idp.grant("billing", first)).status == 200
    rotated = await admin.call("POST", f"{SECRETS}/rotate", {"overlap_seconds": 60})
    assert rotated.status == 201
    second = rotated.json["client_secret"]
    assert [(await idp.grant("billing", s)).status for s in (first, second)] == [200, 200]
    clock[0] += 60
    assert [(await idp.grant("billing", s)).status for s in (first, second)] == [401, 200]
    third = (await admin.call("POST", f"{SECRETS}/rotate", {})).json["client_secret"]
    assert [(await idp.grant("billing", s)).status for s in (second, third)] == [401, 200]


async def test_the_eleventh_secret_is_one_too_many(idp: Idp, admin: Admin) -> None:
    """Which is no mistake in the request: retiring one helps."""
    await idp.add_client()
    answers = [await admin.call("POST", SECRETS, {}) for _ in range(10)]
    assert [answer.status for answer in answers] == [201] * 9 + [409]
    assert "retire one" in answers[-1].json["detail"]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"expires_at": "2030"}, ["/expires_at"]),
        ({"expires_at": True}, ["/expires_at"]),
        ({"name": "a\nb"}, ["/name"]),
        ({"client_secret": "x" * 40}, ["/client_secret"]),
        ({"expires_at": 1}, None),
        ({"expires_at": 10**30}, None),
        ({"name": "a" * 101}, None),
    ],
)
async def test_wrong_secrets_are_not_made(
    idp: Idp, admin: Admin, body: dict[str, object], pointers: list[str] | None
) -> None:
    """One of the operator's own is not taken by HTTP at all."""
    await idp.add_client()
    answer = await admin.call("POST", SECRETS, body)
    assert answer.status == 422
    if pointers is not None:
        assert [error["pointer"] for error in answer.json["errors"]] == pointers
    assert len((await admin.call("GET", SECRETS)).json["items"]) == 1


async def test_clients_and_secrets_that_are_not_there(idp: Idp, admin: Admin) -> None:
    """Whatever is asked of them, and however they are written."""
    await idp.add_client()
    for unknown in ("nobody", "usr_1", "a%00b"):
        path = f"/clients/{unknown}/secrets"
        assert (await admin.call("GET", path)).status == 404
        assert (await admin.call("POST", path, {})).status == 404
        assert (await admin.call("POST", f"{path}/rotate", {})).status == 404
        assert (await admin.call("DELETE", f"{path}/x")).status == 404
    for unknown in ("x", "a%00b", "%F0%9F%98%80"):
        assert (await admin.call("DELETE", f"{SECRETS}/{unknown}?force=true")).status == 404
    assert (await admin.call("POST", f"{SECRETS}/rotate", {"overlap_seconds": -1})).status == 422
