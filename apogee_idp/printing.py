"""What the command line prints: facts as JSON for scripts, as tables for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from .crypto.secrets import NewSecret
from .model import Client, Resource, Scope, thawed


def client_facts(client: Client) -> dict[str, Any]:
    """A client without its secrets."""
    return {
        "client_id": client.client_id,
        "display_name": client.display_name,
        "client_type": client.client_type,
        "enabled": client.enabled,
        "is_configured": client.is_configured,
        "permissions": sorted(client.permissions),
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
        "jwks": thawed(client.jwks),
        "jwks_uri": client.jwks_uri,
        "accepts_token_endpoint_audience": client.accepts_token_endpoint_audience,
        "secret_ids": [secret.id for secret in client.secrets],
        "created_at": client.created_at,
    }


def scope_facts(scope: Scope) -> dict[str, Any]:
    """What ``scopes list`` tells of one."""
    return {
        "name": scope.name,
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
        "jwks": thawed(resource.jwks),
    }
    return facts if scopes is None else facts | {"scopes": list(scopes)}


def print_facts(facts: Mapping[str, Any], as_json: bool) -> None:
    """All that is known of one thing."""
    if as_json:
        print_json(facts)
    else:
        print_table(("FIELD", "VALUE"), [(name, readable(fact)) for name, fact in facts.items()])


def readable(fact: object) -> str:
    """One fact on one line."""
    return " ".join(map(str, fact)) if isinstance(fact, list) else json.dumps(fact).strip('"')


def print_secret(client_id: str, secret: NewSecret, as_json: bool) -> None:
    """The one time that a secret is shown."""
    if as_json:
        print_json({"client_id": client_id, "client_secret": secret.value})
    else:
        click.echo(f"client_id:     {client_id}\nclient_secret: {secret.value}")
        click.echo("Keep the secret now: it is not shown again.", err=True)


def print_json(value: object) -> None:
    """For scripts."""
    click.echo(json.dumps(value, indent=2))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """For people."""
    table = [tuple(headings), *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        click.echo("  ".join(map(str.ljust, row, widths)).rstrip())
