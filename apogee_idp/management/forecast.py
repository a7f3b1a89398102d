"""What a client's next token will look like, for the rules of the presets."""

from __future__ import annotations

from ..audience import choose_audience
from ..errors import CommandRefused, OAuthError
from ..model import MANAGEMENT_SCOPES, ROLES_SCOPE, USER_SCOPES, Client, Scope
from ..presets import Subject
from ..settings import Settings
from ..stores.base import Store
from ..stores.repositories import clients_in, resources_in, scopes_in


async def forecast(
    store: Store, settings: Settings, client_id: str, scopes: tuple[str, ...] = ()
) -> Subject:
    """The token that the client would get if it asked for ``scopes``, or for none by name.

    What plugins would make of it nobody can tell. Raises CommandRefused if it would get none.
    """
    client = await clients_in(store).get(client_id)
    if client is None:
        raise CommandRefused(f"there is no client {client_id}")
    granted = [
        await _granted(store, settings, client, name) for name in scopes or client.default_scopes
    ]
    try:
        audience = choose_audience(client, {s.name: s.resources for s in granted}).audience
    except OAuthError as error:
        raise CommandRefused(f"{client_id} would get no token. {error.description}") from None
    resources = [await resources_in(store).get(name) for name in audience]
    profile = client.token_profile
    return Subject(
        issuer=settings.issuer,
        client_id=client.client_id,
        audience=audience,
        lifetime=min(
            profile.lifetime_for(resources, settings.access_token_lifetime),
            settings.longest_token_lifetime,
        ),
        algorithm=profile.signing_algorithm,
        typ=profile.typ,
        encrypted_to=None if client.skip_token_encryption else profile.encrypt_to,
        reference=profile.reference,
        claims=profile.extra_claims(),
    )


async def _granted(store: Store, settings: Settings, client: Client, name: str) -> Scope:
    scope: Scope | None
    if name in MANAGEMENT_SCOPES:
        scope = Scope(name, (settings.management_audience,))
    elif name == ROLES_SCOPE:
        scope = Scope(name)
    else:
        scope = await scopes_in(store).get(name)
    if scope is None or name in USER_SCOPES or not client.permits_scope(name):
        raise CommandRefused(
            f"{client.client_id} would get no token: the scope {name} is unknown, or not its to ask"
        )
    return scope
