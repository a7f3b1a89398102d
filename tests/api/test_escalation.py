"""Ways from ``idp:clients`` to more than that; none may lead anywhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey

from apogee_idp.errors import CommandRefused, Forbidden
from apogee_idp.management.actor import Actor, local_actor
from apogee_idp.management.client_secrets import SecretCommands
from apogee_idp.model import MANAGEMENT_SCOPES
from tests.idp import Answer, Idp

from .conftest import Admin, new_admin

AUDIENCE = "https://idp.example/api/v1"
JWKS = {"keys": [ECKey.generate_key("P-256", {"kid": "k"}).as_dict(private=False)]}

Way = Callable[[Admin], Awaitable[Answer]]


def create(**members: Any) -> Way:
    async def way(admin: Admin) -> Answer:
        return await admin.call("POST", "/clients", {"client_id": "mine", **members})

    return way


def change(method: str, client_id: str, **members: Any) -> Way:
    async def way(admin: Admin) -> Answer:
        path = f"/clients/{client_id}"
        tag = (await admin.call("GET", path)).headers["ETag"]
        body = None if method == "DELETE" else members
        return await admin.call(method, path, body, If_Match=tag)

    return way


def act(action: str) -> Way:
    async def way(admin: Admin) -> Answer:
        return await admin.call("POST", f"/clients/target/{action}")

    return way


async def end_token(admin: Admin) -> Answer:
    token = (await admin.idp.grant("target", admin.idp.secrets["target"])).token
    return await admin.call("POST", "/revocations", {"token": token})


SCOPES = ["idp:read"]
WAYS: dict[str, Way] = {
    **{f"create with {scope}": create(scopes=[scope]) for scope in sorted(MANAGEMENT_SCOPES)},
    "create by default": create(scopes=SCOPES, default_scopes=SCOPES),
    "create with a preset": create(
        scopes=SCOPES, preset="vault", default_audience="https://vault.example"
    ),
    "create for the audience": create(default_audience=AUDIENCE),
    "create disabled": create(scopes=SCOPES, enabled=False),
    "create for codes": create(
        scopes=SCOPES, flow_type="authorization_code", redirect_uris=["https://x.example/cb"]
    ),
    "give an ordinary one scopes": change("PATCH", "ordinary", scopes=SCOPES),
    "replace an ordinary one": change("PUT", "ordinary", scopes=SCOPES),
    "give an ordinary one the audience": change("PATCH", "ordinary", default_audience=AUDIENCE),
    "give it keys of mine": change("PATCH", "target", jwks=JWKS),
    "give it keys at my place": change("PATCH", "target", jwks_uri="https://evil.example/k"),
    "take its scopes": change("PUT", "target"),
    "allow it endpoints": change("PATCH", "target", endpoints=["introspection"]),
    "change its name": change("PATCH", "target", display_name="x"),
    "change nothing": change("PATCH", "target"),
    "change its profile": change("PATCH", "target", skip_token_encryption=True),
    "switch its flow": change(
        "PATCH", "target", flow_type="authorization_code", redirect_uris=["https://x.example/cb"]
    ),
    "give it roles": change("PATCH", "target", roles=["x"]),
    "delete it": change("DELETE", "target"),
    "change one for the audience": change("PATCH", "addressed", display_name="x"),
    "take the audience": change("PATCH", "addressed", default_audience=None),
    "enable it": act("enable"),
    "disable it": act("disable"),
    "end its tokens": act("revoke-tokens"),
    "end its token": end_token,
}


async def prepare(idp: Idp) -> None:
    await idp.add_client("ordinary", scopes=("ping",))
    await idp.add_client("target", scopes=tuple(MANAGEMENT_SCOPES), default_scopes=("idp:read",))
    await idp.add_client("addressed", default_audience=AUDIENCE)


@pytest.mark.parametrize("way", WAYS)
async def test_no_way_leads_up(idp: Idp, way: str) -> None:
    """403, by no missing scope of the token's but by who it is about; for administrators, done."""
    await prepare(idp)
    clients_admin, admin = await new_admin(idp, "idp:clients"), await new_admin(idp)
    before = await clients_admin.call("GET", "/clients")
    refused = await WAYS[way](clients_admin)
    assert refused.status == 403, refused.body
    assert refused.json["type"] == "urn:apogee-idp:problem:forbidden"
    assert "WWW-Authenticate" not in refused.headers
    assert (await clients_admin.call("GET", "/clients")).json == before.json
    done = await WAYS[way](admin)
    assert done.status in (200, 201, 204), done.body


