"""What a handler may be built from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .authentication import ClientAuthenticator
from .keyring import KeyRing
from .minting import TokenMinter
from .model import Client, Resource, Scope
from .reading import TokenReader
from .recipients import RecipientKeys
from .revocation import Revocations
from .settings import Settings
from .stores.directory import Directory


@dataclass(frozen=True, slots=True)
class Services:
    """The collaborators that plugins receive in ``register``; all of it is shared and frozen.

    ``clients``, ``scopes`` and ``resources`` answer from a cache; a resource that nobody registered
    is one without any facts. ``recipient_keys`` are those of resources. ``now`` gives Unix
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
    now: Callable[[], int]
    new_id: Callable[[], str]
