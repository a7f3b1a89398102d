"""A-SEC-01: the canary through everything that has a secret, and into every output at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pymongo
import pytest

from apogee_idp import (
    GenerateToken,
    ProcessAuthorization,
    ProcessEndSession,
    ProcessIntrospection,
    ProcessPushedAuthorization,
    ProcessRevocation,
    ProcessSignIn,
    ProcessUserInfo,
    Registry,
    Services,
    TokenProfile,
    ValidateToken,
)
from apogee_idp.crypto.signing import generate_private_key
from apogee_idp.model import frozen
from tests.api.conftest import new_admin
from tests.api.console import Console, add_person
from tests.assertions.test_private_key_jwt import Signer, public
from tests.canary import HEARD, OPERATORS_SECRET, at_rest, findings_in
from tests.clock import Clock
from tests.conftest import StartIdp
from tests.interaction.conftest import EMAIL, PASSWORD, Site, address
from tests.interaction.test_pushed import pushed, visit
from tests.interaction.test_user_info import ask
from tests.process import free_port

from .collector import Collector
from .conftest import Observed

EVENTS = (
    *(ProcessSignIn, GenerateToken, ValidateToken, ProcessAuthorization, ProcessEndSession),
    *(ProcessIntrospection, ProcessPushedAuthorization, ProcessRevocation, ProcessUserInfo),
)
PLACES = {
    *("client_secret", "client_assertion", "code", "code_verifier", "refresh_token", "password"),
    *("access_token", "id_token", "Authorization", "the cookie __Host-apogee_session"),
}
BOSS = "boss@example.com"
WRONG = "a password that nobody has chosen"


@pytest.fixture(params=["sqlite", "mongodb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def people(site: Site) -> None:
    """Sign-ins that succeed and that fail, and all that follows from them."""
    browser = site.browser()
    uri = await pushed(site, scope="openid offline_access", code_verifier="v" * 43)
    page = await visit(browser, uri)
    await page.sign_in(EMAIL, WRONG)
    page = await browser.follow(await page.sign_in(EMAIL, PASSWORD))
    code = (await page.allow()).parameters["code"]
    assert (await site.redeem(code, code_verifier="w" * 43)).error == "invalid_grant"
    first = (await site.redeem(code)).json
    assert (await ask(site, first["access_token"])).status == 200
    assert (await ask(site, first["access_token"] + "x")).status == 401
    second = (await site.refresh(first["refresh_token"])).json
    for endpoint in ("introspect", "revoke"):
        await site.idp.present(endpoint, second["refresh_token"], "app", site.idp.secrets["app"])
    site.clock.now += 60
    assert (await site.refresh(first["refresh_token"])).error == "invalid_grant"
    assert (await site.redeem(code)).error == "invalid_grant"
    await site.browser().get(address(code_verifier="v" * 43, client_secret=OPERATORS_SECRET))
    await browser.get("/account")
    await browser.get(f"/connect/logout?id_token_hint={first['id_token']}")


async def machines(site: Site) -> None:
    """Each kind of credentials and of token, right and wrong, and a fault beside them."""
    idp = site.idp
    opaque = await idp.add_client("opaque", token_profile=TokenProfile(reference=True))
    own = await idp.add_client("own", secret=OPERATORS_SECRET, skip_token_encryption=True)
    for client_id, secret in (("opaque", opaque), ("own", own), ("own", opaque), ("nobody", own)):
        await idp.grant(client_id, secret)
        await idp.ask({"grant_type": "client_credentials"}, basic=(client_id, secret))
    await idp.ask(f"grant_type=client_credentials&client_secret={own}&client_secret={own}")
    await idp.send("GET", f"/connect/token?client_secret={own}")
    assert (await idp.grant("opaque", opaque, scope="fault")).status == 500
    key = generate_private_key("RS256")
    await idp.add_client()
    await idp.change_client("billing", secrets=(), jwks=frozen(public(key)))
    signer = Signer(idp, key, [site.clock.now])
    assertion = signer.assertion()
    await signer.passes(assertion)
    await signer.refuses(assertion)


async def administrators(site: Site) -> None:
    """What makes secrets, and all that can be read behind it."""
    admin = await new_admin(site.idp)
    made = await admin.call("POST", "/clients", {"client_id": "shop"})
    assert made.status == 201
    assert (await admin.call("POST", "/clients/shop/secrets", {"name": "next"})).status == 201
    await admin.call("POST", "/clients", {"client_id": "shop"})
    await admin.call("POST", "/leaked-secrets", {"secrets": [made.json["client_secret"]]})
    await add_person(site.idp, BOSS, "usr_" + "B" * 22)
    console = await Console.opened(site.idp, email=BOSS)
    for path in ("/clients", "/clients/shop", "/clients/shop/secrets", "/audit", "/users", "/keys"):
        for answer in (await admin.call("GET", path), await console.call("GET", path)):
            assert answer.status == 200, path


def kept(url: str) -> str:
    """All documents of a MongoDB database, as text."""
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        database = client[urlsplit(url).path.strip("/")]
        names = database.list_collection_names()
        return repr([document for name in names for document in database[name].find()])


def living() -> Iterator[object]:
    """Every object of a dataclass of ours, events included."""
    for thing in gc.get_objects():
        kind = type(thing)
        if str(kind.__module__).startswith("apogee_idp.") and is_dataclass(kind):
            yield thing


class Keeper:
    """A plugin that keeps every event, and raises an error that quotes all where it is asked to."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def register(self, registry: Registry, _: Services) -> None:
        for kind in EVENTS:
            registry.add(kind, self._keep, name="keep", order=1)
        registry.add(ProcessSignIn, self._fail, name="fail", order=2)

    async def _keep(self, event: Any) -> None:
        self.seen.append(event)

    async def _fail(self, event: ProcessSignIn) -> None:
        if event.request.scope == "fault":
            raise RuntimeError(f"{event!r} {[*HEARD]}")


async def test_A_SEC_01_A_SEC_04_no_output_has_what_went_through(
    collector: Collector, start_idp: StartIdp, http: aiohttp.ClientSession
) -> None:
    """Answers and logs are read in all tests; here spans, metrics, store and every repr as well."""
    others = list(living())  # of tests before this one; kept, so that no id is given twice
    keeper, port, clock = Keeper(), free_port(), Clock()
    idp = await start_idp(clock=clock, traces="otlp", health_port=port, register=keeper.register)
    site = Site(idp, clock)
    await site.add_app(scopes=("invoices.read",))
    await site.add_user()
    for part in (people, machines, administrators):
        await part(site)
    assert {type(event) for event in keeper.seen} == set(EVENTS)
    assert set(HEARD.values()) >= PLACES

    await Observed(idp, port, http).scrape()
    assert await collector.trace_of("GET /api/v1/keys")
    store = idp.installation.settings.store
    if store.startswith("mongodb"):
        assert at_rest(kept(store)) == []
    known = set(map(id, others))
    ours = [thing for thing in living() if id(thing) not in known]
    assert [type(thing).__name__ for thing in ours if findings_in(repr(thing))] == []