ORDINARY: dict[str, Way] = {
    "create": create(scopes=["ping"]),
    "change": change("PATCH", "ordinary", display_name="x", jwks=JWKS),
    "replace": change("PUT", "ordinary"),
    "delete": change("DELETE", "ordinary"),
}


@pytest.mark.parametrize("way", ORDINARY)
async def test_all_else_takes_idp_clients_alone(idp: Idp, way: str) -> None:
    """Clients that don't manage anything are no administrator's matter."""
    await prepare(idp)
    done = await ORDINARY[way](await new_admin(idp, "idp:clients"))
    assert done.status in (200, 201, 204), done.body


SECRETS: dict[str, Callable[[SecretCommands, str], Awaitable[object]]] = {
    "add": lambda commands, _: commands.add("target"),
    "add my own": lambda commands, _: commands.add("target", own="correct horse battery staple 1"),
    "rotate": lambda commands, _: commands.rotate("target", 0),
    "retire": lambda commands, secret_id: commands.retire("target", secret_id, force=True),
}


@pytest.mark.parametrize("way", SECRETS)
async def test_secrets_are_no_way_either(idp: Idp, way: str) -> None:
    """Whoever had one could get its tokens."""
    await prepare(idp)
    await new_admin(idp)
    management = idp.installation.management
    (status,) = await management.secrets(local_actor("ann")).list("target")
    mine = management.secrets(Actor("mine", frozenset({"idp:clients"})))
    with pytest.raises(Forbidden):
        await SECRETS[way](mine, status.secret.id)
    assert await mine.list("target") == (status,)
    await SECRETS[way](
        management.secrets(Actor("root", frozenset({"idp:admin"}))), status.secret.id
    )


LAST: dict[str, Way] = {
    "delete": change("DELETE", "admin-admin"),
    "disable": lambda admin: admin.call("POST", "/clients/admin-admin/disable"),
    "disable by a patch": change("PATCH", "admin-admin", enabled=False),
    "take the scope": change("PATCH", "admin-admin", scopes=["idp:read"], default_scopes=[]),
    "switch the flow": change(
        "PATCH",
        "admin-admin",
        flow_type="authorization_code",
        redirect_uris=["https://x.example/cb"],
    ),
}


@pytest.mark.parametrize("way", LAST)
async def test_A_MG_07_the_last_administrator_stays(idp: Idp, admin: Admin, way: str) -> None:
    """Clients that are disabled, or have no secret, are no administrators."""
    await idp.add_client("off", scopes=("idp:admin",), enabled=False)
    await idp.add_client("bare", scopes=("idp:admin",))
    await idp.change_client("bare", secrets=())
    refused = await LAST[way](admin)
    assert refused.status == 422, refused.body
    assert "last client that can administrate" in refused.json["detail"]
    assert (await admin.call("GET", "/clients")).status == 200
    await idp.add_client("second", scopes=("idp:admin",))
    assert (await LAST[way](admin)).status in (200, 204)


async def test_A_MG_07_the_last_secret_of_the_last_administrator_stays(
    idp: Idp, admin: Admin
) -> None:
    """Not by force either; but the operator of the machine may take it."""
    management = idp.installation.management
    remote = management.secrets(Actor("admin-admin", frozenset({"idp:admin"})))
    (status,) = await remote.list("admin-admin")
    with pytest.raises(CommandRefused, match="last client"):
        await remote.retire("admin-admin", status.secret.id, force=True)
    local = management.secrets(local_actor("ann"))
    await local.retire("admin-admin", status.secret.id, force=True)
    assert await local.list("admin-admin") == ()
