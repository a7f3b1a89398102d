"""Clients, keys and revocations by the management API."""

from __future__ import annotations

from collections.abc import Callable

from apogee_idp.model import Client
from apogee_idp.stores.repositories import clients_in
from tests.idp import Idp
from tests.waiting import Elapsed

from .conftest import Admin


async def test_a_client_is_told_of_without_its_secret(idp: Idp, admin: Admin) -> None:
    """A-MG-05: neither secret nor hash."""
    secret = await idp.add_client(display_name="Billing & Co", scopes=("ping",))
    answer = await admin.call("GET", "/clients/billing")
    client = await clients_in(idp.installation.store).get("billing")
    assert client is not None
    assert answer.json["display_name"] == "Billing & Co"
    assert "scp:ping" in answer.json["permissions"]
    assert answer.json["secrets"][0].keys() == {"id", "name", "created_at", "expires_at"}
    for hidden in (secret, client.secrets[0].hash):
        assert hidden.encode() not in answer.body
        assert hidden.encode() not in (await admin.call("GET", "/clients")).body
    assert answer.headers["ETag"] == f'"{client.concurrency_token}"'
    for unknown in ("nobody", "usr_1", "x", "a%00b", "%F0%9F%98%80"):
        assert (await admin.call("GET", f"/clients/{unknown}")).status == 404, unknown


async def found(admin: Admin, query: str) -> list[str]:
    answer = await admin.call("GET", f"/clients?{query}")
    assert answer.status == 200, answer.body
    return [client["client_id"] for client in answer.json["items"]]


async def test_clients_are_searched_and_filtered(idp: Idp, admin: Admin) -> None:
    """By part of the id or name, in whatever case."""
    await idp.add_client("orders-1", display_name="Straße")
    await idp.add_client("stock-1", display_name="All ORDERS")
    await idp.change_client("stock-1", enabled=False)
    assert await found(admin, "search=ORders") == ["orders-1", "stock-1"]
    assert await found(admin, "search=STRASSE") == ["orders-1"]
    assert await found(admin, "search=1&enabled=false") == ["stock-1"]
    assert await found(admin, "search=1&enabled=true") == ["orders-1"]
    assert await found(admin, "search=1&flow_type=client_credentials&limit=1") == ["orders-1"]
    for wrong in ("enabled=1", "enabled=yes", "flow_type=password", "search=%00"):
        assert (await admin.call("GET", f"/clients?{wrong}")).status == 400, wrong
    cursor = (await admin.call("GET", "/clients?search=1&limit=1")).json["next_cursor"]
    assert await found(admin, f"search=1&cursor={cursor}") == ["stock-1"]
    assert (await admin.call("GET", f"/clients?search=x&cursor={cursor}")).status == 400


async def test_a_search_among_many_is_bounded(
    idp: Idp, admin: Admin, long: Callable[[int, int], int]
) -> None:
    """One request reads a thousand clients at most and says where to go on."""
    repository, many = clients_in(idp.installation.store), long(2500, 10_000)
    for number in range(many):
        await repository.add(Client(f"c-{number:05}", display_name=f"Client {number}"))
    wanted = f"c-{many - 1:05}"
    names: list[str] = []
    cursor, requests, slowest = "", 0, 0.0
    while True:
        elapsed = Elapsed()
        path = f"/clients?search={wanted}" + (f"&cursor={cursor}" if cursor else "")
        page = (await admin.call("GET", path)).json
        slowest = max(slowest, elapsed.seconds)
        requests += 1
        names += [client["client_id"] for client in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = page["next_cursor"]
    assert names == [wanted]
    assert many // 1000 <= requests <= many // 1000 + 2
    assert slowest < 2


async def test_keys_are_listed_and_rotated(admin: Admin) -> None:
    """Never a private half."""
    keys = (await admin.call("GET", "/keys")).json["items"]
    assert {key["state"] for key in keys} == {"active"}
    made = await admin.call("POST", "/keys", {"algorithm": "ES256"})
    assert made.status == 201
    listed = await admin.call("GET", "/keys")
    states = {key["kid"]: key["state"] for key in listed.json["items"]}
    assert states[made.json["kid"]] == "published"
    assert b"sealed" not in listed.body + made.body
    assert (await admin.call("POST", "/keys", {"algorithm": "ES256"})).status == 422
    assert (await admin.call("POST", "/keys", {"algorithm": "none"})).status == 422


async def test_a_token_is_ended(idp: Idp, admin: Admin) -> None:
    """Whoever's it is; what is no token has ended already."""
    secret = await idp.add_client()
    await idp.allow("billing", "introspection")
    token = (await idp.grant("billing", secret)).token
    for ended in (token, token, "x"):
        assert (await admin.call("POST", "/revocations", {"token": ended})).status == 204
    assert (await idp.present("introspect", token, "billing", secret)).json == {"active": False}
