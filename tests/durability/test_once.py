"""What is good once is good once though answers are lost, over three processes on one database."""

from __future__ import annotations

import asyncio
import ipaddress
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest

from apogee_idp.app import now, opened_store
from apogee_idp.crypto.one_time_passwords import PERIOD_SECONDS, totp_at
from apogee_idp.crypto.sealing import KeyEncryptionKey
from apogee_idp.second_factors import SecondFactors
from apogee_idp.settings import Settings
from apogee_idp.stores.repositories import users_in
from apogee_idp.throttling import SignInThrottle
from tests.availability.conftest import servers
from tests.browser import Page
from tests.canary import PLANTED
from tests.conftest import copy_store
from tests.idp import ISSUER, Answer
from tests.mongodb import Databases
from tests.process import environment
from tests.wire_proxy import NOT_PRIMARY, Reply, WireProxy

from .deployment import Lost, Service
from .scene import (
    ASSERTION_TYPE,
    PASSWORD,
    SESSION,
    VERIFIER,
    Person,
    Scene,
    accepted,
)

PROCESSES = 3
AT_ONCE = 9
STEPPED_DOWN: Reply = NOT_PRIMARY | {
    "errmsg": "operation was interrupted",
    "code": 11602,
    "codeName": "InterruptedDueToReplStateChange",
}
UNCONFIRMED: Reply = {"code": 64, "codeName": "WriteConcernFailed", "errmsg": "waiting timed out"}
Ask = Callable[[int], Awaitable[bool]]
"""Presents the thing to the process of that number: whether it was taken."""


@dataclass
class Fleet:
    """Three processes whose words with the store may get lost."""

    scenes: list[Scene]
    proxy: WireProxy
    choose: random.Random
    guard: KeyEncryptionKey

    @property
    def scene(self) -> Scene:
        return self.scenes[0]

    def person(self, person: Person, number: int) -> Person:
        """The same at another process."""
        return replace(person, service=self.service(number))

    def service(self, number: int) -> Service:
        return self.scenes[number % PROCESSES].service

    async def taken(self, ask: Ask) -> int:
        """How many have success: of AT_ONCE among faults, and of one after the other in peace."""
        self._prepare_faults()
        told = await asyncio.gather(
            *(_told(ask, number) for number in range(AT_ONCE)), self._cut_sometimes()
        )
        self.proxy.forget_faults()
        later = [await _told(ask, number) for number in range(PROCESSES)]
        return told.count(True) + later.count(True)

    def _prepare_faults(self) -> None:
        """Up to three of writes that are done all the same, and one of a read."""
        faults = (
            self.proxy.lose_reply,
            lambda command: self.proxy.edit(command, lambda _: NOT_PRIMARY),
            lambda command: self.proxy.edit(command, lambda _: STEPPED_DOWN),
            lambda command: self.proxy.edit(
                command, lambda reply: reply | {"writeConcernError": UNCONFIRMED}
            ),
        )
        for _ in range(self.choose.randrange(4)):
            self.choose.choice(faults)(self.choose.choice(("insert", "update", "delete")))
        if self.choose.randrange(2):
            self.proxy.lose_reply("find")

    async def _cut_sometimes(self) -> None:
        if not self.choose.randrange(3):
            await asyncio.sleep(self.choose.uniform(0, 0.05))
            self.proxy.cut()


async def _told(ask: Ask, number: int) -> bool:
    try:
        return await ask(number)
    except Lost:
        return False


@pytest.fixture
async def fleet(
    databases: Databases,
    proxy: WireProxy,
    prepared_database: Path,
    tmp_path: Path,
    key_encryption_key: str,
    seed: int,
) -> AsyncIterator[Fleet]:
    """On a database with the clients of the load."""
    url = databases.new()
    await copy_store(prepared_database, url)
    env = environment(
        APOGEE_ISSUER=ISSUER,
        APOGEE_STORE=proxy.in_front_of(url),
        APOGEE_KEY_ENCRYPTION_KEY=key_encryption_key,
        APOGEE_HANDLER_TIMEOUT="10",
        APOGEE_TRUSTED_PROXIES="127.0.0.1",
    )
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened_store(Settings(store=url)))
        # In a thread: what they still have to write passes through this loop.
        running = servers(PROCESSES, env, tmp_path)
        ports = await asyncio.to_thread(running.__enter__)
        stack.push_async_callback(asyncio.to_thread, running.__exit__, None, None, None)
        services = [await stack.enter_async_context(Service(port)) for port in ports]
        scene = Scene(store, services[0])
        await scene.prepare()
        yield Fleet(
            [replace(scene, service=service) for service in services],
            proxy,
            random.Random(seed),
            KeyEncryptionKey.parse(key_encryption_key),
        )


