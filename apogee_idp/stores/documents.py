"""Clients, scopes and resources as documents in OpenIddict's shape, and back.

The key of a document (``client_id``, ``name``) is the store's to write.

What OpenIddict has no field for goes under ``properties``: its own ``SkipTokenEncryption``, and
ours under ``properties.apogee``. Members that we don't know stay as they are; those we know are
read strictly, so that a damaged document is an error and never half a client.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..model import (
    AUDIENCE_SHAPES,
    ENCRYPTION_TARGETS,
    SIGNING_ALGORITHMS,
    TOKEN_TYPS,
    Client,
    ClientSecret,
    Resource,
    Scope,
    TokenProfile,
    frozen,
    thawed,
)
from .base import Stored
from .members import json_object, members_of, one_of, optional, text, texts, whole
from .values import ABSENT, Document, exactly

OPENIDDICT_SECRET_ID = "openiddict"
"""The id of the one secret that OpenIddict itself keeps, hashed, in the field ``client_secret``."""

_SKIP_TOKEN_ENCRYPTION = "SkipTokenEncryption"
_OURS = "apogee"
_ASYMMETRIC = ("RSA", "EC")


def write_client(client: Client, previous: Document) -> Document:
    """What the document of ``client`` must have, given the one there was before, if any."""
    legacy = [s.hash for s in client.secrets if s.id == OPENIDDICT_SECRET_ID]
    facts = (previous.get("properties") or {}).get(_OURS, {})
    properties = _write_properties(client.properties, previous)
    properties[_OURS] = _our_facts(client, facts)
    if client.skip_token_encryption:
        properties[_SKIP_TOKEN_ENCRYPTION] = True
    return {
        "client_type": client.client_type,
        "application_type": client.application_type,
        "display_name": client.display_name or ABSENT,
        "permissions": sorted(client.permissions),
        "requirements": sorted(client.requirements),
        "redirect_uris": _write_uris(client.redirect_uris, previous.get("redirect_uris", ABSENT)),
        "post_logout_redirect_uris": _write_uris(
            client.post_logout_redirect_uris, previous.get("post_logout_redirect_uris", ABSENT)
        ),
        "client_secret": legacy[0] if legacy else ABSENT,
        "json_web_key_set": ABSENT if client.jwks is None else thawed(client.jwks),
        "properties": properties,
    }


def _write_uris(uris: tuple[str, ...], previous: Any) -> Any:
    """None at all is nothing, an empty list, or whatever else it was before."""
    is_none_still = not uris and (previous is ABSENT or not previous)
    return previous if is_none_still else list(uris) or ABSENT


def _write_properties(properties: Mapping[str, Any], previous: Document) -> dict[str, Any]:
    return dict(exactly(thawed(properties), previous.get("properties") or {}))


def _our_facts(client: Client, previous: Mapping[str, Any]) -> dict[str, Any]:
    known = {secret["id"]: secret for secret in previous.get("secrets", ())}
    own = [s for s in client.secrets if s.id != OPENIDDICT_SECRET_ID]
    return {
        "enabled": client.enabled,
        "roles": list(client.roles),
        "default_scopes": list(client.default_scopes),
        "default_audience": client.default_audience,
        "token_profile": _write_token_profile(client.token_profile),
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "require_second_factor": client.require_second_factor,
        "jwks_uri": client.jwks_uri,
        "accepts_token_endpoint_audience": client.accepts_token_endpoint_audience,
        "tokens_not_before": client.tokens_not_before,
        "created_at": client.created_at,
        "is_configured": client.is_configured,
        "change_id": client.change_id,
        "secrets": [known.get(secret.id, {}) | asdict(secret) for secret in own],
    }


def read_client(stored: Stored) -> Client:
    """The client in a document; raises ValueError, TypeError, KeyError or AttributeError."""
    document = stored.document
    properties = members_of(document.get("properties"))
    ours = members_of(properties.pop(_OURS, None))
    # Only the boolean true opts out: "true", 1 and whatever else leave encryption on.
    skip = properties.pop(_SKIP_TOKEN_ENCRYPTION, None) is True
    jwks = optional(json_object, document.get("json_web_key_set"))
    declared = text(document.get("client_type") or "").lower()
    confidential = (declared or _inferred_type(document, jwks)) == "confidential"
    return Client(
        client_id=stored.key,
        display_name=text(document.get("display_name") or ""),
        client_type="confidential" if confidential else "public",
        application_type=text(document.get("application_type") or "web"),
        enabled=ours.get("enabled", True) is True,
        permissions=frozenset(texts(document.get("permissions"))),
        requirements=frozenset(texts(document.get("requirements"))),
        redirect_uris=texts(document.get("redirect_uris")),
        post_logout_redirect_uris=texts(document.get("post_logout_redirect_uris")),
        roles=texts(ours.get("roles")),
        default_scopes=texts(ours.get("default_scopes")),
        default_audience=optional(text, ours.get("default_audience")),
        skip_token_encryption=skip,
        token_profile=_read_token_profile(ours.get("token_profile", {})),
        secrets=_read_secrets(document, ours),
        jwks=jwks,
        backchannel_logout_uri=optional(text, ours.get("backchannel_logout_uri")),
        require_second_factor=ours.get("require_second_factor", False) is True,
        jwks_uri=optional(text, ours.get("jwks_uri")),
        accepts_token_endpoint_audience=ours.get("accepts_token_endpoint_audience", False) is True,
        tokens_not_before=whole(ours.get("tokens_not_before", 0)),
        created_at=whole(ours.get("created_at", 0)),
        is_configured=ours.get("is_configured", False) is True,
        properties=frozen(properties),
        change_id=text(ours.get("change_id", "")),
        concurrency_token=stored.version,
    )


def is_configured(document: Document) -> bool:
    """Whether the document, which may be damaged, is that of a client that stands in a file."""
    place: object = document
    for name in ("properties", _OURS, "is_configured"):
        place = place.get(name) if isinstance(place, Mapping) else None
    return place is True


def _inferred_type(document: Document, jwks: Mapping[str, Any] | None) -> str:
    """What OpenIddict takes a client to be whose type was left out."""
    keys = () if jwks is None else jwks.get("keys", ())
    has_proof = bool(document.get("client_secret")) or any(map(_verifies_assertions, keys))
    return "confidential" if has_proof else "public"


def _verifies_assertions(key: Mapping[str, Any]) -> bool:
    return key.get("kty") in _ASYMMETRIC and key.get("use", "sig") == "sig"


def _write_token_profile(profile: TokenProfile) -> dict[str, Any]:
    """Names of claims and tags may have dots, which members can't: so they are JSON in a text."""
    return {
        "signing_algorithm": profile.signing_algorithm,
        "typ": profile.typ,
        "encrypt_to": profile.encrypt_to,
        "lifetime": profile.lifetime,
        "audience_shape": profile.audience_shape,
        "claims": json.dumps(thawed(profile.claims)),
        "session_tags": json.dumps(thawed(profile.session_tags)),
        "transitive_tags": list(profile.transitive_tags),
        "reference": profile.reference,
    }


