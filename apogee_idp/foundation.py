"""What everything else stands on: the outside world, and what is closed in the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from .crypto.passwords import PasswordHashes
from .crypto.sealing import KeyEncryptionKey
from .crypto.slow_verifier import SlowVerifier
from .errors import StoreUnavailable
from .external.model import IdentityProvider
from .keyring import KeyRing
from .outgoing import Outgoing
from .refusals import Refusals
from .secret_usage import SecretUsage
from .settings import Settings
from .stores.base import Store

_LAST_FLUSH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Given:
    """What a server has, and the shell needn't: keys that guard keys, and identity providers."""

    guards: Sequence[KeyEncryptionKey] = ()
    identity_providers: Sequence[IdentityProvider] = ()


@dataclass(frozen=True, slots=True)
class Foundation:
    """What everything else stands on: the outside world.

    ``now`` gives Unix seconds, ``new_id`` a random id of 128 bits; ``patience`` is how many seconds
    one handler waits for one thing. Clients are told of something by ``announcing``, so that those
    who don't answer keep nobody waiting. ``guards`` are the key-encryption keys; at the shell there
    may be none.
    """

    settings: Settings
    store: Store
    keys: KeyRing
    slow: SlowVerifier
    passwords: PasswordHashes
    outgoing: Outgoing
    announcing: Outgoing
    usage: SecretUsage
    refusals: Refusals
    guards: Sequence[KeyEncryptionKey]
    identity_providers: Sequence[IdentityProvider]
    now: Callable[[], int]
    new_id: Callable[[], str]
    patience: float


def patience_of(settings: Settings) -> float:
    """Half of a handler's time: waiting in vain for one thing is a 503, not the handler's fault."""
    return settings.handler_timeout / 2


@asynccontextmanager
async def founded(
    settings: Settings,
    store: Store,
    ring: KeyRing,
    given: Given,
    *,
    now: Callable[[], int],
    new_id: Callable[[], str],
) -> AsyncIterator[Foundation]:
    """What everything else stands on, of which all but the store is closed in the end."""
    patience = patience_of(settings)
    slow = SlowVerifier(monotonic=time.monotonic, patience=patience)
    passwords = PasswordHashes(patience=patience)
    outgoing, announcing = (Outgoing(settings.private_hosts) for _ in range(2))
    usage, refusals = SecretUsage(store.secrets, now=now), Refusals(store.refusals, now=now)
    try:
        yield Foundation(
            settings,
            store,
            ring,
            slow,
            passwords,
            outgoing,
            announcing,
            usage,
            refusals,
            given.guards,
            given.identity_providers,
            now=now,
            new_id=new_id,
            patience=patience,
        )
    finally:
        await outgoing.close()
        await announcing.close()
        await _flush_for_the_last_time(usage.flush, refusals.flush)
        slow.close()
        passwords.close()


async def _flush_for_the_last_time(*flushes: Callable[[], Awaitable[None]]) -> None:
    """A store that is lost or slow just now keeps no process from ending in time."""
    with suppress(StoreUnavailable, TimeoutError):
        async with asyncio.timeout(_LAST_FLUSH_SECONDS):
            for flush in flushes:
                await flush()
