"""Failed client authentication tells nothing: neither by its answer nor by the work behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from apogee_idp.crypto import secrets, slow_hashes
from apogee_idp.crypto.secrets import generate_secret
from apogee_idp.model import ClientSecret
from tests.conftest import StartIdp
from tests.idp import FORM, TOKEN_PATH, Answer, Idp

OURS = generate_secret().value


async def refusals(idp: Idp, presented: str) -> dict[str, Answer]:
    """The answers to the same wrong secret for each kind of client."""
    for client_id in ("known", "disabled", "public", "expired"):
        await idp.add_client(client_id)
    disabled = await idp.change_client("disabled", enabled=False)
    more = [replace(disabled.secrets[0], id=f"more-{n}") for n in range(3)]
    await idp.change_client("disabled", secrets=(*disabled.secrets, *more))
    await idp.change_client("public", client_type="public")
    client = await idp.change_client("expired")
    await idp.change_client(
        "expired", secrets=tuple(replace(s, expires_at=1) for s in client.secrets)
    )
    asked = ("known", "unknown", "disabled", "public", "expired", "no/id")
    return {client_id: await idp.grant(client_id, presented) for client_id in asked}


@pytest.mark.parametrize(
    "presented",
    [
        pytest.param(OURS, id="of our own format"),
        pytest.param("an operator's own, chosen by hand", id="of another format"),
    ],
)
async def test_A_CA_02_every_failure_looks_alike(idp: Idp, presented: str) -> None:
    """R-TE-10: same status, same body, same headers but for the date and the request's id."""
    answers = await refusals(idp, presented)
    told = {
        (
            answer.status,
            answer.body,
            tuple(sorted(answer.headers.keys())),
            answer.headers["WWW-Authenticate"],
        )
        for answer in answers.values()
    }
    assert len(told) == 1
    assert answers["known"].status == 401


@pytest.mark.parametrize("right", [True, False], ids=["with its right secret", "with a wrong one"])
async def test_R_TE_15_disabled_and_public_clients_are_refused(idp: Idp, right: bool) -> None:
    """A right secret changes nothing for a client that may not authenticate."""
    for client_id, change in (
        ("disabled", {"enabled": False}),
        ("public", {"client_type": "public"}),
    ):
        secret = await idp.add_client(client_id)
        await idp.change_client(client_id, **change)
        answer = await idp.grant(client_id, secret if right else OURS)
        assert (answer.status, answer.error) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("lifetime", "status"), [(1, 200), (0, 401), (-1, 401)], ids=["before", "at", "behind"]
)
async def test_a_secret_ends_at_its_second(start_idp: StartIdp, lifetime: int, status: int) -> None:
    """Expired at, not after, the time it names."""
    idp = await start_idp(clock=lambda: 1000)
    secret = await idp.add_client()
    client = await idp.change_client("billing")
    expiring = tuple(replace(s, expires_at=1000 + lifetime) for s in client.secrets)
    await idp.change_client("billing", secrets=expiring)
    assert (await idp.grant("billing", secret)).status == status


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param({"client_type": "trusted"}, id="an unknown client type"),
        pytest.param({"client_type": None}, id="no client type"),
        pytest.param({"enabled": "false"}, id="enabled as text"),
    ],
)
async def test_what_is_not_clearly_allowed_is_refused(idp: Idp, damage: dict[str, object]) -> None:
    """A document that other hands wrote."""
    secret = await idp.add_client()
    stored = await idp.installation.store.applications.get("billing")
    assert stored is not None
    document = dict(stored.document)
    target = document["properties"]["apogee"] if "enabled" in damage else document
    target.update(damage)
    await idp.installation.store.applications.replace("billing", document, version=stored.version)
    assert (await idp.grant("billing", secret)).error == "invalid_client"


