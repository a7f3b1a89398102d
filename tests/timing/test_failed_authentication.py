"""A-SEC-02: how long a refusal takes doesn't tell which clients exist."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apogee_idp import ProcessSignIn, Registry, Services, Stage
from apogee_idp.crypto.secrets import generate_secret
from apogee_idp.logs import Outlet, configure_logging
from apogee_idp.settings import Settings
from tests.conftest import StartIdp
from tests.idp import Idp

from .stopwatch import timed

NOTICEABLE = 4.5
CLIENTS = ("familiar", "disabled", "stranger")


@pytest.fixture
def outlet(tmp_path: Path, log_output: object) -> Iterator[None]:
    """Logs are written as in production: by a thread, to a file."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    with (tmp_path / "log").open("w") as file:
        outlet = Outlet(file)
        configure_logging(Settings(), outlet, colors=False)
        yield
        outlet.close()
    root.handlers[:] = handlers


async def refused(idp: Idp, each: int, seed: int) -> dict[str, float]:
    """What tells the three kinds of refusals from each other, by their times alone."""
    for client_id in CLIENTS[:2]:
        await idp.add_client(client_id)
    await idp.change_client("disabled", enabled=False)
    secret = generate_secret().value
    requests = {client_id: request_of(client_id, secret) for client_id in CLIENTS}
    return await timed(idp.port, requests, each, seed)


def request_of(client_id: str, secret: str) -> bytes:
    form = f"grant_type=client_credentials&client_id={client_id}&client_secret={secret}".encode()
    head = (
        "POST /connect/token HTTP/1.1",
        "Host: idp.example",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(form)}\r\n\r\n",
    )
    return "\r\n".join(head).encode() + form


@pytest.mark.usefixtures("outlet")
async def test_A_SEC_02_no_time_tells_who_is_registered(
    start_idp: StartIdp, long: Callable[[int, int], int], seed: int
) -> None:
    """A wrong secret, a disabled client and none at all, 2,000 times each (torture: 20,000)."""
    idp = await start_idp(cache_seconds=3600.0)
    found = await refused(idp, long(2_000, 20_000), seed)
    print(found)
    assert {pair: t for pair, t in found.items() if abs(t) > NOTICEABLE} == {}


@pytest.mark.usefixtures("outlet")
async def test_a_leak_is_noticed(start_idp: StartIdp, seed: int) -> None:
    """The test of the test: one hash more, for one of the three."""

    def register(registry: Registry, _: Services) -> None:
        async def work(event: ProcessSignIn) -> None:
            hashlib.sha256(bytes(8192))

        def is_disabled(event: ProcessSignIn) -> bool:
            credentials = event.request.credentials
            return credentials is not None and credentials.client_id == "disabled"

        registry.add(
            ProcessSignIn, work, name="work", order=Stage.VALIDATE_CLIENT - 1, when=is_disabled
        )

    found = await refused(await start_idp(cache_seconds=3600.0, register=register), 2_000, seed)
    print(found)
    assert found["familiar, disabled"] < -NOTICEABLE
    assert found["disabled, stranger"] > NOTICEABLE
    assert abs(found["familiar, stranger"]) < NOTICEABLE
