"""What a grant of a known client costs, as far as that can be told without a clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apogee_idp import GenerateToken, ProcessSignIn, Registry, Services, TokenStage
from apogee_idp.key_model import SigningKey
from apogee_idp.requests import PresentedCredentials, TokenRequest
from tests.conftest import StartIdp
from tests.idp import Idp
from tests.waiting import until


class CountingKey:
    """Another key, and how often it has signed."""

    def __init__(self, key: SigningKey, counted: list[str]) -> None:
        self.kid, self.algorithm = key.kid, key.algorithm
        self._key, self._counted = key, counted

    async def sign(self, message: bytes) -> bytes:
        self._counted.append(self.kid)
        return await self._key.sign(message)


def counting(counted: list[str]) -> Callable[[Registry, Services], None]:
    def register(registry: Registry, _: Services) -> None:
        async def count(event: GenerateToken) -> None:
            assert event.signing_key is not None
            event.signing_key = CountingKey(event.signing_key, counted)

        order = TokenStage.WRITE_TOKEN - 1
        registry.add(GenerateToken, count, name="count", order=order)

    return register


async def followed(idp: Idp) -> None:
    """Until the server has heard of all that was changed: so it will forget nothing for that."""
    clients = idp.installation.services.clients
    assert await clients.get("later") is None
    await idp.add_client("later")
    await until(lambda: clients.get("later"), 10)


@pytest.mark.parametrize("plain", [pytest.param(True, id="JWS"), pytest.param(False, id="JWE")])
async def test_the_grant_of_a_cached_client_waits_for_nothing(
    start_idp: StartIdp, plain: bool
) -> None:
    """No store, thread or timer: it is done before the event loop turns; by one signature."""
    signatures: list[str] = []
    idp = await start_idp(register=counting(signatures))
    secret = await idp.add_client(scopes=("ping",), skip_token_encryption=plain)
    await followed(idp)
    assert (await idp.grant("billing", secret, scope="ping")).status == 200
    signatures.clear()
    credentials = PresentedCredentials("billing", secret, "client_secret_post")
    event = ProcessSignIn(TokenRequest("client_credentials", credentials, "ping"))
    with pytest.raises(StopIteration):
        idp.installation.registry.dispatch(event).send(None)
    assert event.response is not None
    assert len(signatures) == 1
