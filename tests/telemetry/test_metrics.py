"""What Prometheus reads is what happened, and never what callers made up."""

from __future__ import annotations

import asyncio
import random
import re
import string
from collections.abc import Callable

import aiohttp
import pytest

from apogee_idp import ProcessSignIn, Registry, Services, Stage
from apogee_idp.telemetry.catalogue import BOUNDS, CATALOGUE
from tests.acting import TESTER
from tests.packaging.test_documents import text_of

from .conftest import Observed, Scrape, StartObserved

TOKEN = "/connect/token"
METHODS = ("PROPFIND", "MKCOL", "REPORT", "SEARCH", "LOCK", "PURGE", "TRACE", "B4D")


async def test_a_grant_is_counted_from_request_to_store(observed: Observed) -> None:
    """Each part of it under its own name, as often as it happened."""
    secret = await observed.idp.add_client()
    before = await observed.scrape()
    for _ in range(3):
        assert (await observed.idp.grant("billing", secret)).status == 200
    after = await observed.scrape()

    def grown(name: str, **labels: str) -> float:
        return after.value(name, **labels) - before.value(name, **labels)

    assert grown("apogee_requests_total", route=TOKEN, method="POST", status="2xx") == 3
    assert grown("apogee_request_seconds_count", route=TOKEN) == 3
    assert grown("apogee_grants_total", grant_type="client_credentials", outcome="issued") == 3
    handled = {"event": "ProcessSignIn", "handler": "validate_client"}
    assert grown("apogee_handler_seconds_count", **handled) == 3
    assert grown("apogee_handler_seconds_sum", **handled) > 0
    written = {"event": "GenerateToken", "handler": "write_token"}
    assert grown("apogee_handler_seconds_count", **written) == 3
    assert grown("apogee_cache_lookups_total", cache="applications", outcome="miss") == 1
    assert grown("apogee_cache_lookups_total", cache="applications", outcome="hit") >= 2
    assert after.value("apogee_requests_in_flight") == 0


@pytest.mark.parametrize(
    ("form", "grant_type", "outcome"),
    [
        pytest.param({"scope": "ping admin"}, "client_credentials", "invalid_scope", id="scope"),
        pytest.param({"client_secret": "x"}, "client_credentials", "invalid_client", id="secret"),
        pytest.param({"grant_type": "password"}, "other", "unsupported_grant_type", id="unknown"),
        pytest.param({"grant_type": ""}, "other", "invalid_request", id="none"),
    ],
)
async def test_refused_grants_are_counted_by_their_error(
    observed: Observed, form: dict[str, str], grant_type: str, outcome: str
) -> None:
    """Under the type that was asked for, if there is such a one."""
    secret = await observed.idp.add_client()
    refused = await observed.idp.grant("billing", secret, **form)
    assert refused.error == outcome
    found = await observed.scrape()
    assert found.value("apogee_grants_total", grant_type=grant_type, outcome=outcome) == 1
    assert found.value("apogee_grants_total", grant_type=grant_type, outcome="issued") == 0


async def test_errors_that_only_a_plugin_knows_are_others(start_observed: StartObserved) -> None:
    """Whoever writes a plugin may name what he likes; the labels stay few."""
    from apogee_idp import OAuthError

    class TooEarly(OAuthError):
        code = "too_early"

    async def refuse(event: ProcessSignIn) -> None:
        raise TooEarly("Come back later.")

    def register(registry: Registry, services: Services) -> None:
        registry.add(ProcessSignIn, refuse, name="refuse", order=Stage.SET_SCOPES + 1)

    observed = await start_observed(register=register)
    secret = await observed.idp.add_client()
    assert (await observed.idp.grant("billing", secret)).error == "too_early"
    found = await observed.scrape()
    counted = {"grant_type": "client_credentials", "outcome": "other"}
    assert found.value("apogee_grants_total", **counted) == 1


async def test_a_request_is_in_flight_until_it_is_answered(start_observed: StartObserved) -> None:
    """Seen from the other port meanwhile."""
    entered, leave = asyncio.Event(), asyncio.Event()

    async def wait(event: ProcessSignIn) -> None:
        entered.set()
        await leave.wait()

    def register(registry: Registry, services: Services) -> None:
        registry.add(ProcessSignIn, wait, name="wait", order=Stage.SET_SCOPES + 1)

    observed = await start_observed(register=register)
    secret = await observed.idp.add_client()
    asking = asyncio.create_task(observed.idp.grant("billing", secret))
    await entered.wait()
    assert (await observed.scrape()).value("apogee_requests_in_flight") == 1
    leave.set()
    assert (await asking).status == 200
    assert (await observed.scrape()).value("apogee_requests_in_flight") == 0


async def test_bytes_that_are_no_request_are_refusals(observed: Observed) -> None:
    """They have no route."""
    assert (await observed.idp.send_raw(b"NONSENSE\r\n\r\n")).status == 400
    found = await observed.scrape()
    assert found.value("apogee_requests_refused_total", reason="malformed_http") == 1


async def test_keys_tell_their_age_and_their_end(observed: Observed) -> None:
    """Of each algorithm one signs, and it is known until when."""
    found = await observed.scrape()
    for algorithm in ("RS256", "ES256", "RSA-OAEP"):
        assert found.value("apogee_keys", algorithm=algorithm, state="active") == 1
        since = found.value("apogee_key_active_since_timestamp_seconds", algorithm=algorithm)
        until = found.value("apogee_key_next_rotation_timestamp_seconds", algorithm=algorithm)
        assert until - since == observed.idp.installation.settings.key_active_seconds


