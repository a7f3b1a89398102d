"""The life of a key: published, active, retired, removed, by the clock alone."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from jwcrypto import jwk

from apogee_idp.app import opened_store
from apogee_idp.crypto.key_files import FileKey
from apogee_idp.crypto.signing import LocalSigningKey, generate_private_key
from apogee_idp.errors import CommandRefused, KeyringError, TemporarilyUnavailable
from apogee_idp.key_model import KeyRecord, KeyState, ProvidedKey
from apogee_idp.key_rotation import KeyPeriods, state_of
from apogee_idp.key_sources import LocalProvidedKey
from apogee_idp.management.keys import KeyCommands
from apogee_idp.settings import Settings
from apogee_idp.stores.base import Store
from apogee_idp.stores.repositories import load_key_ring
from tests.acting import acting
from tests.keys import ALGORITHMS, DAY, PERIODS, fresh_key_encryption_key, key_keeper

KEY = fresh_key_encryption_key()
START = 1_800_000_000


@dataclass
class Clock:
    now: int = START

    def __call__(self) -> int:
        return self.now


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened_store(Settings(store=f"sqlite:///{tmp_path}/a.db")) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


def commands(store: Store, clock: Clock, algorithms: Sequence[str] = ALGORITHMS) -> KeyCommands:
    return KeyCommands(
        store, algorithms=algorithms, periods=PERIODS, now=clock, **acting(store, now=clock)
    )


def key(name: str, activates_at: int) -> KeyRecord:
    return KeyRecord(name, "sig", "RS256", 0, activates_at, sealed="x")


@pytest.mark.parametrize(
    ("now", "first", "second"),
    [
        pytest.param(99, "published", "published", id="before it signs"),
        pytest.param(100, "active", "published", id="from its first second on"),
        pytest.param(199, "active", "published", id="until its successor signs"),
        pytest.param(200, "retired", "active", id="and not a second longer"),
        pytest.param(249, "retired", "active", id="as long as its tokens may live"),
        pytest.param(250, "removed", "active", id="and then gone"),
    ],
)
def test_F_KEY_01_the_states_of_a_key(now: int, first: KeyState, second: KeyState) -> None:
    """Each begins where the one before ends."""
    ring = (key("a", 100), key("b", 200))
    periods = KeyPeriods(active=100, ahead=10, retired=50)
    assert [state_of(record, ring, periods, now) for record in ring] == [first, second]


async def test_the_first_keys_sign_at_once(store: Store, clock: Clock) -> None:
    """Nobody can have read an empty ring."""
    keeper = key_keeper(store, KEY, now=clock)
    await keeper.load()
    for algorithm in ALGORITHMS:
        assert keeper.ring.signing_key(algorithm).kid in kids(keeper.ring.jwks)


def kids(jwks: object) -> list[str]:
    return [key["kid"] for key in jwks["keys"]]  # type: ignore[index]


async def test_a_key_is_published_a_day_signs_ninety_and_stays_two(
    store: Store, clock: Clock
) -> None:
    """By itself, and no verifier is ever without the key of a living token."""
    keeper = key_keeper(store, KEY, now=clock)
    await keeper.load()
    first = keeper.ring.signing_key("RS256").kid
    clock.now = START + 89 * DAY - 1
    await keeper.maintain()
    assert len(kids(keeper.ring.jwks)) == 2
    clock.now += 1
    await keeper.maintain()
    assert len(kids(keeper.ring.jwks)) == 4
    assert keeper.ring.signing_key("RS256").kid == first
    clock.now += DAY
    second = keeper.ring.signing_key("RS256").kid
    assert second != first
    assert keeper.ring.verification_key(first) is not None
    clock.now += 2 * DAY
    assert keeper.ring.verification_key(first) is None
    assert first not in kids(keeper.ring.jwks)
    await keeper.maintain()
    ring = await load_key_ring(store)
    assert ring is not None
    assert first not in {record.kid for record in ring.keys}


async def test_R_JW_11_the_order_of_the_published_keys_is_stable(
    store: Store, clock: Clock
) -> None:
    """By algorithm, then by age; a new key comes behind its predecessor."""
    keeper = key_keeper(store, KEY, now=clock)
    await keeper.load()
    before = kids(keeper.ring.jwks)
    clock.now += 89 * DAY
    await keeper.maintain()
    after = kids(keeper.ring.jwks)
    assert [kid for kid in after if kid in before] == before
    assert [key["alg"] for key in keeper.ring.jwks["keys"]] == ["RS256", "RS256", "ES256", "ES256"]


async def test_an_algorithm_that_is_new_is_published_first(store: Store, clock: Clock) -> None:
    """Ten minutes, which is twice what anyone may cache the key set."""
    await key_keeper(store, KEY, now=clock).load()
    keeper = key_keeper(store, KEY, now=clock, algorithms=(*ALGORITHMS, "EdDSA"))
    await keeper.load()
    with pytest.raises(KeyringError):
        keeper.ring.signing_key("EdDSA")
    await keeper.maintain()
    (record,) = [r for r in (await load_key_ring(store)).keys if r.algorithm == "EdDSA"]  # type: ignore[union-attr]
    assert record.activates_at == clock.now + 600


async def test_an_algorithm_that_is_dropped_is_not_renewed(store: Store, clock: Clock) -> None:
    """It goes on until it is revoked, so that no client is left without a key unawares."""
    await key_keeper(store, KEY, now=clock).load()
    keeper = key_keeper(store, KEY, now=clock, algorithms=("RS256",))
    await keeper.load()
    clock.now += 365 * DAY
    await keeper.maintain()
    elliptic = keeper.ring.signing_key("ES256").kid
    assert await commands(store, clock, ("RS256",)).revoke(elliptic, KEY) is None
    await keeper.load()
    with pytest.raises(KeyringError):
        keeper.ring.signing_key("ES256")


async def test_F_KEY_03_of_many_that_rotate_at_once_one_does(store: Store, clock: Clock) -> None:
    """Compare-and-set: one new key each, which all of them use."""
    keepers = [key_keeper(store, KEY, now=clock) for _ in range(5)]
    for keeper in keepers:
        await keeper.load()
    clock.now += 89 * DAY
    await asyncio.gather(*(keeper.maintain() for keeper in keepers))
    for keeper in keepers:
        await keeper.load()
    assert len({tuple(kids(keeper.ring.jwks)) for keeper in keepers}) == 1
    assert len(kids(keepers[0].ring.jwks)) == 4


@pytest.mark.parametrize("jump", [3600, -3600], ids=["forward", "back"])
async def test_F_KEY_06_a_clock_that_jumps_an_hour(store: Store, clock: Clock, jump: int) -> None:
    """Nothing is retired early, nothing is made twice."""
    keeper = key_keeper(store, KEY, now=clock)
    await keeper.load()
    clock.now += 89 * DAY
    await keeper.maintain()
    clock.now += DAY + 7200
    retired, signing = kids(keeper.ring.jwks)[0], keeper.ring.signing_key("RS256").kid
    clock.now += jump
    await keeper.maintain()
    assert keeper.ring.verification_key(retired) is not None
    assert keeper.ring.signing_key("RS256").kid == signing
    clock.now -= jump
    await keeper.maintain()
    assert len(kids(keeper.ring.jwks)) == 4
    assert keeper.ring.signing_key("RS256").kid == signing


async def test_F_KEY_05_a_revoked_key_is_gone_at_once(store: Store, clock: Clock) -> None:
    """Neither published nor accepted, and another one signs in the same second."""
    keeper = key_keeper(store, KEY, now=clock)
    await keeper.load()
    lost = keeper.ring.signing_key("RS256").kid
    successor = await commands(store, clock).revoke(lost, KEY)
    await keeper.load()
    assert successor is not None
    assert keeper.ring.signing_key("RS256").kid == successor.kid
    assert keeper.ring.verification_key(lost) is None
    assert lost not in kids(keeper.ring.jwks)


async def test_the_key_that_waits_takes_over_for_a_revoked_one(store: Store, clock: Clock) -> None:
    """It is published already, so most verifiers know it."""
    keeper = key_keeper(store, KEY, now=clock)
    await keeper.load()
    waiting = await commands(store, clock).rotate("RS256", KEY)
    await keeper.load()
    assert waiting.activates_at == clock.now + DAY
    with pytest.raises(CommandRefused, match="waiting already"):
        await commands(store, clock).rotate("RS256", KEY)
    clock.now += 60
    successor = await commands(store, clock).revoke(keeper.ring.signing_key("RS256").kid, KEY)
    assert successor == replace(waiting, activates_at=clock.now)
    await keeper.load()
    assert keeper.ring.signing_key("RS256").kid == waiting.kid


async def test_a_retired_key_never_signs_again(store: Store, clock: Clock) -> None:
    """Not even when the one that followed it is revoked."""
    keeper = key_keeper(store, KEY, now=clock)
    await keeper.load()
    retired = keeper.ring.signing_key("RS256").kid
    await commands(store, clock).rotate("RS256", KEY)
    clock.now += DAY + 1
    await keeper.load()
    await commands(store, clock).revoke(keeper.ring.signing_key("RS256").kid, KEY)
    await keeper.load()
    assert keeper.ring.signing_key("RS256").kid != retired
    assert keeper.ring.verification_key(retired) is not None


async def test_the_server_s_own_key_rotates_too(store: Store, clock: Clock) -> None:
    """And the old one goes on opening what was encrypted to it."""
    keeper = key_keeper(store, KEY, now=clock)
    await keeper.load()
    old = keeper.ring.encryption_key
    sealed = old.encrypt("a.b.c", typ="at+jwt")
    clock.now += 89 * DAY
    await keeper.maintain()
    clock.now += DAY
    assert keeper.ring.encryption_key.kid != old.kid
    decryption = keeper.ring.decryption_key(str(old.kid))
    assert decryption is not None
    assert decryption.decrypt(sealed) == b"a.b.c"


async def test_all_keys_are_sealed_anew(store: Store, clock: Clock) -> None:
    """With the first key-encryption key; then the second one is not needed any more."""
    await key_keeper(store, KEY, now=clock).load()
    fresh = fresh_key_encryption_key()
    assert await commands(store, clock).rewrap([fresh, KEY]) == (3, 0)
    await key_keeper(store, fresh, now=clock).load()
    with pytest.raises(KeyringError, match=fresh.id):
        await key_keeper(store, KEY, now=clock).load()


def provided(algorithm: str = "RS256") -> LocalProvidedKey:
    private = generate_private_key(algorithm)
    signing = LocalSigningKey.of(str(private.thumbprint()), algorithm, private)
    return LocalProvidedKey(signing, private.export_public(as_dict=True))


def source(*keys: ProvidedKey) -> Callable[[], object]:
    async def ask() -> Sequence[ProvidedKey]:
        return keys

    return ask


async def test_a_provided_key_is_used_from_the_start(store: Store, clock: Clock) -> None:
    """Then the store makes none for its algorithm, now or later."""
    mine = provided()
    keeper = key_keeper(store, KEY, now=clock, sources={"files": source(mine)})  # type: ignore[dict-item]
    await keeper.load()
    assert keeper.ring.signing_key("RS256").kid == mine.kid
    clock.now += 365 * DAY
    await keeper.maintain()
    clock.now += DAY
    assert keeper.ring.signing_key("RS256").kid == mine.kid


async def test_a_provided_key_that_comes_later_is_published_first(
    store: Store, clock: Clock
) -> None:
    """By processes that don't have it, too: mounts arrive at different times."""
    keys: list[ProvidedKey] = []

    async def ask() -> Sequence[ProvidedKey]:
        return tuple(keys)

    keeper = key_keeper(store, KEY, now=clock, sources={"files": ask})
    other = key_keeper(store, KEY, now=clock)
    await keeper.load()
    keys.append(provided())
    await keeper.maintain()
    await other.load()
    assert keys[0].kid in kids(other.ring.jwks)
    assert keeper.ring.signing_key("RS256").kid != keys[0].kid
    clock.now += DAY
    assert keeper.ring.signing_key("RS256").kid == keys[0].kid
    with pytest.raises(TemporarilyUnavailable):
        other.ring.signing_key("RS256")
    assert "is not provided by files" in str(other.problem)
    assert keeper.problem is None


