"""What may be told of each thing, as JSON: never a secret, a hash of one, or a private key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from ..crypto.public_keys import without_private_members
from ..crypto.sealing import sealed_with
from ..key_model import KeyRingRecord
from ..model import Client, Resource, Scope, thawed
from ..user_model import User


def client_facts(client: Client) -> dict[str, Any]:
    """A client without its secrets."""
    return {
        "client_id": client.client_id,
        "display_name": client.display_name,
        "client_type": client.client_type,
        "application_type": client.application_type,
        "redirect_uris": list(client.redirect_uris),
        "post_logout_redirect_uris": list(client.post_logout_redirect_uris),
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "require_second_factor": client.require_second_factor,
        "enabled": client.enabled,
        "is_configured": client.is_configured,
        "permissions": sorted(client.permissions),
        "requirements": sorted(client.requirements),
        "roles": list(client.roles),
        "default_scopes": list(client.default_scopes),
        "default_audience": client.default_audience,
        "skip_token_encryption": client.skip_token_encryption,
        "signing_algorithm": client.token_profile.signing_algorithm,
        "token_typ": client.token_profile.typ,
        "encrypt_to": client.token_profile.encrypt_to,
        "lifetime": client.token_profile.lifetime,
        "audience_shape": client.token_profile.audience_shape,
        "claims": thawed(client.token_profile.claims),
        "session_tags": dict(client.token_profile.session_tags),
        "transitive_tags": list(client.token_profile.transitive_tags),
        "reference": client.token_profile.reference,
        "tokens_not_before": client.tokens_not_before,
        "jwks": public_jwks(client.jwks),
        "jwks_uri": client.jwks_uri,
        "accepts_token_endpoint_audience": client.accepts_token_endpoint_audience,
        "secret_ids": [secret.id for secret in client.secrets],
        "created_at": client.created_at,
    }


def scope_facts(scope: Scope) -> dict[str, Any]:
    """A scope, and the resources that it is for."""
    return {
        "name": scope.name,
        "display_name": scope.display_name,
        "description": scope.description,
        "resources": list(scope.resources),
    }


def resource_facts(resource: Resource, scopes: Iterable[str] | None = None) -> dict[str, Any]:
    """A resource, and the scopes that belong to it if they are known."""
    facts = {
        "resource": resource.identifier,
        "display_name": resource.display_name,
        "lifetime": resource.access_token_lifetime,
        "introspection_clients": list(resource.introspection_clients),
        "jwks": public_jwks(resource.jwks),
    }
    return facts if scopes is None else facts | {"scopes": list(scopes)}


def user_facts(user: User) -> dict[str, Any]:
    """A person, and whether she has a password, but nothing of it."""
    return {
        "subject": user.subject,
        "email": user.email,
        "email_verified": user.email_verified,
        "profile": thawed(user.profile),
        "roles": list(user.roles),
        "enabled": user.enabled,
        "has_password": bool(user.password_hash),
        "has_second_factor": user.second_factor is not None,
        "identities": [asdict(identity) for identity in user.identities],
        "administrator_by": user.administrator_by,
        "created_at": user.created_at,
        "password_changed_at": user.password_changed_at,
        "sessions_not_before": user.sessions_not_before,
    }


def key_ring_facts(ring: KeyRingRecord) -> dict[str, Any]:
    """Every key of the ring without its private half; ``sealed_with`` names what guards that."""
    return {
        "keys": [
            {
                "kid": key.kid,
                "use": key.use,
                "algorithm": key.algorithm,
                "created_at": key.created_at,
                "activates_at": key.activates_at,
                "source": key.source,
                "sealed_with": sealed_with(key),
            }
            for key in ring.keys
        ],
        "revoked": list(ring.revoked),
    }


def public_jwks(jwks: Mapping[str, Any] | None) -> Any:
    """As commands take none but public keys; what other programs have stored may have others."""
    return None if jwks is None else without_private_members(thawed(jwks))
