"""What is due and who fails: counted, bounded, and never by who is nobody; on every store."""

from __future__ import annotations

from typing import Any

import pytest

from apogee_idp.refusals import MAXIMUM_REASONS, Refusal, Refusals
from apogee_idp.stores.repositories import clients_in
from tests.clock import Clock
from tests.conftest import StartIdp
from tests.idp import Idp

from .conftest import new_admin

DAY = 86_400


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def started(start_idp: StartIdp, clock: Clock) -> Idp:
    return await start_idp(clock=clock)


async def test_clients_are_counted_by_flow_and_state(idp: Idp) -> None:
    """Each once, whatever states it is in."""
    await idp.add_client("off", enabled=False)
    await idp.add_client("app", flow_type="authorization_code", redirect_uris=("https://x.y/c",))
    await idp.add_client("filed")
    await idp.change_client("filed", is_configured=True)
    told = (await (await new_admin(idp)).call("GET", "/overview")).json["clients"]
    assert told == {
        "total": 4,
        "enabled": 3,
        "disabled": 1,
        "configured": 1,
        "flows": {"client_credentials": 3, "authorization_code": 1},
        "unreadable": 0,
        "is_complete": True,
    }


async def test_clients_are_found_by_type_and_where_they_stand(idp: Idp) -> None:
    """Beside the filters that there are for their flow, state and name."""
    await idp.add_client("filed")
    await idp.change_client("filed", is_configured=True)
    spa = {"flow_type": "authorization_code", "redirect_uris": ("https://x.y/c",)}
    await idp.add_client("spa", client_type="public", **spa)
    admin = await new_admin(idp)

    async def found(query: str) -> list[str]:
        items = (await admin.call("GET", f"/clients?{query}")).json["items"]
        return [client["client_id"] for client in items]

    assert await found("client_type=public") == ["spa"]
    assert await found("configured=true") == ["filed"]
    assert await found("configured=false&client_type=confidential") == ["admin-admin"]
    assert (await admin.call("GET", "/clients?client_type=x")).status == 400


async def test_secrets_that_end_or_that_nobody_would_miss(start_idp: StartIdp) -> None:
    """The newest secret of a client is never one to be retired."""
    clock = Clock()
    idp = await started(start_idp, clock)
    await idp.add_client("billing")
    await idp.add_client("stock")
    commands = idp.secret_commands()
    soon = await commands.add("billing", "ci", clock.now + 5 * DAY)
    await commands.add("stock", "later", clock.now + 50 * DAY)
    admin = await new_admin(idp)
    clock.now += 1
    assert (await idp.grant("stock", idp.secrets["stock"])).status == 200
    secrets = (await admin.call("GET", "/overview")).json["secrets"]
    assert [(s["client_id"], s["id"]) for s in secrets["expiring"]] == [("billing", soon.id)]
    assert [s["client_id"] for s in secrets["safe_to_retire"]] == ["billing"]
    assert secrets["safe_to_retire"][0]["id"] != soon.id
    clock.now += 3601
    admin = await new_admin(idp, client_id="again")
    secrets = (await admin.call("GET", "/overview")).json["secrets"]
    assert [s["client_id"] for s in secrets["safe_to_retire"]] == ["billing", "stock"]


async def test_keys_are_told_to_who_may_read_them(idp: Idp) -> None:
    """With the date at which each gets a successor; a revoked one has it at once."""
    reader, admin = await new_admin(idp, "idp:clients"), await new_admin(idp)
    assert (await reader.call("GET", "/overview")).json["keys"] is None
    keys = (await admin.call("GET", "/overview")).json["keys"]
    assert keys == (await admin.call("GET", "/keys")).json["items"]
    (key,) = [key for key in keys if key["algorithm"] == "ES256"]
    assert (key["retires_at"], key["removed_at"]) == (None, None)
    assert key["successor_due_at"] == key["activates_at"] + 7_776_000 - 86_400
    made = await admin.call("POST", "/keys", {"algorithm": "ES256"})
    assert made.status == 201
    after = {k["kid"]: k for k in (await admin.call("GET", "/keys")).json["items"]}
    assert after[key["kid"]]["retires_at"] == made.json["activates_at"]
    assert after[key["kid"]]["removed_at"] == made.json["activates_at"] + 172_800
    assert after[key["kid"]]["successor_due_at"] is None
    ended = await admin.call("POST", f"/keys/{key['kid']}/revoke")
    assert ended.status == 200
    assert (ended.json["kid"], ended.json["successor"]["kid"]) == (key["kid"], made.json["kid"])
    kids = [k["kid"] for k in (await admin.call("GET", "/keys")).json["items"]]
    assert key["kid"] not in kids
    assert (await admin.call("POST", f"/keys/{key['kid']}/revoke")).status == 404
    (entry,) = (await admin.call("GET", "/audit?action=revoke_key")).json["items"]
    assert entry["actor"] == "admin-admin"


