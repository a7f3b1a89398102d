"""What ``serve --dev`` adds: two demo clients with fresh secrets, and how to try them."""

from __future__ import annotations

from contextlib import suppress

import click

from .app import Installation
from .crypto.secrets import generate_secret
from .errors import CommandRefused
from .management.actor import SERVER_ACTOR
from .management.desk import Management
from .management.registrations import ClientRegistration
from .model import Scope

DEMO_SCOPE = Scope("demo.read", resources=("https://api.demo.example",))
DEMO_CLIENTS = {"demo-jwe": False, "demo-jws": True}
"""Each demo client's id, and whether it skips token encryption."""

_BANNER = """
Apogee IdP, development mode: not for production.
Issuer: {issuer}

An encrypted token (JWE), for APIs that introspect or have a key of their own:
  {jwe}

A plain signed token (JWS), for APIs that verify with the published keys:
  {jws}

These secrets are shown this once; every start makes new ones. Stop with Ctrl-C.
"""


async def announce(installation: Installation) -> None:
    """In development, prints what to try first."""
    if installation.settings.development:
        click.echo(await make_demo(installation.management))


async def make_demo(management: Management) -> str:
    """Replaces the demo clients by new ones and returns what to tell the developer."""
    scopes, clients = management.scopes(SERVER_ACTOR), management.clients(SERVER_ACTOR)
    if DEMO_SCOPE.name not in {scope.name for scope in (await scopes.all()).items}:
        await scopes.add(DEMO_SCOPE)
    lines = {}
    for client_id, plain in DEMO_CLIENTS.items():
        with suppress(CommandRefused):
            await clients.delete(client_id)
        secret = generate_secret()
        await clients.add(
            ClientRegistration(
                client_id,
                display_name=f"Demo ({'JWS' if plain else 'JWE'})",
                scopes=(DEMO_SCOPE.name,),
                skip_token_encryption=plain,
            ),
            secret=secret.value,
        )
        lines[client_id] = (
            f"curl -s -u {client_id}:{secret.value} -d grant_type=client_credentials"
            f" -d scope={DEMO_SCOPE.name} {management.settings.endpoint('/connect/token')}"
        )
    return _BANNER.format(
        issuer=management.settings.issuer, jwe=lines["demo-jwe"], jws=lines["demo-jws"]
    )