async def code(fleet: Fleet) -> Ask:
    """A code."""
    value = await (await fleet.scene.new_person()).code()
    return lambda number: _redeem(
        fleet.service(number), "authorization_code", code=value, code_verifier=VERIFIER
    )


async def refresh_token(fleet: Fleet) -> Ask:
    """A refresh token."""
    value = await (await fleet.scene.new_person()).code()
    answer = await _token(
        fleet.scene.service, "authorization_code", code=value, code_verifier=VERIFIER
    )
    token = answer.json["refresh_token"]
    return lambda number: _redeem(fleet.service(number), "refresh_token", refresh_token=token)


async def _redeem(service: Service, grant_type: str, **form: str) -> bool:
    return accepted(await _token(service, grant_type, **form), "invalid_grant")


async def _token(service: Service, grant_type: str, **form: str) -> Answer:
    return await service.form("/connect/token", grant_type=grant_type, client_id="app", **form)


_JTIS = count()


async def assertion(fleet: Fleet) -> Ask:
    """The ``jti`` of a client's assertion."""
    signed = fleet.scene.assertion(f"once-{next(_JTIS)}")
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}

    async def ask(number: int) -> bool:
        answer = await fleet.service(number).form(
            "/connect/token", grant_type="client_credentials", **form
        )
        return accepted(answer, "invalid_client")

    return ask


async def pushed_request(fleet: Fleet) -> Ask:
    """A pushed authorization request, in a browser where all is allowed already."""
    person = await fleet.scene.new_person()
    uri = await fleet.scene.push()

    async def ask(number: int) -> bool:
        page = await fleet.person(person, number).authorize("par", request_uri=uri)
        return "code" in page.parameters

    return ask


async def recovery_code(fleet: Fleet) -> Ask:
    """A recovery code, in as many browsers in which the password was typed already."""
    return await _second_step(fleet, lambda secret, recovery: recovery)


async def one_time_password(fleet: Fleet) -> Ask:
    """The one-time password of one step."""
    return await _second_step(fleet, lambda secret, recovery: totp_at(secret, now()))


async def _second_step(fleet: Fleet, chosen: Callable[[str, str], str]) -> Ask:
    person = await fleet.scene.new_person()
    secret, recovery = await _enrol(fleet, person)
    # Another for each: those who come too late have failed, and the next would have to wait.
    source = str(ipaddress.IPv4Address(fleet.choose.randrange(2**32)))
    numbers = range(AT_ONCE + PROCESSES)
    pages = [await _half_signed_in(fleet.person(person, n), source) for n in numbers]
    code = chosen(secret, recovery)
    free = iter(pages)

    async def ask(number: int) -> bool:
        page = next(each for each in free)
        await page.submit(code=code, action="second_factor")
        return SESSION in page.browser.cookies

    return ask


async def _enrol(fleet: Fleet, person: Person) -> tuple[str, str]:
    """Her secret, whose step of a moment ago is used, and a recovery code."""
    users = users_in(fleet.scene.store)
    factors = SecondFactors(users, [fleet.guard], SignInThrottle(monotonic=now), now=now)
    secret = factors.new_secret()
    user = await users.get(person.subject)
    assert user is not None
    used = totp_at(secret, now() - PERIOD_SECONDS)
    factor, codes = factors.enrol(user.subject, secret, used)
    PLANTED.update((secret, *codes))
    await users.update(replace(user, second_factor=factor))
    return secret, codes[0]


async def _half_signed_in(person: Person, source: str) -> Page:
    browser = replace(person.browser(""), source=source)
    page = await browser.follow(await browser.get("/account"))
    page = await browser.follow(await page.sign_in(person.email, PASSWORD))
    assert page.title == "Second step"
    return page


EVERYDAY = {
    code: 15,
    refresh_token: 15,
    assertion: 15,
    pushed_request: 15,
    recovery_code: 1,
    one_time_password: 1,
}
"""How many of each; those of people cost a password for each browser."""


async def test_F_DB_05_F_DB_08_nothing_is_taken_twice_though_answers_are_lost(
    fleet: Fleet, long: Callable[[int, int], int], seed: int
) -> None:
    """Written, and the answer lost, or told that the primary has changed, or cut off."""
    for kind, everyday in EVERYDAY.items():
        taken = [await fleet.taken(await kind(fleet)) for _ in range(long(everyday, everyday * 10))]
        once = taken.count(1)
        print(f"seed {seed}, {kind.__name__}: of {len(taken)}, {once} taken once, 0 twice")
        assert {*taken} <= {0, 1}
        assert once >= len(taken) // 3
