"""What a handler may be built from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .authentication import ClientAuthenticator
from .backchannel_logout import BackChannelLogout
from .consents import Consents
from .external.providers import ExternalProviders
from .grants import Grants
from .id_token_hints import IdTokenHints
from .interactions import Interactions
from .keyring import KeyRing
from .minting import TokenMinter
from .model import Client, Resource, Scope
from .pushed_requests import PushedRequests
from .reading import TokenReader
from .recipients import RecipientKeys
from .revocation import Revocations
from .second_factors import SecondFactors
from .sessions import Sessions
from .settings import Settings
from .stores.directory import Directory
from .stores.repositories import Repository
from .user_authentication import UserAuthenticator
from .user_model import User


@dataclass(frozen=True, slots=True)
class Services:
    """The collaborators that plugins receive in ``register``; all of it is shared and frozen.

    ``clients``, ``scopes`` and ``resources`` answer from a cache; a resource that nobody registered
    is one without any facts; ``users`` answers from the store, and ``find_user``
    too, by subject, with the roles that the settings leave her. ``recipient_keys`` are those of
    resources. ``now`` gives Unix
    seconds, ``new_id`` a random id of 128 bits.
    """

    settings: Settings
    clients: Directory[Client]
    scopes: Directory[Scope]
    resources: Directory[Resource]
    keys: KeyRing
    recipient_keys: RecipientKeys
    authenticator: ClientAuthenticator
    minter: TokenMinter
    reader: TokenReader
    revocations: Revocations
    users: Repository[User]
    find_user: Callable[[str], Awaitable[User | None]]
    user_authenticator: UserAuthenticator
    second_factors: SecondFactors
    grants: Grants
    external_providers: ExternalProviders
    sessions: Sessions
    backchannel_logout: BackChannelLogout
    consents: Consents
    interactions: Interactions
    pushed_requests: PushedRequests
    id_token_hints: IdTokenHints
    now: Callable[[], int]
    new_id: Callable[[], str]
