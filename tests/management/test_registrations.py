"""One set of rules for new and changed clients, whatever their flow; on both stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from apogee_idp.app import opened_store
from apogee_idp.errors import CommandRefused
from apogee_idp.management.client_keys import ClientKeys
from apogee_idp.management.clients import ClientCommands
from apogee_idp.management.registrations import ClientRegistration, registration_of
from apogee_idp.model import Client, frozen
from apogee_idp.settings import Settings
from apogee_idp.stores.base import Store
from apogee_idp.stores.repositories import clients_in
from tests.acting import acting
from tests.conftest import NewStoreUrl

CALLBACK = "https://app.example/callback"
CODE_FLOW: dict[str, Any] = {
    "flow_type": "authorization_code",
    "redirect_uris": (CALLBACK,),
    "post_logout_redirect_uris": ("https://app.example/bye",),
}
MACHINE_PERMISSIONS = {"ept:token", "gt:client_credentials", "scp:roles"}
CODE_PERMISSIONS = {
    *("ept:authorization", "ept:token", "ept:end_session", "gt:authorization_code", "rst:code"),
    *("scp:address", "scp:email", "scp:phone", "scp:profile", "scp:roles"),
}


@pytest.fixture
async def store(new_store_url: NewStoreUrl) -> AsyncIterator[Store]:
    async with opened_store(Settings(store=await new_store_url())) as store:
        yield store


@pytest.fixture
def commands(store: Store) -> ClientCommands:
    return ClientCommands(store, now=lambda: 1_000_000, **acting(store))


def app(**facts: Any) -> ClientRegistration:
    """An application that people sign in to."""
    return ClientRegistration("shop", **{**CODE_FLOW, **facts})


async def stored(store: Store, client_id: str = "shop") -> Client:
    client = await clients_in(store).get(client_id)
    assert client is not None
    return client


async def test_client_credentials_forces_its_invariants_before_a_secret_is_made(
    commands: ClientCommands, store: Store
) -> None:
    """The form of the system we rebuild sends a public ``spa`` here, and gets no secret."""
    wanted = app(
        flow_type="client_credentials",
        client_type="public",
        application_type="spa",
        allow_offline_access=True,
    )
    made = await commands.add(wanted)
    client = await stored(store)
    assert made.secret is not None
    assert [secret.id for secret in client.secrets] == [made.secret.id]
    assert (client.client_type, client.application_type) == ("confidential", "web")
    assert (client.redirect_uris, client.post_logout_redirect_uris) == ((), ())
    assert (client.permissions, client.requirements) == (MACHINE_PERMISSIONS, frozenset())


@pytest.mark.parametrize(
    ("facts", "permissions", "requirements"),
    [
        pytest.param({}, set(), {"ft:pkce"}, id="PKCE by default"),
        pytest.param({"require_pkce": False}, set(), set(), id="without PKCE"),
        pytest.param(
            {"allow_offline_access": True},
            {"gt:refresh_token", "scp:offline_access"},
            {"ft:pkce"},
            id="offline access",
        ),
        pytest.param(
            {"require_pushed_authorization_requests": True},
            set(),
            {"ft:pkce", "ft:par"},
            id="pushed requests",
        ),
        pytest.param(
            {"scopes": ("invoices.read",)}, {"scp:invoices.read"}, {"ft:pkce"}, id="an API's scope"
        ),
        pytest.param(
            {"endpoints": ("introspection",)}, {"ept:introspection"}, {"ft:pkce"}, id="endpoint"
        ),
    ],
)
async def test_permissions_and_requirements_of_the_code_flow(
    commands: ClientCommands,
    store: Store,
    facts: dict[str, Any],
    permissions: set[str],
    requirements: set[str],
) -> None:
    """What OpenIddict reads as: may use these endpoints, grants and scopes."""
    await commands.add(app(**facts))
    client = await stored(store)
    assert client.permissions == CODE_PERMISSIONS | permissions
    assert client.requirements == requirements
    assert client.redirect_uris == (CALLBACK,)
    await commands.update(app())
    assert (await stored(store)).requirements == {"ft:pkce"}


async def test_what_is_said_is_what_is_read_back(commands: ClientCommands, store: Store) -> None:
    """So a form that is sent back unchanged changes nothing."""
    wanted = app(
        display_name="Shop",
        client_type="public",
        application_type="native",
        allow_offline_access=True,
        enabled=False,
        scopes=("invoices.read",),
        default_scopes=("invoices.read",),
        roles=("reader",),
        endpoints=("revocation",),
        skip_token_encryption=True,
    )
    await commands.add(wanted)
    before = await stored(store)
    assert registration_of(before) == wanted
    await commands.update(wanted)
    assert replace(await stored(store), concurrency_token="", change_id="") == replace(
        before, concurrency_token="", change_id=""
    )


JWKS = frozen(
    {
        "keys": [
            {
                "kty": "EC",
                "crv": "P-256",
                "kid": "k",
                "use": "sig",
                "alg": "ES256",
                "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
            }
        ]
    }
)
MACHINE: dict[str, Any] = {"flow_type": "client_credentials"}
PUBLIC: dict[str, Any] = {"client_type": "public"}


@pytest.mark.parametrize(
    ("first", "second", "secrets", "is_new"),
    [
        pytest.param({}, MACHINE, 1, False, id="confidential app to machine"),
        pytest.param(PUBLIC, MACHINE, 1, True, id="public app to machine"),
        pytest.param(PUBLIC, {}, 1, True, id="public to confidential app"),
        pytest.param({}, PUBLIC, 0, False, id="confidential to public app"),
        pytest.param(MACHINE, {}, 1, False, id="machine to confidential app"),
        pytest.param(MACHINE, PUBLIC, 0, False, id="machine to public app"),
        pytest.param(
            MACHINE | {"keys": ClientKeys(JWKS)}, {"keys": ClientKeys()}, 1, True, id="keys to none"
        ),
    ],
)
async def test_no_switch_of_types_leaves_a_stale_or_a_missing_secret(
    commands: ClientCommands,
    store: Store,
    first: dict[str, Any],
    second: dict[str, Any],
    secrets: int,
    is_new: bool,
) -> None:
    """A confidential client can always authenticate, a public one has nothing to leak."""
    await commands.add(app(**first))
    made = (await commands.update(app(**second))).secret
    client = await stored(store)
    assert (made is not None) == is_new
    assert len(client.secrets) == secrets
    if is_new:
        assert made is not None
        assert client.secrets[-1].id == made.id


async def test_a_client_that_becomes_public_loses_its_keys(
    commands: ClientCommands, store: Store
) -> None:
    """They would be another way to authenticate, for somebody who is nobody."""
    await commands.add(app(keys=ClientKeys(JWKS)))
    await commands.update(app(client_type="public", keys=ClientKeys(JWKS)))
    assert (await stored(store)).jwks is None


async def test_a_switch_of_flow_changes_what_the_flow_decides_and_keeps_the_rest(
    commands: ClientCommands, store: Store
) -> None:
    """Grants, endpoints, URIs and PKCE are the flow's; everything else is the client's."""
    own: dict[str, Any] = {
        "display_name": "Shop",
        "scopes": ("invoices.read",),
        "default_scopes": ("invoices.read",),
        "default_audience": "https://shop.example",
        "roles": ("reader",),
        "endpoints": ("introspection",),
        "skip_token_encryption": True,
    }
    beside = {"scp:invoices.read", "ept:introspection"}
    await commands.add(app(allow_offline_access=True, **own))
    before = await stored(store)
    await commands.update(app(**MACHINE, **own))
    machine = await stored(store)
    assert machine.permissions == MACHINE_PERMISSIONS | beside
    assert machine.requirements == set()
    assert machine.redirect_uris == ()
    await commands.update(app(allow_offline_access=True, **own))
    assert replace(await stored(store), concurrency_token="", change_id="") == replace(
        before, concurrency_token="", change_id=""
    )


async def test_what_was_permitted_by_hand_is_kept(commands: ClientCommands, store: Store) -> None:
    """OpenIddict has permissions and requirements that this form does not know."""
    await commands.add(app())
    client = await stored(store)
    await clients_in(store).update(
        replace(
            client,
            permissions=client.permissions | {"gt:urn:ietf:params:oauth:grant-type:device_code"},
            requirements=client.requirements | {"ft:mtls"},
            properties=frozen({"tenant": "north"}),
        )
    )
    await commands.update(app(**MACHINE))
    client = await stored(store)
    assert "gt:urn:ietf:params:oauth:grant-type:device_code" in client.permissions
    assert client.requirements == {"ft:mtls"}
    assert client.properties == {"tenant": "north"}


REFUSED = [
    pytest.param({"flow_type": "implicit"}, "choose one flow", id="unknown flow"),
    pytest.param({"redirect_uris": ()}, "needs a redirect URI", id="no redirect URI"),
    pytest.param({"application_type": "spa"}, "make it public", id="a spa with a secret"),
    pytest.param({"application_type": "desktop"}, "choose one of web", id="unknown application"),
    pytest.param(
        {"client_type": "public", "require_pkce": False}, "needs PKCE", id="public without PKCE"
    ),
    pytest.param({"display_name": "a\u202eb"}, "printable", id="name that turns around"),
    pytest.param({"display_name": "n" * 201}, "at most 200", id="long name"),
    pytest.param({"scopes": ("nothing",)}, "no scope nothing", id="unknown scope"),
    pytest.param({"scopes": ("openid",)}, "follows from the flow", id="standard scope"),
    pytest.param({"default_scopes": ("invoices.read",)}, "must be scopes too", id="default scope"),
]


@pytest.mark.parametrize(("facts", "told"), REFUSED)
@pytest.mark.parametrize("change", [False, True], ids=["new", "changed"])
async def test_new_and_changed_clients_are_refused_by_the_same_rules(
    commands: ClientCommands, store: Store, facts: dict[str, Any], told: str, change: bool
) -> None:
    """And a refused change changes nothing."""
    if change:
        await commands.add(app())
        before = await stored(store)
    with pytest.raises(CommandRefused, match=told):
        await (commands.update if change else commands.add)(app(**facts))
    assert not change or await stored(store) == before


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize("application_type", ["web", "native"])
@pytest.mark.parametrize(
    ("uri", "good_for"),
    [
        (CALLBACK, {"web", "native"}),
        ("https://app.example:8443/cb?tenant=1", {"web", "native"}),
        ("http://127.0.0.1/cb", {"native"}),
        ("http://[::1]:4711/cb", {"native"}),
        ("com.example.app:/cb", {"native"}),
        ("http://localhost/cb", set()),
        ("http://app.example/cb", set()),
        ("http://127.0.0.1.evil.example/cb", set()),
        ("app:/cb", set()),
        ("javascript:alert(1)", set()),
        ("data:text/html,x", set()),
        ("/cb", set()),
        ("https:///cb", set()),
        ("https://user@app.example/cb", set()),
        ("https://app.example/cb#f", set()),
        ("https://*.app.example/cb", set()),
        ("https://app.example\\@evil.example/cb", set()),
        ("https://app.example/cb?iss=x", set()),
        ("https://app.example:99999/cb", set()),
        ("https://app.example/\u00fc", set()),
        ("https://app.example/\n", set()),
        ("https://app.example/" + "a" * 2000, set()),
    ],
)
@pytest.mark.parametrize("member", ["redirect_uris", "post_logout_redirect_uris"])
async def test_R_AE_04_where_people_may_be_sent(
    commands: ClientCommands, application_type: str, member: str, uri: str, good_for: set[str]
) -> None:
    """https for all; loopback addresses and private schemes for native applications alone."""
    wanted = app(**{"application_type": application_type, member: (uri,)})
    if application_type in good_for:
        made = await commands.add(wanted)
        assert getattr(made.client, member) == (uri,)
    else:
        with pytest.raises(CommandRefused, match="redirect URI"):
            await commands.add(wanted)


@pytest.mark.parametrize("name", ["Shop", " sHOP ", "\uff33hop"], ids=["same", "case", "width"])
async def test_no_new_or_changed_name_is_that_of_another_client(
    commands: ClientCommands, name: str
) -> None:
    """People choose by it; a name that a client has already may stay."""
    await commands.add(app(display_name="Shop"))
    other = ClientRegistration("other", display_name="Other")
    await commands.add(other)
    with pytest.raises(CommandRefused, match="shop has this name already"):
        await commands.add(ClientRegistration("third", display_name=name))
    with pytest.raises(CommandRefused, match="shop has this name already"):
        await commands.update(replace(other, display_name=name))
    await commands.update(replace(other, roles=("reader",)))


async def test_names_that_repeat_already_hinder_nobody(
    commands: ClientCommands, store: Store
) -> None:
    """OpenIddict lets them repeat, so a database may come with such; nor do odd documents."""
    for client_id in ("one", "two"):
        await clients_in(store).add(Client(client_id, "Twin", "public"))
    await store.applications.insert("damaged", {"display_name": 7, "permissions": "none"})
    await commands.update(ClientRegistration("one", "Twin", roles=("reader",)))
    await commands.add(ClientRegistration("three", "Single"))


async def test_A_MG_06_of_two_changes_of_one_version_one_is_refused(
    commands: ClientCommands, store: Store
) -> None:
    """Nobody overwrites what he has not seen."""
    await commands.add(app())
    version = (await stored(store)).concurrency_token
    results = await asyncio.gather(
        *(commands.update(app(roles=(role,)), version=version) for role in ("a", "b")),
        return_exceptions=True,
    )
    refused = [result for result in results if isinstance(result, CommandRefused)]
    assert len(refused) == 1
    assert "changed meanwhile" in str(refused[0])


async def test_A_MG_06_of_a_hundred_creations_of_one_id_one_succeeds(
    commands: ClientCommands, store: Store
) -> None:
    """The others are told that it exists, and the winner's secret is the one that is stored."""
    names = (ClientRegistration("shop", f"Shop {number}") for number in range(100))
    results = await asyncio.gather(*map(commands.add, names), return_exceptions=True)
    (won,) = [result for result in results if not isinstance(result, BaseException)]
    assert all("exists already" in str(lost) for lost in results if lost is not won)
    assert won.secret is not None
    assert [secret.id for secret in (await stored(store)).secrets] == [won.secret.id]
