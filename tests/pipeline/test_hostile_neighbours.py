"""What a plugin does to its own requests never reaches anybody else's."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import nullcontext
from itertools import cycle
from typing import Any

from apogee_idp import GenerateToken, Registry, Services
from tests.conftest import StartIdp
from tests.idp import ISSUER, Idp, is_jwe

from .test_hostile_plugins import (
    AT_THE_END,
    BEFORE_SIGNATURE,
    BEFORE_TOKEN,
    MISDEEDS,
    Misdeed,
    misdeed,
    wait_for_ever,
)

PLACES = (BEFORE_TOKEN, BEFORE_SIGNATURE, AT_THE_END)
CONCURRENT = 16
CHECKED = 20
DOCUMENTS = ("/.well-known/openid-configuration", "/.well-known/jwks")


def assignments(shared: Services) -> list[Misdeed]:
    """Each writes to something that all requests share."""
    return [
        misdeed(lambda event: setattr(shared.settings, "issuer", "spoilt")),
        misdeed(lambda event: setattr(shared, "keys", "spoilt")),
        misdeed(lambda event: setattr(shared.keys, "encryption_key", None)),
        misdeed(lambda event: setattr(shared.keys.signing_key("RS256"), "kid", "spoilt")),
        misdeed(lambda event: shared.keys.jwks["keys"].clear()),
        misdeed(lambda event: setattr(shared.clients, "get", "spoilt")),
        misdeed(lambda event: setattr(shared.authenticator, "authenticate", "spoilt")),
        misdeed(lambda event: setattr(event.known_client(), "enabled", False)),
        misdeed(lambda event: event.known_client().properties.update(a="spoilt")),
        misdeed(lambda event: event.request.parameters.update(a="spoilt")),
    ]


def register(registry: Registry, services: Services) -> None:
    """At each place another wrong in each request of the hostile client that asks for one there."""
    for kind, order in PLACES:
        wrongs = [
            param.values[1]
            for param in MISDEEDS
            if param.values[0] == (kind, order) and param.values[1] is not wait_for_ever
        ]
        if order == BEFORE_TOKEN[1]:
            wrongs += assignments(services)
        registry.add(kind, hostile(order, wrongs), name=f"hostile_{order}", order=order)


def hostile(order: int, wrongs: list[Misdeed]) -> Misdeed:
    turn = cycle(wrongs)

    async def handler(event: Any) -> object:
        sign_in = event.sign_in if isinstance(event, GenerateToken) else event
        if sign_in.request.parameters.get("at") != str(order):
            return None
        if "hang" in sign_in.request.parameters:
            await wait_for_ever(event)
        return await next(turn)(event)

    return handler


def requests(each: int, seed: int) -> list[tuple[str, dict[str, str]]]:
    """Whoever asks, and how: as many of the hostile one as of the two others together."""
    asked = [("open", {}), ("sealed", {})] * each
    asked += [("hostile", {"at": str(PLACES[n % 3][1])}) for n in range(2 * each)]
    random.Random(seed).shuffle(asked)
    return asked


async def test_A_PIPE_2_others_are_untouched(
    start_idp: StartIdp, long: Callable[[int, int], int], seed: int
) -> None:
    """Raising, waiting, recursing, assigning, garbage: 2,000 requests (torture: 100,000)."""
    each = long(500, 25_000)
    idp = await start_idp(register=register, handler_timeout=2.0)
    for client_id in ("open", "sealed", "hostile"):
        await idp.add_client(client_id, skip_token_encryption=client_id != "sealed")
    told = [(await idp.send("GET", path)).body for path in DOCUMENTS]
    handlers = idp.installation.registry.registrations()
    slots, tokens = asyncio.Semaphore(CONCURRENT), defaultdict[str, list[str]](list)

    async def ask(client_id: str, parameters: dict[str, str]) -> tuple[str, int]:
        async with slots if "hang" not in parameters else nullcontext():
            answer = await idp.grant(client_id, idp.secrets[client_id], **parameters)
        if answer.status == 200:
            tokens[client_id].append(answer.token)
        return client_id, answer.status

    hanging = [("hostile", {"at": str(order), "hang": "yes"}) for _, order in PLACES] * 5
    outcomes = await asyncio.gather(*(ask(*one) for one in hanging + requests(each, seed)))
    assert Counter(outcomes) == {
        ("open", 200): each,
        ("sealed", 200): each,
        ("hostile", 500): 2 * each + len(hanging),
    }
    assert {is_jwe(token) for token in tokens["open"]} == {False}
    assert {is_jwe(token) for token in tokens["sealed"]} == {True}
    await check(idp, tokens)
    assert [(await idp.send("GET", path)).body for path in DOCUMENTS] == told
    assert idp.installation.registry.registrations() == handlers


async def check(idp: Idp, tokens: dict[str, list[str]]) -> None:
    """The last of them say what they would have said anyway."""
    for client_id, of_client in tokens.items():
        for token in of_client[-CHECKED:]:
            claims = await (idp.decrypted if is_jwe(token) else idp.claims)(token)
            told = {"iss": ISSUER, "sub": client_id, "name": client_id, "client_id": client_id}
            assert claims.keys() == told.keys() | {"aud", "exp", "iat", "jti"}
            assert claims | told == claims
            assert claims["exp"] - claims["iat"] == 900
