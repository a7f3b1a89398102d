"""The life of a client's secrets: several at once, their use, their end; on every store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from apogee_idp.app import opened_installation, store_of
from apogee_idp.crypto.secrets import checksum, generate_secret, secret_id_of
from apogee_idp.errors import (
    CommandRefused,
    Conflict,
    StoreUnavailable,
)
from apogee_idp.management.client_secrets import MAXIMUM_SECRETS, SecretCommands, SecretStatus
from apogee_idp.secret_usage import SecretUsage, Usage
from tests.acting import acting
from tests.clock import NOW, Clock
from tests.conftest import StartIdp
from tests.idp import Idp

OWN = "an operator's own, chosen by hand"
JWKS = {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}]}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def idp(start_idp: StartIdp, clock: Clock) -> Idp:
    """A server that reads clients again for each request."""
    return await start_idp(clock=clock, cache_seconds=0.0001)


async def status_of(idp: Idp, secret: str) -> int:
    """What the server answers, once it has let go of what it knew."""
    idp.installation.services.clients.forget("billing")
    return (await idp.grant("billing", secret)).status


async def statuses(idp: Idp, *secrets: str) -> list[int]:
    return [await status_of(idp, secret) for secret in secrets]


def id_of(secret: str) -> str:
    secret_id = secret_id_of(secret)
    assert secret_id is not None
    return secret_id


async def listed(idp: Idp) -> dict[str, SecretStatus]:
    return {s.secret.id: s for s in await idp.secret_commands().list("billing")}


async def test_several_secrets_are_live_at_once(idp: Idp) -> None:
    """Generated ones, one of the operator's own, each with its name."""
    first = await idp.add_client()
    commands = idp.secret_commands()
    second = await commands.add("billing", "the new cluster")
    third = await commands.add("billing", own=OWN)
    assert await statuses(idp, first, second.value, OWN) == [200, 200, 200]
    found = await listed(idp)
    assert {i: s.secret.name for i, s in found.items()} == {
        id_of(first): "",
        second.id: "the new cluster",
        third.id: "",
    }


async def test_what_others_wrote_into_a_stored_secret_is_kept(idp: Idp) -> None:
    """By a later version of this program (R-K8-04)."""
    await idp.add_client()
    applications = idp.installation.store.applications
    stored = await applications.get("billing")
    assert stored is not None
    (secret,) = stored.document["properties"]["apogee"]["secrets"]
    changes = {"properties": {"apogee": {"secrets": [dict(secret) | {"later": "x"}]}}}
    await applications.replace("billing", changes, version=stored.version)
    await idp.secret_commands().add("billing", "second")
    stored = await applications.get("billing")
    assert stored is not None
    kept = stored.document["properties"]["apogee"]["secrets"]
    assert [(s.get("later"), s["name"]) for s in kept] == [("x", ""), (None, "second")]


async def test_a_secret_ends_at_the_second_of_its_expiry(idp: Idp, clock: Clock) -> None:
    """Not a second earlier or later."""
    await idp.add_client()
    secret = await idp.secret_commands().add("billing", expires_at=NOW + 60)
    clock.now = NOW + 59
    assert await status_of(idp, secret.value) == 200
    assert not (await listed(idp))[secret.id].is_expired
    clock.now = NOW + 60
    assert await status_of(idp, secret.value) == 401
    assert (await listed(idp))[secret.id].is_expired


async def test_A_TE_10_a_rotation_with_an_overlap_ends_the_old_ones_later(
    idp: Idp, clock: Clock
) -> None:
    """When it is over; never later than they would have ended anyway."""
    old = await idp.add_client()
    brief = (await idp.secret_commands().add("billing", expires_at=NOW + 10)).value
    new = (await idp.secret_commands().rotate("billing", 60)).value
    assert await statuses(idp, old, brief, new) == [200, 200, 200]
    clock.now = NOW + 10
    assert await statuses(idp, old, brief, new) == [200, 401, 200]
    clock.now = NOW + 60
    assert await statuses(idp, old, brief, new) == [401, 401, 200]


async def test_a_rotation_without_overlap_ends_the_others_at_once(idp: Idp) -> None:
    """They are gone, not expired."""
    old = await idp.add_client()
    new = (await idp.secret_commands().rotate("billing", 0)).value
    assert await statuses(idp, old, new) == [401, 200]
    assert list(await listed(idp)) == [id_of(new)]


async def test_a_retired_secret_is_refused_and_the_others_go_on(idp: Idp, clock: Clock) -> None:
    """It is refused while it is in use; the sentence says since when it isn't."""
    old = await idp.add_client()
    new = (await idp.secret_commands().add("billing")).value
    assert await statuses(idp, old, new) == [200, 200]
    with pytest.raises(CommandRefused, match="last used at 2027-01-15 08:00:00 UTC"):
        await idp.secret_commands().retire("billing", id_of(old))
    clock.now = NOW + 3600
    assert (await listed(idp))[id_of(old)].is_safe_to_retire
    await idp.secret_commands().retire("billing", id_of(old))
    assert await statuses(idp, old, new) == [401, 200]


