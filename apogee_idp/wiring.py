"""What is put together from what: the services, and the registry of handlers."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from enum import IntEnum

from .administrators import without_former_administrators
from .assertions import AssertionVerifier
from .authentication import ClientAuthenticator
from .backchannel_logout import BackChannelLogout
from .consents import Consents
from .crypto.secrets import SecretVerifier
from .events import (
    GenerateToken,
    ProcessAuthorization,
    ProcessConfiguration,
    ProcessEndSession,
    ProcessIntrospection,
    ProcessPushedAuthorization,
    ProcessRevocation,
    ProcessSignIn,
    ProcessUserInfo,
    ValidateToken,
)
from .external.providers import ExternalProviders
from .foundation import Foundation
from .grants import Grants
from .id_token_hints import IdTokenHints
from .interactions import Interactions
from .logout_tokens import LogoutTokens
from .logs import log_logout_not_heard, log_timer
from .minting import TokenMinter
from .model import Client, Resource, is_client_id
from .pipeline import Observer, Registry, Timer
from .plugins import load_plugins
from .pushed_requests import PushedRequests
from .reading import TokenReader
from .recipients import RecipientKeys
from .reference_tokens import ReferenceTokens
from .remote_keys import RemoteKeys
from .revocation import Revocations
from .second_factors import SecondFactors
from .services import Services
from .sessions import SessionLimits, Sessions
from .settings import BUILT_IN_PLUGIN, Settings
from .stages import (
    AuthorizationStage,
    ConfigurationStage,
    EndSessionStage,
    IntrospectionStage,
    PushedAuthorizationStage,
    RevocationStage,
    Stage,
    TokenStage,
    UserInfoStage,
    ValidationStage,
)
from .stores.base import Store
from .stores.directory import Directory, Outage
from .stores.repositories import Entity, clients_in, resources_in, scopes_in, users_in
from .telemetry.metrics import Metrics
from .telemetry.opening import NO_TELEMETRY, Telemetry
from .throttling import SignInThrottle
from .user_authentication import UserAuthenticator
from .user_model import User

REQUIRED_STAGES: dict[type, Sequence[IntEnum]] = {
    ProcessSignIn: [stage for stage in Stage if stage is not Stage.REDEEM_GRANT],
    GenerateToken: list(TokenStage),
    ValidateToken: list(ValidationStage),
    ProcessIntrospection: list(IntrospectionStage),
    ProcessRevocation: list(RevocationStage),
    ProcessPushedAuthorization: list(PushedAuthorizationStage),
    ProcessAuthorization: list(AuthorizationStage),
    ProcessUserInfo: list(UserInfoStage),
    ProcessEndSession: list(EndSessionStage),
    ProcessConfiguration: list(ConfigurationStage),
}


def build_services(on: Foundation) -> Services:
    """Everything that handlers are built from."""
    settings, store, now = on.settings, on.store, on.now
    outage = Outage()
    # The others are asked for what a client is permitted, clients for whatever strangers send.
    clients = _directory(clients_in(store).get, settings, outage, could_be=is_client_id)
    resources = _directory(_resource_in(store), settings, outage)
    authenticator = _build_authenticator(on, clients)
    references = ReferenceTokens(store.tokens)
    users = users_in(store)
    find_user = without_former_administrators(users.get, settings.administrators)
    grants = Grants(store.authorizations, find_user, now=now, new_id=on.new_id)
    throttle = SignInThrottle(monotonic=time.monotonic)
    issuer = settings.issuer
    backchannel_logout = _build_backchannel_logout(on, clients)
    return Services(
        settings=settings.without_secrets(),  # for plugins
        clients=clients,
        scopes=_directory(scopes_in(store).get, settings, outage),
        resources=resources,
        keys=on.keys,
        recipient_keys=RecipientKeys(resources),
        authenticator=authenticator,
        minter=TokenMinter(
            settings, authenticator, references, grants, on.keys, now=now, new_id=on.new_id
        ),
        reader=TokenReader(issuer, on.keys, references, grants, now=now),
        revocations=Revocations(store.revocations, references, clients, grants, now=now),
        users=users,
        find_user=find_user,
        user_authenticator=UserAuthenticator(store, on.passwords, throttle, now=now),
        second_factors=SecondFactors(users, on.guards, throttle, now=now),
        external_providers=ExternalProviders(on.identity_providers, on.outgoing, now=now),
        grants=grants,
        sessions=_build_sessions(on, find_user, backchannel_logout),
        backchannel_logout=backchannel_logout,
        consents=Consents(store.consents, now=now),
        interactions=Interactions(store.interactions, now=now),
        pushed_requests=PushedRequests(store.interactions, now=now),
        id_token_hints=IdTokenHints(issuer, on.keys),
        now=now,
        new_id=on.new_id,
    )


def _build_backchannel_logout(on: Foundation, clients: Directory[Client]) -> BackChannelLogout:
    tokens = LogoutTokens(on.settings.issuer, on.keys, now=on.now, new_id=on.new_id)
    return BackChannelLogout(clients, tokens, on.announcing, report=log_logout_not_heard)


def _build_sessions(
    on: Foundation,
    user: Callable[[str], Awaitable[User | None]],
    backchannel_logout: BackChannelLogout,
) -> Sessions:
    return Sessions(
        on.store.sessions,
        user,
        SessionLimits(on.settings.session_idle_seconds, on.settings.session_lifetime),
        now=on.now,
        new_id=on.new_id,
        ended=backchannel_logout.tell,
    )


def build_registry(services: Services, telemetry: Telemetry = NO_TELEMETRY) -> Registry:
    """The built-in handlers and those of the settings' plugins, sealed; raises RegistryError."""
    settings = services.settings
    registry = Registry(
        handler_timeout=settings.handler_timeout,
        observe=_observer(settings, telemetry.metrics),
        span=None if telemetry.tracing is None else telemetry.tracing.span,
    )
    load_plugins([BUILT_IN_PLUGIN, *settings.plugins], registry, services)
    registry.seal(required=REQUIRED_STAGES)
    return registry


