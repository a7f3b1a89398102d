"""Clients are made, changed and ended by the management API, on every store."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from joserfc.jwk import ECKey

from apogee_idp.model import Resource
from apogee_idp.stores.repositories import clients_in, resources_in
from tests.acting import entries_in
from tests.conftest import StartIdp
from tests.idp import Answer, Idp

from .conftest import Admin, new_admin

PATH = "/clients/billing"
READ_ONLY = (
    "is_configured",
    "permissions",
    "requirements",
    "tokens_not_before",
    "created_at",
    "secrets",
)
MERGE_PATCH = "application/merge-patch+json"
CALLBACK = "https://app.example/callback"


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def create(admin: Admin, client_id: str = "billing", **members: Any) -> Answer:
    answer = await admin.call("POST", "/clients", {"client_id": client_id, **members})
    assert answer.status == 201, answer.body
    return answer


async def change(admin: Admin, method: str, body: Any, path: str = PATH, **headers: str) -> Answer:
    """On the version that stands."""
    tag = (await admin.call("GET", path)).headers["ETag"]
    return await admin.call(method, path, body, If_Match=tag, **headers)


def written(told: dict[str, Any]) -> dict[str, Any]:
    """What can be sent back of what was told."""
    return {name: told[name] for name in told if name not in (*READ_ONLY, "client_secret")}


async def test_a_client_from_its_creation_to_its_end(idp: Idp, admin: Admin) -> None:
    """Each answer is what the next request shows, and what its tokens obey at once."""
    made = await create(admin, display_name="Billing", scopes=["ping"])
    assert made.headers["Location"] == "https://idp.example/api/v1/clients/billing"
    secret = made.json["client_secret"]
    assert (await idp.grant("billing", secret, scope="ping")).status == 200
    got = await admin.call("GET", PATH)
    assert got.json | {"client_secret": secret} == made.json
    assert got.headers["ETag"] == made.headers["ETag"]
    changed = await change(admin, "PUT", {"scopes": ["invoices.read"]})
    assert (changed.status, changed.json["client_secret"]) == (200, None)
    assert changed.json["display_name"] == "billing"
    assert (await idp.grant("billing", secret, scope="ping")).error == "invalid_scope"
    assert (await idp.grant("billing", secret, scope="invoices.read")).status == 200
    gone = await change(admin, "DELETE", None)
    assert (gone.status, gone.body) == (204, b"")
    assert (await idp.grant("billing", secret)).error == "invalid_client"
    assert (await admin.call("GET", PATH)).status == 404


FULL: dict[str, Any] = {
    "display_name": "Everything",
    "scopes": ["invoices.read", "ping"],
    "default_scopes": ["ping"],
    "default_audience": "https://billing.example",
    "roles": ["reader"],
    "endpoints": ["introspection", "revocation"],
    "token_profile": {
        "signing_algorithm": "ES256",
        "lifetime": 60,
        "claims": {"a.b": {"c": [1, None, "x"]}},
        "session_tags": {"team": "blue"},
        "transitive_tags": ["team"],
    },
    "jwks": {"keys": [ECKey.generate_key("P-256", {"kid": "k1"}).as_dict(private=False)]},
}
CODE: dict[str, Any] = {"flow_type": "authorization_code", "redirect_uris": [CALLBACK]}
SPA = CODE | {"client_type": "public", "application_type": "spa"}


@pytest.mark.parametrize("members", [{}, FULL, CODE, SPA], ids=["least", "all", "code", "spa"])
async def test_what_is_told_can_be_written_back(admin: Admin, members: dict[str, Any]) -> None:
    """GET, PUT, and nothing is different; nor after a patch that says nothing."""
    made = (await create(admin, **members)).json
    for name in members.keys() - {"token_profile"}:
        assert made[name] == members[name]
    told = (await admin.call("GET", PATH)).json
    put = await change(admin, "PUT", written(told))
    patched = await change(admin, "PATCH", {}, Content_Type=MERGE_PATCH)
    for answer in (put, patched):
        assert answer.status == 200, answer.body
        assert answer.json == told | {"client_secret": None}


@pytest.mark.plants_secrets
async def test_private_members_of_keys_are_never_told(idp: Idp, admin: Admin) -> None:
    """Though other programs may have stored them."""
    key = ECKey.generate_key("P-256", {"kid": "k1"}).as_dict(private=True)
    await idp.add_client()
    await idp.change_client("billing", jwks={"keys": [key]})
    for path in (PATH, "/clients"):
        answer = await admin.call("GET", path)
        assert str(key["d"]).encode() not in answer.body
        assert b'"k1"' in answer.body


async def test_a_merge_patch_changes_what_it_names(admin: Admin) -> None:
    """RFC 7396: objects member by member, arrays whole, null takes away."""
    await create(admin, **{name: FULL[name] for name in FULL if name != "jwks"})
    patch = {
        "display_name": None,
        "roles": ["writer"],
        "token_profile": {"lifetime": None, "claims": {"a.b": None, "d": 1}},
    }
    changed = await change(admin, "PATCH", patch, Content_Type=MERGE_PATCH)
    assert changed.json["display_name"] == "billing"
    assert changed.json["roles"] == ["writer"]
    assert changed.json["scopes"] == ["invoices.read", "ping"]
    profile = changed.json["token_profile"]
    assert (profile["lifetime"], profile["claims"]) == (None, {"d": 1})
    assert (profile["signing_algorithm"], profile["session_tags"]) == ("ES256", {"team": "blue"})


async def test_a_preset_decides_the_profile_anew(admin: Admin) -> None:
    """The profile is the one of a client that is made with it, whatever it was before."""
    await create(admin, default_audience="https://x.example")
    patch = {"preset": "aws-sts", "token_profile": {"lifetime": 60}}
    changed = (await change(admin, "PATCH", patch)).json
    fresh = (await create(admin, "other", default_audience="https://x.example", **patch)).json
    for name in ("token_profile", "skip_token_encryption"):
        assert changed[name] == fresh[name]


async def test_a_flow_is_switched_and_back(idp: Idp, admin: Admin) -> None:
    """A public client loses its secrets, a confidential one gets one; PKCE begins as required."""
    secret = (await create(admin)).json["client_secret"]
    spa = await change(admin, "PATCH", SPA)
    assert (spa.json["secrets"], spa.json["client_secret"]) == ([], None)
    assert spa.json["require_pkce"]
    machine = await change(admin, "PATCH", {"flow_type": "client_credentials"})
    made = machine.json["client_secret"]
    assert (machine.json["client_type"], machine.json["redirect_uris"]) == ("confidential", [])
    assert (await idp.grant("billing", secret)).error == "invalid_client"
    assert (await idp.grant("billing", made)).status == 200
    code = await change(admin, "PATCH", CODE)
    assert (code.json["client_type"], code.json["client_secret"]) == ("confidential", None)
    assert code.json["require_pkce"]
    assert len(code.json["secrets"]) == 1
    assert (await idp.grant("billing", made)).error == "unauthorized_client"


async def test_a_client_is_disabled_enabled_and_its_tokens_end(start_idp: StartIdp) -> None:
    """A disabled client gets no token until it is enabled; tokens that are revoked stay so."""
    clock = [1_800_000_000]
    idp = await start_idp(clock=lambda: clock[0])
    admin = await new_admin(idp)
    secret = (await create(admin, endpoints=["introspection"])).json["client_secret"]
    token = (await idp.grant("billing", secret)).token
    disabled = await admin.call("POST", f"{PATH}/disable")
    assert (disabled.status, disabled.json["enabled"]) == (200, False)
    assert (await idp.grant("billing", secret)).error == "invalid_client"
    enabled = await admin.call("POST", f"{PATH}/enable")
    assert (enabled.status, enabled.json["enabled"]) == (200, True)
    assert (await idp.present("introspect", token, "billing", secret)).json["active"] is True
    revoked = await admin.call("POST", f"{PATH}/revoke-tokens")
    assert revoked.json["tokens_not_before"] == clock[0]
    assert revoked.headers["ETag"] == (await admin.call("GET", PATH)).headers["ETag"]
    assert (await idp.present("introspect", token, "billing", secret)).json == {"active": False}
    for action in ("enable", "disable", "revoke-tokens"):
        assert (await admin.call("POST", f"/clients/nobody/{action}")).status == 404


async def test_A_MG_02_who_takes_an_old_id_gets_nothing_of_it(start_idp: StartIdp) -> None:
    """Neither its secrets, nor its tokens, nor what resources allow it."""
    clock = [1_800_000_000]
    idp = await start_idp(clock=lambda: clock[0])
    admin = await new_admin(idp)
    secret = (await create(admin, endpoints=["introspection"])).json["client_secret"]
    token = (await idp.grant("billing", secret)).token
    resource = "https://orders.example"
    await resources_in(idp.installation.store).add(
        Resource(resource, introspection_clients=("billing",))
    )
    clock[0] += 2
    assert (await change(admin, "DELETE", None)).status == 204
    refused = await admin.call("POST", "/clients", {"client_id": "billing"})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/client_id")
    await resources_in(idp.installation.store).delete(resource)
    made = (await create(admin, endpoints=["introspection"])).json["client_secret"]
    assert (await idp.grant("billing", secret)).error == "invalid_client"
    assert (await idp.present("introspect", token, "billing", made)).json == {"active": False}


MASS: list[tuple[dict[str, Any], str]] = [
    *(({name: None}, f"/{name}") for name in (*READ_ONLY, "client_secret", "secret")),
    *(({name: {}}, f"/{name}") for name in ("_id", "$set", "__proto__", "concurrency_token")),
    ({"secret_hash": "x"}, "/secret_hash"),
    ({"properties": {}}, "/properties"),
    ({"change_id": "x"}, "/change_id"),
    ({"keys": {}}, "/keys"),
    ({"token_profile": {"$set": 1}}, "/token_profile/$set"),
    ({"token_profile": {"lifetime": True}}, "/token_profile/lifetime"),
    ({"token_profile": {"lifetime": "60"}}, "/token_profile/lifetime"),
    ({"token_profile": {"claims": {"sub": "x"}}}, "/token_profile/claims"),
    ({"enabled": "true"}, "/enabled"),
    ({"enabled": 1}, "/enabled"),
    ({"scopes": {"ping": 1}}, "/scopes"),
    ({"scopes": ["ping", 5]}, "/scopes/1"),
    ({"scopes": ["ping", "nowhere"]}, "/scopes/1"),
    ({"scopes": ["ping", "a\0b"]}, "/scopes/1"),
    ({"roles": ["a b"]}, "/roles"),
    ({"default_scopes": ["ping"]}, "/default_scopes"),
    ({"endpoints": ["token"]}, "/endpoints/0"),
    ({"flow_type": "password"}, "/flow_type"),
    ({"jwks": {"keys": []}}, "/jwks"),
    ({"jwks_uri": "http://169.254.169.254/"}, "/jwks_uri"),
    ({"accepts_token_endpoint_audience": True}, "/accepts_token_endpoint_audience"),
    (CODE | {"redirect_uris": [CALLBACK, "javascript:alert(1)"]}, "/redirect_uris/1"),
    (CODE | {"redirect_uris": []}, "/redirect_uris"),
    (CODE | {"client_type": "public", "require_pkce": False}, "/require_pkce"),
]


@pytest.mark.parametrize(("members", "pointer"), MASS, ids=[pointer for _, pointer in MASS])
async def test_A_MG_03_only_the_registration_is_written(
    admin: Admin, members: dict[str, Any], pointer: str
) -> None:
    """By POST, PUT and PATCH; whatever else is wrong is named, too, and nothing is written."""
    await create(admin)
    told = await admin.call("GET", PATH)
    answers = [
        await admin.call("POST", "/clients", {"client_id": "other", **members}),
        await change(admin, "PUT", members),
        await change(admin, "PATCH", members),
    ]
    for answer in answers:
        assert answer.status == 422, answer.body
        assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    after = await admin.call("GET", PATH)
    assert (after.json, after.headers["ETag"]) == (told.json, told.headers["ETag"])
    assert (await admin.call("GET", "/clients/other")).status == 404


async def test_A_MG_03_the_id_of_a_client_stays(admin: Admin) -> None:
    """It may be said again, and by a new client it has to be."""
    await create(admin)
    for method in ("PUT", "PATCH"):
        assert (await change(admin, method, {"client_id": "billing"})).status == 200
        refused = await change(admin, method, {"client_id": "other"})
        assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/client_id")
    for wrong in ({}, {"client_id": "x"}, {"client_id": "usr_1"}, {"client_id": "a b c"}):
        answer = await admin.call("POST", "/clients", wrong)
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/client_id")


async def test_A_MG_05_a_secret_is_told_once(idp: Idp, admin: Admin) -> None:
    """To whoever had it made; its hash never."""
    made = await create(admin)
    secret = made.json["client_secret"]
    client = await clients_in(idp.installation.store).get("billing")
    assert client is not None
    stored = client.secrets[0]
    assert [s.keys() for s in made.json["secrets"]] == [{"id", "name", "created_at", "expires_at"}]
    answers = [
        await admin.call("GET", PATH),
        await admin.call("GET", "/clients"),
        await change(admin, "PUT", {}),
        await change(admin, "PATCH", {"display_name": "x"}),
        await admin.call("POST", f"{PATH}/disable"),
    ]
    for answer in answers:
        assert secret.encode() not in answer.body
    for answer in (made, *answers):
        assert stored.hash.encode() not in answer.body
    entries = await entries_in(idp.installation.store)
    assert secret not in repr(entries)
    assert stored.hash not in repr(entries)


async def test_A_MG_06_a_hundred_at_once_make_one_client(idp: Idp, admin: Admin) -> None:
    """And the one secret that was told is its."""
    answers = await asyncio.gather(
        *(admin.call("POST", "/clients", {"client_id": "race"}) for _ in range(100))
    )
    assert sorted(answer.status for answer in answers) == [201] + [409] * 99
    (made,) = [answer.json for answer in answers if answer.status == 201]
    assert (await idp.grant("race", made["client_secret"])).status == 200
    assert len((await admin.call("GET", "/clients/race")).json["secrets"]) == 1


async def test_A_MG_06_of_two_changes_of_a_client_one_is_told(admin: Admin) -> None:
    """Whoever comes second; and nobody goes without a version."""
    tag = (await create(admin)).headers["ETag"]
    for method in ("PUT", "PATCH"):
        both = await asyncio.gather(
            *(admin.call(method, PATH, {"display_name": n}, If_Match=tag) for n in ("a", "b"))
        )
        assert sorted(answer.status for answer in both) == [200, 412]
        (first,) = [answer for answer in both if answer.status == 200]
        assert (await admin.call("DELETE", PATH, If_Match=tag)).status == 412
        assert (await admin.call(method, PATH, {})).status == 428
        tag = first.headers["ETag"]
    assert (await admin.call("DELETE", PATH)).status == 428
    assert (await admin.call("PATCH", PATH, {"x": 1}, If_Match=tag)).status == 422
    wrong = await admin.call("PUT", PATH, b"{}", If_Match=tag, Content_Type=MERGE_PATCH)
    assert wrong.status == 415


async def test_A_MG_07_a_client_that_ends_while_it_is_served(idp: Idp, admin: Admin) -> None:
    """Each of its requests gets a token or a refusal, and none a token afterwards."""
    secret = (await create(admin)).json["client_secret"]
    tag = (await admin.call("GET", PATH)).headers["ETag"]
    asked = [idp.grant("billing", secret) for _ in range(40)]
    gone, *granted = await asyncio.gather(admin.call("DELETE", PATH, If_Match=tag), *asked)
    assert gone.status == 204
    assert {answer.status for answer in granted} <= {200, 401}
    assert (await idp.grant("billing", secret)).error == "invalid_client"


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("a\\u0000b", 422),
        ("a\\u202eb", 422),
        ("a\\u200bb", 422),
        ("a\\nb", 422),
        ("\\ud800", 422),
        ("x" * 10_240, 422),
        ("=HYPERLINK(1)", 201),
        ("<script>alert(1)</script>", 201),
        ("Ünïcode 名前", 201),
        ("BILLING", 409),
        ("  bil\\uff4cing ", 409),
    ],
)
async def test_A_MG_08_hostile_names(admin: Admin, name: str, status: int) -> None:
    """Control characters and what turns writing are refused; markup is text like any other."""
    await create(admin, display_name="Billing")
    body = f'{{"client_id": "other", "display_name": "{name}"}}'.encode()
    answer = await admin.call("POST", "/clients", body)
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"].split(";")[0] in (
        "application/json",
        "application/problem+json",
    )
    if status == 201:
        assert (await admin.call("GET", "/clients/other")).json["display_name"] == name
    elif name != "\\ud800":
        assert answer.json["errors"][0]["pointer"] == "/display_name"


async def test_what_stands_in_a_file_is_changed_there(idp: Idp, admin: Admin) -> None:
    """409: not the body is wrong, but the place; its tokens can be ended all the same."""
    await create(admin)
    await idp.change_client("billing", is_configured=True)
    answers = [
        await change(admin, "PUT", {}),
        await change(admin, "PATCH", {}),
        await change(admin, "DELETE", None),
        await admin.call("POST", f"{PATH}/enable"),
        await admin.call("POST", f"{PATH}/disable"),
    ]
    for answer in answers:
        assert (answer.status, answer.json["type"][-12:]) == (409, "kept-in-file")
        assert "client_files" in answer.json["detail"]
    assert (await admin.call("POST", f"{PATH}/revoke-tokens")).status == 200