async def test_a_revoked_file_is_not_taken_up_again(store: Store, clock: Clock) -> None:
    """As long as it is mounted, it stays revoked; a key of the store takes its place."""
    mine = provided()
    keeper = key_keeper(store, KEY, now=clock, sources={"files": source(mine)})  # type: ignore[dict-item]
    await keeper.load()
    successor = await commands(store, clock).revoke(mine.kid, KEY)
    await keeper.load()
    await keeper.maintain()
    assert successor is not None
    assert keeper.ring.signing_key("RS256").kid == successor.kid
    assert mine.kid not in kids(keeper.ring.jwks)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"kid": "mine"}, "thumbprint", id="a kid of its own"),
        pytest.param({"algorithm": "ES256"}, "no key for ES256", id="another type"),
        pytest.param({"public_jwk": {}}, "no key for RS256", id="no public key"),
    ],
)
async def test_a_plugin_s_odd_key_is_refused(
    store: Store, clock: Clock, change: dict[str, object], told: str
) -> None:
    """Before it gets into the ring, where every process would meet it."""

    @dataclass
    class OddKey:
        kid: str
        algorithm: str
        public_jwk: object

        async def sign(self, message: bytes) -> bytes:
            return b""

    mine = provided()
    odd = replace(OddKey(mine.kid, "RS256", mine.public_jwk), **change)  # type: ignore[arg-type]
    keeper = key_keeper(store, KEY, now=clock, sources={"plugins": source(odd)})  # type: ignore[dict-item, arg-type]
    with pytest.raises(KeyringError, match=told):
        await keeper.load()


