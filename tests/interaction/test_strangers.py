"""A-DOS-06: what is kept for those who have not signed in yet is bounded."""

from __future__ import annotations

import pytest

from apogee_idp.web import rate_limit
from apogee_idp.web.rate_limit import Rate
from tests.clock import Clock
from tests.conftest import StartIdp

from .conftest import CALLBACK, CHALLENGE, Site, address

FREE = 3
ADDRESSES = [
    pytest.param(address(), id="/connect/authorize"),
    *("/connect/logout", "/account", "/account/second-factor", "/console/sign-in"),
]


@pytest.fixture
async def site(start_idp: StartIdp, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A server that keeps three requests of each source, and hardly any more later."""
    monkeypatch.setattr(rate_limit, "_STRANGER", Rate(at_once=FREE, per_second=0.001))
    clock = Clock()
    idp = await start_idp(clock=clock, trusted_proxies=("127.0.0.1",))
    site = Site(idp, clock)
    await site.add_app()
    return site


async def kept(site: Site) -> int:
    """How many requests wait."""
    return len((await site.idp.installation.store.interactions.list()).items)


@pytest.mark.parametrize("url", ADDRESSES)
async def test_A_DOS_06_a_source_fills_no_store(site: Site, url: str) -> None:
    """Behind so many, a page tells it to come back later; others are not kept out."""
    for _ in range(FREE):
        assert (await site.browser().get(url)).status == 303
    refused = await site.browser().get(url)
    assert (refused.status, refused.title) == (429, "This can't be done")
    assert int(refused.answer.headers["Retry-After"]) > 100
    assert await kept(site) == FREE
    other = await site.browser().get(url, **{"X-Forwarded-For": "203.0.113.7"})
    assert other.status == 303


async def test_A_DOS_06_forms_of_other_sites_count_as_well(site: Site) -> None:
    """They come without cookies."""
    path, _, query = address().partition("?")
    statuses = [(await site.browser().post(path, query)).status for _ in range(FREE + 1)]
    assert statuses == [303] * FREE + [429]


async def test_A_DOS_06_pushed_requests_of_clients_without_a_secret(site: Site) -> None:
    """429, as JSON; those that have proven who they are are not counted."""
    await site.add_app("public", client_type="public", endpoints=())
    request = {
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }

    async def push(client_id: str) -> int:
        form = request | {"client_id": client_id}
        if secret := site.idp.secrets.get(client_id):
            form |= {"client_secret": secret}
        return (await site.idp.send("POST", "/connect/par", data=form)).status

    assert [await push("public") for _ in range(FREE + 1)] == [201] * FREE + [429]
    assert [await push("app") for _ in range(FREE + 1)] == [201] * (FREE + 1)
