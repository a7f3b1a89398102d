"""What stands in a document and what is read from it are the same, member by member."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from apogee_idp.key_model import KeyRecord, KeyRingRecord
from apogee_idp.model import Client, ClientSecret, Resource, Scope, TokenProfile, frozen
from apogee_idp.stores.base import Stored
from apogee_idp.stores.documents import (
    OPENIDDICT_SECRET_ID,
    read_client,
    read_resource,
    read_scope,
    write_client,
    write_resource,
    write_scope,
)
from apogee_idp.stores.key_documents import read_key_ring, write_key_ring
from apogee_idp.stores.user_documents import read_user, write_user
from apogee_idp.stores.values import merged
from apogee_idp.user_model import Identity, SecondFactor, User

SUBJECT = "usr_" + "A" * 22
JWKS = frozen({"keys": [{"kty": "RSA"}]})
PROFILE = TokenProfile(
    "ES256",
    "JWT",
    "resource",
    600,
    "array",
    claims=frozen({"https://claims.example/tier": [1, {"a": None}]}),
    session_tags=frozen({"team.name": "blue"}),
    transitive_tags=("team.name",),
    reference=True,
)
CLIENT = Client(
    "billing",
    "Billing",
    "public",
    "native",
    enabled=False,
    permissions=frozenset({"ept:token", "gt:client_credentials"}),
    requirements=frozenset({"ft:pkce"}),
    redirect_uris=("https://app.example/cb",),
    post_logout_redirect_uris=("https://app.example/bye",),
    backchannel_logout_uri="https://app.example/logout",
    require_second_factor=True,
    roles=("biller",),
    default_scopes=("ping",),
    default_audience="https://billing.example",
    skip_token_encryption=True,
    token_profile=PROFILE,
    secrets=(
        ClientSecret("one", "sha256:1", 5, 6, "first"),
        ClientSecret(OPENIDDICT_SECRET_ID, "pbkdf2"),
    ),
    jwks=JWKS,
    jwks_uri="https://app.example/jwks",
    accepts_token_endpoint_audience=True,
    tokens_not_before=7,
    created_at=8,
    is_configured=True,
    properties=frozen({"tenant": {"name": "blue"}}),
    change_id="c1",
    concurrency_token="v1",
)
SCOPE = Scope(
    *("ping", ("https://ping.example",), "Ping", "Pings.", frozen({"tier": 1}), "c1", "v1")
)
RESOURCE = Resource(
    *("https://ping.example", "Ping", JWKS, 60, ("billing",), frozen({"tier": 1}), "c1", "v1")
)
USER = User(
    SUBJECT,
    "ann@example.com",
    email_verified=True,
    password_hash="argon2",
    second_factor=SecondFactor("sealed", ("hash",), 5, 6),
    identities=(Identity("google", "1", "ann@example.org", email_verified=True, linked_at=7),),
    profile=frozen({"name": "Ann", "address": {"country": "NO"}, "phone_number_verified": True}),
    roles=("idp-admin",),
    administrator_by="ann@example.com",
    enabled=False,
    created_at=8,
    password_changed_at=9,
    sessions_not_before=10,
    properties=frozen({"tenant": "blue"}),
    change_id="c1",
    concurrency_token="v1",
)
RING = KeyRingRecord(
    (
        KeyRecord("k1", "sig", "ES256", 5, 6, "sealed"),
        KeyRecord("k2", "enc", "RSA-OAEP", 7, 8, source="kms", public=frozen({"kty": "RSA"})),
    ),
    ("k0",),
    "c1",
    "v1",
)
KINDS: list[Any] = [
    pytest.param(CLIENT, "billing", write_client, read_client, id="client"),
    pytest.param(SCOPE, "ping", write_scope, read_scope, id="scope"),
    pytest.param(RESOURCE, "https://ping.example", write_resource, read_resource, id="resource"),
    pytest.param(USER, SUBJECT, write_user, read_user, id="user"),
    pytest.param(RING, "ring", lambda ring, _: write_key_ring(ring), read_key_ring, id="keys"),
]
LEAST: list[Any] = [
    pytest.param({}, Client("billing", client_type="public"), read_client, id="client"),
    pytest.param({}, Scope("billing"), read_scope, id="scope"),
    pytest.param({}, Resource("billing"), read_resource, id="resource"),
    pytest.param(
        {"email": "ann@example.com"},
        User(SUBJECT, "ann@example.com", enabled=False),
        read_user,
        id="user",
    ),
    pytest.param(
        {
            "keys": [
                {"kid": "k1", "use": "sig", "algorithm": "ES256", "created_at": 5, "sealed": ""}
            ]
        },
        KeyRingRecord((KeyRecord("k1", "sig", "ES256", 5, 5),)),
        read_key_ring,
        id="keys",
    ),
]


@pytest.mark.parametrize(("entity", "key", "write", "read"), KINDS)
def test_what_is_written_is_read(
    entity: Any,
    key: str,
    write: Callable[[Any, dict[str, Any]], dict[str, Any]],
    read: Callable[[Stored], Any],
) -> None:
    """Nothing in it has the value that it would have anyway."""
    document = merged({}, write(entity, {}))
    assert read(Stored(key, document, "v1")) == entity
    for field in fields(entity):
        assert getattr(entity, field.name) != field.default, field.name


@pytest.mark.parametrize(("entity", "key", "write", "read"), KINDS)
def test_what_is_written_twice_is_the_same(
    entity: Any,
    key: str,
    write: Callable[[Any, dict[str, Any]], dict[str, Any]],
    read: Callable[[Stored], Any],
) -> None:
    """And what others have added stays."""
    document = merged({}, write(entity, {})) | {"added": 1}
    assert merged(document, write(entity, document)) == document


@pytest.mark.parametrize(("document", "entity", "read"), LEAST)
def test_what_is_missing_is_as_if_nobody_had_said_it(
    document: dict[str, Any], entity: Any, read: Callable[[Stored], Any]
) -> None:
    """A client without proof is public; a user of whom it isn't said is not enabled."""
    key = SUBJECT if isinstance(entity, User) else "billing"
    assert read(Stored(key, document, version="")) == entity