async def test_a_source_that_fails_stops_nothing(store: Store, clock: Clock) -> None:
    """Its keys of before go on, those of the store rotate, and whoever asks is told."""
    mine = provided()
    answers: list[object] = [(mine,)]

    async def ask() -> Sequence[ProvidedKey]:
        answer = answers[-1]
        if isinstance(answer, KeyringError):
            raise answer
        return answer  # type: ignore[return-value]

    keeper = key_keeper(store, KEY, now=clock, sources={"files": ask})
    await keeper.load()
    answers.append(KeyringError("keys/a.pem: is damaged"))
    clock.now += 89 * DAY
    await keeper.maintain()
    assert keeper.problem == "keys/a.pem: is damaged"
    assert keeper.ring.signing_key("RS256").kid == mine.kid
    assert [key["alg"] for key in keeper.ring.jwks["keys"]] == ["RS256", "ES256", "ES256"]
    answers.append((mine,))
    await keeper.maintain()
    assert keeper.problem is None


async def test_a_key_that_is_retired_may_be_lost_too(store: Store, clock: Clock) -> None:
    """Then nobody else changes his place: the next one still waits."""
    keeper = key_keeper(store, KEY, now=clock)
    await keeper.load()
    retired = keeper.ring.signing_key("RS256").kid
    active = await commands(store, clock).rotate("RS256", KEY)
    clock.now += DAY + 1
    waiting = await commands(store, clock).rotate("RS256", KEY)
    assert await commands(store, clock).revoke(retired, KEY) is None
    await keeper.load()
    assert keeper.ring.signing_key("RS256").kid == active.kid
    assert keeper.ring.verification_key(retired) is None
    clock.now = waiting.activates_at
    assert keeper.ring.signing_key("RS256").kid == waiting.kid