def _observer(settings: Settings, metrics: Metrics | None) -> Observer | None:
    """Whoever wants to know how long each handler took."""
    counting = None if metrics is None else metrics.handler_timer
    if settings.log_level != "debug":
        return counting
    if counting is None:
        return log_timer

    def both(event: str, handler: str) -> Timer:
        log, count = log_timer(event, handler), counting(event, handler)

        def note(seconds: float) -> None:
            log(seconds)
            count(seconds)

        return note

    return both


def _build_authenticator(on: Foundation, clients: Directory[Client]) -> ClientAuthenticator:
    assertions = AssertionVerifier(
        RemoteKeys(on.outgoing.get_json, monotonic=time.monotonic),
        on.store.assertions,
        issuer=on.settings.issuer,
        token_endpoint=on.settings.endpoint("/connect/token"),
        now=on.now,
        patience=on.patience,
    )
    verifier = SecretVerifier(on.slow)
    return ClientAuthenticator(clients, verifier, assertions, on.usage, now=on.now)


def _resource_in(store: Store) -> Callable[[str], Awaitable[Resource]]:
    """Reads a resource; one that nobody registered is one without any facts.

    So it is remembered like the others: most audiences are registered nowhere, and their tokens
    must not depend on the store more than those of the rest.
    """
    registered = resources_in(store)

    async def read(identifier: str) -> Resource:
        return await registered.get(identifier) or Resource(identifier)

    return read


def _directory(
    fetch: Callable[[str], Awaitable[Entity | None]],
    settings: Settings,
    outage: Outage,
    *,
    could_be: Callable[[str], bool] = bool,
) -> Directory[Entity]:
    return Directory(
        fetch,
        size=settings.cache_size,
        seconds=settings.cache_seconds,
        stale_seconds=settings.cache_stale_seconds,
        monotonic=time.monotonic,
        could_be=could_be,
        outage=outage,
    )
