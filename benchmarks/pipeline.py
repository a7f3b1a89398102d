"""What the pipeline costs by itself: dispatch and handlers of a grant, without the signature."""

from __future__ import annotations

import base64
import logging
import secrets
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from apogee_idp import GenerateToken, ProcessSignIn, Registry, Services, TokenStage
from apogee_idp.app import Installation, opened_installation
from apogee_idp.logs import configure_logging
from apogee_idp.management.actor import SERVER_ACTOR
from apogee_idp.requests import PresentedCredentials, TokenRequest
from apogee_idp.settings import Settings

from .servers import KINDS, SCOPE, SECRET

_CLIENT = KINDS["ES256"]


class FreeKey:
    """Signs in no time, and wrongly."""

    kid = "free"
    algorithm = "ES256"

    async def sign(self, message: bytes) -> bytes:
        return bytes(64)


def register(registry: Registry, services: Services) -> None:
    key = FreeKey()

    async def use_free_key(event: GenerateToken) -> None:
        event.signing_key = key

    order = TokenStage.WRITE_TOKEN - 1
    registry.add(GenerateToken, use_free_key, name="use_free_key", order=order)


async def dispatch_microseconds(*, grants: int) -> float:
    """CPU time of one ``ProcessSignIn``, from the parsed request to the token response."""
    async with _installation() as installation:
        before = time.process_time()
        for _ in range(grants):
            credentials = PresentedCredentials(_CLIENT.client_id, SECRET, "client_secret_post")
            request = TokenRequest("client_credentials", credentials, SCOPE.name)
            await installation.registry.dispatch(ProcessSignIn(request))
        return (time.process_time() - before) / grants * 1e6


@asynccontextmanager
async def _installation() -> AsyncIterator[Installation]:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    plugins = (f"{__name__}:register",)
    settings = Settings(store="sqlite:///:memory:", key_encryption_key=(key,), plugins=plugins)
    configure_logging(settings, logging.NullHandler(), colors=False)
    async with opened_installation(settings) as installation:
        await installation.until_ready()
        await installation.management.scopes(SERVER_ACTOR).add(SCOPE)
        await installation.management.clients(SERVER_ACTOR).add(_CLIENT, secret=SECRET)
        yield installation


def bare_signature_microseconds(*, rounds: int = 9, signatures: int = 200) -> float:
    """CPU time of one RSA-2048 signature by the ``cryptography`` key."""
    key, taken = rsa.generate_private_key(65537, 2048), []
    for _ in range(rounds):
        before = time.process_time()
        for _ in range(signatures):
            key.sign(b"x" * 500, padding.PKCS1v15(), hashes.SHA256())
        taken.append((time.process_time() - before) / signatures * 1e6)
    return statistics.median(taken)