async def test_a_ring_that_is_gone_is_not_made_anew(store: Store, clock: Clock) -> None:
    """By nobody who has known it; its keys go on signing."""
    keeper = key_keeper(store, KEY, now=clock)
    await keeper.load()
    before = kids(keeper.ring.jwks)
    await store.keys.delete("current")
    with pytest.raises(KeyringError, match="restore it"):
        await keeper.load()
    assert await load_key_ring(store) is None
    assert kids(keeper.ring.jwks) == before


async def test_with_an_algorithm_all_its_keys_end(store: Store, clock: Clock) -> None:
    """The retired one would sign again; and what was mounted stays revoked."""
    mine = provided("ES256")
    sources = {"files": source(mine)}
    keeper = key_keeper(store, KEY, now=clock, sources=sources)  # type: ignore[arg-type]
    await keeper.load()
    clock.now += 60
    successor = await commands(store, clock).revoke(mine.kid, KEY)
    assert successor is not None
    made = await commands(store, clock).rotate("ES256", KEY)
    clock.now += DAY
    dropped = ("RS256",)
    assert await commands(store, clock, dropped).revoke(made.kid, KEY) is None
    keeper = key_keeper(store, KEY, now=clock, algorithms=dropped, sources=sources)  # type: ignore[arg-type]
    await keeper.load()
    await keeper.maintain()
    assert [key["alg"] for key in keeper.ring.jwks["keys"]] == ["RS256"]
    ring = await load_key_ring(store)
    assert ring is not None
    assert set(ring.revoked) == {mine.kid, successor.kid, made.kid}


