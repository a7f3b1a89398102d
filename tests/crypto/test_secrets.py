"""Client secrets: our format, adopted ones, OpenIddict's, and how they are verified."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress

import argon2
import pytest

from apogee_idp.crypto import slow_hashes
from apogee_idp.crypto.secrets import (
    MAXIMUM_BYTES,
    MINIMUM_LENGTH,
    SecretVerifier,
    adopt_secret,
    generate_secret,
    secret_id_of,
)
from apogee_idp.crypto.slow_verifier import SlowVerifier
from apogee_idp.errors import TemporarilyUnavailable, TooManyAttempts
from apogee_idp.model import ClientSecret
from tests.clock import Clock

HOME = "192.0.2.1"
OWN = "an operator's own, chosen by hand"
hash_of_own = slow_hashes.hash_secret(OWN)


@pytest.fixture
def verifier() -> Iterator[SecretVerifier]:
    slow = SlowVerifier(monotonic=lambda: 0.0, patience=60)
    yield SecretVerifier(slow)
    slow.close()


def test_a_generated_secret_has_our_format() -> None:
    """``apogee_<id>_<random>_<checksum>`` in base62; 43 digits hold 256 bits."""
    secret = generate_secret()
    assert re.fullmatch(r"apogee_[0-9A-Za-z]{10}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}", secret.value)
    assert secret_id_of(secret.value) == secret.id
    assert secret.hash == "sha256:" + hashlib.sha256(secret.value.encode()).hexdigest()


def test_generated_secrets_use_their_whole_range() -> None:
    """R-TE-19: 256 random bits, so no two alike and no digit constant."""
    values = [generate_secret().value.split("_")[2] for _ in range(300)]
    assert len(set(values)) == 300
    assert all(len({value[place] for value in values}) > 4 for place in range(1, 43))


def test_a_secret_is_in_no_repr() -> None:
    """Neither the value nor its hash."""
    secret = generate_secret()
    shown = repr(secret) + repr(ClientSecret(secret.id, secret.hash))
    assert secret.value not in shown
    assert secret.hash not in shown


@pytest.mark.parametrize("place", [8, 20, -10, -1])
def test_the_checksum_notices_every_single_change(place: int) -> None:
    """So scanners don't cry wolf, and a mistyped secret costs nothing to refuse."""
    value = generate_secret().value
    for digit in "09AZaz":
        characters = list(value)
        if characters[place] in {digit, "_"}:
            continue
        characters[place] = digit
        assert secret_id_of("".join(characters)) is None


@pytest.mark.parametrize("value", ["", "apogee_", "apogee__" + "0" * 43 + "_000000", OWN, "x" * 99])
def test_other_texts_are_not_ours(value: str) -> None:
    """Whatever they begin with."""
    assert secret_id_of(value) is None


async def test_the_right_secret_of_several_is_found(verifier: SecretVerifier) -> None:
    """By the id inside it; a secret of another client, or an altered one, is not."""
    one, two, foreign = generate_secret(), generate_secret(), generate_secret()
    stored = [ClientSecret(one.id, one.hash), ClientSecret(two.id, two.hash)]
    assert await verifier.find("billing", one.value, stored, source=HOME) == one.id
    assert await verifier.find("billing", two.value, stored, source=HOME) == two.id
    assert await verifier.find("billing", foreign.value, stored, source=HOME) is None
    assert (
        await verifier.find("billing", one.value, [ClientSecret(one.id, two.hash)], source=HOME)
        is None
    )
    assert await verifier.find("billing", one.value, [], source=HOME) is None
    assert await verifier.find("billing", "", stored, source=HOME) is None


async def test_a_hash_is_no_secret(verifier: SecretVerifier) -> None:
    """Who reads the database can't sign in with what is there."""
    secret = generate_secret()
    stored = [ClientSecret(secret.id, secret.hash)]
    for attempt in (secret.hash, secret.hash.removeprefix("sha256:"), secret.id):
        assert await verifier.find("billing", attempt, stored, source=HOME) is None


async def test_an_adopted_secret_is_hashed_slowly_and_found(verifier: SecretVerifier) -> None:
    """argon2id, because nobody knows how it was chosen."""
    adopted = adopt_secret(OWN)
    assert adopted.hash.startswith("$argon2id$")
    stored = [ClientSecret(adopted.id, adopted.hash)]
    assert await verifier.find("billing", OWN, stored, source=HOME) == adopted.id
    assert await verifier.find("billing", OWN + " ", stored, source=HOME) is None