async def test_a_client_that_fails_is_told_with_the_reason(start_idp: StartIdp) -> None:
    """Also what its own wrong secret does; for a day. Registered anew, it has no past."""
    clock = Clock()
    idp = await started(start_idp, clock)
    await idp.add_client("billing", scopes=("ping",))
    assert (await idp.grant("billing", "wrong")).status == 401
    assert (await idp.grant("billing", "wrong")).status == 401
    clock.now += 1
    assert (await idp.grant("billing", idp.secrets["billing"], scope="x")).status == 400
    admin = await new_admin(idp)
    scope = {
        "error": "invalid_scope",
        "reason": "A scope is unknown, or this client may not ask for it.",
        "count": 1,
        "last_at": clock.now,
    }
    secret = {
        "error": "invalid_client",
        "reason": "wrong or expired secret",
        "count": 2,
        "last_at": clock.now - 1,
    }
    (failing,) = (await admin.call("GET", "/overview")).json["failing"]
    assert failing == {
        "client_id": "billing",
        "last_refused_at": clock.now,
        "last_used_at": clock.now,
        "count": 3,
        "refusals": [scope, secret],
    }
    await idp.installation.management.refusals.flush()
    told = (await admin.call("GET", "/clients/billing/refusals")).json["items"]
    assert told == [scope, secret]
    assert (await admin.call("GET", "/clients/nobody/refusals")).status == 404
    clock.now += DAY + 1
    admin = await new_admin(idp, client_id="later")
    assert (await admin.call("GET", "/overview")).json["failing"] == []


async def test_strangers_make_no_rows(idp: Idp) -> None:
    """Unknown ids, malformed ones, none at all; a known one has one row, however often it fails."""
    await idp.add_client("billing")
    for client_id in ("nobody", "b" * 200, "%00", "", "billing"):
        for secret in ("x", "y"):
            await idp.grant(client_id, secret)
    await idp.ask({"grant_type": "client_credentials"})
    assertion = {"client_assertion": "a.b.c", "client_assertion_type": "x"}
    await idp.ask({"grant_type": "client_credentials", **assertion})
    await idp.installation.management.refusals.flush()
    rows = (await idp.installation.store.refusals.list()).items
    assert [row.key for row in rows] == ["billing"]


async def test_what_is_kept_of_a_client_is_bounded(idp: Idp) -> None:
    """The reasons that came last, each cut; every process adds its own, once."""
    await idp.add_client("billing")
    client = await clients_in(idp.installation.store).get("billing")
    assert client is not None
    clock = Clock()
    ours, theirs = (Refusals(idp.installation.store.refusals, now=clock) for _ in range(2))
    for number in range(20):
        clock.now += 1
        ours.note(client, "invalid_scope", f"{number} " + "x" * 1000)
    theirs.note(client, "invalid_scope", "19 " + "x" * 1000)
    for refusals in (ours, theirs, ours):
        await refusals.flush()
    found = await ours.of("billing")
    assert len(found) == MAXIMUM_REASONS
    assert found[0] == Refusal("invalid_scope", ("19 " + "x" * 1000)[:200], 2, clock.now)
    assert await theirs.of("billing") == found


async def test_refusals_wait_for_a_store_that_is_lost(idp: Idp) -> None:
    """What came between the reading and the writing stays noted."""
    await idp.add_client("billing")
    client: Any = await clients_in(idp.installation.store).get("billing")
    refusals = Refusals(idp.installation.store.refusals, now=Clock())
    refusals.note(client, "invalid_scope", "a")
    noted = refusals._noted_of("billing")
    refusals.note(client, "invalid_scope", "a")
    refusals._forget("billing", noted)
    assert [refusal.count for refusal in await refusals.of("billing")] == [1]
