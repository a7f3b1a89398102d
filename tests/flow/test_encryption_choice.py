"""One client's opt-out of encryption is nobody else's. The project's first regression."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest

from apogee_idp import ProcessSignIn, Registry, Services, Stage
from apogee_idp.model import Client
from tests.conftest import StartIdp
from tests.idp import Idp, is_jwe

CONCURRENT = 32


async def test_A_PIPE_1_interleaved_and_concurrent_requests_keep_to_their_own_choice(
    idp: Idp, long: Callable[[int, int], int]
) -> None:
    """1,000 each (torture: 50,000): the one's tokens are all JWS, the other's are all JWE."""
    each = long(1000, 50_000)
    secrets = {
        "plain": await idp.add_client("plain", skip_token_encryption=True),
        "sealed": await idp.add_client("sealed"),
    }
    order = ["plain", "sealed"] * each
    random.Random(1).shuffle(order)
    slots = asyncio.Semaphore(CONCURRENT)
    dots: dict[str, list[int]] = {"plain": [], "sealed": []}

    async def request(client_id: str) -> None:
        async with slots:
            answer = await idp.grant(client_id, secrets[client_id])
            dots[client_id].append(answer.token.count("."))

    await asyncio.gather(*map(request, order))
    assert dots == {"plain": [2] * each, "sealed": [4] * each}


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(lambda e, s: setattr(s.settings, "access_token_lifetime", 1), id="a setting"),
        pytest.param(lambda e, s: setattr(s, "keys", None), id="a service"),
        pytest.param(
            lambda e, s: setattr(e.known_client(), "skip_token_encryption", True), id="the client"
        ),
        pytest.param(
            lambda e, s: e.known_client().properties.update(SkipTokenEncryption=True),
            id="the client's properties",
        ),
        pytest.param(
            lambda e, s: e.known_client().properties["nested"].update(a=1), id="a nested map"
        ),
        pytest.param(
            lambda e, s: setattr(s.keys.encryption_key, "kid", "x"), id="the encryption key"
        ),
        pytest.param(
            lambda e, s: setattr(s.keys.signing_key("RS256"), "kid", "x"), id="a signing key"
        ),
        pytest.param(lambda e, s: s.keys.jwks["keys"][0].update(use="enc"), id="the JWK Set"),
        pytest.param(lambda e, s: setattr(s.keys, "encryption_key", None), id="the key ring"),
        pytest.param(lambda e, s: setattr(s.minter, "mint", None), id="the minter"),
        pytest.param(lambda e, s: setattr(s.clients, "get", None), id="the client directory"),
        pytest.param(lambda e, s: setattr(s.authenticator, "vouch", None), id="the authenticator"),
        pytest.param(lambda e, s: setattr(e.request, "scope", "roles"), id="the request"),
        pytest.param(
            lambda e, s: e.request.parameters.update(a="b"), id="the request's parameters"
        ),
        pytest.param(
            lambda e, s: setattr(e.token_profile, "typ", "JWT"), id="the default token profile"
        ),
    ],
)
async def test_A_PIPE_1_a_handler_that_tries_to_flip_shared_state_fails(
    start_idp: StartIdp, attempt: object
) -> None:
    """The attempt raises, ends that request in a 500, and changes nothing for the next."""
    raised: list[type[BaseException]] = []

    def register(registry: Registry, services: Services) -> None:
        async def vandal(event: ProcessSignIn) -> None:
            if event.known_client().client_id == "vandal":
                try:
                    attempt(event, services)  # type: ignore[operator]
                except BaseException as error:
                    raised.append(type(error))
                    raise

        registry.add(ProcessSignIn, vandal, name="vandal", order=Stage.GENERATE_TOKEN - 1)

    idp = await start_idp(register=register)
    sealed, vandal = await idp.add_client("sealed"), await idp.add_client("vandal")
    await idp.change_client("vandal", properties={"nested": {"a": 0}})
    ruined = await idp.grant("vandal", vandal)
    assert (ruined.status, ruined.error) == (500, "server_error")
    assert raised
    assert raised[0] in {FrozenInstanceError, AttributeError, TypeError}
    assert is_jwe((await idp.grant("sealed", sealed)).token)


async def test_what_a_request_decides_lives_on_its_event(start_idp: StartIdp) -> None:
    """A plugin may switch encryption off for one request: the next one has it again."""

    def register(registry: Registry, _: Services) -> None:
        async def open_once(event: ProcessSignIn) -> None:
            if event.request.parameters.get("plain") == "yes":
                event.encrypt_access_token = False

        registry.add(ProcessSignIn, open_once, name="open_once", order=Stage.GENERATE_TOKEN - 1)

    idp = await start_idp(register=register)
    secret = await idp.add_client("sealed")
    asked = ["yes", "no", "yes", "no", "no"]
    tokens = [(await idp.grant("sealed", secret, plain=plain)).token for plain in asked]
    assert [is_jwe(token) for token in tokens] == [False, True, False, True, True]


def test_a_clients_choice_is_a_boolean_by_construction() -> None:
    """The string "false" is true in Python."""
    with pytest.raises(TypeError, match="true or false"):
        Client("billing", skip_token_encryption="false")  # type: ignore[arg-type]