async def test_the_last_secret_that_works_is_kept_unless_forced(idp: Idp, clock: Clock) -> None:
    """An expired one beside it is no help; keys of the client's own are."""
    last = id_of(await idp.add_client())
    await idp.secret_commands().add("billing", expires_at=NOW + 1)
    clock.now = NOW + 1
    with pytest.raises(CommandRefused, match="is the last secret"):
        await idp.secret_commands().retire("billing", last)
    await idp.change_client("billing", jwks=JWKS)
    assert (await listed(idp))[last].is_safe_to_retire
    await idp.change_client("billing", jwks=None)
    await idp.secret_commands().retire("billing", last, force=True)
    assert last not in await listed(idp)


async def test_what_breaks_a_rule_of_secrets_is_refused(idp: Idp) -> None:
    """In a sentence each."""
    await idp.add_client()
    commands = idp.secret_commands()
    for act, sentence in (
        (commands.add("nobody"), "there is no client nobody"),
        (commands.add("billing", expires_at=NOW), "expires in the future"),
        (commands.add("billing", "a\nb"), "printable characters"),
        (commands.add("billing", own="short"), "at least 24 characters"),
        (commands.rotate("billing", -1), "can't be negative"),
        (commands.retire("billing", "none"), "has no secret none"),
    ):
        with pytest.raises(CommandRefused, match=sentence):
            await act
    for _ in range(MAXIMUM_SECRETS - 1):
        await commands.add("billing")
    with pytest.raises(CommandRefused, match="which is the most"):
        await commands.add("billing")
    await idp.change_client("billing", client_type="public")
    with pytest.raises(CommandRefused, match="has no secret"):
        await commands.add("billing")


async def test_use_is_counted_and_added_to_what_other_processes_counted(
    idp: Idp, clock: Clock
) -> None:
    """Two sets of counters that write at the same time; wrong secrets are nobody's use."""
    secret = await idp.add_client()
    client = await idp.change_client("billing")
    other = SecretUsage(idp.installation.store.secrets, now=clock)
    for _ in range(3):
        assert await status_of(idp, secret) == 200
    assert await status_of(idp, generate_secret().value) == 401
    clock.now = NOW + 5
    for _ in range(4):
        other.note("billing", id_of(secret), "10.0.0.7")
    await asyncio.gather(idp.installation.management.usage.flush(), other.flush())
    expected = {id_of(secret): Usage(NOW + 5, 7, "10.0.0.7")}
    assert await other.of(client) == await idp.installation.management.usage.of(client) == expected
    await idp.installation.management.usage.flush()
    assert await other.of(client) == expected


@pytest.mark.parametrize(
    ("seconds", "last"),
    [
        pytest.param((0, 5), (NOW + 5, "10.0.0.2"), id="the other later"),
        pytest.param((5, 0), (NOW + 5, "10.0.0.1"), id="the other earlier"),
    ],
)
async def test_the_latest_use_says_from_where(
    idp: Idp, clock: Clock, seconds: tuple[int, int], last: tuple[int, str]
) -> None:
    """Of whichever process, and in whatever order they write."""
    await idp.add_client()
    client = await idp.change_client("billing")
    (secret,) = client.secrets
    for number, after in enumerate(seconds, start=1):
        usage = SecretUsage(idp.installation.store.secrets, now=clock)
        clock.now = NOW + after
        usage.note("billing", secret.id, f"10.0.0.{number}")
        await usage.flush()
    known = (await usage.of(client))[secret.id]
    assert (known.last_used_at, known.last_used_from) == last


async def test_an_orderly_end_writes_the_last_uses(start_idp: StartIdp, clock: Clock) -> None:
    """Also those that came less than a minute ago."""
    idp = await start_idp(clock=clock)
    secret = await idp.add_client()
    async with opened_installation(idp.installation.settings, now=clock) as second:
        await second.until_ready()
        second.management.usage.note("billing", id_of(secret), "10.0.0.7")
    assert (await listed(idp))[id_of(secret)].usage == Usage(NOW, 1, "10.0.0.7")


async def test_OpenIddicts_secrets_are_counted_for_each_client(idp: Idp, clock: Clock) -> None:
    """They all have the same id."""
    usage, secrets = idp.installation.management.usage, idp.installation.store.secrets
    for client_id, uses in (("one", 1), ("two", 2)):
        for _ in range(uses):
            usage.note(client_id, "openiddict", "")
    await usage.flush()
    for client_id, uses in (("one", 1), ("two", 2)):
        stored = await secrets.get(f"openiddict/{client_id}")
        assert stored is not None
        assert (stored.document["client_id"], stored.document["uses"]) == (client_id, uses)


