"""What ``serve --dev`` adds: two demo clients with fresh secrets, and how to try them."""

from __future__ import annotations

from contextlib import suppress

from .app import audit_of, now
from .crypto.secrets import generate_secret
from .errors import CommandRefused
from .management.actor import SERVER_ACTOR
from .management.clients import ClientCommands
from .management.registrations import ClientRegistration
from .management.scopes import ScopeCommands
from .model import Scope
from .settings import Settings
from .stores.base import Store

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


async def make_demo(store: Store, settings: Settings) -> str:
    """Replaces the demo clients by new ones and returns what to tell the developer."""
    audit, actor = audit_of(store), SERVER_ACTOR
    scopes = ScopeCommands(store, audit=audit, actor=actor)
    clients = ClientCommands(store, now=now, audit=audit, actor=actor)
    if DEMO_SCOPE.name not in {scope.name for scope in await scopes.all()}:
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
            f" -d scope={DEMO_SCOPE.name} {settings.endpoint('/connect/token')}"
        )
    return _BANNER.format(issuer=settings.issuer, jwe=lines["demo-jwe"], jws=lines["demo-jws"])
