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

    All of them, if it says nothing; one that is to expire is not what the file says.
    """
    if secret is None:
        return () if has_keys else client.secrets

    def same() -> tuple[ClientSecret, ...]:
        lasting = [stored for stored in client.secrets if stored.expires_at is None]
        return tuple(stored for stored in lasting if is_any_secret(stored, secret))

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

    Before the client has it: were that to fail later, nobody would be told the secret. Raises
    CommandRefused for one that has leaked.
    """
    if secret_id_of(made.value) is not None:
        await check_not_leaked(usage, made.value)
        await usage.register(client_id, made.id)


async def check_not_leaked(usage: SecretUsage, value: str) -> None:
    """Raises CommandRefused for a secret that was reported, whoever had it."""
    secret_id = secret_id_of(value)
    if secret_id is not None and await usage.has_leaked(secret_id):
        raise CommandRefused("this secret was reported as leaked, and is over: use another one")