async def test_a_very_long_secret_is_not_even_hashed(
    idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-CA-03, for a client that has a slow secret."""
    await idp.add_client(secret="an operator's own, chosen by hand")
    monkeypatch.setattr(slow_hashes, "verify_secret", None)
    assert (await idp.grant("billing", "x" * 1025)).status == 401


async def test_the_work_is_the_same_for_every_failure(
    idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a secret of our format: one hash and one comparison, whoever is asked for.

    Work is counted here, not timed; only the counting wrappers are put in place.
    """
    work: list[str] = []
    hash_, compare = secrets._sha256, secrets.hmac.compare_digest

    def counted_hash(value: str) -> str:
        work.append("hash")
        return hash_(value)

    def counted_compare(one: str, other: str) -> bool:
        work.append("compare")
        return compare(one, other)

    await refusals(idp, OURS)
    candidates: set[int] = set()
    find = secrets._find_ours

    def counted_find(presented: str, secret_id: str, stored: Sequence[ClientSecret]) -> str | None:
        candidates.add(len(stored))
        return find(presented, secret_id, stored)

    monkeypatch.setattr(secrets, "_find_ours", counted_find)
    monkeypatch.setattr(secrets, "_sha256", counted_hash)
    monkeypatch.setattr(secrets.hmac, "compare_digest", counted_compare)
    counts = set()
    for client_id in ("known", "unknown", "disabled", "public", "no/id"):
        work.clear()
        assert (await idp.grant(client_id, OURS)).status == 401
        counts.add(tuple(work))
    assert counts == {("compare", "hash", "compare")}
    assert len(candidates) == 1


OWN = "an operator's own, chosen by hand"


@pytest.mark.parametrize("asked", ["the owner's", "unknown ones", "many clients"])
async def test_A_CA_04_a_flood_of_slow_secrets_is_bounded(idp: Idp, asked: str) -> None:
    """R-TE-20: callers are told to come back; the owner's remembered secret still passes."""
    await idp.add_client(secret=OWN)
    assert (await idp.grant("billing", OWN)).status == 200
    names = {
        "the owner's": ["billing"] * 80,
        "unknown ones": [f"nobody-{n}" for n in range(80)],
        "many clients": [*["billing"] * 40, *(f"nobody-{n}" for n in range(40))],
    }[asked]
    flood = [idp.grant(name, f"{OWN} but wrong {n}") for n, name in enumerate(names)]
    *answers, owner = await asyncio.gather(*flood, idp.grant("billing", OWN))
    assert {answer.status for answer in answers} <= {401, 429, 503}
    assert sum(answer.status == 401 for answer in answers) <= 20
    assert owner.status == 200
    refused = next(answer for answer in answers if answer.status in (429, 503))
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.error == "temporarily_unavailable"


async def test_a_flood_tells_nothing_either(idp: Idp) -> None:
    """Known and unknown clients hear "later" alike."""
    await idp.add_client(secret=OWN)
    told: dict[str, list[int]] = {"billing": [], "unknown": []}
    for n in range(8):
        for name, statuses in told.items():
            statuses.append((await idp.grant(name, f"another secret, also long {n}")).status)
    assert told["billing"] == told["unknown"] == [401] * 5 + [429] * 3


async def test_secrets_of_our_own_are_always_looked_at(idp: Idp) -> None:
    """They can't be guessed and cost next to nothing: the right one passes behind any number."""
    secret = await idp.add_client()
    wrong = [await idp.grant("billing", OURS) for _ in range(40)]
    assert {answer.status for answer in wrong} == {401}
    for n in range(10):
        await idp.grant("billing", f"another secret, also long {n}")
    assert (await idp.grant("billing", secret)).status == 200


async def test_behind_a_proxy_of_ours_each_caller_is_a_source(start_idp: StartIdp) -> None:
    """Who guesses makes nobody else wait."""
    idp = await start_idp(trusted_proxies=("127.0.0.0/8",))
    await idp.add_client(secret=OWN)

    async def grant(secret: str, source: str) -> int:
        headers = {"X-Forwarded-For": source, "Content-Type": FORM}
        form = {"grant_type": "client_credentials", "client_id": "billing", "client_secret": secret}
        answer = await idp.send("POST", TOKEN_PATH, headers=headers, data=urlencode(form))
        return answer.status

    assert [await grant(f"{OWN} {n}", "192.0.2.1") for n in range(6)] == [401] * 5 + [429]
    assert await grant(OWN, "192.0.2.1") == 429
    assert await grant(OWN, "192.0.2.2") == 200
    assert await grant(OWN, "192.0.2.1") == 200


async def test_many_requests_with_one_right_secret_are_one_hash(idp: Idp) -> None:
    """A deployment that starts a hundred workers at once."""
    own = "an operator's own, chosen by hand"
    await idp.add_client(secret=own)
    answers = await asyncio.gather(*(idp.grant("billing", own) for _ in range(100)))
    assert {answer.status for answer in answers} == {200}


async def test_A_TE_10_a_rotated_secret_stops_within_the_cache_bound(start_idp: StartIdp) -> None:
    """The old one is refused, the new one taken, as soon as the cache has let go."""
    idp = await start_idp(cache_seconds=0.05)
    old = await idp.add_client()
    assert (await idp.grant("billing", old)).status == 200
    new = (await idp.secret_commands().rotate("billing", 0)).value
    async with asyncio.timeout(5):
        while (await idp.grant("billing", old)).status != 401:
            pass
    assert (await idp.grant("billing", new)).status == 200


async def test_a_lost_store_is_a_503_and_cached_clients_go_on(idp: Idp) -> None:
    """ "No answer" is never taken for "unknown client"."""
    secret = await idp.add_client()
    assert (await idp.grant("billing", secret)).status == 200
    await idp.installation.store.close()
    lost = await idp.grant("never-seen", OURS)
    assert (lost.status, lost.error) == (503, "temporarily_unavailable")
    assert lost.headers["Retry-After"] == "1"
    assert (await idp.grant("billing", secret)).status == 200


async def test_a_cached_clients_request_reads_no_database(idp: Idp) -> None:
    """The hot path: what is in the cache is answered from it."""
    secret = await idp.add_client(scopes=("invoices.read",))
    assert (await idp.grant("billing", secret, scope="invoices.read")).status == 200
    await idp.installation.store.close()
    for _ in range(10):
        assert (await idp.grant("billing", secret, scope="invoices.read")).status == 200