@pytest.mark.parametrize("slow", ["rotate", "revoke"])
async def test_a_command_that_comes_too_late_is_refused(
    store: Store, clock: Clock, slow: str
) -> None:
    """Of two that have read the same ring one is told to try again: never "done" in vain."""
    keeper = key_keeper(store, KEY, now=clock)
    await keeper.load()
    lost = keeper.ring.signing_key("RS256").kid
    late = commands(store, clock)
    attempt = late.rotate("RS256", KEY) if slow == "rotate" else late.revoke(lost, KEY)
    done = await asyncio.gather(attempt, late.rotate("ES256", KEY), return_exceptions=True)
    (refused,) = [str(result) for result in done if isinstance(result, CommandRefused)]
    assert "changed meanwhile" in refused
    ring = await load_key_ring(store)
    assert ring is not None
    assert len(ring.keys) == 4


async def test_keys_of_a_source_are_not_ours_to_make(store: Store, clock: Clock) -> None:
    """Neither rotated nor sealed."""
    keeper = key_keeper(store, KEY, now=clock, sources={"files": source(provided())})  # type: ignore[dict-item]
    await keeper.load()
    assert [key["alg"] for key in keeper.ring.jwks["keys"]] == ["RS256", "ES256"]
    with pytest.raises(CommandRefused, match="come from files"):
        await commands(store, clock).rotate("RS256", KEY)
    assert await commands(store, clock).rewrap([fresh_key_encryption_key(), KEY]) == (2, 0)


async def test_a_source_is_followed(store: Store, clock: Clock) -> None:
    """A key that is taken away is missed, and signs again once it is back."""
    mine, held = provided(), [True]

    async def ask() -> Sequence[ProvidedKey]:
        return (mine,) if held[0] else ()

    keeper = key_keeper(store, KEY, now=clock, sources={"files": ask})
    await keeper.load()
    held[0] = False
    await keeper.maintain()
    assert "is not provided by files" in str(keeper.problem)
    with pytest.raises(TemporarilyUnavailable):
        keeper.ring.signing_key("RS256")
    held[0] = True
    await keeper.maintain()
    assert keeper.problem is None
    assert keeper.ring.signing_key("RS256").kid == mine.kid


async def test_a_file_that_changes_its_algorithm_does_not_sign(store: Store, clock: Clock) -> None:
    """The ring says what the key is for, and verifiers have read it."""
    private = generate_private_key("RS256")
    keys = {
        alg: LocalProvidedKey.of(FileKey(alg, str(private.thumbprint()), private))
        for alg in ("RS256", "PS256")
    }
    await key_keeper(store, KEY, now=clock, sources={"files": source(keys["RS256"])}).load()  # type: ignore[dict-item]
    keeper = key_keeper(store, KEY, now=clock, sources={"files": source(keys["PS256"])})  # type: ignore[dict-item]
    await keeper.load()
    assert "is not provided by files" in str(keeper.problem)


async def test_a_key_that_signs_something_else_is_refused(store: Store, clock: Clock) -> None:
    """Before it is published: one signature is tried."""
    mine, other = provided(), provided()
    crossed = LocalProvidedKey(
        LocalSigningKey.of(mine.kid, "RS256", generate_private_key("RS256")), mine.public_jwk
    )
    assert other.kid != mine.kid
    keeper = key_keeper(store, KEY, now=clock, sources={"plugins": source(crossed)})  # type: ignore[dict-item]
    with pytest.raises(KeyringError, match="makes no signature"):
        await keeper.load()


async def test_a_clock_that_was_years_ahead_stops_no_rotation(store: Store, clock: Clock) -> None:
    """The keys that it made for then are dropped."""
    keeper = key_keeper(store, KEY, now=clock)
    await keeper.load()
    first = keeper.ring.signing_key("RS256").kid
    clock.now += 3650 * DAY
    await keeper.maintain()
    clock.now = START + 89 * DAY
    await keeper.maintain()
    assert keeper.ring.signing_key("RS256").kid == first
    clock.now += DAY
    assert keeper.ring.signing_key("RS256").kid != first


@pytest.mark.parametrize("now", [0, START - 100 * DAY], ids=["1970", "a hundred days"])
async def test_F_KEY_06_a_clock_that_is_far_behind_destroys_nothing(
    store: Store, clock: Clock, now: int
) -> None:
    """A machine that boots without the time must not throw away everybody's keys."""
    keeper = key_keeper(store, KEY, now=clock)
    await keeper.load()
    clock.now += 89 * DAY
    await keeper.maintain()
    before = await load_key_ring(store)
    clock.now = now
    await keeper.maintain()
    assert await load_key_ring(store) == before


async def test_the_first_key_encryption_key_seals(store: Store, clock: Clock) -> None:
    """So that the second one can be left out in the end."""
    fresh = fresh_key_encryption_key()
    await key_keeper(store, fresh, KEY, now=clock).load()
    await key_keeper(store, fresh, now=clock).load()