async def test_a_secret_that_two_clients_share_is_counted_for_each(idp: Idp) -> None:
    """An operator may have given it to both."""
    usage, shared = idp.installation.management.usage, generate_secret()
    clients = []
    for client_id in ("one", "two"):
        await idp.add_client(client_id, secret=shared.value)
        clients.append(await idp.change_client(client_id))
    for client_id in ("one", "two", "two"):
        usage.note(client_id, shared.id, "")
    await usage.flush()
    assert [(await usage.of(client))[shared.id].uses for client in clients] == [1, 2]


class Lossy:
    """Stands before a collection; the next writes are lost, before or after they happened."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self.faults: list[str] = []

    async def _write(self, call: Any) -> Any:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "before":
            call.close()
            raise StoreUnavailable("lost on its way")
        answer = await call
        if fault == "after":
            raise StoreUnavailable("the answer was lost")
        return answer

    async def get(self, key: str) -> Any:
        return await self._collection.get(key)

    async def insert(self, key: str, document: Any) -> Any:
        return await self._write(self._collection.insert(key, document))

    async def replace(self, key: str, changes: Any, *, version: str) -> Any:
        return await self._write(self._collection.replace(key, changes, version=version))


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(["before"], id="never written"),
        pytest.param(["after"], id="written, but nobody knows"),
        pytest.param(["before", "after", "before"], id="several times"),
        pytest.param(["", "before"], id="on an old document, never written"),
        pytest.param(["", "after"], id="on an old document, written"),
    ],
)
async def test_F_DB_05_a_lost_store_loses_no_use_and_counts_none_twice(
    idp: Idp, clock: Clock, faults: Sequence[str]
) -> None:
    """Uses that come meanwhile are added, too."""
    lossy = Lossy(idp.installation.store.secrets)
    usage = SecretUsage(lossy, now=clock)  # type: ignore[arg-type]
    await idp.add_client()
    client = await idp.change_client("billing")
    (secret,) = client.secrets
    lossy.faults = list(faults)
    noted = 0
    for fault in faults:
        usage.note("billing", secret.id, "10.0.0.7")
        noted += 1
        if fault:
            with pytest.raises(StoreUnavailable):
                await usage.flush()
        else:
            await usage.flush()
        assert (await usage.of(client))[secret.id].uses == noted
    usage.note("billing", secret.id, "10.0.0.7")
    await usage.flush()
    await usage.flush()
    fresh = SecretUsage(idp.installation.store.secrets, now=clock)
    assert (await fresh.of(client))[secret.id] == Usage(NOW, noted + 1, "10.0.0.7")


async def test_F_CA_02_counters_are_bounded(idp: Idp, clock: Clock) -> None:
    """However many secrets are used while the store is away."""
    usage = SecretUsage(idp.installation.store.secrets, now=clock)
    for number in range(10_100):
        usage.note("billing", f"s{number}", "")
    assert len(usage._tallies) == 10_000


async def test_a_damaged_document_keeps_no_other_use_out(idp: Idp, clock: Clock) -> None:
    """It is counted anew, and an id that no store can hold is forgotten."""
    secrets = idp.installation.store.secrets
    await secrets.insert("bad", {"client_id": "billing", "uses": "many", "last_used_at": []})
    usage = SecretUsage(secrets, now=clock)
    for secret_id in ("", "bad", "good"):
        usage.note("billing", secret_id, "")
    await usage.flush()
    assert not usage._tallies
    for secret_id in ("bad", "good"):
        stored = await secrets.get(secret_id)
        assert stored is not None
        assert (stored.document["uses"], stored.document["last_used_at"]) == (1, NOW)


async def test_a_leaked_secret_is_ended(idp: Idp) -> None:
    """By its id; the others of the client go on, and a second report finds nothing."""
    old = await idp.add_client()
    commands = idp.secret_commands()
    leaked = (await commands.add("billing")).value
    assert await commands.report_leaked(leaked)
    assert await statuses(idp, old, leaked) == [200, 401]
    assert not await commands.report_leaked(leaked)


async def test_what_is_no_secret_of_ours_is_not_even_looked_up(idp: Idp) -> None:
    """The checksum says so, without the store."""
    closed = store_of(idp.installation.settings)
    await closed.close()
    usage = SecretUsage(closed.secrets, now=lambda: NOW)
    commands = SecretCommands(closed, usage, now=lambda: NOW, **acting(closed))
    for text in ("", "x" * 5000, OWN, generate_secret().value[:-1] + "-"):
        assert not await commands.report_leaked(text)


async def test_an_id_alone_ends_nothing(idp: Idp) -> None:
    """The secret itself has to be known."""
    commands = idp.secret_commands()
    await idp.add_client()
    right = await commands.add("billing")
    assert not await commands.report_leaked(forged_with(right.id))
    assert await status_of(idp, right.value) == 200


def forged_with(secret_id: str) -> str:
    """A well-formed secret of that id."""
    body = f"apogee_{secret_id}_{'0' * 43}"
    return f"{body}_{checksum(body)}"


async def test_the_first_secret_of_a_client_leads_to_it_without_a_search(idp: Idp) -> None:
    """So any number of them can be reported at once."""
    leaked = [await idp.add_client(client_id) for client_id in ("billing", "ledger", "shop")]
    commands = idp.secret_commands()
    ended = [await commands.report_leaked(secret) for secret in leaked]
    assert ended == [("billing",), ("ledger",), ("shop",)]


async def test_secrets_of_an_earlier_version_are_searched_for_once_in_ten_seconds(
    idp: Idp, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through all clients: for any number of reports, at once or one after the other."""
    secrets = [await idp.add_client(client_id) for client_id in ("billing", "ledger", "shop")]
    for secret in secrets:
        assert await idp.installation.store.secrets.delete(id_of(secret))
    commands = idp.secret_commands()
    searches = counted_lists(idp, monkeypatch)
    unknown = [commands.report_leaked(generate_secret().value) for _ in range(20)]
    assert set(await asyncio.gather(*unknown)) == {()}
    assert await commands.report_leaked(secrets[0]) == ("billing",)
    clock.now = NOW + 9
    assert await commands.report_leaked(secrets[1]) == ("ledger",)
    assert await commands.report_leaked(secrets[0]) == ()
    assert len(searches) == 1
    clock.now = NOW + 10
    assert await commands.report_leaked(secrets[2]) == ("shop",)
    assert len(searches) == 2
    assert await statuses(idp, *secrets) == [401, 401, 401]