@pytest.mark.parametrize(
    "value",
    ["short", "x" * (MINIMUM_LENGTH - 1), "x" * (MAXIMUM_BYTES + 1), "x" * 30 + "\0", "\n" * 30],
)
def test_an_adopted_secret_has_bounds(value: str) -> None:
    """Too short to be safe, too long to be hashed."""
    with pytest.raises(ValueError, match="secret of your own"):
        adopt_secret(value)


@pytest.fixture
def slow_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stored hash of each slow verification, which all must run off the event loop."""
    calls: list[str] = []
    verify = slow_hashes.verify_secret

    def counted(stored: str, presented: str) -> bool:
        calls.append(stored)
        assert threading.current_thread().name.startswith("slow-hash")
        return verify(stored, presented)

    monkeypatch.setattr(slow_hashes, "verify_secret", counted)
    return calls


async def test_a_slow_match_is_remembered_and_a_mismatch_is_not(
    verifier: SecretVerifier, slow_calls: list[str]
) -> None:
    """The second request with the same secret hashes nothing slowly."""
    adopted = adopt_secret(OWN)
    stored = [ClientSecret(adopted.id, adopted.hash)]
    for _ in range(3):
        assert await verifier.find("billing", OWN, stored, source=HOME) == adopted.id
    assert len(slow_calls) == 1
    for _ in range(3):
        assert await verifier.find("billing", OWN + "x", stored, source=HOME) is None
    assert len(slow_calls) == 4


@pytest.mark.parametrize(
    "parameters", [{"memory_cost": 65 * 1024}, {"time_cost": 11}, {"parallelism": 5}], ids=str
)
def test_a_right_argon2_hash_that_asks_for_too_much_is_no_match(parameters: dict[str, int]) -> None:
    """The bounds are ours, not those of whoever wrote the hash."""
    modest = {"time_cost": 1, "memory_cost": 1024, "parallelism": 1}
    assert slow_hashes.verify_secret(argon2.PasswordHasher(**modest).hash(OWN), OWN)
    assert not slow_hashes.verify_secret(
        argon2.PasswordHasher(**modest | parameters).hash(OWN), OWN
    )


def test_a_right_PBKDF2_hash_of_too_many_rounds_is_no_match() -> None:
    """One more than a million."""
    rounds = 1_000_001
    key = hashlib.pbkdf2_hmac("sha256", SECRET.encode(), SALT, rounds, 32)
    blob = bytes([1]) + struct.pack(">III", 1, rounds, len(SALT)) + SALT + key
    assert not slow_hashes.verify_secret(base64.b64encode(blob).decode(), SECRET)


async def test_a_match_is_remembered_for_its_time_only() -> None:
    """Then it is hashed again."""
    time = 0.0
    slow = SlowVerifier(monotonic=lambda: time, remember_seconds=10)
    assert await slow.find("billing", [hash_of_own], OWN, source=HOME)
    assert len(slow._matched) == 1
    time = 10.1
    assert len(slow._matched) == 0
    slow.close()


def test_no_two_questions_are_the_same() -> None:
    """Where client_id, hash and secret begin and end is part of the question."""
    slow = SlowVerifier(monotonic=lambda: 0.0)
    asked = [("a", "b", "cd"), ("a", "bc", "d"), ("ab", "c", "d"), ("x", "b", "cd")]
    assert len({slow._question(*parts) for parts in asked}) == len(asked)
    slow.close()


async def test_a_full_queue_does_not_tell_the_known_from_the_unknown() -> None:
    """One secret, tried for many client_ids, is a question of its own for each of them."""
    slow = SlowVerifier(monotonic=lambda: 0.0, threads=1, max_waiting=1, patience=60)
    verifier = SecretVerifier(slow)
    guess = f"{OWN} but wrong"
    under_way = asyncio.create_task(verifier.find("invented", guess, [], source=HOME))
    await asyncio.sleep(0)
    for client_id, stored in (("known", [ClientSecret("s", hash_of_own)]), ("unknown", [])):
        with pytest.raises(TemporarilyUnavailable):
            await verifier.find(client_id, guess, stored, source=HOME)
    assert await under_way is None
    slow.close()


async def test_a_remembered_match_ends_with_its_hash(verifier: SecretVerifier) -> None:
    """After a change of secret, the memory of the old one opens nothing."""
    old, new = adopt_secret(OWN), adopt_secret(OWN + " changed")
    assert await verifier.find("billing", OWN, [ClientSecret("s", old.hash)], source=HOME) == "s"
    assert await verifier.find("billing", OWN, [ClientSecret("s", new.hash)], source=HOME) is None


async def test_an_unknown_client_costs_a_slow_hash_too(
    verifier: SecretVerifier, slow_calls: list[str]
) -> None:
    """A-CA-02 for secrets of another format: nobody's hash is tried."""
    fast = generate_secret()
    assert await verifier.find("billing", OWN, [], source=HOME) is None
    assert (
        await verifier.find("billing", OWN, [ClientSecret(fast.id, fast.hash)], source=HOME) is None
    )
    assert slow_calls == [slow_hashes.NOBODYS_HASH] * 2