async def test_a_record_without_its_private_half_is_no_key_of_the_store(
    store: Store, clock: Clock
) -> None:
    """Whoever writes there can't simply add a public key of his own under our name."""
    await key_keeper(store, KEY, now=clock).load()
    stored = await store.keys.get("current")
    assert stored is not None
    keys = [dict(key) for key in stored.document["keys"]]
    keys[0] |= {"sealed": "", "public": dict(provided().public_jwk)}
    await store.keys.replace("current", {"keys": keys}, version=stored.version)
    with pytest.raises(KeyringError, match="no private half"):
        await key_keeper(store, KEY, now=clock).load()


def test_of_three_generations_one_signs() -> None:
    """And of two that were made for the same second, one."""
    periods = KeyPeriods(active=100, ahead=10, retired=500)
    ring = (key("a", 100), key("b", 200), key("c", 300), key("d", 300))

    def states(now: int) -> list[KeyState]:
        return [state_of(record, ring, periods, now) for record in ring]

    assert states(220) == ["retired", "active", "published", "published"]
    assert states(300) == ["retired", "retired", "retired", "active"]


async def test_a_new_algorithm_never_waits_longer_than_any_key(store: Store, clock: Clock) -> None:
    """Ten minutes at most, and the time ahead if that is shorter."""
    periods = KeyPeriods(active=1000, ahead=60, retired=500)
    await key_keeper(store, KEY, now=clock, periods=periods).load()
    wider = (*ALGORITHMS, "EdDSA")
    keeper = key_keeper(store, KEY, now=clock, periods=periods, algorithms=wider)
    await keeper.load()
    await keeper.maintain()
    (record,) = [r for r in (await load_key_ring(store)).keys if r.algorithm == "EdDSA"]  # type: ignore[union-attr]
    assert record.activates_at == clock.now + 60


KILLED = """
import asyncio, os, sys
from apogee_idp import key_keeping
from apogee_idp.app import opened_store
from apogee_idp.crypto.sealing import KeyEncryptionKey
from apogee_idp.management import key_ring
from apogee_idp.settings import Settings
from tests.keys import key_keeper

def dying(module, name):
    whole = getattr(module, name)
    def half(*args, **kwargs):
        if STEP == "before " + name:
            os._exit(9)
        result = whole(*args, **kwargs)
        if not asyncio.iscoroutine(result):
            if STEP == "after " + name:
                os._exit(9)
            return result
        async def wait():
            await result
            if STEP == "after " + name:
                os._exit(9)
        return wait()
    setattr(module, name, half)

async def rotate():
    async with opened_store(Settings(store="sqlite:///" + sys.argv[1])) as store:
        guard = KeyEncryptionKey.parse(sys.argv[2])
        keeper = key_keeper(store, guard, now=lambda: int(sys.argv[3]))
        await keeper.load()
        dying(key_keeping, "generate_record")
        dying(key_ring, "replace_key_ring")
        await keeper.maintain()

STEP = sys.argv[4]
asyncio.run(rotate())
"""


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", ["generate_record", "replace_key_ring"])
async def test_a_rotation_that_is_killed_leaves_a_usable_ring(
    tmp_path: Path, clock: Clock, step: str, moment: str
) -> None:
    """At each of its steps; whoever comes next finishes it."""
    text = json.loads(KEY.key.export())["k"]
    path = tmp_path / "a.db"
    async with opened_store(Settings(store=f"sqlite:///{path}")) as store:
        await key_keeper(store, KEY, now=clock).load()
    clock.now += 89 * DAY
    arguments = (str(path), text, str(clock.now), f"{moment} {step}")
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, *arguments)
    assert await killed.wait() == 9
    async with opened_store(Settings(store=f"sqlite:///{path}")) as store:
        keeper = key_keeper(store, KEY, now=clock)
        await keeper.load()
        assert keeper.ring.signing_key("RS256").kid in kids(keeper.ring.jwks)
        await keeper.maintain()
        assert len(kids(keeper.ring.jwks)) == 4


def test_a_kid_is_the_thumbprint() -> None:
    """RFC 7638, for every algorithm."""
    for algorithm in ("RS256", "PS256", "ES256", "ES384", "EdDSA"):
        key = provided(algorithm)
        assert key.kid == jwk.JWK(**key.public_jwk).thumbprint()
