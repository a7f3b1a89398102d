"""Revocation (RFC 7009): of one token, and of everything a client has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from apogee_idp.model import TokenProfile
from tests.conftest import StartIdp
from tests.idp import Idp

from .test_introspection import FORMATS, caller


@pytest.mark.parametrize("command", FORMATS)
async def test_R_RV_06_A_TK_17_a_revoked_token_has_ended(
    idp: Idp, command: dict[str, object]
) -> None:
    """At once, for good, once or a hundred times at the same time; others live on."""
    client = await caller(idp, **command)
    token, other = await client.token(), await client.token()
    answers = await asyncio.gather(*(client.revoke(token) for _ in range(20)))
    assert {(answer.status, answer.body) for answer in answers} == {(200, b"")}
    assert not await client.knows(token)
    assert await client.knows(other)
    assert (await client.revoke(token)).status == 200


async def test_R_RV_02_what_is_no_token_has_ended_already(idp: Idp) -> None:
    """200, so that a client need not care."""
    client = await caller(idp)
    for token in ("x", "a.b.c", "apogee_at_" + "0" * 50, (await client.token())[:-2]):
        assert (await client.revoke(token)).status == 200


async def test_a_token_of_another_client_is_not_revoked(idp: Idp) -> None:
    """RFC 7009 §2.1: refused, and the caller is told, rather than left in a false belief."""
    client, thief = await caller(idp), await caller(idp, "thief")
    token = await client.token()
    refused = await thief.revoke(token)
    assert (refused.status, refused.error) == (400, "unauthorized_client")
    assert await client.knows(token)


async def test_revocation_needs_its_permission(idp: Idp) -> None:
    """``ept:revocation``; that of introspection is another."""
    client = await caller(idp)
    token = await client.token()
    await idp.change_client("billing", permissions=frozenset({"ept:token", "ept:introspection"}))
    idp.installation.services.clients.forget("billing")
    assert (await client.revoke(token)).error == "unauthorized_client"
    assert await client.knows(token)


async def test_everything_of_a_client_ends_by_not_before(start_idp: StartIdp) -> None:
    """What was issued then or earlier; what comes later is not touched (R-IN-04)."""
    now = [1_800_000_000]
    idp = await start_idp(clock=lambda: now[0])
    clients = [
        await caller(idp, "jwt"),
        await caller(idp, "opaque", token_profile=TokenProfile(reference=True)),
    ]
    for client in clients:
        before = await client.token()
        await idp.change_client(client.client_id, tokens_not_before=now[0])
        idp.installation.services.clients.forget(client.client_id)
        assert not await client.knows(before)
        now[0] += 1
        after = await client.token()
        assert await client.knows(after)
        await client.revoke(after)
        assert not await client.knows(after)


async def rows(idp: Idp) -> int:
    store = idp.installation.store
    count = 0
    for collection in (store.revocations, store.tokens, store.assertions):
        count += len((await collection.list()).items)
    return count


async def test_tokens_leave_no_rows(start_idp: StartIdp, long: Callable[[int, int], int]) -> None:
    """But for one for each that was revoked, which vanishes when it would have expired."""
    now = [1_800_000_000]
    idp = await start_idp(clock=lambda: now[0])
    client = await caller(idp, token_profile=TokenProfile("ES256"), skip_token_encryption=True)
    for _ in range(long(20, 1000)):
        tokens = await asyncio.gather(*(client.token() for _ in range(100)))
    assert await rows(idp) == 0
    for token in tokens[:3]:
        await client.revoke(token)
    assert await rows(idp) == 3
    now[0] += 900 + 3599
    assert await rows(idp) == 3
    now[0] += 1
    assert await rows(idp) == 0
    await idp.installation.store.revocations.expire()
    assert await idp.installation.store.revocations.expire() == 0


async def test_what_has_expired_is_cleaned_away_by_itself(start_idp: StartIdp) -> None:
    """Every minute, by every process, on every kind of store."""
    now = [1_800_000_000]
    idp = await start_idp(clock=lambda: now[0])
    opaque = await caller(idp, "opaque", token_profile=TokenProfile(reference=True))
    await opaque.token()
    now[0] += 900
    housekeeper = idp.installation.housekeeper
    housekeeper._cleaned_at = float("-inf")
    await housekeeper.tidy()
    assert await idp.installation.store.tokens.expire() == 0


async def test_an_opaque_token_rests_as_a_hash(idp: Idp) -> None:
    """A-SEC-04: who reads the store can't use what he finds."""
    opaque = await caller(idp, "opaque", token_profile=TokenProfile(reference=True))
    token = await opaque.token()
    (stored,) = (await idp.installation.store.tokens.list()).items
    assert len(token) == 60
    assert token not in f"{stored.key} {stored.document}"
    assert stored.key not in token
    for found in (stored.key, token[:-1], token[:-7], token.swapcase()):
        assert not await opaque.knows(found)


async def test_an_opaque_token_that_is_revoked_leaves_nothing(idp: Idp) -> None:
    """Its own row is gone, and no other takes its place."""
    opaque = await caller(idp, "opaque", token_profile=TokenProfile(reference=True))
    token = await opaque.token()
    assert await rows(idp) == 1
    await opaque.revoke(token)
    assert await rows(idp) == 0


async def test_a_damaged_row_is_a_503(idp: Idp) -> None:
    """Never "not active"."""
    opaque = await caller(idp, "opaque", token_profile=TokenProfile(reference=True))
    token = await opaque.token()
    tokens = idp.installation.store.tokens
    (stored,) = (await tokens.list()).items
    await tokens.replace(stored.key, {"payload": 5}, version=stored.version)
    assert (await opaque.introspect(token)).status == 503


async def test_R_TE_19_opaque_tokens_differ(idp: Idp) -> None:
    """256 random bits each."""
    opaque = await caller(idp, "opaque", token_profile=TokenProfile(reference=True))
    tokens = {await opaque.token() for _ in range(50)}
    assert len(tokens) == 50
    assert len({token[10:53] for token in tokens}) == 50