def wrong_secrets(slow: SlowVerifier, *senders: tuple[str, str]) -> list[Awaitable[str | None]]:
    """One question each, at the same time, all of them wrong."""
    return [
        slow.find(client_id, [hash_of_own], f"{OWN} {n}", source=source)
        for n, (client_id, source) in enumerate(senders)
    ]


def refusals_in(outcomes: Sequence[object]) -> list[bool]:
    return [isinstance(outcome, TemporarilyUnavailable) for outcome in outcomes]


@pytest.mark.parametrize(
    ("sender", "let_in"),
    [
        pytest.param(lambda n: (f"client-{n}", f"192.0.2.{n}"), 8, id="anybody"),
        pytest.param(lambda n: ("billing", f"192.0.2.{n}"), 2, id="one client"),
        pytest.param(lambda n: (f"client-{n}", HOME), 4, id="one source"),
    ],
)
async def test_A_CA_04_waiting_for_slow_hashes_is_bounded(
    sender: Callable[[int], tuple[str, str]], let_in: int
) -> None:
    """No queue without end, and none that is full of one client or one source."""
    slow = SlowVerifier(monotonic=lambda: 0.0, threads=1, max_waiting=8, patience=60)
    ask = wrong_secrets(slow, *(sender(n) for n in range(10)))
    outcomes = await asyncio.gather(*ask, return_exceptions=True)
    assert refusals_in(outcomes) == [False] * let_in + [True] * (10 - let_in)
    assert await slow.find("another", [hash_of_own], OWN, source="203.0.113.1")
    slow.close()


async def test_R_TE_20_guesses_have_to_wait(slow_calls: list[str]) -> None:
    """Five are free for each client and source, then one waits ever longer, 30 seconds at most."""
    clock = Clock()
    slow = SlowVerifier(monotonic=clock, patience=60)
    for n in range(5):
        assert await slow.find("billing", [hash_of_own], f"guess {n}", source=HOME) is None
    for seconds in (1, 2, 4, 8, 16, 30, 30):
        with pytest.raises(TooManyAttempts) as refused:
            await slow.find("billing", [hash_of_own], "one more", source=HOME)
        assert (refused.value.retry_after, refused.value.status) == (seconds, 429)
        clock.now += seconds
        assert await slow.find("billing", [hash_of_own], f"in {seconds}", source=HOME) is None
    assert len(slow_calls) == 5 + 7
    slow.close()


async def test_A_DOS_06_impossible_clients_are_one() -> None:
    """Their names, which may be long, are not remembered; and who guesses at them waits, too."""
    slow = SlowVerifier(monotonic=Clock(), patience=60)
    for n in range(5):
        assert await slow.find(f"no/{n}" * 1000, [hash_of_own], "guess", source=HOME) is None
    with pytest.raises(TooManyAttempts):
        await slow.find("no/other", [hash_of_own], "guess", source=HOME)
    assert await slow.find("billing", [hash_of_own], "guess", source=HOME) is None
    slow.close()


async def test_R_TE_20_the_owner_is_not_locked_out_by_others() -> None:
    """Neither where she has been recognised, however long ago, nor at a source without failures."""
    clock = Clock()
    slow = SlowVerifier(monotonic=clock, patience=60)
    assert await slow.find("billing", [hash_of_own], OWN, source=HOME)
    for n in range(60):
        with suppress(TemporarilyUnavailable):
            await slow.find("billing", [hash_of_own], f"guess {n}", source=f"192.0.2.{n % 3}")
        clock.now += 6
        assert await slow.find("billing", [hash_of_own], OWN, source=HOME)
    assert await slow.find("billing", [hash_of_own, "x"], OWN, source="203.0.113.7")
    slow.close()