async def test_a_search_that_failed_is_begun_again(
    idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waited for it is told, and nobody after that."""
    leaked = await idp.add_client()
    assert await idp.installation.store.secrets.delete(id_of(leaked))
    commands = idp.secret_commands()

    async def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(type(idp.installation.store.applications), "list", failing_for(idp, fail))
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await commands.report_leaked(leaked)
    assert await commands.report_leaked(leaked) == ("billing",)


async def test_a_leaked_secret_that_clients_share_ends_for_all(idp: Idp) -> None:
    """Whether its id leads to them, or they have to be searched for."""
    for registered in (True, False):
        clients = [f"{name}-{registered}".lower() for name in ("billing", "ledger")]
        shared = generate_secret().value
        for client_id in clients:
            await idp.add_client(client_id, secret=shared)
        if not registered:
            await idp.installation.store.secrets.delete(id_of(shared))
            await idp.installation.store.secrets.delete(f"{id_of(shared)}/{clients[1]}")
        assert await idp.secret_commands().report_leaked(shared) == tuple(clients)
        for client_id in clients:
            assert (await idp.grant(client_id, shared)).status == 401


def counted_lists(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows by one for each page of clients that is read."""
    applications = idp.installation.store.applications
    listed, calls = type(applications).list, []

    async def counting(self: Any, **options: Any) -> Any:
        if self is applications:
            calls.append(options)
        return await listed(self, **options)

    monkeypatch.setattr(type(applications), "list", counting)
    return calls


def failing_for(idp: Idp, fail: Any) -> Any:
    """``list`` that fails for the clients alone."""
    applications = idp.installation.store.applications
    listed = type(applications).list

    async def method(self: Any, **options: Any) -> Any:
        return await (fail() if self is applications else listed(self, **options))

    return method


async def test_A_MG_06_a_leaked_secret_ends_while_the_client_is_changed(
    idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever else writes to it; none of their changes is lost."""
    await idp.add_client()
    commands: SecretCommands = idp.secret_commands()
    leaked = (await commands.add("billing")).value
    applications = idp.installation.store.applications
    replace, rivals = applications.replace, [1, 2, 3]

    async def replace_after_a_rival(key: str, changes: Any, *, version: str) -> str:
        if rivals:
            rival = {"display_name": f"rival {rivals.pop()}"}
            await replace(key, rival, version=version)
            raise Conflict("applications")
        return await replace(key, changes, version=version)

    monkeypatch.setattr(type(applications), "replace", replaced_by(replace_after_a_rival))
    assert await commands.report_leaked(leaked)
    monkeypatch.undo()
    client = await idp.change_client("billing")
    assert (client.display_name, len(client.secrets)) == ("rival 1", 1)


def replaced_by(function: Any) -> Any:
    async def method(_: Any, *args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return method
