"""What goes wrong on our side: said plainly, and nothing of the reason."""

from __future__ import annotations

import io

import pytest

from apogee_idp import AddScope, CommandRefused, CommandStage, Registry, Services, StoreUnavailable
from apogee_idp.management.scopes import ScopeCommands
from tests.conftest import StartIdp
from tests.idp import Idp

from .conftest import Admin, new_admin


@pytest.mark.parametrize(
    ("error", "status"), [(StoreUnavailable("mongodb://secret"), 503), (ValueError("secret"), 500)]
)
async def test_a_fault_is_a_problem_without_its_reason(
    admin: Admin, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    """A lost store is a 503 that says when to come back, all else a 500; the log has the rest."""

    async def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(ScopeCommands, "page", fail)
    answer = await admin.call("GET", "/scopes")
    assert (answer.status, answer.json["status"]) == (status, status)
    assert (answer.headers.get("Retry-After") == "1") == (status == 503)
    assert b"secret" not in answer.body


async def refuse_x(event: AddScope) -> None:
    if event.after is not None and event.after.name == "x":
        raise CommandRefused("x is not a name for a scope")


async def stumble(_: AddScope) -> None:
    raise ValueError("apogee_planted")


def register(registry: Registry, _: Services) -> None:
    registry.add(AddScope, refuse_x, name="refuse_x", order=CommandStage.EXECUTE - 1)
    registry.add(AddScope, stumble, name="stumble", order=CommandStage.EXECUTE + 1)


async def test_plugins_veto_and_follow(start_idp: StartIdp, log_output: io.StringIO) -> None:
    """A veto is a 422 with the plugin's sentence; a follower that fails is a line in the log."""
    idp = await start_idp(register=register)
    admin = await new_admin(idp)
    refused = await admin.call("POST", "/scopes", {"name": "x"})
    assert (refused.status, refused.json["detail"]) == (422, "x is not a name for a scope.")
    assert (await admin.call("POST", "/scopes", {"name": "y"})).status == 201
    assert (await admin.call("GET", "/scopes/x")).status == 404
    (line,) = [line for line in log_output.getvalue().splitlines() if "stumble" in line]
    assert "command_handler_failed" in line
    assert "apogee_planted" not in line


async def test_a_damaged_document_ends_no_list(idp: Idp, admin: Admin) -> None:
    """It is named; asked for by itself, it is what the server can't answer."""
    await idp.installation.store.applications.insert("damaged", {"permissions": {"no": "list"}})
    for query in ("", "?search=admin", "?limit=1"):
        listed = (await admin.call("GET", f"/clients{query}")).json
        assert [client["client_id"] for client in listed["items"]] == ["admin-admin"]
        following = listed["next_cursor"]
        if following is not None:
            listed = (await admin.call("GET", f"/clients?limit=1&cursor={following}")).json
        assert listed["unreadable"] == ["damaged"]
    assert (await admin.call("GET", "/clients/damaged")).status == 503