async def test_a_slow_hash_that_takes_too_long_is_waited_for_no_longer() -> None:
    """The caller hears "later"; the answer is remembered when it comes."""
    slow = SlowVerifier(monotonic=lambda: 0.0, threads=1, patience=0.001)
    with pytest.raises(TemporarilyUnavailable):
        await slow.find("billing", [hash_of_own], OWN, source=HOME)
    async with asyncio.timeout(10):
        while True:
            try:
                assert await slow.find("billing", [hash_of_own], OWN, source=HOME)
                break
            except TemporarilyUnavailable:
                continue
    slow.close()


async def test_the_same_question_is_asked_once(
    verifier: SecretVerifier, slow_calls: list[str]
) -> None:
    """However many ask it at the same time."""
    stored = [ClientSecret("s", hash_of_own)]
    answers = await asyncio.gather(
        *(verifier.find("billing", OWN, stored, source=HOME) for _ in range(50))
    )
    assert (answers, slow_calls) == (["s"] * 50, [hash_of_own])


async def test_an_adopted_secret_of_our_format_works(verifier: SecretVerifier) -> None:
    """Moved from another installation: kept as what it is."""
    moved = generate_secret()
    adopted = adopt_secret(moved.value)
    assert (adopted.id, adopted.hash) == (moved.id, moved.hash)
    assert (
        await verifier.find(
            "billing", moved.value, [ClientSecret(adopted.id, adopted.hash)], source=HOME
        )
        == moved.id
    )


SECRET = "388D45FA-B36B-4988-BA59-B187D329C207"
SALT = bytes(range(16))


def identity_hash(
    *, marker: int = 1, prf: int = 1, iterations: int = 10_000, salt: bytes = SALT, size: int = 32
) -> str:
    """ASP.NET Core Identity's layout, written here independently of the code under test."""
    names = {0: "sha1", 1: "sha256", 2: "sha512"}
    bounded = max(1, min(iterations, 10_000))
    key = hashlib.pbkdf2_hmac(names.get(prf, "sha256"), SECRET.encode(), salt, bounded, size)
    header = bytes([marker]) + struct.pack(">III", prf, iterations, len(salt))
    return base64.b64encode(header + salt + key).decode()


def test_the_published_vector_of_OpenIddicts_layout() -> None:
    """HMAC-SHA256, 10,000 iterations, salt 00..0F: 84 characters that begin AQAAAAEAACcQ."""
    vector = "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg8APYB/YOvEd6FX6HxCJZzBeTwrPuVZuCIKcZbY/CJxuA=="
    assert identity_hash() == vector
    assert slow_hashes.verify_secret(vector, SECRET)
    assert not slow_hashes.verify_secret(vector, SECRET.lower())
    assert not slow_hashes.verify_secret(vector, "")


@pytest.mark.parametrize("prf", [0, 1, 2])
def test_all_three_PRFs_are_known(prf: int) -> None:
    """SHA-1, SHA-256, SHA-512."""
    assert slow_hashes.verify_secret(identity_hash(prf=prf), SECRET)


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param("", id="empty"),
        pytest.param(SECRET, id="the secret in clear"),
        pytest.param("AQAAAAEAACcQ", id="cut off"),
        pytest.param("!" * 84, id="not base64"),
        pytest.param(identity_hash(marker=0), id="another marker"),
        pytest.param(identity_hash(prf=3), id="an unknown PRF"),
        pytest.param(identity_hash(iterations=0), id="no iterations"),
        pytest.param(identity_hash(iterations=2**32 - 1), id="endless iterations"),
        pytest.param(identity_hash(salt=b"short"), id="a short salt"),
        pytest.param(identity_hash(size=8), id="a short key"),
        pytest.param("$argon2id$nonsense", id="no argon2 hash"),
        pytest.param("$argon2id$v=19$m=19456,t=2,p=1$ä$ö", id="an argon2 hash in no ASCII"),
        pytest.param("$argon2id$v=19$m=19456,t=2,p=64$c2FsdHNhbHQ$AAAA", id="64 lanes"),
        pytest.param(identity_hash(size=128), id="an endless key"),
        pytest.param(slow_hashes.NOBODYS_HASH, id="nobody's hash"),
    ],
)
def test_an_unreadable_or_unbounded_hash_matches_nothing(stored: str) -> None:
    """And costs no more than a readable one."""
    assert not slow_hashes.verify_secret(stored, SECRET)