def _read_token_profile(members: Mapping[str, Any]) -> TokenProfile:
    tags = json_object(json.loads(members.get("session_tags", "{}")))
    return TokenProfile(
        signing_algorithm=one_of(SIGNING_ALGORITHMS, members.get("signing_algorithm", "RS256")),
        typ=one_of(TOKEN_TYPS, members.get("typ", "at+jwt")),
        encrypt_to=one_of(ENCRYPTION_TARGETS, members.get("encrypt_to", "server")),
        lifetime=optional(whole, members.get("lifetime")),
        audience_shape=one_of(AUDIENCE_SHAPES, members.get("audience_shape", "compact")),
        claims=json_object(json.loads(members.get("claims", "{}"))),
        session_tags=frozen({name: text(value) for name, value in tags.items()}),
        transitive_tags=texts(members.get("transitive_tags")),
        reference=members.get("reference", False) is True,
    )


def _read_secrets(document: Document, ours: Mapping[str, Any]) -> tuple[ClientSecret, ...]:
    secrets = [
        ClientSecret(
            text(secret["id"]),
            text(secret["hash"]),
            whole(secret.get("created_at", 0)),
            optional(whole, secret.get("expires_at")),
            text(secret.get("name", "")),
        )
        for secret in ours.get("secrets", ())
    ]
    if document.get("client_secret"):
        secrets.append(ClientSecret(OPENIDDICT_SECRET_ID, text(document["client_secret"])))
    return tuple(secrets)


def write_scope(scope: Scope, previous: Document) -> Document:
    """What the document of ``scope`` must have, given the one there was before, if any."""
    properties = _write_properties(scope.properties, previous)
    properties[_OURS] = {"change_id": scope.change_id}
    return {
        "display_name": scope.display_name or ABSENT,
        "description": scope.description or ABSENT,
        "resources": list(scope.resources),
        "properties": properties,
    }


def read_scope(stored: Stored) -> Scope:
    """The scope in a document; raises as ``read_client`` does."""
    document = stored.document
    properties = members_of(document.get("properties"))
    ours = members_of(properties.pop(_OURS, None))
    return Scope(
        name=stored.key,
        resources=texts(document.get("resources")),
        display_name=text(document.get("display_name") or ""),
        description=text(document.get("description") or ""),
        properties=frozen(properties),
        change_id=text(ours.get("change_id", "")),
        concurrency_token=stored.version,
    )


def write_resource(resource: Resource, previous: Document) -> Document:
    """What the document of ``resource`` must have, given the one there was before, if any."""
    return {
        "display_name": resource.display_name or ABSENT,
        "jwks": ABSENT if resource.jwks is None else thawed(resource.jwks),
        "access_token_lifetime": resource.access_token_lifetime,
        "introspection_clients": list(resource.introspection_clients),
        "properties": _write_properties(resource.properties, previous),
        "change_id": resource.change_id,
    }


def read_resource(stored: Stored) -> Resource:
    """The resource in a document; raises as ``read_client`` does."""
    document = stored.document
    return Resource(
        identifier=stored.key,
        display_name=text(document.get("display_name") or ""),
        jwks=optional(json_object, document.get("jwks")),
        access_token_lifetime=optional(whole, document.get("access_token_lifetime")),
        introspection_clients=texts(document.get("introspection_clients")),
        properties=frozen(members_of(document.get("properties"))),
        change_id=text(document.get("change_id", "")),
        concurrency_token=stored.version,
    )