async def test_commands_are_timed_as_other_handlers(start_observed: StartObserved) -> None:
    """Their events have names, too."""
    from apogee_idp import AddClient

    async def look(command: AddClient) -> None:
        return None

    def register(registry: Registry, services: Services) -> None:
        registry.add(AddClient, look, name="look", order=1)

    observed = await start_observed(register=register)
    from apogee_idp.management.registrations import ClientRegistration

    clients = observed.idp.installation.management.clients(TESTER)
    await clients.add(ClientRegistration("billing"))
    found = await observed.scrape()
    assert found.value("apogee_handler_seconds_count", event="AddClient", handler="look") == 1
    written = {"collection": "audit", "operation": "insert"}
    assert found.value("apogee_store_seconds_count", **written) >= 1


@pytest.fixture
def odd(seed: int) -> Callable[[int], str]:
    """Makes texts of some length, always others."""
    chance = random.Random(seed)
    return lambda length: "".join(chance.choices(string.ascii_letters + string.digits, k=length))


async def test_A_DOS_05_no_caller_makes_series(
    observed: Observed, long: Callable[[int, int], int], odd: Callable[[int], str]
) -> None:
    """Any number of odd paths, methods, grant types and client ids leave as many as a few do."""
    secret = await observed.idp.add_client()

    async def once(session: aiohttp.ClientSession, number: int) -> None:
        form = {"grant_type": odd(8), "client_id": odd(12), "client_secret": odd(30)}
        match number % 4:
            case 0:
                asked = session.get(f"{observed.idp.url}/{odd(12)}/{odd(5)}")
            case 1:
                asked = session.request(
                    METHODS[number // 4 % len(METHODS)], f"{observed.idp.url}{TOKEN}"
                )
            case 2:
                asked = session.post(f"{observed.idp.url}{TOKEN}", data=form)
            case _:
                asked = session.get(f"{observed.idp.url}/connect/interaction/{odd(20)}")
        async with asked as answer:
            await answer.read()

    async def many(count: int) -> Scrape:
        async with aiohttp.ClientSession() as session:
            for first in range(0, count, 40):
                await asyncio.gather(*(once(session, first + n) for n in range(40)))
        await observed.idp.grant("billing", secret)
        return await observed.scrape()

    few = await many(40)
    later = await many(long(2_000, 10_000))
    assert {s for s in few.samples if "store" not in s[0]} == {
        s for s in later.samples if "store" not in s[0]
    }
    assert later.labels("apogee_requests_total", "method") == {"GET", "POST", "other"}
    assert later.labels("apogee_requests_total", "route") <= {
        "unknown",
        TOKEN,
        "/connect/interaction/{handle}",
    }
    assert later.labels("apogee_grants_total", "grant_type") == {"client_credentials", "other"}


async def test_A_SEC_01_no_secret_becomes_a_label(observed: Observed) -> None:
    """Wherever a caller puts it."""
    secret = await observed.idp.add_client()
    await observed.idp.grant("billing", secret, grant_type=secret, scope=secret)
    await observed.idp.send("GET", f"/{secret}?x={secret}", headers={"X-Odd": secret})
    text = str((await observed.scrape()).samples)
    assert secret not in text
    assert "billing" not in text


async def test_every_metric_is_documented_and_every_documented_one_is_there(
    observed: Observed,
) -> None:
    """README's table has names, types and labels as they are scraped."""
    rows = re.findall(
        r"^\| `(apogee_\w+)` \| (counter|gauge|histogram) \| (.*?) ?\|",
        text_of("README.md"),
        re.MULTILINE,
    )
    told = {(name, kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    scraped = {
        (family.name + ("_total" if family.type == "counter" else ""), family.type)
        for family in (await observed.scrape()).families
    }
    assert {(name, kind) for name, kind, _ in told} == scraped
    assert told == {
        (m.name + ("_total" if m.kind == "counter" else ""), m.kind, m.labels)
        for m in CATALOGUE.values()
    }


async def test_OpenMetrics_is_for_whoever_prefers_it(
    observed: Observed, http: aiohttp.ClientSession
) -> None:
    """As Prometheus itself does."""
    settings = observed.idp.installation.settings
    accept = {"Accept": "application/openmetrics-text;version=1.0.0"}
    url = f"http://127.0.0.1:{settings.health_port}/metrics"
    async with http.get(url, headers=accept) as answer:
        assert answer.content_type == "application/openmetrics-text"
        assert (await answer.text()).endswith("# EOF\n")


async def test_the_public_port_has_no_metrics(observed: Observed) -> None:
    """Only the port of probes."""
    assert (await observed.idp.send("GET", "/metrics")).status == 404


async def test_histograms_add_up(observed: Observed) -> None:
    """Every bucket has what the ones before it have, and the last all."""
    secret = await observed.idp.add_client()
    await observed.idp.grant("billing", secret)
    found = await observed.scrape()
    labels = {"route": TOKEN}
    buckets = [
        found.value("apogee_request_seconds_bucket", **labels, le=limit)
        for limit in [*map(str, BOUNDS), "+Inf"]
    ]
    assert buckets == sorted(buckets)
    assert buckets[-1] == found.value("apogee_request_seconds_count", **labels) == 1
