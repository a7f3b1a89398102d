"""Scopes and resources by the management API, on every store."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.idp import Idp

from .conftest import Admin, new_admin

RESOURCE = "https://orders.example"
ESCAPED = "https%3A%2F%2Forders.example"


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_scope_from_its_creation_to_its_end(admin: Admin) -> None:
    """Its name may have any sign that a scope can; its address has it escaped."""
    made = await admin.call("POST", "/scopes", {"name": "orders/read", "resources": [RESOURCE]})
    assert made.status == 201
    assert made.headers["Cache-Control"] == "no-store"
    location = made.headers["Location"].removeprefix("https://idp.example/api/v1")
    assert location == "/scopes/orders%2Fread"
    got = await admin.call("GET", location)
    assert (got.json, got.headers["ETag"]) == (made.json, made.headers["ETag"])
    change = {"display_name": "Orders", "resources": []}
    changed = await admin.call("PUT", location, change, If_Match=got.headers["ETag"])
    assert changed.json == {
        "name": "orders/read",
        "display_name": "Orders",
        "description": "",
        "resources": [],
    }
    gone = await admin.call("DELETE", location, If_Match=changed.headers["ETag"])
    assert (gone.status, gone.body) == (204, b"")
    assert (await admin.call("GET", location)).status == 404


async def test_a_change_is_seen_by_the_next_token(idp: Idp, admin: Admin) -> None:
    """By this very process, though it keeps scopes in a cache."""
    secret = await idp.add_client(scopes=("ping",), skip_token_encryption=True)
    for resources in ([RESOURCE], []):
        assert (await idp.grant("billing", secret, scope="ping")).status == 200
        tag = (await admin.call("GET", "/scopes/ping")).headers["ETag"]
        await admin.call("PUT", "/scopes/ping", {"resources": resources}, If_Match=tag)
        claims = await idp.claims((await idp.grant("billing", secret, scope="ping")).token)
        assert claims["aud"] == (RESOURCE if resources else "billing")


async def test_a_hundred_at_once_make_one_scope(admin: Admin) -> None:
    """All others are told that it exists."""
    answers = await asyncio.gather(
        *(admin.call("POST", "/scopes", {"name": "race"}) for _ in range(100))
    )
    assert sorted(answer.status for answer in answers) == [201] + [409] * 99


async def test_A_MG_06_of_two_administrators_one_is_told(admin: Admin) -> None:
    """Whoever comes second, with a change or a deletion; and nobody goes without a version."""
    tag = (await admin.call("GET", "/scopes/ping")).headers["ETag"]
    changes = [{"display_name": name} for name in ("one", "two")]
    both = await asyncio.gather(
        *(admin.call("PUT", "/scopes/ping", change, If_Match=tag) for change in changes)
    )
    assert sorted(answer.status for answer in both) == [200, 412]
    assert (await admin.call("DELETE", "/scopes/ping", If_Match=tag)).status == 412
    assert (await admin.call("PUT", "/scopes/ping", {})).status == 428
    assert (await admin.call("DELETE", "/scopes/ping")).status == 428
    for malformed in ("*", tag.strip('"'), f"W/{tag}", f'{tag}, "x"'):
        assert (await admin.call("PUT", "/scopes/ping", {}, If_Match=malformed)).status == 400


async def test_a_resource_from_its_creation_to_its_end(admin: Admin) -> None:
    """The scopes that lead to it come and go with it."""
    made = await admin.call(
        "POST",
        "/resources",
        {"identifier": RESOURCE, "access_token_lifetime": 60, "scopes": ["ping"]},
    )
    assert made.status == 201
    location = f"/resources/{ESCAPED}"
    assert made.headers["Location"].endswith(location)
    assert (await admin.call("GET", "/scopes/ping")).json["resources"] == [RESOURCE]
    again = await admin.call("POST", "/resources", {"identifier": RESOURCE})
    assert again.status == 409
    got = await admin.call("GET", location)
    tag = got.headers["ETag"]
    changed = await admin.call("PUT", location, {"display_name": "Orders"}, If_Match=tag)
    assert changed.json == {
        "identifier": RESOURCE,
        "display_name": "Orders",
        "access_token_lifetime": None,
        "introspection_clients": [],
        "jwks": None,
    }
    assert (await admin.call("PUT", location, {}, If_Match=tag)).status == 412
    assert (await admin.call("DELETE", location, If_Match=tag)).status == 412
    tag = changed.headers["ETag"]
    assert (await admin.call("DELETE", location, If_Match=tag)).status == 422
    gone = await admin.call("DELETE", location + "?from_scopes=true", If_Match=tag)
    assert gone.status == 204
    assert (await admin.call("GET", "/scopes/ping")).json["resources"] == []


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({}, "/name"),
    ({"name": "x", "concurrency_token": "y"}, "/concurrency_token"),
    ({"name": "x", "_id": 5}, "/_id"),
    ({"name": "x", "$set": {}}, "/$set"),
    ({"name": "x", "__proto__": {}}, "/__proto__"),
    ({"name": "x", "a/b~c": 1}, "/a~1b~0c"),
    ({"name": 5}, "/name"),
    ({"name": None}, "/name"),
    ({"name": "x", "resources": {"https://a.example": 1}}, "/resources"),
    ({"name": "x", "resources": ["https://a.example", 5]}, "/resources/1"),
    ({"name": "x", "resources": ["https://a.example"] * 2}, "/resources"),
    ({"name": "x", "display_name": "a\0b"}, "/display_name"),
    ({"name": "x", "display_name": "a\u202eb"}, "/display_name"),
    ({"name": "x", "display_name": "a\nb"}, "/display_name"),
    ({"name": "x", "display_name": "a" * 201}, "/display_name"),
]


@pytest.mark.parametrize(("body", "pointer"), BROKEN)
async def test_A_MG_03_a_wrong_member_is_named(
    admin: Admin, body: dict[str, Any], pointer: str
) -> None:
    """And nothing is made."""
    answer = await admin.call("POST", "/scopes", body)
    assert answer.status == 422
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json["type"] == "urn:apogee-idp:problem:validation"
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert (await admin.call("GET", "/scopes/x")).status == 404


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"name": "x", "name": "y"}', "application/json", 400),
        (b'{"name": "\xff"}', "application/json", 400),
        (b'{"name": "x", "description": "\\ud800"}', "application/json", 422),
        (b"{}", "text/plain", 415),
        (b"{}", "application/json; charset=utf-16", 415),
        (b'{"name": "' + b"x" * 262_144 + b'"}', "application/json", 413),
    ],
)
async def test_bodies_that_are_no_json(
    admin: Admin, body: bytes, content_type: str, status: int
) -> None:
    """Are told so by their status: what they are not, or how they are broken."""
    answer = await admin.call("POST", "/scopes", body, Content_Type=content_type)
    assert answer.status == status


@pytest.mark.parametrize("name", ["idp:admin", "idp:x", "openid", "roles"])
async def test_built_in_names_cant_be_stored(admin: Admin, name: str) -> None:
    """They mean the same everywhere."""
    assert (await admin.call("POST", "/scopes", {"name": name})).status == 422


async def test_nothing_stored_points_to_the_management_api(admin: Admin) -> None:
    """Only its own scopes lead there."""
    audience = "https://idp.example/api/v1"
    made = await admin.call("POST", "/scopes", {"name": "x", "resources": [audience]})
    assert made.status == 422
    assert (await admin.call("POST", "/resources", {"identifier": audience})).status == 422
    tag = (await admin.call("GET", "/scopes/ping")).headers["ETag"]
    changed = await admin.call("PUT", "/scopes/ping", {"resources": [audience]}, If_Match=tag)
    assert changed.status == 422


async def test_A_MG_04_pages_and_their_cursors(idp: Idp, admin: Admin) -> None:
    """All in the end, each once; a cursor that was touched, or is another list's, is refused."""
    for number in range(7):
        await admin.call("POST", "/scopes", {"name": f"page.{number}"})
    path, names, cursor = "/scopes?limit=3", [], ""
    while True:
        page = await admin.call("GET", path + (f"&cursor={cursor}" if cursor else ""))
        names += [scope["name"] for scope in page.json["items"]]
        following = page.json["next_cursor"]
        assert ("Link" in page.headers) == (following is not None)
        if following is None:
            break
        cursor = following
        assert f"cursor={cursor}>" in page.headers["Link"]
    assert names == sorted(set(names))
    assert len(names) == 11
    middle = len(cursor) // 2
    flipped = cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]
    for forged in (flipped, cursor[:-4], "x", "' OR 1=1", '{"after":"a"}', "%C3%A9", "A" * 1001):
        assert (await admin.call("GET", f"/scopes?cursor={forged}")).status == 400, forged
    assert (await admin.call("GET", f"/resources?cursor={cursor}")).status == 400
    for limit in ("0", "-1", "101", "1e9", "ten", "", "1_0", "1.0"):
        assert (await admin.call("GET", f"/scopes?limit={limit}")).status == 400, limit
    for query in ("x=1", "limit=1&limit=2"):
        assert (await admin.call("GET", f"/scopes?{query}")).status == 400


async def test_cursors_are_those_of_all_processes(start_idp: Any, new_store_url: Any) -> None:
    """With the same key-encryption key."""
    url = await new_store_url()
    one, other = await start_idp(store=url), await start_idp(store=url)
    admin = await new_admin(one)
    cursor = (await admin.call("GET", "/scopes?limit=1")).json["next_cursor"]
    elsewhere = Admin(other, admin.token)
    assert (await elsewhere.call("GET", f"/scopes?cursor={cursor}")).status == 200
