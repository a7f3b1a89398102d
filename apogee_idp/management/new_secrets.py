"""Secrets for clients: made here, or brought by an operator."""

from __future__ import annotations

import asyncio

from ..crypto.secrets import NewSecret, adopt_secret, generate_secret, is_any_secret, secret_id_of
from ..errors import CommandRefused
from ..model import Client, ClientSecret
from ..secret_usage import SecretUsage


async def kept_secrets(
    client: Client, secret: str | None, *, has_keys: bool
) -> tuple[ClientSecret, ...]:
    """Those that are left where a file says how the client authenticates: by ``secret``, or keys.

    All of them, if it says nothing.
    """
    if secret is None:
        return () if has_keys else client.secrets

    def same() -> tuple[ClientSecret, ...]:
        return tuple(stored for stored in client.secrets if is_any_secret(stored, secret))

    return await asyncio.to_thread(same)


async def new_secret(own: str | None) -> NewSecret:
    """The operator's ``own``, or a generated one; raises CommandRefused for a weak one."""
    if own is None:
        return generate_secret()
    try:
        return await asyncio.to_thread(adopt_secret, own)
    except ValueError as error:
        raise CommandRefused(str(error)) from None


async def register_secret(usage: SecretUsage, client_id: str, made: NewSecret) -> None:
    """So that a leaked secret leads to its client; one of another format has no such id.

    Before the client has it: were that to fail later, nobody would be told the secret.
    """
    if secret_id_of(made.value) is not None:
        await usage.register(client_id, made.id)
